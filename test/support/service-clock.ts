/**
 * Lets a test move the service's clock for a request of its own, by a header: loaded before the service that the tests
 * over HTTP start (`node --import`).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { CLOCK_HEADER } from "./clock-header.ts";

/** By how many ms the clock of the request that is being worked on is ahead. */
const ahead = new AsyncLocalStorage<number>();

const present = Date.now;
Date.now = () => present() + (ahead.getStore() ?? 0);
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length > 0 ? args : [target.now()], newTarget),
});

subscribe("http.server.request.start", (message) => {
  const { request } = message as { request: IncomingMessage };
  ahead.enterWith(Number(request.headers[CLOCK_HEADER] ?? 0));
});
