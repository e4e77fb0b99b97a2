import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CollectLink, SignedLink } from "../../lib/link/signed-link.ts";
import { type Secret, secretsManager } from "../support/secrets-manager.ts";

const OLD = "old-key-of-at-least-32-characters-";
const NEW = "new-key-of-at-least-32-characters-";

const newLink = (seconds = 60): CollectLink => ({
  allows: "collect",
  project: "p",
  server: "s 1",
  issued: Date.now(),
  expires: Math.floor(Date.now() / 1_000) + seconds,
});

const refused = expect.objectContaining({ kind: "unauthorized" });
const unavailable = expect.objectContaining({ kind: "unavailable" });

/** A container of a function that signs and verifies links: it remembers nothing of others. */
const container = async () => {
  vi.resetModules();
  const { linkKeys } = await import("../../lib/link/keys.ts");
  const { checkAllows, genuineLink, sign } = await import("../../lib/link/signed-link.ts");
  return {
    sign: async (link: SignedLink) => sign(link, (await linkKeys())[0]),
    /** The link, or why it is refused. */
    verified: (signed: string, allows: SignedLink["allows"] = "collect"): Promise<unknown> =>
      genuineLink(signed)
        .then((link) => {
          checkAllows(link, allows);
          return link;
        })
        .catch((error: unknown) => error),
  };
};

/** Moves the clock of days; what the SDK waits for goes on. */
const pass = (seconds: number): void => {
  vi.setSystemTime(Date.now() + seconds * 1_000);
};

let secret: Secret;

beforeEach(async () => {
  secret = await secretsManager(OLD);
  vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secret.url);
  vi.stubEnv("AWS_REGION", "eu-central-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  vi.stubEnv("LINK_KEYS", secret.arn);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  await secret.close();
});

describe("signing and verifying a link", () => {
  it("a signed link verifies to what was signed, and equal links are equal texts", async () => {
    const { sign, verified } = await container();
    const given = newLink();
    expect(await verified(await sign(given))).toEqual(given);
    expect(await sign(given)).toBe(await sign({ ...given }));
  });

  it("a signed link verifies only for what it allows, and until it expires", async () => {
    const { sign, verified } = await container();
    const signed = await sign(newLink());
    expect(await verified(signed, "signal")).toEqual(refused);
    pass(58);
    expect(await verified(signed)).toMatchObject({ project: "p" });
    pass(3);
    expect(await verified(signed)).toEqual(refused);
  });

  it("a signed link with any character changed, added or removed is refused", async () => {
    const { sign, verified } = await container();
    const signed = await sign(newLink());
    for (let at = 0; at < signed.length; at += 1) {
      const changed = `${signed.slice(0, at)}${signed[at] === "A" ? "B" : "A"}${signed.slice(at + 1)}`;
      expect(await verified(changed)).toEqual(refused);
    }
    const others = ["", ".", "a", "a.b", "bnVsbA.AA", `${signed}A`, signed.slice(0, -1), `${signed}.`];
    for (const other of [...others, ` ${signed}`]) expect(await verified(other)).toEqual(refused);
  });
});

describe("keys of signed links", () => {
  it("the keys are read from Secrets Manager once in 5 minutes", async () => {
    const { sign, verified } = await container();
    for (let i = 0; i < 5; i += 1) await verified(await sign(newLink(i + 60)));
    expect(secret.requests).toHaveLength(1);
    pass(301);
    await Promise.all([sign(newLink()), sign(newLink(90))]);
    expect(secret.requests).toHaveLength(2);
  });

  it("keys change in two steps, and containers with the old keys refuse no link meanwhile", async () => {
    const early = await container();
    const fromOld = await early.sign(newLink(3_600));
    secret.value = `${OLD},${NEW}`;
    const late = await container();
    expect(await early.verified(await late.sign(newLink()))).toMatchObject({ project: "p" });
    pass(301);
    await early.sign(newLink());
    secret.value = `${NEW},${OLD}`;
    const after = await container();
    const fromNew = await after.sign(newLink(3_600));
    const { requests } = secret;
    const before = requests.length;
    expect(await early.verified(fromNew)).toMatchObject({ project: "p" });
    expect(requests).toHaveLength(before);
    expect(await after.verified(fromOld)).toMatchObject({ project: "p" });
    secret.value = NEW;
    const last = await container();
    expect(await last.verified(fromOld)).toEqual(refused);
    expect(await last.verified(fromNew)).toMatchObject({ project: "p" });
  });

  it("a link that no key verifies reads the keys again, at most every 10 s", async () => {
    const { sign, verified } = await container();
    await sign(newLink());
    pass(11);
    secret.value = `${NEW},${OLD}`;
    const other = await container();
    const fromNew = await other.sign(newLink());
    secret.requests.length = 0;
    expect(await verified(fromNew)).toMatchObject({ project: "p" });
    expect(secret.requests).toHaveLength(1);
    const forged = `${fromNew.slice(0, -10)}AAAAAAAAAA`;
    for (let i = 0; i < 5; i += 1) expect(await verified(forged)).toEqual(refused);
    expect(secret.requests).toHaveLength(1);
    pass(11);
    for (let i = 0; i < 5; i += 1) expect(await verified(forged)).toEqual(refused);
    expect(secret.requests).toHaveLength(2);
    expect(await verified("no link at all")).toEqual(refused);
    expect(secret.requests).toHaveLength(2);
  });

  it("known keys keep verifying while Secrets Manager is down; other links are then unavailable", async () => {
    const { sign, verified } = await container();
    const signed = await sign(newLink(3_600));
    secret.error = "InternalServiceError";
    pass(301);
    expect(await verified(signed)).toMatchObject({ project: "p" });
    pass(11);
    expect(await verified(`${signed.slice(0, -10)}AAAAAAAAAA`)).toEqual(unavailable);
    const cold = await container();
    await expect(cold.sign(newLink())).rejects.toEqual(unavailable);
    secret.error = undefined;
    pass(11);
    expect(await cold.verified(await cold.sign(newLink()))).toMatchObject({ project: "p" });
  });

  it.each([
    ["a short key", "short"],
    ["no key", " , "],
  ])("keys with %s are not used, and the caller is not told why", async (_, value) => {
    secret.value = value;
    const { sign } = await container();
    const error = await sign(newLink()).catch((thrown: Error) => thrown);
    expect(error).toEqual(unavailable);
    expect((error as Error).message).not.toMatch(/short|key/);
  });

  it("keys of a local service are read from a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "link-keys-"));
    const file = join(folder, "link-key");
    await writeFile(file, OLD);
    vi.stubEnv("LINK_KEYS", pathToFileURL(file).href);
    const { sign, verified } = await container();
    expect(await verified(await sign(newLink()))).toMatchObject({ project: "p" });
    await rm(folder, { recursive: true });
    expect(secret.requests).toHaveLength(0);
  });
});
