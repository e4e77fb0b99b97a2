import { expect } from "vitest";
import type { Reply } from "./api.ts";

const TITLES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Expects Heat's fault body with `code`, whose message holds every one of `words`. */
export const expectFault = (reply: Reply, code: number, ...words: string[]): void => {
  expect(reply.json).toStrictEqual({
    code,
    title: TITLES[code],
    explanation: expect.stringMatching(/\.$/),
    error: { type: expect.stringMatching(/^[A-Z]\w+$/), message: expect.any(String), traceback: null },
  });
  expect(reply.status).toBe(code);
  for (const word of words) expect(reply.json.error.message).toContain(word);
  expect(reply.headers["content-type"]).toMatch(/^application\/json/);
  expect(reply.headers["x-openstack-request-id"]).toMatch(/^req-[0-9a-f-]{36}$/);
};
