import * as z from "zod/mini";
import { ProjectPath, text } from "../wire/fields.ts";

/** The path of what a server is to run. */
export const ServerPath = z.extend(ProjectPath, { server_id: text(1, 255) });
