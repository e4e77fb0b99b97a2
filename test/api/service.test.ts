import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import kept from "../../functions/openapi.json" with { type: "json" };
import { routes } from "../../infra/serverless/route-table.ts";
import { request } from "../support/api.ts";
import { NOBODY, newTenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

describe("versions", () => {
  it.each(["/", "/v1"])("GET %s lists the versions (300) without a token", async (path) => {
    const reply = await request("GET", path);
    expect(reply.status).toBe(300);
    expect(reply.json).toEqual({
      versions: [
        {
          id: "v1.0",
          status: "CURRENT",
          links: [{ rel: "self", href: expect.stringMatching(/^https?:.*\/v1\/$/) }],
        },
      ],
    });
  });

  it("the version document's address is not taken from headers", async () => {
    const headers = {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      forwarded: "host=evil.example",
    };
    expect((await request("GET", "/", { headers })).text).not.toContain("evil");
  });
});

describe("health", () => {
  it("GET /health answers without a token", async () => {
    expect((await request("GET", "/health")).json).toEqual({ status: "ok" });
    expect((await request("HEAD", "/health")).text).toBe("");
  });
});

describe("the API's description, without a token", () => {
  it("/openapi.json is the stored description, with the address that it was asked at, taken from no header", async () => {
    const { json } = await request("GET", "/openapi.json", {
      headers: { "x-forwarded-host": "evil.example" },
    });
    const versions = (await request("GET", "/")).json.versions[0].links[0].href;
    expect(json).toEqual({ ...kept, servers: [{ url: versions.replace(/\/v1\/$/, "") }] });
  });

  it("the description has an operation for each route, with who may call it", async () => {
    const { paths } = (await request("GET", "/openapi.json")).json;
    const described = Object.entries<object>(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = routes
      .filter(({ method }) => method !== "*")
      .map(({ method, path }) => `${method} ${path}`);
    expect(described.sort()).toEqual(known.sort());
    expect(paths["/v1/{project_id}/stacks"].get.security).toEqual([
      { KeystoneToken: [] },
      { BearerToken: [] },
    ]);
    expect(paths["/agent/metadata"].get.security).toEqual([{ SignedLink: [] }]);
    expect(paths["/health"].get.security).toEqual([]);
  });

  it.each(["/openapi.json", "/docs"])(
    "%s is cached by its ETag, and compressed for clients that accept it",
    async (path) => {
      const plain = await request("GET", path, { headers: { "accept-encoding": "identity" } });
      expect(plain.status).toBe(200);
      expect(plain.headers["cache-control"]).toBe("public, max-age=300");
      expect(plain.headers["content-encoding"]).toBeUndefined();
      const compressed = await request("GET", path, { headers: { "accept-encoding": "br, gzip" } });
      expect(compressed.headers["content-encoding"]).toBe("gzip");
      expect(compressed.text).toBe(plain.text);
      expect(compressed.headers.etag).not.toBe(plain.headers.etag);
      const refused = await request("HEAD", path, { headers: { "accept-encoding": "gzip;q=0, br" } });
      expect(refused.headers["content-encoding"]).toBeUndefined();
      const again = await request("GET", path, {
        headers: { "accept-encoding": "identity", "if-none-match": plain.headers.etag ?? "" },
      });
      expect([again.status, again.text]).toEqual([304, ""]);
      const head = await request("HEAD", path, { headers: { "accept-encoding": "identity" } });
      expect([head.status, head.text, head.headers.etag]).toEqual([200, "", plain.headers.etag]);
    },
  );

  it("the policy of /docs allows only its own scripts", async () => {
    const { text, headers } = await request("GET", "/docs");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    const policy = headers["content-security-policy"] ?? "";
    expect(policy).not.toMatch(/unsafe|https?:/);
    const scripts = [...text.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = ""]) => script);
    expect(scripts).toHaveLength(2);
    for (const script of scripts) expect(policy).toContain(`'sha256-${hash("sha256", script, "base64")}'`);
  });

  it("/openapi.json is the same for OTC's Go SDK", async () => {
    const headers = { "user-agent": "golangsdk/2.0.0" };
    const { text } = await request("GET", "/openapi.json");
    expect((await request("GET", "/openapi.json", { headers })).text).toBe(text);
  });
});

describe("other requests of Heat's clients", () => {
  it("POST /validate says to a member that any template is valid", async () => {
    const tenant = await newTenant();
    const body = { template: { heat_template_version: "2013-05-23" }, files: {} };
    const reply = await tenant.call("POST", "/validate", { body });
    expect(reply.json).toEqual({ Description: "", Parameters: {}, Environment: {} });
    expectFault(await request("POST", `/v1/${tenant.project}/validate`, { body }), 401);
  });

  it("/services lists no engines, and /build_info says that the build is unknown", async () => {
    const tenant = await newTenant(["reader"]);
    expect((await tenant.call("GET", "/services")).json).toEqual({ services: [] });
    expect((await tenant.call("GET", "/build_info")).json).toEqual({
      api: { revision: "unknown" },
      engine: { revision: "unknown" },
    });
    expectFault(await request("GET", `/v1/${tenant.project}/build_info`), 401);
  });

  it("/healthcheck answers as OpenStack's monitors read it, without a token", async () => {
    expect((await request("GET", "/healthcheck")).json).toEqual({ detailed: false, reasons: [] });
  });

  it("/stacks lists no stacks", async () => {
    expect((await (await newTenant(["reader"])).call("GET", "/stacks")).json).toEqual({ stacks: [] });
  });
});

describe("requests without a route", () => {
  it.each([
    ["/v1/p/software_deployments", "POST,GET,HEAD"],
    [`/v1/p/software_deployments/${NOBODY}`, "GET,HEAD,PUT,PATCH,DELETE"],
    ["/v1/p/software_deployments/metadata/s", "GET,HEAD"],
    ["/v1/p/software_configs", "POST,GET,HEAD"],
    [`/v1/p/software_configs/${NOBODY}`, "GET,HEAD,DELETE"],
    ["/", "GET,HEAD"],
  ])("OPTIONS and PURGE on %s are 204 and 405 with Allow: %s, without a token", async (path, allow) => {
    const options = await request("OPTIONS", path);
    expect([options.status, options.headers.allow, options.text]).toEqual([204, allow, ""]);
    const unknown = await request("PURGE", path);
    expectFault(unknown, 405);
    expect(unknown.headers.allow).toBe(allow);
  });

  it.each(["/v1/p/nothing_here", "/v2", "/v1/p", "/v1/p/software_deployments/a/b"])(
    "the unknown path %s is 404",
    async (path) => {
      expectFault(await request("GET", path), 404);
      expectFault(await request("OPTIONS", path), 404);
    },
  );

  it("a known path with a slash at its end is 404", async () => {
    expectFault(await request("GET", "/v1/p/software_deployments/"), 404);
  });

  it.each(["/v1/p//software_deployments", "//v1/p/software_deployments", "/v1//p///software_deployments/a"])(
    "the path %s is 404, which says what to do",
    async (path) => {
      const sentence = "Remove the slash at the end of the base address.";
      for (const method of ["GET", "POST", "OPTIONS"])
        expectFault(await request(method, path), 404, sentence);
    },
  );

  it.each(["/v1//software_deployments", "/v1/p//nothing_here"])(
    "the path %s, unknown also with single slashes, is 404 without advice",
    async (path) => {
      expectFault(await request("GET", path), 404, "The resource could not be found.");
    },
  );
});
