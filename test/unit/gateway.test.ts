import { describe, expect, it } from "vitest";
import { eventOf, matchingIn } from "../support/gateway.ts";

const TABLE = [
  { name: "show", method: "GET", path: "/servers/{server_id}" },
  { name: "fallback", method: "*", path: "" },
];

const event = (method: string, path: string, query = "", headers: [string, string][] = [], body = "") =>
  eventOf({ method, target: `${path}${query}`, headers, body }, matchingIn(TABLE, method, path));

describe("gatewayEvent of the tests", () => {
  it("the event joins repeated headers, has their names in lower case, and cookies by themselves", () => {
    const { headers, cookies, queryStringParameters, rawQueryString } = event(
      "GET",
      "/servers/a",
      "?a=1&b=%2C&a=2",
      [
        ["Accept", "text/html"],
        ["ACCEPT", "*/*"],
        ["Cookie", "one=1; two=2"],
        ["cookie", "three=3"],
        ["X-Forwarded-For", "203.0.113.9"],
      ],
    );
    expect(headers).toMatchObject({ accept: "text/html,*/*", "x-forwarded-for": "192.0.2.1" });
    expect(headers).not.toHaveProperty("cookie");
    expect(cookies).toEqual(["one=1", "two=2", "three=3"]);
    expect(queryStringParameters).toEqual({ a: "1,2", b: "," });
    expect(rawQueryString).toBe("a=1&b=%2C&a=2");
  });

  it("the event is routed by the path as it was sent, and has the decoded path", () => {
    const { routeKey, rawPath, pathParameters, requestContext } = event("GET", "/servers/my%20server%3A1");
    expect([routeKey, requestContext.routeKey]).toEqual([
      "GET /servers/{server_id}",
      "GET /servers/{server_id}",
    ]);
    expect([rawPath, requestContext.http.path]).toEqual(["/servers/my server:1", "/servers/my server:1"]);
    expect(pathParameters).toEqual({ server_id: "my server:1" });
  });

  it("a request without a route goes to the fallback, without fields that were not sent", () => {
    const other = event("PUT", "/servers/a");
    expect(other.routeKey).toBe("$default");
    for (const name of ["body", "cookies", "pathParameters", "queryStringParameters"])
      expect(other).not.toHaveProperty(name);
    expect(other).toMatchObject({ version: "2.0", rawQueryString: "", isBase64Encoded: false });
    expect(other.requestContext.time).toMatch(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  });

  it.each([
    ["application/json", false],
    ["application/json; charset=utf-8", false],
    ["text/plain", false],
    ["application/xml", false],
    ["application/merge-patch+json", true],
    ["application/x-www-form-urlencoded", true],
    ["application/octet-stream", true],
    ["", true],
  ])("the event has a body of the type %j in base64: %s", (type, isBase64Encoded) => {
    const sent = event("PUT", "/", "", [["Content-Type", type]], '{"é":1}');
    const body = isBase64Encoded ? "eyLDqSI6MX0=" : '{"é":1}';
    expect(sent).toMatchObject({ body, isBase64Encoded });
  });
});
