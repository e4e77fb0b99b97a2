import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { UpstreamError } from "../errors.ts";
import type { KeySource } from "../settings.ts";
import { getJson } from "./get-json.ts";
import { tokenNotCheckable } from "./refusals.ts";

/** How long a fetched key set is used before it is fetched anew, in ms: a withdrawn key is refused after it. */
const MAX_AGE = 10 * 60_000;

/** The shortest time between two fetches, in ms, whether they succeed or not. */
const COOL_DOWN = 30_000;

/**
 * Returns jose's key lookup, by `kid`, for an issuer's key set.
 *
 * Keys behind an address are fetched anew for an unknown `kid`, as issuers rotate them, but at most every 30 s,
 * so that tokens with invented ids cannot make the service flood its issuer.
 *
 * @throws errors.JWKSNoMatchingKey when the issuer has no such key
 * @throws ServiceError `unavailable` when the issuer cannot be asked
 */
export function keySet(source: KeySource): JWTVerifyGetKey {
  return "url" in source
    ? new RemoteKeySet(source.url).find
    : createLocalJWKSet(source.keys as JSONWebKeySet);
}

/** A key set behind an address: fetched when first needed, when it is old, and for a key it does not hold. */
class RemoteKeySet {
  readonly #url: URL;
  #find: JWTVerifyGetKey | undefined;
  #fetched = Number.NEGATIVE_INFINITY;
  #tried = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #fetching: Promise<void> | undefined;

  constructor(url: URL) {
    this.#url = url;
  }

  async #fetch(): Promise<void> {
    this.#tried = Date.now();
    try {
      this.#find = await fetchKeys(this.#url);
      this.#fetched = Date.now();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Fetches, unless that was tried a moment ago; many callers share one fetch. */
  async #refresh(): Promise<void> {
    if (!this.#fetching && Date.now() - this.#tried < COOL_DOWN) return;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    await this.#fetching;
  }

  readonly find: JWTVerifyGetKey = async (header, token) => {
    // An issuer that is down does not lock out the holders of good tokens: an old set serves until it is back.
    if (!this.#find || Date.now() - this.#fetched > MAX_AGE) await this.#refresh();
    const before = this.#find;
    try {
      if (before) return await before(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
    }
    if (this.#failure || !this.#find) throw tokenNotCheckable(this.#failure);
    return this.#find(header, token);
  };
}

async function fetchKeys(url: URL): Promise<JWTVerifyGetKey> {
  const { status, document } = await getJson(url);
  if (status !== 200) throw new UpstreamError(status);
  return createLocalJWKSet(document as JSONWebKeySet);
}
