import * as z from "zod/mini";

/** A JSON object as the parser made it: plain data, in which a number may be a `JSON.rawJSON` text. */
export type JsonObject = Record<string, unknown>;

const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const jsonObject = z.custom<JsonObject>(isJsonObject, { error: "an object is expected" });

const wellFormed = z.refine<string>((text) => text.isWellFormed(), { error: "holds a lone surrogate" });

/** A text of `min` to `max` characters, counted in code points as Heat's database counts them. */
const text = (min: number, max: number) =>
  z.string().check(
    wellFormed,
    z.refine((value) => value.length >= min, { error: "must not be empty" }),
    // Code points are never more than UTF-16 units, so the costly count is rare.
    z.refine((value) => value.length <= max || [...value].length <= max, {
      error: `is longer than ${max} characters`,
    }),
  );

/** The longest `status_reason`, in bytes of UTF-8: what Heat's TEXT column holds. */
const MAX_REASON_BYTES = 65_535;

const reason = z.string().check(
  wellFormed,
  z.refine((value) => Buffer.byteLength(value) <= MAX_REASON_BYTES, {
    error: `is longer than ${MAX_REASON_BYTES} bytes of UTF-8`,
  }),
);

/** The three states of a deployment (API page, table of request parameters). */
export const Status = z.enum(["COMPLETE", "IN_PROGRESS", "FAILED"]);
export type Status = z.infer<typeof Status>;

/** The path below which a project's deployments stand. */
export const DeploymentsPath = z.object({
  project_id: z
    .string()
    .check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "1 to 64 of A-Z a-z 0-9 _ - are expected" })),
});

const isWrapped = (body: object): boolean => "software_deployment" in body && !("config_id" in body);

const fields = z.object({
  config_id: text(1, 255),
  server_id: text(1, 255),
  action: z.nullish(text(0, 255)),
  input_values: z.nullish(jsonObject),
  status: z.nullish(Status),
  status_reason: z.nullish(reason),
  stack_user_project_id: z.nullish(text(0, 64)),
});

/**
 * The body of a create. Null means absent; fields it does not name are dropped, as in Heat, because SDKs send
 * extras.
 */
export const CreateRequest = z.pipe(
  z.custom<JsonObject>((body) => !(isJsonObject(body) && isWrapped(body)), {
    error: "the fields stand at the top level, not inside software_deployment",
  }),
  fields,
);
export type CreateRequest = z.infer<typeof CreateRequest>;

/** A deployment as the API shows it, keys in the order of the API page's response example. */
export const ShownDeployment = z.object({
  status: Status,
  server_id: z.string(),
  config_id: z.string(),
  output_values: z.nullable(jsonObject),
  input_values: z.nullable(jsonObject),
  action: z.nullable(z.string()),
  status_reason: z.nullable(z.string()),
  id: z.string(),
  creation_time: z.string(),
});
export type ShownDeployment = z.infer<typeof ShownDeployment>;

/** The answer that carries one deployment. */
export const OneDeployment = z.object({ software_deployment: ShownDeployment });

/** A deployment as the service knows it: what is shown, its project, and who else may act on it. */
export interface SoftwareDeployment extends ShownDeployment {
  project_id: string;
  /** The project whose servers carry the deployment out; never shown. */
  stack_user_project_id: string | null;
}

/** An instant in whole seconds of UTC, such as `2015-01-31T15:12:36Z`. */
const instant = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

/**
 * Makes the deployment that a create asks for.
 * @param id a UUID of version 7, so that ids rise with time
 * @returns a deployment without results; a missing status is `IN_PROGRESS`
 */
export const newDeployment = (
  projectId: string,
  request: CreateRequest,
  id: string,
  now: Date,
): SoftwareDeployment => ({
  project_id: projectId,
  id,
  server_id: request.server_id,
  config_id: request.config_id,
  action: request.action ?? null,
  input_values: request.input_values ?? null,
  output_values: null,
  status: request.status ?? "IN_PROGRESS",
  status_reason: request.status_reason ?? null,
  stack_user_project_id: request.stack_user_project_id ?? null,
  creation_time: instant(now),
});

/** What a caller sees of a deployment. */
export const shown = (deployment: SoftwareDeployment): ShownDeployment => ({
  status: deployment.status,
  server_id: deployment.server_id,
  config_id: deployment.config_id,
  output_values: deployment.output_values,
  input_values: deployment.input_values,
  action: deployment.action,
  status_reason: deployment.status_reason,
  id: deployment.id,
  creation_time: deployment.creation_time,
});
