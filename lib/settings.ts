/** Where a token issuer's public keys are: an address to fetch them from, or the key set itself. */
export type KeySource = { url: URL } | { keys: { keys: Record<string, unknown>[] } };

/** Where the keys of signed links are: a secret's ARN, or a file's address. Both hold keys separated by commas. */
export type LinkKeySource = { secret: string } | { file: URL };

/** How JSON Web Tokens of one issuer are accepted. */
export interface JwtSettings {
  issuer: string;
  /** Accepted audiences; a token must name one of them. */
  audiences: string[];
  keys: KeySource;
  /** Names of the claims that hold the project's id and the roles. */
  projectClaim: string;
  rolesClaim: string;
}

/** How Keystone v3 tokens are accepted. */
export interface KeystoneSettings {
  /** Keystone's versioned endpoint without a slash at its end, such as `https://iam.example.com/v3`. */
  authUrl: string;
}

/** Who may call: at least one kind of token is configured. */
export interface TokenSettings {
  jwt?: JwtSettings;
  keystone?: KeystoneSettings;
  /** Names of the roles that may read. */
  readerRoles: string[];
  /** Names of the roles that may do everything. */
  memberRoles: string[];
}

/** The roles that may carry out deployments of another project, besides members (Heat's name for it). */
export const DELEGATE_ROLES = ["heat_stack_user"];

/** The longest time limit of a deployment, in seconds: 30 days. */
export const MAX_TIMEOUT = 2_592_000;

const LOG_LEVELS = ["INFO", "ERROR", "SILENT"] as const;

/**
 * Reads how tokens are accepted.
 * @throws Error that names the environment variable that is missing or wrong
 */
export function tokenSettings(): TokenSettings {
  const issuer = optional("TOKEN_ISSUER");
  const authUrl = optional("KEYSTONE_AUTH_URL");
  if (!issuer && !authUrl) throw new Error("Neither TOKEN_ISSUER nor KEYSTONE_AUTH_URL is set.");
  return {
    ...(issuer && { jwt: jwtSettings(issuer) }),
    ...(authUrl && { keystone: { authUrl: new URL(authUrl).href.replace(/\/$/, "") } }),
    readerRoles: words(required("READER_ROLES")),
    memberRoles: words(required("MEMBER_ROLES")),
  };
}

/**
 * The name of the DynamoDB table of software deployments.
 * @throws Error when `SOFTWARE_DEPLOYMENTS_TABLE` is not set
 */
export function softwareDeploymentsTable(): string {
  return required("SOFTWARE_DEPLOYMENTS_TABLE");
}

/**
 * The name of the DynamoDB table of software configurations.
 * @throws Error when `SOFTWARE_CONFIGS_TABLE` is not set
 */
export function softwareConfigsTable(): string {
  return required("SOFTWARE_CONFIGS_TABLE");
}

/** Whether a deployment may only name a configuration that its project keeps here (`CONFIG_REFERENCES`). */
export function configReferencesAreChecked(): boolean {
  return optional("CONFIG_REFERENCES") === "checked";
}

/** The namespace of the metrics that log lines hold, which names the stage; undefined where there are none. */
export function metricsNamespace(): string | undefined {
  return optional("METRICS_NAMESPACE");
}

/** The service's address as its callers know it, without a slash at its end, where one is configured. */
export function publicUrl(): string | undefined {
  return optional("PUBLIC_URL")?.replace(/\/$/, "");
}

/** Every path that has an endpoint, and its methods, in the order of the route table; set at build time from it. */
export function routes(): { path: string; methods: string[] }[] {
  return required("ROUTES")
    .split(";")
    .map((line) => line.split(" "))
    .map(([methods = "", path = ""]) => ({ path, methods: methods.split(",") }));
}

/**
 * What is logged: a line for every request and one for every failure (`INFO`, the default), failures alone (`ERROR`),
 * or nothing (`SILENT`).
 * @throws Error when `LOG_LEVEL` is none of these
 */
export function logLevel(): (typeof LOG_LEVELS)[number] {
  const text = optional("LOG_LEVEL") ?? "INFO";
  const level = LOG_LEVELS.find((known) => known === text);
  if (level) return level;
  throw new Error(`The environment variable LOG_LEVEL is none of ${LOG_LEVELS.join(", ")}.`);
}

/**
 * Where the keys of signed links are kept: a secret of Secrets Manager, or a file on one's own machine.
 * @throws Error when `LINK_KEYS` is not set
 */
export function linkKeySource(): LinkKeySource {
  const address = required("LINK_KEYS");
  return address.startsWith("file:") ? { file: new URL(address) } : { secret: address };
}

/**
 * How long a server's link is valid, in seconds.
 * @throws Error when `LINK_DAYS` is not a whole number of days from 1 to 3,650
 */
export function linkLifetime(): number {
  return wholeNumber("LINK_DAYS", required("LINK_DAYS"), 3_650) * 86_400;
}

/**
 * How long a finished deployment is kept after its last change, in seconds; undefined for ever.
 * @throws Error when `RETENTION_DAYS` is no whole number of days from 1 to 3,650
 */
export function retention(): number | undefined {
  const text = optional("RETENTION_DAYS");
  return text === undefined ? undefined : wholeNumber("RETENTION_DAYS", text, 3_650) * 86_400;
}

/**
 * After how many seconds a deployment without a time limit of its own fails; undefined for never.
 * @throws Error when `DEPLOYMENT_TIMEOUT` is no whole number from 1 to 2,592,000 (30 days)
 */
export function defaultTimeout(): number | undefined {
  const text = optional("DEPLOYMENT_TIMEOUT");
  return text === undefined ? undefined : wholeNumber("DEPLOYMENT_TIMEOUT", text, MAX_TIMEOUT);
}

function jwtSettings(issuer: string): JwtSettings {
  const keys = optional("TOKEN_KEYS") ?? `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  return {
    issuer,
    audiences: words(required("TOKEN_AUDIENCE")),
    keys: keys.startsWith("{") ? { keys: JSON.parse(keys) } : { url: new URL(keys) },
    projectClaim: required("TOKEN_PROJECT_CLAIM"),
    rolesClaim: required("TOKEN_ROLES_CLAIM"),
  };
}

function required(name: string): string {
  const value = optional(name);
  if (value === undefined) throw new Error(`The environment variable ${name} is not set.`);
  return value;
}

function optional(name: string): string | undefined {
  return process.env[name] || undefined;
}

function words(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`The environment variable ${name} is not a whole number from 1 to ${most}.`);
}
