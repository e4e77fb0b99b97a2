import * as z from "zod/mini";
import { ServiceError } from "../errors.ts";
import type { JsonObject } from "../json/exact-json.ts";
import { mergePatch } from "../json/merge-patch.ts";
import { documented, flatBody, MAX_BODY_BYTES } from "../shapes.ts";
import type { SoftwareDeployment } from "./deployment.ts";
import { Action, ConfigId, InputValues, newTimeLimit, OutputValues, Status, StatusReason } from "./fields.ts";
import type { Change, ChangeContext, Update } from "./transitions.ts";
import { updateChange } from "./update-request.ts";

/**
 * The body of a JSON merge patch (RFC 7396) of the fields that an update takes: null takes a value away, where a
 * deployment can be without it.
 */
export const PatchRequest = documented(
  flatBody(
    "software_deployment",
    z.object({
      config_id: z.optional(ConfigId),
      input_values: z.optional(z.nullable(InputValues)),
      output_values: z.optional(z.nullable(OutputValues)),
      action: z.optional(z.nullable(Action)),
      status: z.optional(Status),
      status_reason: z.optional(z.nullable(StatusReason)),
      timeout: z.optional(z.nullable(newTimeLimit())),
    }),
  ),
  { id: "SoftwareDeploymentPatch" },
);

/**
 * A merge patch as a change.
 * @param current the deployment as it was read, into whose values those of the patch are merged
 * @throws ServiceError `invalid` when a merged value is larger than a body could hold
 */
export function patchChange(patch: Update, current: SoftwareDeployment, context: ChangeContext): Change {
  const { input_values, output_values } = patch;
  const merged: Update = {
    ...patch,
    ...(input_values && { input_values: mergedValues("input_values", current, input_values) }),
    ...(output_values && { output_values: mergedValues("output_values", current, output_values) }),
  };
  return updateChange(merged, context, current);
}

function mergedValues(
  name: "input_values" | "output_values",
  current: SoftwareDeployment,
  patch: JsonObject,
): JsonObject {
  const value = mergePatch(current[name], patch);
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= MAX_BODY_BYTES) return value;
  throw new ServiceError(
    "invalid",
    `${name}: too large: it takes ${bytes} bytes when merged, at most ${MAX_BODY_BYTES} are allowed`,
  );
}
