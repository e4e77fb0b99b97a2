import type { OperationNotes } from "../../lib/http/spec.ts";

/** The tag of these endpoints in the API's description. */
export const tag = {
  name: "Agents",
  description:
    "What the agent on a server calls. The address itself holds the permission (the signed link), and needs no token.",
};

const queryOf = (link: string) => ({ query: Object.fromEntries(new URL(link).searchParams) });

/** Notes on each endpoint for the API's description, by the function's name in `serverless.yml`. */
export const operations: Record<string, OperationNotes> = {
  collectServerMetadata: {
    faults: ["invalid"],
    requestHeaders: ["If-None-Match", "If-Modified-Since"],
    responseHeaders: ["ETag", "Cache-Control", "Last-Modified"],
    example: ({ collect }) => queryOf(collect),
  },
  signalByLink: {
    faults: ["not_found"],
    example: ({ signal }) => ({
      ...queryOf(signal),
      body: { deploy_stdout: "Hello, world", deploy_stderr: "", deploy_status_code: 0 },
    }),
  },
};
