import { afterEach, describe, expect, it, vi } from "vitest";
import {
  defaultTimeout,
  linkLifetime,
  logLevel,
  softwareDeploymentsTable,
  tokenSettings,
} from "../../lib/settings.ts";

const NAMES = {
  TOKEN_PROJECT_CLAIM: "project_id",
  TOKEN_ROLES_CLAIM: "roles",
  READER_ROLES: "reader",
  MEMBER_ROLES: "member, admin",
};

const environment = (values: Record<string, string>): void => {
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
};

afterEach(() => vi.unstubAllEnvs());

describe("settings", () => {
  it("names what is missing", () => {
    environment({ ...NAMES, TOKEN_ISSUER: "", KEYSTONE_AUTH_URL: "", SOFTWARE_DEPLOYMENTS_TABLE: "" });
    expect(() => softwareDeploymentsTable()).toThrow("SOFTWARE_DEPLOYMENTS_TABLE");
    expect(() => tokenSettings()).toThrow("Neither TOKEN_ISSUER nor KEYSTONE_AUTH_URL");
    environment({ TOKEN_ISSUER: "https://issuer.example", TOKEN_AUDIENCE: "" });
    expect(() => tokenSettings()).toThrow("TOKEN_AUDIENCE");
  });

  it("finds an issuer's keys where OpenID providers such as Cognito publish them, unless told otherwise", () => {
    environment({ ...NAMES, TOKEN_ISSUER: "https://issuer.example/pool/", TOKEN_AUDIENCE: "a,b" });
    expect(tokenSettings().jwt).toMatchObject({
      audiences: ["a", "b"],
      keys: { url: new URL("https://issuer.example/pool/.well-known/jwks.json") },
    });
    environment({ TOKEN_KEYS: "https://keys.example/set" });
    expect(tokenSettings().jwt?.keys).toEqual({ url: new URL("https://keys.example/set") });
    environment({ TOKEN_KEYS: '{"keys":[]}' });
    expect(tokenSettings().jwt?.keys).toEqual({ keys: { keys: [] } });
  });

  it("takes Keystone alone, or both", () => {
    environment({ ...NAMES, TOKEN_ISSUER: "", KEYSTONE_AUTH_URL: "https://iam.example/v3/" });
    expect(tokenSettings()).toMatchObject({
      keystone: { authUrl: "https://iam.example/v3" },
      memberRoles: ["member", "admin"],
    });
    expect(tokenSettings().jwt).toBeUndefined();
    environment({ TOKEN_ISSUER: "https://issuer.example", TOKEN_AUDIENCE: "a" });
    expect(tokenSettings()).toHaveProperty("jwt.issuer", "https://issuer.example");
    expect(tokenSettings()).toHaveProperty("keystone");
  });

  it("knows no role and no audience without a name", () => {
    environment({ ...NAMES, TOKEN_ISSUER: "https://issuer.example", TOKEN_AUDIENCE: "a," });
    environment({ MEMBER_ROLES: "member,", READER_ROLES: " , " });
    expect(tokenSettings()).toMatchObject({ memberRoles: ["member"], readerRoles: [] });
    expect(tokenSettings().jwt?.audiences).toEqual(["a"]);
  });

  it.each(["0", "-1", "1.5", "ninety", "3651"])("refuses LINK_DAYS=%s", (LINK_DAYS) => {
    environment({ LINK_DAYS });
    expect(() => linkLifetime()).toThrow("LINK_DAYS");
  });

  it.each(["0", "1e9", "1 hour"])("refuses DEPLOYMENT_TIMEOUT=%s", (DEPLOYMENT_TIMEOUT) => {
    environment({ DEPLOYMENT_TIMEOUT });
    expect(() => defaultTimeout()).toThrow("DEPLOYMENT_TIMEOUT");
  });

  it("logs requests and failures unless told otherwise, and refuses LOG_LEVEL=info", () => {
    environment({ LOG_LEVEL: "" });
    expect(logLevel()).toBe("INFO");
    environment({ LOG_LEVEL: "ERROR" });
    expect(logLevel()).toBe("ERROR");
    environment({ LOG_LEVEL: "info" });
    expect(() => logLevel()).toThrow("LOG_LEVEL is none of INFO, ERROR, SILENT");
  });

  it("takes numbers of days and seconds", () => {
    environment({ LINK_DAYS: "90", DEPLOYMENT_TIMEOUT: "" });
    expect([linkLifetime(), defaultTimeout()]).toEqual([7_776_000, undefined]);
    environment({ DEPLOYMENT_TIMEOUT: "60" });
    expect(defaultTimeout()).toBe(60);
  });
});
