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
  /** A name that gives nothing of the key away. */
  name: string;
}

/** The keys of signed links: the first one signs, all of them verify. */
export type LinkKeys = readonly [LinkKey, ...LinkKey[]];

/** A new key is known everywhere after 5 minutes; links that no key verifies read the keys at most every 10 s. */
const TIMES = { maxAge: 5 * 60_000, coolDown: 10_000 };

/** The shortest key, in characters. */
const MIN_LENGTH = 32;

const SOURCE = linkKeySource();

const keys = new RemoteValue(readKeys, TIMES);

/** The keys, read from where they are kept within the last 5 minutes. @throws ServiceError `unavailable` */
export async function linkKeys(): Promise<LinkKeys> {
  return keys.get().catch(refuse);
}

/** The keys, read within the last 10 s. @throws ServiceError `unavailable` */
export async function latestLinkKeys(): Promise<LinkKeys> {
  return keys.renewed().catch(refuse);
}

function refuse(cause: unknown): never {
  throw new ServiceError("unavailable", "Signed links cannot be made or checked at the moment.", {
    cause,
    part: "links",
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

/** A key out of its text. @throws Error for a short one, without it */
function linkKey(text: string): LinkKey {
  if (text.length < MIN_LENGTH)
    throw new Error(`A key of signed links has less than ${MIN_LENGTH} characters.`);
  return {
    key: createSecretKey(text, "utf8"),
    name: hash("sha256", `name of ${text}`, "base64url").slice(0, 8),
  };
}

let client: SecretsManagerClient | undefined;

/** The client of Secrets Manager, made when it is first needed. Two tries take no longer than the check of a token may. */
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
