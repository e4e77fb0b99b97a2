import * as z from "zod/mini";
import { documented, flatBody, knownId, list, text } from "../shapes.ts";
import { Status } from "./fields.ts";

/** The most deployments that one request is about. */
const MAX_MANY = 100;

/** The body of a request about many deployments, each named once. */
export const ManyRequest = documented(
  flatBody(
    "software_deployment",
    z.object({
      ids: documented(
        list(text(1, 255), 1, MAX_MANY, `1 to ${MAX_MANY} are expected`).check(
          z.refine((ids) => new Set(ids.map(knownId)).size === ids.length, {
            error: "names one twice",
          }),
        ),
        { uniqueItems: true, description: "The deployments, each named once." },
      ),
    }),
  ),
  { id: "ManySoftwareDeployments" },
);

/** The response: what has become of each, in the order asked. */
export const ManyResults = z.object({
  results: z.array(
    documented(
      z.object({
        id: z.string(),
        code: documented(z.int(), { description: "The status that a request for it alone would get." }),
        status: z.optional(Status),
        message: documented(z.optional(z.string()), { description: "Why it was refused." }),
      }),
      { id: "ManyResult" },
    ),
  ),
});
