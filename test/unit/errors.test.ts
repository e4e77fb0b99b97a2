import { describe, expect, it } from "vitest";
import { ServiceError } from "../../lib/errors.ts";
import { faultAnswer } from "../../lib/http/faults.ts";

describe("faultAnswer", () => {
  it("lets a ServiceError speak, and hides its cause", () => {
    const answer = faultAnswer(new ServiceError("unavailable", "Later.", { cause: new Error("arn:secret") }));
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
    expect(JSON.parse(answer.body).error).toEqual({
      type: "ServiceUnavailable",
      message: "Later.",
      traceback: null,
    });
    expect(answer.body).not.toContain("secret");
  });

  it.each([new Error("table software-deployments-prod"), new TypeError("x"), "text", undefined, null])(
    "answers 500 to what is not one, and says nothing of it: %s",
    (thrown) => {
      const answer = faultAnswer(thrown);
      expect(JSON.parse(answer.body)).toEqual({
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
