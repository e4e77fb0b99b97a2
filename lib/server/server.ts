import * as z from "zod/mini";
import { documented, ProjectPath, text } from "../shapes.ts";

/** The path of a server's metadata. */
export const ServerPath = z.extend(ProjectPath, {
  server_id: documented(text(1, 255), { description: "The server, as its deployments name it." }),
});

/** The signed link by which a server's agent collects its metadata. */
export const MetadataUrl = documented(z.string(), {
  description: "The signed link by which the server's agent collects what it is to run.",
  format: "uri",
});
