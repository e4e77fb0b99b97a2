import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type Call, headersOf, matching, payload, type Reply } from "./gateway.ts";

/** The parts of `functions/openapi.json` that this looks into. */
interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, Response>; headers: Record<string, Header> };
}

interface Header {
  required?: boolean;
  schema: object;
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; allowEmptyValue?: boolean; schema: object }[];
  requestBody?: { required: boolean };
  responses: Record<string, Response | { $ref: string }>;
}

interface Response {
  /** Each refers to one of the document's headers. */
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, object>;
}

const JSON_TYPE = "application/json";

/** Headers that HTTP itself and servers add. */
const OF_THE_TRANSPORT = ["content-type", "content-length", "content-encoding", "vary"];

const document = JSON.parse(
  readFileSync(new URL("../../functions/openapi.json", import.meta.url), "utf8"),
) as ApiDocument;

// Strict mode refuses words of OpenAPI that JSON Schema does not have; types are coerced in parameters alone.
const json = new Ajv2020({ strict: false });
const texts = new Ajv2020({ strict: false, coerceTypes: true });
for (const validator of [json, texts]) addFormats.default(validator);
json.addSchema(document, "openapi.json");

/**
 * Holds a request and its answer against the API's own description: the status, the headers and the body of every
 * answer, and what was sent where it was accepted. What one client alone gets is told there in words, and is left out.
 * @param isWhole whether the answer has no headers but the service's own
 * @throws Error that says what differs
 */
export function checkDocumented(
  { method, target, call }: { method: string; target: string; call: Call },
  reply: Reply,
  isWhole: boolean,
): void {
  if (headersOf(call)["user-agent"]?.includes("golangsdk/")) return;
  const [path = "", query = ""] = target.split("?");
  const { route, parameters } = matching(method, path);
  const fail = (what: string): never => {
    throw new Error(`functions/openapi.json and the service differ: ${method} ${route.path}: ${what}`);
  };
  if (route.method === "*") {
    checkFallback(reply, fail);
    return;
  }
  const pointer = ["paths", route.path, method.toLowerCase()];
  const operation = document.paths[route.path]?.[method.toLowerCase()] ?? fail("not in the document");
  checkResponse(operation, pointer, { reply, method, isWhole }, fail);
  if (reply.status >= 200 && reply.status < 400) {
    const given = { path: parameters ?? {}, query: Object.fromEntries(new URLSearchParams(query)), call };
    checkRequest(operation, pointer, given, fail);
  }
}

type Fail = (what: string) => never;

function checkResponse(
  { responses }: Operation,
  pointer: string[],
  { reply, method, isWhole }: { reply: Reply; method: string; isWhole: boolean },
  fail: Fail,
): void {
  const status = String(reply.status);
  const found = responses[status] ?? fail(`${status} is not documented: ${reply.text}`);
  const name = "$ref" in found ? found.$ref.split("/").at(-1) : undefined;
  const response = name ? document.components.responses[name] : (found as Response);
  const place = name ? ["components", "responses", name] : [...pointer, "responses", status];
  const { headers = {}, content } = response ?? {};
  checkHeaders(headers, reply, isWhole, fail);
  if (method === "HEAD" || !content) {
    if (reply.text !== "") fail(`${status} has a body`);
    return;
  }
  const [mediaType = ""] = (reply.headers["content-type"] ?? "").split(";");
  if (!content[mediaType]) fail(`${status} has the content type ${mediaType}`);
  if (mediaType === JSON_TYPE)
    hold(bySchemaAt([...place, "content", mediaType, "schema"]), reply.json, `${status}`, fail);
}

function checkHeaders(
  headers: NonNullable<Response["headers"]>,
  reply: Reply,
  isWhole: boolean,
  fail: Fail,
): void {
  const known = new Map(
    Object.keys(headers).map((name) => [
      name.toLowerCase(),
      document.components.headers[name] ?? fail(`no header ${name}`),
    ]),
  );
  for (const [name, { required, schema }] of known) {
    const value = reply.headers[name];
    if (value !== undefined) hold(ofText(schema), value, `header ${name}`, fail);
    else if (required) fail(`${reply.status} has no ${name}`);
  }
  const unknown = Object.keys(reply.headers).filter(
    (name) => !known.has(name) && !OF_THE_TRANSPORT.includes(name),
  );
  if (isWhole && unknown.length > 0) fail(`${reply.status} has headers of its own: ${unknown.join(", ")}`);
}

function checkRequest(
  { parameters = [], requestBody }: Operation,
  pointer: string[],
  given: { path: Record<string, string>; query: Record<string, string>; call: Call },
  fail: Fail,
): void {
  const values: Record<string, Record<string, string>> = {
    path: given.path,
    query: given.query,
    header: headersOf(given.call),
  };
  for (const { name, in: place, required, allowEmptyValue, schema } of parameters) {
    const value = values[place]?.[place === "header" ? name.toLowerCase() : name];
    if (value === undefined && required) fail(`accepted without the ${place} ${name}`);
    if (value !== undefined && !(allowEmptyValue && value === ""))
      hold(ofText(schema), value, `accepted ${place} ${name}`, fail);
  }
  const body = payload(given.call.body) ?? "";
  if (!requestBody || body === "") {
    if (requestBody?.required) fail("accepted without a body");
    return;
  }
  const sent = jsonIn(typeof body === "string" ? body : Buffer.from(body).toString());
  // A result that is void is not read.
  if (sent === undefined && pointer.some((part) => part.endsWith("/signal"))) return;
  if (sent === undefined) fail("accepted a body that is no JSON");
  hold(bySchemaAt([...pointer, "requestBody", "content", JSON_TYPE, "schema"]), sent, "accepted body", fail);
}

function jsonIn(text: string): unknown {
  try {
    // The service skips a byte order mark.
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return undefined;
  }
}

/** Requests that no route takes are answered in the document's words: a fault, or the methods of an address. */
function checkFallback(reply: Reply, fail: Fail): void {
  if (reply.text !== "")
    hold(bySchemaAt(["components", "schemas", "Fault"]), reply.json, `${reply.status}`, fail);
  if (![204, 404, 405].includes(reply.status)) fail(`${reply.status}`);
}

/** The fault of a value; undefined if it has none. */
type Check = (value: unknown) => string | undefined;

const checks = new Map<unknown, Check>();

/** The check by a schema of the document, which stands at these steps from its top. */
function bySchemaAt(steps: string[]): Check {
  const pointer = steps
    .map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1")))
    .join("/");
  return kept(pointer, () => {
    const validate = json.compile({ $ref: `openapi.json#/${pointer}` });
    return (value) => (validate(value) ? undefined : json.errorsText(validate.errors));
  });
}

/** The check of a parameter or a header, which travels as text. */
function ofText(schema: object): Check {
  return kept(schema, () => {
    const validate = texts.compile({ properties: { text: schema } });
    return (text) => (validate({ text }) ? undefined : texts.errorsText(validate.errors));
  });
}

function kept(key: unknown, make: () => Check): Check {
  const check = checks.get(key) ?? make();
  checks.set(key, check);
  return check;
}

function hold(check: Check, value: unknown, what: string, fail: Fail): void {
  const wrong = check(value);
  if (wrong) fail(`${what}: ${wrong}: ${JSON.stringify(value)?.slice(0, 500)}`);
}
