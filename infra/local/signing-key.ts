import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";

const FOLDER = new URL("../../.local/", import.meta.url);
const SIGNING_KEY = new URL("signing-key.json", FOLDER);
const LINK_KEY = new URL("link-key", FOLDER);
const ALGORITHM = "ES256";

/** The issuer and the audience of the tokens that the service accepts on this machine, signed by a key made here. */
export const ISSUER = "https://software-deployments.localhost";
export const AUDIENCE = "software-deployments";

/**
 * Signs a development token.
 * @param project the id of the project the token is for
 * @param roles the names of its roles
 * @param expiresIn seconds until it ends
 */
export async function signToken(project: string, roles: string[], expiresIn: number): Promise<string> {
  const key = await signingKey();
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ project_id: project, roles })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid ?? "", typ: "JWT" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(now)
    .setExpirationTime(now + expiresIn)
    .sign(await importJWK(key, ALGORITHM));
}

/** The key set that verifies development tokens: the public half of the signing key. */
export async function publicKeySet(): Promise<{ keys: JWK[] }> {
  const { d: _, ...publicKey } = await signingKey();
  return { keys: [publicKey] };
}

/** The file that holds the key of servers' links on this machine. */
export function linkKeyFile(): Promise<URL> {
  return secretFile(LINK_KEY, randomBytes(48).toString("base64url"));
}

async function signingKey(): Promise<JWK> {
  return JSON.parse(await readFile(await secretFile(SIGNING_KEY, JSON.stringify(await newKey())), "utf8"));
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: ALGORITHM, use: "sig" };
}

/**
 * Keeps a secret of this machine in a file that only its owner can read: written by the first use, read by all later ones.
 * @returns the file
 */
async function secretFile(file: URL, secret: string): Promise<URL> {
  await mkdir(FOLDER, { recursive: true });
  const written = new URL(`${crypto.randomUUID()}.new`, FOLDER);
  await writeFile(written, secret, { mode: 0o600 });
  // Only one of several first users gets its file there, whole; all of them use what was written.
  await link(written, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(written);
  return file;
}
