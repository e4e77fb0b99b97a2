import { documented, jsonObject, shownObject } from "../shapes.ts";

/**
 * The most bytes of a result by a link: what an agent sends once and then forgets is better cut than refused. Lambda takes
 * 6 MB with the body's escapes.
 */
export const MAX_RESULT_BYTES = 4_194_304;

/** The body of a signal: the agent's outputs. A missing body counts as `{}`. */
export const SignalRequest = documented(jsonObject(), {
  description:
    "The outputs that the configuration declares, and `deploy_stdout`, `deploy_stderr`, `deploy_status_code` (0 is success).",
});

/** The response to a signal: an empty object, as Heat's. */
export const SignalResponse = shownObject();
