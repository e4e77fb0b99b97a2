import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { forward, type Loopback, loopback } from "./loopback.ts";

/** One call of the SDK, as it came by. */
interface DynamodbCall {
  operation: string;
  input: Record<string, any>;
  /** When it was handed on to the emulator, in ms since 1970; undefined where it was not, or was refused there. */
  landedAt: number | undefined;
  /** Write or read units, as the emulator counts them: in all, and of the table without its indexes. */
  units: number | undefined;
  tableUnits: number | undefined;
}

/** The fate of a call between the client and the emulator. */
export type InjectedFault =
  | "pass"
  /** Answered as a throttled call. */
  | "throttle"
  /** Answered as a call to a table, or a partition, that has no throughput left. */
  | "exceed"
  /** Answered as a throttled call that is not to be repeated for 4.5 s. */
  | "hold-off"
  /** Answered as DynamoDB's internal error. */
  | "fail"
  /** The connection ends before the call reaches the emulator. */
  | "cut-before"
  /** The call is carried out, and its answer lost. */
  | "cut-after"
  /** Answered as a transaction that met another one. */
  | "collide"
  /** Answered as a write of one item that met a transaction. */
  | "conflict"
  /** Never answered. */
  | "hang"
  /** Answered as a fault that will not pass. */
  | "deny"
  /** Answered with this, as if DynamoDB had said it. */
  | { answer: object }
  /** Carried out that many ms later, whether or not anybody still waits for it. */
  | { late: number };

const FAULTS: Record<string, [number, string, headers?: Record<string, string>]> = {
  throttle: [400, "com.amazonaws.dynamodb.v20120810#ThrottlingException"],
  exceed: [400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"],
  "hold-off": [400, "com.amazonaws.dynamodb.v20120810#ThrottlingException", { "x-amz-retry-after": "4500" }],
  fail: [500, "com.amazonaws.dynamodb.v20120810#InternalServerError"],
  collide: [400, "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"],
  conflict: [400, "com.amazonaws.dynamodb.v20120810#TransactionConflictException"],
  deny: [400, "com.amazon.coral.service#AccessDeniedException"],
};

/** A proxy between the SDK and the emulator: it counts calls and what they consume, and injects faults. */
export interface FaultProxy extends Loopback {
  calls: DynamodbCall[];
  /** Decides about each call, by its operation and input; passes by default. */
  decide: (operation: string, input: Record<string, any>) => InjectedFault | Promise<InjectedFault>;
}

const unitsOf = (answer: Buffer): Pick<DynamodbCall, "units" | "tableUnits"> => {
  const consumed = [JSON.parse(answer.toString()).ConsumedCapacity].flat()[0];
  return { units: consumed?.CapacityUnits, tableUnits: consumed?.Table?.CapacityUnits };
};

/** Starts the proxy in front of the emulator at `target`. */
export const startFaultProxy = async (target: string): Promise<FaultProxy> => {
  const calls: DynamodbCall[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const asked = JSON.parse((await buffer(request)).toString());
    const fault = await proxy.decide(operation, asked);
    const call: DynamodbCall = {
      operation,
      input: asked,
      landedAt: undefined,
      units: undefined,
      tableUnits: undefined,
    };
    calls.push(call);
    if (fault === "hang") return;
    if (typeof fault === "object" && "answer" in fault)
      return void response.end(JSON.stringify(fault.answer));
    const answered = typeof fault === "string" ? FAULTS[fault] : undefined;
    if (answered) {
      response.writeHead(answered[0], { "content-type": "application/x-amz-json-1.0", ...answered[2] });
      const CancellationReasons = [{ Code: "None" }, { Code: "TransactionConflict" }];
      const message = "arn:aws:dynamodb secret-of-dynamodb";
      response.end(JSON.stringify({ __type: answered[1], message, CancellationReasons }));
      return;
    }
    if (fault === "cut-before") return void request.socket.destroy();
    if (typeof fault === "object") await sleep(fault.late);
    const handedOn = Date.now();
    const [status, answer] = await forward(
      target,
      request,
      JSON.stringify({ ...asked, ReturnConsumedCapacity: "INDEXES" }),
    );
    Object.assign(call, unitsOf(answer), status === 200 && { landedAt: handedOn });
    if (fault === "cut-after") return void request.socket.destroy();
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
    response.end(answer);
  };
  const server = await loopback((request, response) => {
    respond(request, response).catch(() => request.socket.destroy());
  });
  const proxy: FaultProxy = { ...server, calls, decide: () => "pass" };
  return proxy;
};
