import * as z from "zod/mini";
import { ServiceError } from "./errors.ts";
import { reason, Status, timeout } from "./software-deployment-request.ts";
import { isJsonObject } from "./wire/exact-json.ts";
import { flat, jsonObject, text } from "./wire/fields.ts";

/** The most deployments that one request creates: what one DynamoDB transaction takes. */
const MAX_BATCH = 100;

const tooMany = `1 to ${MAX_BATCH} are expected in one request`;

interface Servers {
  server_id?: unknown;
  server_ids?: unknown;
}

const whereObject = { when: ({ value }: { value: unknown }) => isJsonObject(value) };

/**
 * The body of a create: one deployment, or with `server_ids` one for each of many servers. Null means absent; fields
 * it does not name are dropped, as in Heat, because SDKs send extras.
 */
export const CreateRequest = flat(
  "software_deployment",
  z
    .object({
      config_id: text(1, 255),
      server_id: z.nullish(text(1, 255)),
      server_ids: z.nullish(
        z.array(text(1, 255)).check(z.minLength(1, tooMany), z.maxLength(MAX_BATCH, tooMany)),
      ),
      action: z.nullish(text(0, 255)),
      input_values: z.nullish(jsonObject),
      status: z.nullish(Status),
      status_reason: z.nullish(reason),
      stack_user_project_id: z.nullish(text(0, 64)),
      timeout: z.nullish(timeout(1)),
    })
    .check(
      z.refine(({ server_id, server_ids }: Servers) => (server_id ?? server_ids ?? null) !== null, {
        ...whereObject,
        path: ["server_id"],
        error: "a string is required, or server_ids",
      }),
      z.refine(
        ({ server_id, server_ids }: Servers) => (server_id ?? null) === null || (server_ids ?? null) === null,
        {
          ...whereObject,
          path: ["server_ids"],
          error: "takes the place of server_id, both are given",
        },
      ),
    ),
);
export type CreateRequest = z.infer<typeof CreateRequest>;

/** The body of a create of many deployments at once. */
export const BatchRequest = z.pipe(
  z.array(z.unknown()).check(z.minLength(1, tooMany), z.maxLength(MAX_BATCH, tooMany)),
  z.array(CreateRequest),
);

/** What is asked for of one deployment. */
export type DeploymentRequest = Omit<CreateRequest, "server_id" | "server_ids"> & { server_id: string };

/**
 * Every single deployment that a create asks for, in order.
 * @throws ServiceError `invalid` when they are more than 100
 */
export const requested = (body: CreateRequest | CreateRequest[]): DeploymentRequest[] => {
  const requests = [body].flat().flatMap(({ server_id, server_ids, ...rest }) => {
    const servers = server_ids ?? [server_id ?? ""];
    return servers.map((server) => ({ ...rest, server_id: server }));
  });
  if (requests.length <= MAX_BATCH) return requests;
  throw new ServiceError("invalid", `server_ids: ${tooMany}, not ${requests.length}`);
};

/** Whether a create is answered with a list. */
export const isBatch = (body: CreateRequest | CreateRequest[]): boolean =>
  Array.isArray(body) || (body.server_ids ?? null) !== null;
