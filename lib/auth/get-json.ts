import { addAbortSignal, type Readable } from "node:stream";
import { HttpRequest } from "@smithy/core/protocols";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { TOKEN_TIMEOUT_MS } from "../times.ts";

/** The largest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 1_048_576;

// The SDK's own HTTP client is in the bundle already; Node's fetch costs a cold start 39 ms more. A connection
// kept open would be dead after the container was frozen, and answers are cached, so none is kept.
const client = new NodeHttpHandler({
  connectionTimeout: 1_000,
  httpAgent: { keepAlive: false },
  httpsAgent: { keepAlive: false },
});

/**
 * Gets a JSON document. Follows no redirect, so that the headers go nowhere else.
 * @returns the status, and the document where the status is 200
 * @throws Error without an answer in 3 s, or when a 200 does not carry JSON of at most 1 MiB
 */
export async function getJson(
  url: URL,
  headers: Record<string, string> = {},
): Promise<{ status: number; document?: unknown }> {
  const signal = AbortSignal.timeout(TOKEN_TIMEOUT_MS);
  const { response } = await client.handle(
    new HttpRequest({
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port && { port: Number(url.port) }),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { host: url.host, accept: "application/json", ...headers },
    }),
    { abortSignal: signal },
  );
  const body: Readable = response.body;
  if (response.statusCode !== 200) {
    body.destroy();
    return { status: response.statusCode };
  }
  return { status: 200, document: JSON.parse(await textOf(addAbortSignal(signal, body))) };
}

async function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error("The answer is too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
