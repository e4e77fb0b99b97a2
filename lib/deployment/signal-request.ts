import { documented, jsonObject, shownObject } from "../shapes.ts";

/** The body of a signal: the agent's outputs. A missing body counts as `{}`. */
export const SignalRequest = documented(jsonObject(), {
  description:
    "The outputs that the configuration declares, and `deploy_stdout`, `deploy_stderr`, `deploy_status_code` (0 is success).",
});

/** The response to a signal: an empty object, as Heat's. */
export const SignalResponse = shownObject();
