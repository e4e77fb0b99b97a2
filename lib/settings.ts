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

/** What is wrong with a setting; never its value. */
export interface SettingFault {
  /** The environment variable. */
  setting: string;
  reason: string;
}

/** Thrown by what reads a setting, and caught here: no reader of this file throws. */
class SettingError extends Error {
  readonly fault: SettingFault;

  constructor(setting: string, reason: string) {
    super(reason);
    this.fault = { setting, reason };
  }
}

let firstFault: SettingFault | undefined;

/**
 * What is wrong with the settings that were read so far: the first fault of them. All of them are read while a container
 * starts, by the files that need them. Where one is wrong, what stands in for it is of no use, and no request may be
 * worked on.
 */
export function settingFault(): SettingFault | undefined {
  return firstFault;
}

/** How tokens are accepted. */
export function tokenSettings(): TokenSettings {
  return setting({ readerRoles: [], memberRoles: [] }, () => {
    const issuer = optional("TOKEN_ISSUER");
    const authUrl = optional("KEYSTONE_AUTH_URL");
    if (!issuer && !authUrl) throw new SettingError("TOKEN_ISSUER", "is not set, nor is KEYSTONE_AUTH_URL");
    return {
      ...(issuer && { jwt: jwtSettings(issuer) }),
      ...(authUrl && {
        keystone: { authUrl: address("KEYSTONE_AUTH_URL", authUrl).href.replace(/\/$/, "") },
      }),
      readerRoles: words(required("READER_ROLES")),
      memberRoles: words(required("MEMBER_ROLES")),
    };
  });
}

/** The name of the DynamoDB table of software deployments. */
export function softwareDeploymentsTable(): string {
  return setting("", () => required("SOFTWARE_DEPLOYMENTS_TABLE"));
}

/** The name of the DynamoDB table of software configurations. */
export function softwareConfigsTable(): string {
  return setting("", () => required("SOFTWARE_CONFIGS_TABLE"));
}

/** Whether a deployment may only name a configuration that its project keeps here. */
export function configReferencesAreChecked(): boolean {
  return setting("open", () => oneOf("CONFIG_REFERENCES", ["open", "checked"])) === "checked";
}

/** The namespace of the metrics that log lines hold, which names the stage; undefined where there are none. */
export function metricsNamespace(): string | undefined {
  return optional("METRICS_NAMESPACE");
}

/** The service's address as its callers know it, without a slash at its end, where one is configured. */
export function publicUrl(): string | undefined {
  return setting(undefined, () => {
    const text = optional("PUBLIC_URL");
    return text && address("PUBLIC_URL", text) && text.replace(/\/$/, "");
  });
}

/** Every path that has an endpoint, and its methods, in the order of the route table; set at build time from it. */
export function routes(): { path: string; methods: string[] }[] {
  return setting("", () => required("ROUTES"))
    .split(";")
    .map((line) => line.split(" "))
    .map(([methods = "", path = ""]) => ({ path, methods: methods.split(",") }));
}

/**
 * What is logged: a line for every request and one for every failure (`INFO`, the default), failures alone (`ERROR`),
 * or nothing (`SILENT`).
 */
export function logLevel(): (typeof LOG_LEVELS)[number] {
  return setting("INFO", () => oneOf("LOG_LEVEL", LOG_LEVELS));
}

/** Where the keys of signed links are kept: a secret of Secrets Manager, or a file on one's own machine. */
export function linkKeySource(): LinkKeySource {
  return setting({ secret: "" }, () => {
    const text = required("LINK_KEYS");
    if (text.startsWith("arn:")) return { secret: text };
    if (text.startsWith("file:") && URL.canParse(text)) return { file: new URL(text) };
    throw new SettingError("LINK_KEYS", "is neither a secret's ARN nor a file's address");
  });
}

/** How long a server's link is valid, in seconds: 1 to 3,650 days. */
export function linkLifetime(): number {
  return setting(0, () => wholeNumber("LINK_DAYS", required("LINK_DAYS"), 3_650)) * 86_400;
}

/** How long a finished deployment is kept after its last change, in seconds, 1 to 3,650 days; undefined for ever. */
export function retention(): number | undefined {
  const text = optional("RETENTION_DAYS");
  if (text === undefined) return undefined;
  // Where it is wrong, nothing ends.
  return setting(undefined, () => wholeNumber("RETENTION_DAYS", text, 3_650) * 86_400);
}

/** After how many seconds, up to 30 days, a deployment without a time limit of its own fails; undefined for never. */
export function defaultTimeout(): number | undefined {
  const text = optional("DEPLOYMENT_TIMEOUT");
  if (text === undefined) return undefined;
  return setting(undefined, () => wholeNumber("DEPLOYMENT_TIMEOUT", text, MAX_TIMEOUT));
}

/** Reads a setting. Where it is wrong, that is kept, and something stands in for it. */
function setting<Value>(standIn: Value, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    firstFault ??= error.fault;
    return standIn;
  }
}

function jwtSettings(issuer: string): JwtSettings {
  return {
    issuer,
    audiences: words(required("TOKEN_AUDIENCE")),
    keys: keySource(issuer, optional("TOKEN_KEYS")),
    projectClaim: required("TOKEN_PROJECT_CLAIM"),
    rolesClaim: required("TOKEN_ROLES_CLAIM"),
  };
}

function keySource(issuer: string, keys: string | undefined): KeySource {
  if (!keys) return { url: address("TOKEN_ISSUER", `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`) };
  if (!keys.startsWith("{")) return { url: address("TOKEN_KEYS", keys) };
  const set = parsed(keys) as { keys: Record<string, unknown>[] } | undefined;
  if (Array.isArray(set?.keys) && set.keys.every((key) => key instanceof Object)) return { keys: set };
  throw new SettingError("TOKEN_KEYS", "is no key set");
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function required(name: string): string {
  const value = optional(name);
  if (value === undefined) throw new SettingError(name, "is not set");
  return value;
}

function optional(name: string): string | undefined {
  return process.env[name] || undefined;
}

/** One of some words, the first of them where none is set. */
function oneOf<Word extends string>(name: string, known: readonly [Word, ...Word[]]): Word {
  const value = optional(name) ?? known[0];
  const word = known.find((one) => one === value);
  if (word === undefined) throw new SettingError(name, `is none of ${known.join(", ")}`);
  return word;
}

function address(name: string, text: string): URL {
  if (URL.canParse(text) && /^https?:/i.test(text)) return new URL(text);
  throw new SettingError(name, "is no address");
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
  throw new SettingError(name, `is not a whole number from 1 to ${most}`);
}
