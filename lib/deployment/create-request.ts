import * as z from "zod/mini";
import { ServiceError } from "../errors.ts";
import { isJsonObject } from "../json/json-text.ts";
import { documented, flatBody, list, text } from "../shapes.ts";
import { isoTime } from "../times.ts";
import { ManyDeployments, OneDeployment, type SoftwareDeployment } from "./deployment.ts";
import {
  Action,
  ConfigId,
  InputValues,
  NotBefore,
  ServerId,
  Status,
  StatusReason,
  timeLimit,
} from "./fields.ts";
import { beginAt, checkNotBefore, deadlineOf, signalExpiry } from "./run.ts";

/** The most deployments that one request creates: a DynamoDB transaction takes 100 items. */
const MAX_BATCH = 100;

const WRONG_COUNT = `1 to ${MAX_BATCH} are expected in one request`;

interface Servers {
  server_id?: unknown;
  server_ids?: unknown;
}

/** A list of servers, each named once: a script that names one twice would run on it twice. */
const distinctServers = documented(
  list(ServerId, 1, MAX_BATCH, WRONG_COUNT).check(
    z.refine((servers) => firstRepeated(servers) === undefined, {
      error: ({ input }) => `names ${firstRepeated(input as string[])} twice`,
    }),
  ),
  { uniqueItems: true },
);

interface Timed {
  not_before?: unknown;
  status?: unknown;
}

/** The statuses of a deployment that is over. */
const FINISHED: unknown[] = ["COMPLETE", "FAILED"];

/** The JSON Schema for a body that names both a status that is over and a `not_before`. */
const FINISHED_AND_WAITING = {
  required: ["not_before", "status"],
  properties: { not_before: { not: { type: "null" } }, status: { enum: FINISHED } },
};

/** The options of a check that runs even if other fields are wrong, as long as the body is an object. */
const whereObject = { when: ({ value }: { value: unknown }) => isJsonObject(value) };

/**
 * The body of a create: one deployment, or with `server_ids` one for each of many servers. Null means absent. Unknown
 * fields are dropped, as in Heat: SDKs send extras.
 */
export const CreateRequest = documented(
  flatBody(
    "software_deployment",
    z
      .object({
        config_id: ConfigId,
        server_id: z.nullish(ServerId),
        server_ids: documented(z.nullish(distinctServers), {
          description: "In place of `server_id`: makes a deployment for each of these servers.",
        }),
        action: z.nullish(Action),
        input_values: z.nullish(InputValues),
        status: z.nullish(Status),
        status_reason: z.nullish(StatusReason),
        stack_user_project_id: documented(z.nullish(text(0, 64)), {
          description: "The project whose servers carry it out (the delegated tenant). Never shown.",
        }),
        timeout: z.nullish(timeLimit(1)),
        not_before: z.nullish(NotBefore),
      })
      .check(
        z.refine(
          ({ not_before, status }: Timed) => (not_before ?? null) === null || !FINISHED.includes(status),
          {
            ...whereObject,
            path: ["not_before"],
            error: "only a deployment in progress can wait",
          },
        ),
        z.refine(({ server_id, server_ids }: Servers) => (server_id ?? server_ids ?? null) !== null, {
          ...whereObject,
          path: ["server_id"],
          error: "a string is required, or server_ids",
        }),
        z.refine(
          ({ server_id, server_ids }: Servers) =>
            (server_id ?? null) === null || (server_ids ?? null) === null,
          {
            ...whereObject,
            path: ["server_ids"],
            error: "takes the place of server_id, both are given",
          },
        ),
      ),
  ),
  {
    id: "SoftwareDeploymentCreate",
    oneOf: [serverIn("server_id", "server_ids"), serverIn("server_ids", "server_id")],
    not: FINISHED_AND_WAITING,
  },
);
export type CreateRequest = z.infer<typeof CreateRequest>;

/** The body of a create of many deployments at once. */
export const BatchRequest = list(CreateRequest, 1, MAX_BATCH, WRONG_COUNT);

/** The response of a create. */
export const CreateResponse = z.union([OneDeployment, ManyDeployments]);

/** The part of a create request that describes one deployment. */
export type DeploymentRequest = Omit<CreateRequest, "server_id" | "server_ids"> & { server_id: string };

/**
 * The deployments that a create request describes, one by one, in order.
 * @throws ServiceError `invalid` if there are more than 100
 */
export function requestedDeployments(body: CreateRequest | CreateRequest[]): DeploymentRequest[] {
  const requests = [body].flat().flatMap(({ server_id, server_ids, ...rest }) => {
    const servers = server_ids ?? [server_id ?? ""];
    return servers.map((server) => ({ ...rest, server_id: server }));
  });
  if (requests.length <= MAX_BATCH) return requests;
  throw new ServiceError("invalid", `server_ids: ${WRONG_COUNT}, not ${requests.length}`);
}

/**
 * The new deployment that a request describes. It has no results; its status is `IN_PROGRESS` if the request has none.
 * @param id a UUID of version 7, so that ids sort by time
 * @param defaultTimeout the time limit if the request has none, in seconds
 * @throws ServiceError `invalid` if its `not_before` lies more than a year ahead
 */
export function newDeployment(
  projectId: string,
  request: DeploymentRequest,
  id: string,
  now: Date,
  defaultTimeout?: number,
): SoftwareDeployment {
  return {
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
    creation_time: isoTime(now),
    updated_time: null,
    collected_time: null,
    delivery: 0,
    attempt: 0,
    reran: false,
    isConfigMissing: false,
    isCanceled: false,
    acceptsLateResult: false,
    supersededResults: 0,
    revision: 0,
    keyExpiresAt: null,
    ...timesOf(request, now, defaultTimeout),
  };
}

/** The times of a new deployment. @throws ServiceError `invalid` if its `not_before` lies more than a year ahead */
function timesOf(request: DeploymentRequest, now: Date, defaultTimeout: number | undefined) {
  const timed = {
    ...beginAt(now),
    timeout: request.timeout ?? defaultTimeout ?? null,
    notBefore: request.not_before ?? null,
  };
  checkNotBefore(timed.notBefore, now);
  const deadlineAt = deadlineOf(timed);
  const signalExpiresAt = signalExpiry({ ...timed, deadlineAt });
  return { ...timed, changedAt: timed.startedAt, deadlineAt, signalExpiresAt };
}

function firstRepeated(servers: string[]): string | undefined {
  return servers.find((server, at) => servers.indexOf(server) !== at);
}

/** The JSON Schema for a body with one of two fields and without the other. */
function serverIn(present: string, absent: string) {
  return {
    title: `By ${present}`,
    required: [present],
    properties: { [present]: { not: { type: "null" } }, [absent]: { type: "null" } },
  };
}
