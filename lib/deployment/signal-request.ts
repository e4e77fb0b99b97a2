import { documented, jsonObject } from "../shapes.ts";

/** The body of a signal: the agent's outputs. No body is an empty object. */
export const SignalRequest = documented(jsonObject(), {
  description:
    "The outputs that the configuration declares, and `deploy_stdout`, `deploy_stderr`, `deploy_status_code` (0 is success).",
});

/** The response to a signal: an empty object, as Heat's. */
export const SignalResponse = jsonObject();
