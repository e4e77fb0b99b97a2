import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from "node:crypto";

type Bytes = ArrayBuffer | ArrayBufferView;

/** Keys as Node's key objects, each for as long as whoever gave its bytes keeps them. */
const keys = new WeakMap<Bytes, KeyObject>();

const keyOf = (secret: Bytes): KeyObject => {
  const key = keys.get(secret) ?? createSecretKey(secret as NodeJS.ArrayBufferView);
  keys.set(secret, key);
  return key;
};

/**
 * SHA-256 for the SDK's signatures (its `sha256` option), an HMAC where it is given a key. The SDK's own hands a key to
 * Node as bytes with every call, and Node takes five times as long as for the HMAC to find out that they are not a key
 * object. The SDK keeps a day's signing key; so does the key object made of it.
 */
export class Sha256 {
  readonly #secret: string | Bytes | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | Bytes) {
    this.#secret = secret;
    this.#hash = this.#begun();
  }

  #begun(): Hash | Hmac {
    if (this.#secret === undefined) return createHash("sha256");
    return createHmac("sha256", typeof this.#secret === "string" ? this.#secret : keyOf(this.#secret));
  }

  /** Adds a chunk. */
  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  /** The 32 bytes, after which nothing can be added. */
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  /** Begins anew, with the same key. */
  reset(): void {
    this.#hash = this.#begun();
  }
}
