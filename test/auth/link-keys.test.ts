import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startCloudFormation } from "../support/cloudformation.ts";
import type { Loopback } from "../support/loopback.ts";
import { type Secret, secretsManager } from "../support/secrets-manager.ts";

const FIRST = "first-key-of-at-least-32-characters";

let secret: Secret;
let cloudFormation: Loopback;

beforeAll(async () => {
  secret = await secretsManager(FIRST);
  cloudFormation = await startCloudFormation([
    { name: "software-deployments-prod", template: {}, resources: { LinkKeys: secret.arn } },
  ]);
});

beforeEach(() => Object.assign(secret, { value: FIRST, putAt: new Date(0), version: crypto.randomUUID() }));

afterAll(async () => {
  await secret.close();
  await cloudFormation.close();
});

/** Runs the command as a user does. @returns its exit code and what it prints */
const linkKeys = async (...args: string[]): Promise<string> => {
  const env = {
    PATH: process.env.PATH ?? "",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secret.url,
    AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.url,
  };
  return promisify(execFile)(process.execPath, ["infra/ops/link-keys.ts", ...args], { env }).then(
    ({ stdout, stderr }) => `0 ${stdout}${stderr}`,
    ({ code, stdout, stderr }) => `${code} ${stdout}${stderr}`,
  );
};

const onProd = (step: string): Promise<string> => linkKeys(step, "--stage", "prod");

describe("changing the keys of signed links", () => {
  it("add, use, drop: a new key verifies, then signs, then is the only one", async () => {
    expect(await onProd("add")).toMatch(/^0 The new key verifies/);
    const [first, added] = secret.value.split(",");
    expect(first).toBe(FIRST);
    expect(added).toMatch(/^[\w-]{64}$/);
    secret.putAt = new Date(Date.now() - 11 * 60_000);
    expect(await onProd("use")).toMatch(/^0 The new key signs/);
    expect(secret.value).toBe(`${added},${FIRST}`);
    secret.putAt = new Date(Date.now() - 11 * 60_000);
    expect(await onProd("use")).toMatch(/^1 The new key signs already/);
    expect(secret.value).toBe(`${added},${FIRST}`);
    expect(await onProd("drop")).toMatch(/^0 The key that signs is the only one/);
    expect(secret.value).toBe(added);
  });

  it("a step out of order is refused in one sentence, and changes nothing", async () => {
    expect(await onProd("use")).toMatch(/^1 There is one key only: add comes first/);
    expect(await onProd("drop")).toMatch(/^1 There is one key only/);
    expect(secret.value).toBe(FIRST);
    await onProd("add");
    const { value } = secret;
    expect(await onProd("use")).toMatch(
      /^1 Not all containers know the new key yet: come again in 10 minutes/,
    );
    expect(await onProd("add")).toMatch(/^1 There are two keys already/);
    expect(secret.value).toBe(value);
    expect(await onProd("drop")).toMatch(/^0 The key that signs is the only one/);
    expect(secret.value).toBe(FIRST);
  });

  it("no step prints a key", async () => {
    for (const step of ["add", "use", "drop", "drop"]) {
      const said = await onProd(step);
      for (const key of [FIRST, ...secret.value.split(",")]) expect(said).not.toContain(key);
    }
  });

  it.each([
    ["2 change: add, use or drop is expected", ["change", "--stage", "prod"]],
    ["2 no step: add, use or drop is expected", ["--stage", "prod"]],
    ["2 --stage: ", ["add"]],
    ["1 --stage other: there is no stack", ["add", "--stage", "other"]],
  ])("wrong arguments are refused, and change nothing: %s", async (sentence, args) => {
    expect(await linkKeys(...args)).toContain(sentence);
    expect(secret.value).toBe(FIRST);
  });
});
