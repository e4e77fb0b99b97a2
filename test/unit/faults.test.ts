import { describe, expect, it } from "vitest";
import { ServiceError } from "../../lib/errors.ts";
import { faultReply } from "../../lib/http/faults.ts";

describe("faultReply", () => {
  it("faultReply shows a ServiceError's message, and hides its cause", () => {
    const reply = faultReply(new ServiceError("unavailable", "Later.", { cause: new Error("arn:secret") }));
    expect(reply.status).toBe(503);
    expect(reply.headers["retry-after"]).toMatch(/^\d+$/);
    expect(reply.body).toMatchObject({
      error: { type: "ServiceUnavailable", message: "Later.", traceback: null },
    });
    expect(JSON.stringify(reply)).not.toContain("secret");
  });

  it.each([new Error("table software-deployments-prod"), new TypeError("x"), "text", undefined, null])(
    "faultReply answers 500 to any other error, and hides it: %s",
    (thrown) => {
      const reply = faultReply(thrown);
      expect(reply.body).toEqual({
        code: 500,
        title: "Internal Server Error",
        explanation: "The server has either erred or is incapable of performing the requested operation.",
        error: {
          type: "InternalServerError",
          message: "The server has either erred or is incapable of performing the requested operation.",
          traceback: null,
        },
      });
    },
  );
});
