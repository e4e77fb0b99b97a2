import { exitWithError } from "../exit-with-error.ts";
import type { Serverless } from "./framework.ts";

/** The functions that serve the API's description and its page. */
const FUNCTIONS = ["showApiDescription", "showApiPage"];

/** Leaves the API's description out of a stage whose parameter `apiDescription` is `off`. */
export function leaveOutApiDescription({ service: { custom, functions } }: Serverless): void {
  if (custom.apiDescription === "on") return;
  if (custom.apiDescription !== "off")
    exitWithError(`apiDescription=${custom.apiDescription}: on or off is expected`);
  for (const name of FUNCTIONS) delete functions[name];
}
