import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { REGION } from "../../infra/local/tables.ts";
import { forward, type Loopback, loopback } from "../support/loopback.ts";
import type { Permission, StackFunction } from "./stack.ts";

const ACCOUNT = "123456789012";

/** The ARN of a table, or of one of its indexes. */
export const tableArn = (table: string, index?: string): string =>
  `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${table}${index === undefined ? "" : `/index/${index}`}`;

/** DynamoDB and Secrets Manager behind the functions' roles, and what has come of it. */
export interface GuardedServices extends Loopback {
  calls: number;
  /** A line for each call that a function's role does not allow, with how often it was made. */
  refused: () => string[];
  /** A line for each permission that no call needed, of the roles of the functions with these names. */
  unused: (names: Set<string>) => string[];
}

/** The services, by the start of the names that the SDK calls their operations by. */
interface Endpoints {
  DynamoDB_20120810: string;
  secretsmanager: string;
}

/**
 * Starts a proxy before DynamoDB and Secrets Manager that lets through what the calling function's role allows, and
 * refuses all else as AWS does. It knows a function by its access key, which is the function's name.
 */
export const guardServices = async (
  functions: StackFunction[],
  endpoints: Endpoints,
): Promise<GuardedServices> => {
  const callers = new Map(functions.map((one) => [one.name, one]));
  const used = new Set<string>();
  const refused = new Map<string, number>();
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    guarded.calls += 1;
    const body = await buffer(request);
    const [service = "", operation = ""] = String(request.headers["x-amz-target"]).split(".");
    const caller = callerOf(request, callers);
    const needed = NEEDED[service]?.(operation, JSON.parse(body.toString())) ?? [];
    const missing = needed.find((one) => !caller.permissions.some((allowed) => same(allowed, one)));
    const refusal =
      missing ?? (needed.length === 0 ? { action: `${service}:${operation}`, resource: "*" } : undefined);
    response.setHeader("content-type", "application/x-amz-json-1.0");
    if (refusal) {
      const line = lineOf(caller, refusal);
      refused.set(line, (refused.get(line) ?? 0) + 1);
      response.writeHead(400).end(JSON.stringify(deniedTo(caller, refusal)));
      return;
    }
    for (const one of needed) used.add(lineOf(caller, one));
    const [status, answer] = await forward(endpoints[service as keyof Endpoints], request, body);
    response.writeHead(status).end(answer);
  };
  const server = await loopback((request, response) => {
    respond(request, response).catch(() => request.socket.destroy());
  });
  const guarded: GuardedServices = Object.assign(server, {
    calls: 0,
    refused: () => [...refused].map(([line, times]) => `${line}, ${times} times`),
    unused: (names: Set<string>) =>
      functions
        .filter(({ name }) => names.has(name))
        .flatMap((one) => one.permissions.map((permission) => lineOf(one, permission)))
        .filter((line) => !used.has(line)),
  });
  return guarded;
};

/** The function that calls, by the access key that signed the call. */
const callerOf = (request: IncomingMessage, callers: Map<string, StackFunction>): StackFunction => {
  const [, name = ""] = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "") ?? [];
  const caller = callers.get(name);
  if (!caller) throw new Error(`Called by ${name}, which is no function.`);
  return caller;
};

const same = (one: Permission, other: Permission): boolean =>
  one.action === other.action && one.resource === other.resource;

const lineOf = ({ name }: StackFunction, { action, resource }: Permission): string =>
  `${name}: ${action} on ${resource.split(":").slice(5).join(":") || resource}`;

/** IAM's words, and the SDK's name for them. */
const deniedTo = ({ role, functionName }: StackFunction, { action, resource }: Permission) => ({
  __type: "com.amazon.coral.service#AccessDeniedException",
  Message:
    `User: arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${functionName} is not authorized to perform: ${action} ` +
    `on resource: ${resource} because no identity-based policy allows the ${action} action`,
});

/** The parts of a transaction, which need a permission each, by their names: `Put` needs `dynamodb:PutItem`. */
const TRANSACTED: Record<string, string> = {
  Put: "PutItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  ConditionCheck: "ConditionCheckItem",
  Get: "GetItem",
};

/** The permissions that a call needs, by the service; none for a call that is not known. */
const NEEDED: Record<string, (operation: string, input: Record<string, any>) => Permission[]> = {
  DynamoDB_20120810: (operation, { TableName, IndexName, RequestItems, TransactItems }) => {
    const on = (name: string, table: string, index?: string): Permission => ({
      action: `dynamodb:${name}`,
      resource: tableArn(table, index),
    });
    if (RequestItems) return Object.keys(RequestItems).map((table) => on(operation, table));
    if (TransactItems)
      return TransactItems.flatMap((item: Record<string, any>) =>
        Object.entries(item).map(([part, { TableName: table }]) => on(TRANSACTED[part] ?? part, table)),
      );
    return TableName ? [on(operation, TableName, IndexName)] : [];
  },
  secretsmanager: (operation, { SecretId }) =>
    SecretId ? [{ action: `secretsmanager:${operation}`, resource: SecretId }] : [],
};
