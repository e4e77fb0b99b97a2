/**
 * Gives the calls of the AWS SDK five minutes, where the service gives them a second or less: on a busy machine an
 * emulator may take longer, and no test's outcome may depend on that. Loaded before the tests and before the services that
 * they start (`node --import`). What a test is about limits sets `CALL_LIMITS=production` for; it holds for clients that are new.
 */
import { NodeHttpHandler } from "@smithy/node-http-handler";

const PATIENCE = 300_000;

/** The longest limit of a single call to DynamoDB, in ms. Other limits are longer. */
const LONGEST_LIMIT = 1_000;

const isLifted = (): boolean => process.env.CALL_LIMITS !== "production";

const known = new WeakSet<NodeHttpHandler>();
const { handle } = NodeHttpHandler.prototype;

NodeHttpHandler.prototype.handle = function (this: NodeHttpHandler, ...call) {
  if (!known.has(this) && isLifted()) {
    for (const limit of ["connectionTimeout", "requestTimeout"] as const)
      this.updateHttpClientConfig(limit, PATIENCE);
  }
  known.add(this);
  return handle.apply(this, call);
};

const timeout = AbortSignal.timeout.bind(AbortSignal);

AbortSignal.timeout = (ms) => timeout(ms <= LONGEST_LIMIT && isLifted() ? PATIENCE : ms);
