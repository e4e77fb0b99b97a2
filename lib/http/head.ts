import type { MiddlewareObj, Request } from "@middy/core";
import type { Answer, EndpointEvent } from "./event.ts";

const withoutBody = ({ event, response }: Request<EndpointEvent, Answer>): void => {
  if (response && event.requestContext.http.method === "HEAD") response.body = "";
};

/** Middleware: a HEAD is answered as the GET of the same address, without the body. */
export const head = (): MiddlewareObj<EndpointEvent, Answer> => ({
  after: withoutBody,
  onError: withoutBody,
});
