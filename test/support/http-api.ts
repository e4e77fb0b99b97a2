import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { eventOf, type GatewayRoute, matchingIn } from "./gateway.ts";

/** The outcome of an event: the answer of the function behind a route, or an error. */
type Invoke<One extends GatewayRoute> = (
  route: One,
  event: APIGatewayProxyEventV2,
) => Promise<APIGatewayProxyStructuredResultV2>;

/**
 * An HTTP API of API Gateway, without its throttling: hands each request as an event to the function behind its route,
 * and answers what that returns; where it returns nothing usable, 500 in API Gateway's words.
 */
export const httpApi = <One extends GatewayRoute>(table: One[], invoke: Invoke<One>): RequestListener => {
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/" } = request;
    const [path = ""] = url.split("?");
    const match = matchingIn(table, method, path);
    const body = await buffer(request);
    const event = eventOf({ method, target: url, headers: pairsOf(request.rawHeaders), body }, match);
    const answer = await invoke(match.route, event);
    response.writeHead(answer.statusCode ?? 0, answer.headers as Record<string, string>);
    response.end(Buffer.from(answer.body ?? "", answer.isBase64Encoded ? "base64" : "utf8"));
  };
  return (request, response) => {
    respond(request, response).catch((error: Error) => {
      const [status, message] =
        error instanceof URIError ? [400, "Bad Request"] : [500, "Internal Server Error"];
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ message }));
    });
  };
};

const pairsOf = (rawHeaders: string[]): [string, string][] =>
  rawHeaders.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""]] : [],
  );
