import * as z from "zod/mini";

/** The source of a token issuer's public keys: an address to fetch them from, or the key set itself. */
export type KeySource = { url: URL } | { keys: { keys: Record<string, unknown>[] } };

/** The source of the keys of signed links: a secret's ARN, or a file's address. Both hold keys separated by commas. */
export type LinkKeySource = { secret: string } | { file: URL };

/** The rules by which JSON Web Tokens of one issuer are accepted. */
export interface JwtSettings {
  issuer: string;
  /** Accepted audiences; a token must name one of them. */
  audiences: string[];
  keys: KeySource;
  /** Names of the claims that hold the project's id and the roles. */
  projectClaim: string;
  rolesClaim: string;
}

/** The rules by which tokens of Keystone v3 are accepted. */
export interface KeystoneSettings {
  /** Keystone's versioned endpoint without a slash at its end, such as `https://iam.example.com/v3`. */
  authUrl: string;
}

/** The rules by which tokens are accepted, of one kind at least, and the roles that they may have. */
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

const MAX_DAYS = 3_650;
const SECONDS_PER_DAY = 86_400;

/** A fault of a setting; never its value. */
export interface SettingFault {
  /** The environment variable. */
  setting: string;
  reason: string;
}

const Text = z.string("is not set");

const Words = z.pipe(Text, z.transform(wordsIn));

const Address = Text.check(z.refine(isAddress, "is no address"));

/** The second argument of a transformation: it takes the issues. */
type Context = Parameters<Parameters<typeof z.transform>[0]>[1];

/** The environment of a function, a schema for each variable. An empty variable is the same as none. */
const Environment = z.object({
  SOFTWARE_DEPLOYMENTS_TABLE: Text,
  SOFTWARE_CONFIGS_TABLE: Text,
  CONFIG_REFERENCES: oneOf(["open", "checked"]),
  METRICS_NAMESPACE: z.optional(Text),
  PUBLIC_URL: z.optional(z.pipe(Address, z.transform(withoutSlash))),
  ROUTES: z.pipe(Text, z.transform(routesIn)),
  LOG_LEVEL: oneOf(["INFO", "ERROR", "SILENT"]),
  LINK_KEYS: z.pipe(Text, z.transform(linkKeySourceIn)),
  LINK_DAYS: wholeNumber(MAX_DAYS),
  RETENTION_DAYS: z.optional(wholeNumber(MAX_DAYS)),
  DEPLOYMENT_TIMEOUT: z.optional(wholeNumber(MAX_TIMEOUT)),
  TOKEN_ISSUER: z.optional(Text),
  TOKEN_AUDIENCE: Words,
  TOKEN_KEYS: z.optional(z.pipe(Text, z.transform(keySourceIn))),
  TOKEN_PROJECT_CLAIM: Text,
  TOKEN_ROLES_CLAIM: Text,
  KEYSTONE_AUTH_URL: z.optional(z.pipe(Address, z.transform(endpointIn))),
  READER_ROLES: Words,
  MEMBER_ROLES: Words,
});

type Shape = typeof Environment.shape;

type Values = { [Name in keyof Shape]: z.output<Shape[Name]> };

const schemas: { [Name in keyof Values]: z.ZodMiniType<Values[Name]> } = Environment.shape;

let firstFault: SettingFault | undefined;

/**
 * The first fault of the settings that were read so far. All of them are read while a container starts, by the files
 * that need them, and no reader throws: where a setting is wrong it returns a fallback, which must not be used, and so no
 * request may be worked on.
 */
export function settingFault(): SettingFault | undefined {
  return firstFault;
}

/** The rules by which tokens are accepted. */
export function tokenSettings(): TokenSettings {
  const issuer = read("TOKEN_ISSUER");
  const authUrl = read("KEYSTONE_AUTH_URL");
  // A fault of Keystone's address is kept already.
  if (!issuer && !authUrl) keepFault("TOKEN_ISSUER", "is not set, nor is KEYSTONE_AUTH_URL");
  return {
    ...(issuer && { jwt: jwtSettings(issuer) }),
    ...(authUrl && { keystone: { authUrl } }),
    readerRoles: read("READER_ROLES") ?? [],
    memberRoles: read("MEMBER_ROLES") ?? [],
  };
}

/** The name of the DynamoDB table of software deployments. */
export function softwareDeploymentsTable(): string {
  return read("SOFTWARE_DEPLOYMENTS_TABLE") ?? "";
}

/** The name of the DynamoDB table of software configurations. */
export function softwareConfigsTable(): string {
  return read("SOFTWARE_CONFIGS_TABLE") ?? "";
}

/** Whether deployments may only name configurations that their project keeps here. */
export function configReferencesAreChecked(): boolean {
  return read("CONFIG_REFERENCES") === "checked";
}

/** The namespace of the metrics that log lines hold, which names the stage; undefined where there are none. */
export function metricsNamespace(): string | undefined {
  return read("METRICS_NAMESPACE");
}

/** The name of the function, which Lambda sets; undefined elsewhere. */
export function functionName(): string | undefined {
  return process.env.AWS_LAMBDA_FUNCTION_NAME;
}

/** The service's address as its callers know it, without a slash at its end, where one is configured. */
export function publicUrl(): string | undefined {
  return read("PUBLIC_URL");
}

/** Every path that has an endpoint, and its methods, in the order of the route table; set at build time from it. */
export function routes(): { path: string; methods: string[] }[] {
  return read("ROUTES") ?? [];
}

/**
 * The lines that are logged: one for every request and one for every failure (`INFO`, the default), failures alone (`ERROR`),
 * or nothing (`SILENT`).
 */
export function logLevel(): "INFO" | "ERROR" | "SILENT" {
  return read("LOG_LEVEL") ?? "INFO";
}

/** The source of the keys of signed links: a secret of Secrets Manager, or a file on one's own machine. */
export function linkKeySource(): LinkKeySource {
  return read("LINK_KEYS") ?? { secret: "" };
}

/** The lifetime of a server's link, in seconds: 1 to 3,650 days. */
export function linkLifetime(): number {
  return (read("LINK_DAYS") ?? 0) * SECONDS_PER_DAY;
}

/**
 * The time that a finished deployment is kept after its last change, in seconds: 1 to 3,650 days. Undefined for ever, and
 * where the setting is wrong: then nothing ends.
 */
export function retention(): number | undefined {
  const days = read("RETENTION_DAYS");
  return days === undefined ? undefined : days * SECONDS_PER_DAY;
}

/**
 * The time limit of deployments that ask for none, in seconds: up to 30 days. Undefined for none, and where the setting is
 * wrong.
 */
export function defaultTimeout(): number | undefined {
  return read("DEPLOYMENT_TIMEOUT");
}

/** The value of a variable by its schema; undefined where it is wrong, and the fault is kept. */
function read<Name extends keyof Values>(name: Name): Values[Name] | undefined {
  return checked(name, schemas[name], process.env[name] || undefined);
}

/** A value by a schema; undefined where it is wrong, and the fault is kept. */
function checked<Value>(
  setting: string,
  schema: z.ZodMiniType<Value>,
  value: string | undefined,
): Value | undefined {
  const { data, error } = z.safeParse(schema, value);
  if (error) keepFault(setting, error.issues[0]?.message ?? "is wrong");
  return data;
}

function keepFault(setting: string, reason: string): void {
  firstFault ??= { setting, reason };
}

function jwtSettings(issuer: string): JwtSettings {
  return {
    issuer,
    audiences: read("TOKEN_AUDIENCE") ?? [],
    keys: read("TOKEN_KEYS") ?? publishedKeys(issuer),
    projectClaim: read("TOKEN_PROJECT_CLAIM") ?? "",
    rolesClaim: read("TOKEN_ROLES_CLAIM") ?? "",
  };
}

/** The key set where OpenID providers publish it. */
function publishedKeys(issuer: string): KeySource {
  const address = checked("TOKEN_ISSUER", Address, `${withoutSlash(issuer)}/.well-known/jwks.json`);
  return address ? { url: new URL(address) } : { keys: { keys: [] } };
}

/** One of some words, the first of them where none is set. */
function oneOf<const Word extends string>(words: [Word, ...Word[]]) {
  return z._default(z.enum(words, `is none of ${words.join(", ")}`), words[0]);
}

function wholeNumber(most: number) {
  const isWithin = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= most;
  const reason = `is not a whole number from 1 to ${most}`;
  return z.pipe(Text, z.pipe(z.transform(Number), z.number(reason).check(z.refine(isWithin, reason))));
}

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:/i.test(text);
}

function withoutSlash(address: string): string {
  return address.replace(/\/$/, "");
}

/** A normalized address without a slash at its end. */
function endpointIn(address: string): string {
  return withoutSlash(new URL(address).href);
}

function wordsIn(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function routesIn(text: string): { path: string; methods: string[] }[] {
  return text
    .split(";")
    .map((line) => line.split(" "))
    .map(([methods = "", path = ""]) => ({ path, methods: methods.split(",") }));
}

function linkKeySourceIn(text: string, context: Context): LinkKeySource {
  if (text.startsWith("arn:")) return { secret: text };
  if (text.startsWith("file:") && URL.canParse(text)) return { file: new URL(text) };
  return wrong(context, "is neither a secret's ARN nor a file's address");
}

function keySourceIn(text: string, context: Context): KeySource {
  if (text.startsWith("{")) {
    const keys = parsedJson(text);
    return isKeySet(keys) ? { keys } : wrong(context, "is no key set");
  }
  return isAddress(text) ? { url: new URL(text) } : wrong(context, "is no address");
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isKeySet(value: unknown): value is { keys: Record<string, unknown>[] } {
  if (!(value instanceof Object) || !("keys" in value)) return false;
  return Array.isArray(value.keys) && value.keys.every((key) => key instanceof Object);
}

/** Has a transformation fail with a reason. */
function wrong(context: Context, message: string): never {
  context.issues.push({ code: "custom", message, input: context.value });
  return z.NEVER;
}
