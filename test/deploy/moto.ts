import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { answering, freePort } from "../../infra/local/emulator.ts";
import { REGION } from "../../infra/local/tables.ts";
import { loopback } from "../support/loopback.ts";
import { type Call, callsOf } from "./calls.ts";

const LAUNCHER = new URL("moto_server.py", import.meta.url).pathname;

/** AWS on this machine: moto's server, behind a proxy that notes what is called and refuses what is not allowed. */
export interface Moto {
  /** The proxy's address. It is an IP address, so that the SDK names a bucket in the path. */
  url: string;
  /** moto's own address: nothing is noted or refused there. */
  direct: string;
  /** The calls that were allowed, and those that were refused. */
  calls: Call[];
  refused: Call[];
  /** The types of resources that its CloudFormation was asked for and does not know. */
  unknownTypes: () => string[];
  /** Asks moto itself: a path, or with a form an action of a service that takes forms. */
  ask: (service: string, path: string, form?: Record<string, string>) => Promise<Response>;
  stop: () => Promise<void>;
}

/**
 * Starts moto.
 * @param python a Python that has it
 * @param isAllowed whether who calls through the proxy may do that
 * @throws Error with moto's own words when it does not start
 */
export const startMoto = async (python: string, isAllowed: (call: Call) => boolean): Promise<Moto> => {
  const port = await freePort();
  const child = spawn(python, [LAUNCHER, "--port", String(port)], { stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const direct = `http://127.0.0.1:${port}`;
  await answering(direct, { child, seconds: 60 }).catch((error: Error) => {
    child.kill();
    throw new Error(`moto does not start. ${printed.trim() || error.message}`);
  });
  const calls: Call[] = [];
  const refused: Call[] = [];
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const made = callsOf(request, body.toString());
    const forbidden = made.filter((call) => !isAllowed(call));
    calls.push(...made.filter(isAllowed));
    refused.push(...forbidden);
    const [first] = forbidden;
    if (first) refuse(first, request, response);
    else await forward(direct, request, response, body);
  };
  const proxy = await loopback((request, response) => {
    pass(request, response).catch(() => request.socket.destroy());
  });
  return {
    url: proxy.url,
    direct,
    calls,
    refused,
    unknownTypes: () => [
      ...new Set(
        [...printed.matchAll(/No Moto CloudFormation support for (\S+)/g)].map(([, type = ""]) => type),
      ),
    ],
    ask: (service, path, form) => ask(direct, service, path, form),
    stop: async () => {
      await proxy.close();
      await end(child);
    },
  };
};

const forward = async (
  direct: string,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): Promise<void> => {
  const { method = "GET", url = "/" } = request;
  // The body is here already: nobody waits to be told to send it.
  const { expect: _, ...headers } = request.headers;
  const onward = httpRequest(direct + url, { method, headers, agent: false });
  onward.end(body);
  const [answer] = (await once(onward, "response")) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  answer.pipe(response);
};

/** As services that take JSON refuse, and as the others do. */
const refuse = ({ action, resource }: Call, request: IncomingMessage, response: ServerResponse): void => {
  const message = `not authorized to perform ${action} on ${resource}`;
  if (request.headers["x-amz-target"]) {
    response.writeHead(400, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify({ __type: "AccessDeniedException", message }));
    return;
  }
  response.writeHead(403, { "content-type": "text/xml" });
  response.end(
    `<ErrorResponse><Error><Code>AccessDenied</Code><Message>${message}</Message></Error></ErrorResponse>`,
  );
};

const ask = (direct: string, service: string, path: string, form?: Record<string, string>) => {
  // moto knows services by the scope of a signature, which it does not check.
  const scope = `Credential=test/20260101/${REGION}/${service}/aws4_request`;
  return fetch(direct + path, {
    headers: { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=none` },
    ...(form && { method: "POST", body: new URLSearchParams(form) }),
  });
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, "exit");
};
