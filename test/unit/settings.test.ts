import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

type Settings = typeof import("../../lib/settings.ts");

const NAMES = {
  TOKEN_PROJECT_CLAIM: "project_id",
  TOKEN_ROLES_CLAIM: "roles",
  READER_ROLES: "reader",
  MEMBER_ROLES: "member, admin",
};

/** The settings of a container that starts with these variables. */
const started = async (values: Record<string, string>): Promise<Settings> => {
  vi.resetModules();
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
  return import("../../lib/settings.ts");
};

/** The fault of a container's settings, once it has read one of them. */
const faultOf = async (values: Record<string, string>, reader: Exclude<keyof Settings, "settingFault">) => {
  const settings = await started(values);
  (settings[reader] as () => unknown)();
  return settings.settingFault();
};

beforeEach(() => {
  for (const name of ["TOKEN_ISSUER", "TOKEN_AUDIENCE", "TOKEN_KEYS", "KEYSTONE_AUTH_URL"])
    vi.stubEnv(name, "");
});

afterEach(() => vi.unstubAllEnvs());

describe("settings", () => {
  it("the issuer's keys are at its jwks.json address unless TOKEN_KEYS names another", async () => {
    const issuer = { ...NAMES, TOKEN_ISSUER: "https://issuer.example/pool/", TOKEN_AUDIENCE: "a,b" };
    const { tokenSettings, settingFault } = await started(issuer);
    expect(tokenSettings().jwt).toMatchObject({
      audiences: ["a", "b"],
      keys: { url: new URL("https://issuer.example/pool/.well-known/jwks.json") },
    });
    vi.stubEnv("TOKEN_KEYS", "https://keys.example/set");
    expect(tokenSettings().jwt?.keys).toEqual({ url: new URL("https://keys.example/set") });
    vi.stubEnv("TOKEN_KEYS", '{"keys":[]}');
    expect(tokenSettings().jwt?.keys).toEqual({ keys: { keys: [] } });
    expect(settingFault()).toBeUndefined();
  });

  it("Keystone alone, and both kinds of tokens, can be configured", async () => {
    const { tokenSettings } = await started({ ...NAMES, KEYSTONE_AUTH_URL: "https://iam.example/v3/" });
    expect(tokenSettings()).toMatchObject({
      keystone: { authUrl: "https://iam.example/v3" },
      memberRoles: ["member", "admin"],
    });
    expect(tokenSettings().jwt).toBeUndefined();
    vi.stubEnv("TOKEN_ISSUER", "https://issuer.example");
    vi.stubEnv("TOKEN_AUDIENCE", "a");
    expect(tokenSettings()).toHaveProperty("jwt.issuer", "https://issuer.example");
    expect(tokenSettings()).toHaveProperty("keystone");
  });

  it("empty names of roles and audiences are dropped", async () => {
    const issuer = { ...NAMES, TOKEN_ISSUER: "https://issuer.example", TOKEN_AUDIENCE: "a," };
    const { tokenSettings } = await started({ ...issuer, MEMBER_ROLES: "member,", READER_ROLES: " , " });
    expect(tokenSettings()).toMatchObject({ memberRoles: ["member"], readerRoles: [] });
    expect(tokenSettings().jwt?.audiences).toEqual(["a"]);
  });

  it("LOG_LEVEL defaults to INFO", async () => {
    const { logLevel } = await started({ LOG_LEVEL: "" });
    expect(logLevel()).toBe("INFO");
    vi.stubEnv("LOG_LEVEL", "ERROR");
    expect(logLevel()).toBe("ERROR");
  });

  it("durations are read in days and seconds", async () => {
    const { linkLifetime, defaultTimeout } = await started({ LINK_DAYS: "90", DEPLOYMENT_TIMEOUT: "" });
    expect([linkLifetime(), defaultTimeout()]).toEqual([7_776_000, undefined]);
    vi.stubEnv("DEPLOYMENT_TIMEOUT", "60");
    expect(defaultTimeout()).toBe(60);
  });
});

/** An environment in which no variable has a value of its kind. */
const ALL_WRONG = {
  CONFIG_REFERENCES: "chequed",
  PUBLIC_URL: "api.example",
  LOG_LEVEL: "info",
  LINK_KEYS: "link-key",
  LINK_DAYS: "ninety",
  RETENTION_DAYS: "for ever",
  DEPLOYMENT_TIMEOUT: "1 hour",
  TOKEN_ISSUER: "our issuer",
  TOKEN_KEYS: "{",
  KEYSTONE_AUTH_URL: "iam.example/v3",
};

describe("wrong settings", () => {
  it.each([
    ["softwareDeploymentsTable", "SOFTWARE_DEPLOYMENTS_TABLE", "", "is not set"],
    ["softwareConfigsTable", "SOFTWARE_CONFIGS_TABLE", "", "is not set"],
    ["configReferencesAreChecked", "CONFIG_REFERENCES", "chequed", "is none of open, checked"],
    ["publicUrl", "PUBLIC_URL", "api.example", "is no address"],
    ["routes", "ROUTES", "", "is not set"],
    ["logLevel", "LOG_LEVEL", "info", "is none of INFO, ERROR, SILENT"],
    ["linkKeySource", "LINK_KEYS", "link-key", "is neither a secret's ARN nor a file's address"],
    ["linkKeySource", "LINK_KEYS", "file://%", "is neither a secret's ARN nor a file's address"],
    ...["0", "-1", "1.5", "ninety", "3651"].map(
      (days) => ["linkLifetime", "LINK_DAYS", days, "is not a whole number from 1 to 3650"] as const,
    ),
    ["retention", "RETENTION_DAYS", "for ever", "is not a whole number from 1 to 3650"],
    ...["0", "1e9", "1 hour"].map(
      (timeout) =>
        ["defaultTimeout", "DEPLOYMENT_TIMEOUT", timeout, "is not a whole number from 1 to 2592000"] as const,
    ),
  ] as const)("%s refuses %s=%s: it %s", async (reader, setting, value, reason) => {
    expect(await faultOf({ [setting]: value }, reader)).toEqual({ setting, reason });
  });

  it.each([
    [{ TOKEN_ISSUER: "" }, "TOKEN_ISSUER", "is not set, nor is KEYSTONE_AUTH_URL"],
    [{ TOKEN_ISSUER: "our issuer" }, "TOKEN_ISSUER", "is no address"],
    [{ TOKEN_AUDIENCE: "" }, "TOKEN_AUDIENCE", "is not set"],
    [{ TOKEN_KEYS: "ftp://keys.example" }, "TOKEN_KEYS", "is no address"],
    [{ TOKEN_KEYS: '{"keys": [' }, "TOKEN_KEYS", "is no key set"],
    [{ TOKEN_KEYS: '{"keys": ["a"]}' }, "TOKEN_KEYS", "is no key set"],
    [{ TOKEN_KEYS: "{}" }, "TOKEN_KEYS", "is no key set"],
    [{ KEYSTONE_AUTH_URL: "iam.example/v3" }, "KEYSTONE_AUTH_URL", "is no address"],
    [{ MEMBER_ROLES: "" }, "MEMBER_ROLES", "is not set"],
  ])("tokenSettings refuses %j", async (values, setting, reason) => {
    const right = { ...NAMES, TOKEN_ISSUER: "https://issuer.example", TOKEN_AUDIENCE: "a" };
    expect(await faultOf({ ...right, ...values }, "tokenSettings")).toEqual({ setting, reason });
  });

  it("an unreadable retention or time limit counts as none", async () => {
    const settings = await started({ RETENTION_DAYS: "for ever", DEPLOYMENT_TIMEOUT: "1 hour" });
    expect([settings.retention(), settings.defaultTimeout()]).toEqual([undefined, undefined]);
  });

  it("no reader throws, whatever the environment", async () => {
    const { DELEGATE_ROLES: _, MAX_TIMEOUT: __, settingFault, ...readers } = await started(ALL_WRONG);
    for (const [name, reader] of Object.entries(readers)) expect(reader, name).not.toThrow();
    expect(settingFault()).toBeDefined();
  });

  it("a wrong setting that is not read is no fault", async () => {
    const { metricsNamespace, settingFault } = await started(ALL_WRONG);
    metricsNamespace();
    expect(settingFault()).toBeUndefined();
  });

  it("of several wrong settings the first one that was read is told", async () => {
    const { linkLifetime, logLevel, settingFault } = await started({ LINK_DAYS: "", LOG_LEVEL: "info" });
    linkLifetime();
    logLevel();
    expect(settingFault()).toEqual({ setting: "LINK_DAYS", reason: "is not set" });
  });
});
