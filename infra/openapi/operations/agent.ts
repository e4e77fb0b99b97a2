import type { OperationNotes } from "../operation-notes.ts";

/** The tag of the endpoints in `functions/agent/`. */
export const tag = {
  name: "Agents",
  description:
    "What the agent on a server calls. The address itself holds the permission (the signed link), and needs no token.",
};

const queryOf = (link: string) => ({ query: Object.fromEntries(new URL(link).searchParams) });

/** The notes on each endpoint, by its function's name in `serverless.yml`. */
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
