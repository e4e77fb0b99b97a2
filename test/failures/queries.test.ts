import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { byLink, type DeliveringTenant, newDeliveringTenant, signalLink } from "../support/delivery.ts";
import { proxy } from "../support/fault-proxy-setup.ts";
import { recordLog } from "../support/log-lines.ts";
import { type Row, runQuery, type StoredLine, shownBy } from "../support/logs-insights.ts";
import { loopback } from "../support/loopback.ts";

const log = recordLog();

/** The saved queries by their names, without the stage's. */
const queries: Record<string, string> = Object.fromEntries(
  Object.values(parse(readFileSync("infra/stack/queries.yml", "utf8")).Resources).map((resource: any) => [
    resource.Properties.Name.split("/").at(-1),
    resource.Properties.QueryString,
  ]),
);

/** The fields of the gateway's own lines, which CloudWatch has beside those of the functions. */
const gatewayFields = Object.keys(
  JSON.parse(parse(readFileSync("serverless.yml", "utf8")).provider.logs.httpApi.format),
);

/** The lines of a test so far, as CloudWatch keeps them. */
const stored = (): StoredLine[] =>
  log
    .text()
    .trim()
    .split("\n")
    .map((text, at) => ({ at: 1_795_000_000_000 + at, text }));

/** The results of a saved query in lines, with a name in place of its word. */
const find = (query: string, word: string, name: string, lines = stored()): Row[] => {
  const text = queries[query] ?? "";
  expect(text).toContain(`"${word}"`);
  return runQuery(text.replace(word, name), lines);
};

/** Fields that a query has shown with a value. */
const seen = new Map<string, Set<string>>();

const noteShown = (query: string, rows: Row[]): void => {
  const names = seen.get(query) ?? new Set();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  seen.set(query, names);
};

let tenant: DeliveringTenant;

beforeEach(async () => {
  tenant = await newDeliveringTenant();
});

const statuses = (rows: Row[]) => rows.map(({ route, status }) => `${String(route).split(" ")[0]} ${status}`);

describe("saved queries for a request", () => {
  it("the query for a request finds all of its lines, Lambda's included", async () => {
    proxy.decide = () => "fail";
    const { headers } = await tenant.call("GET", "/software_deployments");
    proxy.decide = () => "pass";
    await tenant.call("GET", "/software_deployments");
    const id = headers["x-openstack-request-id"]?.replace("req-", "") ?? "";
    const platform = `REPORT RequestId: ${id}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB`;
    const rows = find("a request", "REQUEST", id, [...stored(), { at: 0, text: platform }]);
    expect(rows).toMatchObject([
      { "@message": platform },
      { message: "request", route: "GET /v1/{project_id}/software_deployments", status: 503 },
      { message: "fault", error: "InternalServerError" },
    ]);
    noteShown("a request", rows);
  });

  it("the query for a request shows what a link and a path name, and what Keystone answered", async () => {
    const { id } = await tenant.deployed();
    const link = await tenant.newLink();
    const removed = await tenant.call("DELETE", `/software_deployments/${id}`);
    const polled = await byLink("GET", link);
    vi.resetModules();
    const keystone = await loopback((_, response) => void response.writeHead(502).end());
    vi.stubEnv("KEYSTONE_AUTH_URL", `${keystone.url}/v3`);
    const unchecked = await tenant.call("GET", "/software_deployments", { token: "a-token" });
    await keystone.close();
    const unreachable = await tenant.call("GET", "/software_deployments", { token: "a-token" });
    vi.resetModules();
    const found = [removed, polled, unchecked, unreachable].map(({ headers }) =>
      find("a request", "REQUEST", String(headers["x-openstack-request-id"]).replace("req-", "")),
    );
    expect(found).toMatchObject([
      [{ id, project: tenant.project }],
      [{ server: "a-server", project: tenant.project }],
      [{ status: 503 }, { error: "UpstreamError", upstream_status: 502 }],
      [{ status: 503 }, { code: "ECONNREFUSED" }],
    ]);
    noteShown("a request", found.flat());
  });
});

describe("saved queries for a deployment", () => {
  it("the query for a deployment shows its creation, refused results, and the one that counts", async () => {
    const { id } = await tenant.deployed();
    await tenant.deployed();
    const link = await signalLink(await tenant.newLink());
    await byLink("PUT", link, { body: "{" });
    await byLink("PUT", `${link}x`, { body: {} });
    await byLink("PUT", link, { body: {} });
    await tenant.update(id, { status: "FAILED" });
    const rows = find("a deployment", "DEPLOYMENT", id);
    // What a link says that is not genuine is in no line.
    expect(statuses(rows)).toEqual(["POST 200", "PUT 400", "PUT 200", "PUT 200"]);
    expect(rows.map((row) => [row.DeploymentsCreated, row.ResultsRefused, row.DeploymentsCompleted])).toEqual(
      [
        [1, undefined, undefined],
        [undefined, 1, undefined],
        [undefined, undefined, 1],
        [undefined, undefined, undefined],
      ],
    );
    const { events } = (await tenant.call("GET", `/software_deployments/${id}/events`)).json;
    expect(rows[0]?.request_id).toBe(events[0].request_id);
    noteShown("a deployment", rows);
  });
});

describe("saved queries for a server", () => {
  it("the query for a server shows its polls, accepted and refused, the latest first", async () => {
    const server = "web-1.example.com";
    await tenant.deployed({ server_id: server });
    const link = await tenant.newLink(server);
    const { headers } = await byLink("GET", link);
    await byLink("GET", link, { headers: { "if-none-match": headers.etag ?? "" } });
    await byLink("GET", await tenant.newLink("another"));
    await tenant.call("DELETE", `/software_deployments/metadata/${server}/link`);
    await byLink("HEAD", link);
    await byLink("GET", `${link}x`);
    const rows = find("a server", "SERVER", server);
    expect(statuses(rows)).toEqual(["HEAD 401", "DELETE 204", "GET 304", "GET 200", "POST 200"]);
    expect(rows[3]).toMatchObject({ DeploymentsCollected: 1, request_id: headers["x-openstack-request-id"] });
    noteShown("a server", rows);
  });
});

describe("all saved queries", () => {
  const readme = readFileSync("infra/README.md", "utf8");

  it.each(Object.entries(queries))(
    "the query %s shows only fields that log lines have, and infra/README.md names it",
    (name, text) => {
      expect([...(seen.get(name) ?? []), ...gatewayFields]).toEqual(expect.arrayContaining(shownBy(text)));
      expect(readme.includes(`"${name}"`)).toBe(true);
    },
  );
});
