import { createSecretKey, hash, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ServiceError } from "../errors.ts";
import { RemoteValue } from "../remote-value.ts";
import { linkKeySource } from "../settings.ts";
import { ATTEMPT_TIMEOUT_MS, CONNECT_TIMEOUT_MS } from "../times.ts";

/** A key of signed links. */
export interface LinkKey {
  key: KeyObject;
  /** A name that reveals nothing of the key. */
  name: string;
}

/** The keys of signed links: the first one signs, all of them verify. There is at least one. */
export type LinkKeys = readonly [LinkKey, ...LinkKey[]];

/** The age at which keys are read again, and the shortest time between reads that unknown signatures cause, in ms. */
const TIMES = { maxAge: 5 * 60_000, coolDown: 10_000 };

/** The shortest key, in characters. */
const MIN_LENGTH = 32;

const SOURCE = linkKeySource();

const keys = new RemoteValue(readKeys, TIMES);

let client: SecretsManagerClient | undefined;

/** The keys, read again after 5 minutes; the old ones stay in use while that fails. @throws ServiceError `unavailable` */
export async function linkKeys(): Promise<LinkKeys> {
  return keys.get().catch(refuse);
}

/** The keys, at most 10 s old. @throws ServiceError `unavailable` */
export async function latestLinkKeys(): Promise<LinkKeys> {
  return keys.renewed().catch(refuse);
}

function refuse(cause: unknown): never {
  throw new ServiceError("unavailable", "Signed links cannot be made or checked at the moment.", {
    cause,
    dependency: "links",
  });
}

async function readKeys(): Promise<LinkKeys> {
  const texts = (await storedKeys()).split(",").map((text) => text.trim());
  const [first, ...others] = texts.filter((text) => text !== "").map(linkKey);
  if (!first) throw new Error("There is no key of signed links.");
  return [first, ...others];
}

async function storedKeys(): Promise<string> {
  if ("file" in SOURCE) return readFile(SOURCE.file, "utf8");
  const { SecretString } = await secrets().send(new GetSecretValueCommand({ SecretId: SOURCE.secret }));
  return SecretString ?? "";
}

/** @throws Error for a short key; its message does not hold the key */
function linkKey(text: string): LinkKey {
  if (text.length < MIN_LENGTH)
    throw new Error(`A key of signed links has less than ${MIN_LENGTH} characters.`);
  return {
    key: createSecretKey(text, "utf8"),
    name: hash("sha256", `name of ${text}`, "base64url").slice(0, 8),
  };
}

/** The client of Secrets Manager, made at its first use. Its two attempts take no longer than a token check may. */
function secrets(): SecretsManagerClient {
  client ??= new SecretsManagerClient({
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: ATTEMPT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return client;
}
