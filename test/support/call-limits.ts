/**
 * Gives the calls of the AWS SDK five minutes, where the service gives them a second: on a busy machine an emulator may
 * take longer, and no test's outcome may depend on that. Loaded before the tests and before the services that they start
 * (`node --import`). What a test is about limits sets `CALL_LIMITS=production` for; it holds for clients that are new.
 */
import { NodeHttpHandler } from "@smithy/node-http-handler";

const PATIENCE = 300_000;

const known = new WeakSet<NodeHttpHandler>();
const { handle } = NodeHttpHandler.prototype;

NodeHttpHandler.prototype.handle = function (this: NodeHttpHandler, ...call) {
  if (!known.has(this) && process.env.CALL_LIMITS !== "production") {
    for (const limit of ["connectionTimeout", "requestTimeout"] as const)
      this.updateHttpClientConfig(limit, PATIENCE);
  }
  known.add(this);
  return handle.apply(this, call);
};
