import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../infra/serverless/route-table.ts";
import { request } from "../support/api.ts";
import { NOBODY, newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

const SECRET = "secret-of-the-owner";

let owner: Tenant;
let stranger: Tenant;
let deployment: Record<string, any>;
let config: Record<string, any>;

beforeAll(async () => {
  owner = await newTenant();
  stranger = await newTenant();
  config = await owner.configure({ name: SECRET, config: SECRET });
  deployment = await owner.deploy({
    config_id: config.id,
    server_id: "shared-server-name",
    input_values: { [SECRET]: SECRET },
  });
});

const owners = async () => [
  (await owner.call("GET", `/software_deployments/${deployment.id}`)).json,
  (await owner.call("GET", `/software_configs/${config.id}`)).json,
];

describe("isolation of projects", () => {
  it("no route reads, changes, deletes, lists or delivers another project's resources", async () => {
    const before = await owners();
    const ids = [deployment.id, config.id, deployment.server_id, NOBODY];
    const closed = routes.filter(({ path }) => path.includes("{project_id}"));
    const query = fc.constantFrom(
      "",
      ...ids.flatMap((id) => [`?marker=${id}`, `?server_id=${id}`, "?limit=1"]),
    );
    const body = fc.constantFrom<unknown>(
      {},
      { status: "FAILED", status_reason: "stolen" },
      { config_id: config.id, server_id: deployment.server_id },
      { template: {} },
    );
    const paths = fc.constantFrom("owner", "stranger");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...closed),
        fc.constantFrom(...ids),
        query,
        body,
        paths,
        async (...tried) => {
          const [route, id, search, sent, whose] = tried;
          const project = whose === "owner" ? owner.project : stranger.project;
          const path = route.path.replace("{project_id}", project).replace(/\{\w+\}/, encodeURIComponent(id));
          const withBody = route.method === "POST" || route.method === "PUT";
          const reply = await request(route.method, `${path}${search}`, {
            token: stranger.token,
            ...(withBody && { body: sent }),
          });
          expect(reply.text).not.toContain(SECRET);
          if (whose === "owner")
            expect([400, 401, 404]).toContain(reply.status === 200 ? emptyOr(reply.json) : reply.status);
        },
      ),
      { numRuns: 300 },
    );
    expect(await owners()).toEqual(before);
    const { json } = await owner.call("GET", "/software_deployments");
    expect(json.software_deployments).toEqual([deployment]);
  });

  // A stranger may ask for a server's metadata as a delegated tenant would: it is told of nothing
  // (and HEAD tells nothing of anything).
  const emptyOr = (json: any): number =>
    [undefined, '{"metadata":[]}'].includes(JSON.stringify(json)) ? 401 : 200;

  it("the same server_id in two projects means two servers", async () => {
    const { id } = await stranger.configure({ name: "mine" });
    await stranger.deploy({ config_id: id, server_id: deployment.server_id });
    const address = `/software_deployments/metadata/${deployment.server_id}`;
    const names = async (tenant: Tenant) =>
      (await tenant.call("GET", address)).json.metadata.map(({ name }: any) => name);
    expect(await names(owner)).toEqual([SECRET]);
    expect(await names(stranger)).toEqual(["mine"]);
  });

  it("another project's configuration is never delivered, and a reference from there does not keep it from removal", async () => {
    await stranger.deploy({ config_id: config.id, server_id: "thief" });
    const { json } = await stranger.call("GET", "/software_deployments/metadata/thief");
    expect(json.metadata).toEqual([]);
    const mine = await owner.configure();
    await stranger.deploy({ config_id: mine.id });
    expect((await owner.call("DELETE", `/software_configs/${mine.id}`)).status).toBe(204);
  });
});

describe("delegated tenant", () => {
  const under = async (delegate: Tenant, method: string, path: string, body?: unknown) =>
    request(method, `/v1/${owner.project}${path}`, {
      token: delegate.token,
      ...(body !== undefined && { body }),
    });

  const delegated = async (roles: string[]) => {
    const delegate = await newTenant(roles);
    const mine = await owner.deploy({
      config_id: config.id,
      server_id: "delegated-server",
      stack_user_project_id: delegate.project,
    });
    return { delegate, mine };
  };

  it.each([["member"], ["heat_stack_user"]])(
    "a delegated tenant with the role %s shows and signals its deployment",
    async (role) => {
      const { delegate, mine } = await delegated([role]);
      const shown = await under(delegate, "GET", `/software_deployments/${mine.id}`);
      expect(shown.json.software_deployment).toEqual(mine);
      const report = { status: "COMPLETE", status_reason: "done", output_values: { a: 1 } };
      const reply = await under(delegate, "PUT", `/software_deployments/${mine.id}`, report);
      expect(reply.json.software_deployment).toMatchObject(report);
    },
  );

  it.each([{ input_values: { a: 1 } }, { config_id: "c" }, { action: "A", status: "COMPLETE" }])(
    "a delegated tenant changes only the result: %j is 401",
    async (body) => {
      const { delegate, mine } = await delegated(["member"]);
      expectFault(await under(delegate, "PUT", `/software_deployments/${mine.id}`, body), 401);
      expect((await owner.call("GET", `/software_deployments/${mine.id}`)).json.software_deployment).toEqual(
        mine,
      );
    },
  );

  it.each(["PUT", "PATCH"])("a delegated tenant's %s that names nothing changes nothing", async (method) => {
    const { delegate, mine } = await delegated(["member"]);
    const before = await owner.call("GET", `/software_deployments/${mine.id}`);
    expect((await under(delegate, method, `/software_deployments/${mine.id}`, {})).status).toBe(200);
    const after = await owner.call("GET", `/software_deployments/${mine.id}`);
    expect([after.json, after.headers.etag]).toEqual([before.json, before.headers.etag]);
  });

  it("other deployments are 404 for a delegated tenant", async () => {
    const { delegate } = await delegated(["member"]);
    const hidden = await under(delegate, "GET", `/software_deployments/${deployment.id}`);
    const missing = await under(delegate, "GET", `/software_deployments/${NOBODY}`);
    expectFault(hidden, 404, `Deployment with id ${deployment.id} not found`);
    expect(hidden.json.explanation).toBe(missing.json.explanation);
    expectFault(
      await under(delegate, "PUT", `/software_deployments/${deployment.id}`, { status: "FAILED" }),
      404,
    );
  });

  it("a server's metadata hold only the deployments that name the delegated tenant", async () => {
    const { delegate } = await delegated(["heat_stack_user"]);
    await delegated(["heat_stack_user"]);
    const { json } = await under(delegate, "GET", "/software_deployments/metadata/delegated-server");
    expect(json.metadata).toHaveLength(1);
    const none = await under(delegate, "GET", `/software_deployments/metadata/${deployment.server_id}`);
    expect(none.json).toEqual({ metadata: [] });
  });

  it("all other routes are 401 for a delegated tenant, and its own path shows nothing of the owner's", async () => {
    const { delegate, mine } = await delegated(["member"]);
    const id = `/software_deployments/${mine.id}`;
    for (const [method, path] of [
      ["POST", "/software_deployments"],
      ["GET", "/software_deployments"],
      ["DELETE", id],
      ["GET", `/software_configs/${config.id}`],
    ] as const) {
      expectFault(
        await under(
          delegate,
          method,
          path,
          method === "POST" ? { config_id: "c", server_id: "s" } : undefined,
        ),
        401,
      );
    }
    expectFault(await delegate.call("GET", id), 404);
    expect((await delegate.call("GET", "/software_deployments")).json).toEqual({ software_deployments: [] });
    expect(
      (await delegate.call("GET", "/software_deployments/metadata/delegated-server")).json.metadata,
    ).toEqual([]);
  });

  it("a reader of another project is no delegated tenant: 401", async () => {
    const { delegate, mine } = await delegated(["reader"]);
    expectFault(await under(delegate, "GET", `/software_deployments/${mine.id}`), 401);
  });
});
