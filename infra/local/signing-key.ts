import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";

const FOLDER = new URL("../../.local/", import.meta.url);
const SIGNING_KEY = new URL("signing-key.json", FOLDER);
const LINK_KEY = new URL("link-key", FOLDER);
const ALGORITHM = "ES256";

/** Whose tokens the service accepts when it runs locally: the developer's own, signed by a key made here. */
export const ISSUER = "https://software-deployments.localhost";
export const AUDIENCE = "software-deployments";

const make = async (): Promise<JWK> => {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: ALGORITHM, use: "sig" };
};

/** A secret of this machine: made on first use, kept between runs, readable by its owner alone. @returns its file */
const kept = async (file: URL, fresh: string): Promise<URL> => {
  await mkdir(FOLDER, { recursive: true });
  const own = new URL(`${crypto.randomUUID()}.new`, FOLDER);
  await writeFile(own, fresh, { mode: 0o600 });
  // Only one of several first users gets its file there, whole; all of them use what was written.
  await link(own, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(own);
  return file;
};

/** The development signing key. */
const signingKey = async (): Promise<JWK> =>
  JSON.parse(await readFile(await kept(SIGNING_KEY, JSON.stringify(await make())), "utf8"));

/** The file that holds the key of servers' links on this machine. */
export const linkKeyFile = (): Promise<URL> => kept(LINK_KEY, randomBytes(48).toString("base64url"));

/** The key set that verifies development tokens: the public half of the signing key. */
export const publicKeySet = async (): Promise<{ keys: JWK[] }> => {
  const { d: _, ...publicKey } = await signingKey();
  return { keys: [publicKey] };
};

/**
 * Signs a development token.
 * @param project the id of the project the token is for
 * @param roles the names of its roles
 * @param expiresIn seconds until it ends
 */
export const signToken = async (project: string, roles: string[], expiresIn: number): Promise<string> => {
  const key = await signingKey();
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ project_id: project, roles })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid ?? "", typ: "JWT" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(now)
    .setExpirationTime(now + expiresIn)
    .sign(await importJWK(key, ALGORITHM));
};
