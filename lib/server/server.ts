import * as z from "zod/mini";
import { documented, ProjectPath, text } from "../shapes.ts";

/** The ids that a path can carry. */
const IN_PATH = /^(?!\.{1,2}$)[^/?#\\\p{Cc}]*$/u;

/** The same for the API's document: not every program that reads it knows `\p`. */
const DOCUMENTED_IN_PATH = IN_PATH.source.replace("\\p{Cc}", "\\u0000-\\u001f\\u007f-\\u009f");

const NOT_IN_PATH = "no path can carry . or .., nor an id with / ? # \\ or a control character";

/** The path of a server's metadata. Gateways decode a path before they match it, and take dots for steps in it. */
export const ServerPath = z.extend(ProjectPath, {
  server_id: documented(text(1, 255).check(z.regex(IN_PATH, { error: NOT_IN_PATH })), {
    pattern: DOCUMENTED_IN_PATH,
    description:
      "The server, as its deployments name it. No path can carry `.` or `..`, nor an id with `/`, `?`, `#`, `\\` or a control character.",
  }),
});

/** The signed link by which a server's agent collects its metadata. */
export const MetadataUrl = documented(z.string(), {
  description: "The signed link by which the server's agent collects what it is to run.",
  format: "uri",
});

/** Warnings of servers that deployments may name, but no path: a sentence for each, which begins with the field. */
export function pathWarnings(serverIds: string[]): string[] {
  const unreachable = serverIds.filter((id) => !IN_PATH.test(id));
  return unreachable.map(() => `server_id: ${NOT_IN_PATH}, so that the server can get no link`);
}
