import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { later } from "../support/clock.ts";
import { newTenant, type Tenant } from "../support/deployments.ts";
import { expectFault } from "../support/faults.ts";

let tenant: Tenant;

/** All deployments of the project, by creation. */
let all: any[];

const STATUSES = ["COMPLETE", "FAILED", "IN_PROGRESS"];

beforeAll(async () => {
  tenant = await newTenant();
  for (let i = 0; i < 36; i += 1) {
    await tenant.deploy({
      server_id: `server-${i % 2}`,
      config_id: `config-${i % 4}`,
      action: ["CREATE", "UPDATE", "DELETE"][i % 3],
      status: STATUSES[i % 3 === 2 ? 2 : Math.floor(i / 6) % 3],
      ...(i % 5 === 0 && { timeout: 1 }),
    });
  }
  await later(1_100);
  all = (await tenant.call("GET", "/software_deployments")).json.software_deployments;
});

afterAll(() => {
  vi.useRealTimers();
});

const page = async (query: Record<string, string>): Promise<any> => {
  const reply = await tenant.call("GET", `/software_deployments?${new URLSearchParams(query)}`);
  expect(reply.status).toBe(200);
  return reply.json;
};

/** Every page of a list, by its links; none may be empty and lead on. */
const pages = async (query: Record<string, string>): Promise<any[]> => {
  const rows: any[] = [];
  for (let next = query; ; ) {
    const { software_deployments, software_deployments_links } = await page(next);
    rows.push(...software_deployments);
    if (!software_deployments_links) return rows;
    expect(software_deployments.length).toBeGreaterThan(0);
    next = Object.fromEntries(new URL(software_deployments_links[0].href).searchParams);
  }
};

const subsets = <Value>(values: Value[]): Value[][] =>
  Array.from({ length: 2 ** values.length }, (_, bits) => values.filter((_, at) => bits & (1 << at)));

const FILTERS = ["server_id", "config_id", "status", "action"] as const;

describe("filters of a list", () => {
  it("a deployment past its time limit is listed as FAILED", () => {
    const late = all.filter(({ timeout, status_reason }) => timeout === 1 && status_reason);
    expect(late.length).toBeGreaterThan(2);
    expect(new Set(late.map(({ status }) => status))).toEqual(new Set(["FAILED"]));
  });

  it.each(subsets([...FILTERS]).map((fields) => [fields.join(" and ") || "nothing", fields] as const))(
    "a list by %s holds all matches and no others, in either order, whole and in pages",
    async (_, fields) => {
      for (const wanted of [all[4], all[11], all[20], all[33]]) {
        const filter = Object.fromEntries(fields.map((field) => [field, wanted[field]]));
        const expected = all.filter((row) => fields.every((field) => row[field] === wanted[field]));
        expect(await pages(filter)).toEqual(expected);
        expect(await pages({ ...filter, limit: "3" })).toEqual(expected);
        const newest = expected.toReversed();
        expect(await pages({ ...filter, sort_dir: "desc" })).toEqual(newest);
        expect(await pages({ ...filter, sort_dir: "desc", limit: "2" })).toEqual(newest);
        const marker = all[18].id;
        const behind = expected.filter(({ id }) => id > marker);
        expect(await pages({ ...filter, marker })).toEqual(behind);
        const before = newest.filter(({ id }) => id < marker);
        expect(await pages({ ...filter, marker, sort_dir: "desc" })).toEqual(before);
      }
    },
  );

  it("a list without matches is empty and has no link", async () => {
    for (const field of ["server_id", "config_id", "action"]) {
      expect(await page({ [field]: "nothing", limit: "1" })).toEqual({ software_deployments: [] });
    }
  });

  it("a filter finds nothing of another project", async () => {
    const other = await newTenant();
    const { json } = await other.call("GET", "/software_deployments?server_id=server-0&config_id=config-0");
    expect(json).toEqual({ software_deployments: [] });
  });
});

describe("empty and repeated parameters", () => {
  it.each(["server_id=", "config_id=", "status=", "action=", "status=&action=&config_id="])(
    "an empty filter filters nothing: %s",
    async (query) => {
      const { text } = await tenant.call("GET", "/software_deployments?limit=3");
      expect(
        (await tenant.call("GET", `/software_deployments?${query}&limit=3`)).json.software_deployments,
      ).toEqual(JSON.parse(text).software_deployments);
    },
  );

  it("of a parameter that comes twice the last one counts", async () => {
    const list = async (query: string) =>
      (await tenant.call("GET", `/software_deployments?${query}`)).json.software_deployments;
    expect(await list("limit=5&limit=1")).toHaveLength(1);
    expect(await list("status=DONE&status=FAILED&limit=1")).toHaveLength(1);
  });

  it("a limit above 1,000 counts as 1,000", async () => {
    const { status } = await tenant.call("GET", "/software_deployments?limit=99999999999999999999");
    expect(status).toBe(200);
  });
});

describe("bad values of filters", () => {
  it.each([
    ["status=DONE", "status: one of COMPLETE, IN_PROGRESS, FAILED is expected"],
    ["status=complete", "status"],
    ["sort_dir=up", "sort_dir: one of asc, desc is expected"],
    [`config_id=${"c".repeat(256)}`, "config_id"],
    [`action=${"a".repeat(256)}`, "action"],
    ["limit=0&status=COMPLETE", "limit"],
    ["marker=x&sort_dir=desc", "marker"],
  ])("the query %s is 400 that names the parameter", async (query, words) => {
    expectFault(await tenant.call("GET", `/software_deployments?${query}`), 400, words);
  });
});
