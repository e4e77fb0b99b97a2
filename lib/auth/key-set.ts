import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { UpstreamError } from "../errors.ts";
import { RemoteValue } from "../remote-value.ts";
import type { KeySource } from "../settings.ts";
import { getJson } from "./get-json.ts";
import { tokenNotCheckable } from "./refusals.ts";

/** The age at which keys are read again, and the shortest time between reads that unknown key ids cause, in ms. */
const TIMES = { maxAge: 10 * 60_000, coolDown: 30_000 };

/**
 * The lookup of an issuer's keys by `kid`, for jose.
 *
 * Keys from an address are fetched again after 10 minutes, and for an unknown `kid`, since issuers rotate them: at most
 * every 30 s, so that tokens with invented ids do not flood the issuer. While the issuer is down, the old keys stay in
 * use.
 * @returns a function that throws `errors.JWKSNoMatchingKey` for an unknown key, and ServiceError `unavailable` if the
 *   issuer does not answer
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
