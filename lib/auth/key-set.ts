import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { UpstreamError } from "../errors.ts";
import { RemoteValue } from "../remote-value.ts";
import type { KeySource } from "../settings.ts";
import { getJson } from "./get-json.ts";
import { tokenNotCheckable } from "./refusals.ts";

/** A withdrawn key is refused after 10 minutes; tokens with invented ids ask an issuer at most every 30 s. */
const TIMES = { maxAge: 10 * 60_000, coolDown: 30_000 };

/**
 * Returns jose's key lookup, by `kid`, for an issuer's key set.
 *
 * Keys behind an address are fetched anew for an unknown `kid`, as issuers rotate them, but at most every 30 s,
 * so that tokens with invented ids cannot make the service flood its issuer. An issuer that is down does not lock out
 * the holders of good tokens: an old set serves until it is back.
 *
 * @throws errors.JWKSNoMatchingKey when the issuer has no such key
 * @throws ServiceError `unavailable` when the issuer cannot be asked
 */
export function keySet(source: KeySource): JWTVerifyGetKey {
  return "url" in source ? remoteKeySet(source.url) : createLocalJWKSet(source.keys as JSONWebKeySet);
}

function remoteKeySet(url: URL): JWTVerifyGetKey {
  const keys = new RemoteValue(() => fetchKeys(url), TIMES);
  return async (header, token) => {
    const find = await keys.get().catch(refuse);
    try {
      return await find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const renewed = await keys.renewed().catch(refuse);
      return renewed(header, token);
    }
  };
}

function refuse(cause: unknown): never {
  throw tokenNotCheckable(cause);
}

async function fetchKeys(url: URL): Promise<JWTVerifyGetKey> {
  const { status, document } = await getJson(url);
  if (status !== 200) throw new UpstreamError(status);
  return createLocalJWKSet(document as JSONWebKeySet);
}
