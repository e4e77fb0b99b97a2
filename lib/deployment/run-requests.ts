import * as z from "zod/mini";
import { documented, emptyMeansAbsent, flatBody } from "../shapes.ts";
import { NotBefore, StatusReason } from "./fields.ts";

/** The body of a cancel. */
export const CancelRequest = documented(
  flatBody("software_deployment", emptyMeansAbsent(z.object({ status_reason: z.optional(StatusReason) }))),
  { id: "SoftwareDeploymentCancel" },
);

/** The body of a rerun. */
export const RerunRequest = documented(
  flatBody("software_deployment", emptyMeansAbsent(z.object({ not_before: z.optional(NotBefore) }))),
  { id: "SoftwareDeploymentRerun" },
);
