import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { parse } from "yaml";
import { createTables } from "../../infra/local/tables.ts";
import { type Stack, startCloudFormation } from "../support/cloudformation.ts";
import { minimal, newTenant, type Tenant } from "../support/deployments.ts";
import type { InjectedFault } from "../support/fault-proxy.ts";
import { proxy } from "../support/fault-proxy-setup.ts";
import { inLongForm } from "../support/long.ts";
import type { Loopback } from "../support/loopback.ts";
import { emptyTable, everyItem, putItems, storeAttribute, storedItem } from "../support/table.ts";

const DAY = 86_400;

/** A table of its own: a sweep reads all of it. */
const TABLE = "software-deployments-sweep";

/** The time for which the stage `prod` keeps finished deployments, in seconds. */
const RETENTION = 2 * DAY;

/** A stage's stack, whose functions have settings. */
const stackOf = (stage: string, settings: object, resources: Record<string, string>): Stack => ({
  name: `software-deployments-${stage}`,
  template: {
    Resources: {
      ServerlessDeploymentBucket: { Type: "AWS::S3::Bucket" },
      ShowLambdaFunction: {
        Type: "AWS::Lambda::Function",
        Properties: { Environment: { Variables: { LOG_LEVEL: "INFO", ...settings } } },
      },
    },
  },
  resources,
});

let cloudFormation: Loopback;
let tenant: Tenant;

beforeAll(async () => {
  const resources = { SoftwareDeploymentsTable: TABLE };
  cloudFormation = await startCloudFormation([
    stackOf("prod", { RETENTION_DAYS: "2" }, resources),
    stackOf("forever", { RETENTION_DAYS: "" }, resources),
    stackOf("broken", { RETENTION_DAYS: "2 days" }, resources),
    stackOf("half", { RETENTION_DAYS: "2" }, {}),
  ]);
  await createTables(inject("dynamodb"), "sweep");
  // The service as it was before its stage had a retention; the handlers are imported at the first request.
  process.env.SOFTWARE_DEPLOYMENTS_TABLE = TABLE;
});

beforeEach(async () => {
  tenant = await newTenant();
});

afterEach(emptyTable);

afterAll(() => cloudFormation.close());

type Sweep = ChildProcessByStdio<null, Readable, Readable>;

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const startSweep = (args: string[]): Sweep =>
  spawn(process.execPath, ["infra/ops/sweep.ts", ...args], {
    env: { ...process.env, AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.url },
    stdio: ["ignore", "pipe", "pipe"],
  });

const ended = async (child: Sweep): Promise<Ended> => {
  const [[code], stdout, stderr] = await Promise.all([
    once(child, "exit"),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, stdout, stderr };
};

const sweep = (...args: string[]): Promise<Ended> => ended(startSweep(["--stage", "prod", ...args]));

/** Whether a call is the command's own write, and not the service's. */
const isSweeping = (operation: string, { UpdateExpression }: Record<string, any>): boolean =>
  operation === "UpdateItem" && UpdateExpression === "SET expires = :expires";

const updates = (): number => proxy.calls.filter(({ operation }) => operation === "UpdateItem").length;

/** The tenant, that many seconds ago. */
const ago = (seconds: number): Promise<Tenant> => {
  vi.useRealTimers();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - seconds * 1_000 });
  return newTenant(["member"], tenant.project);
};

const now = (): number => Math.floor(Date.now() / 1_000);

const expiresOf = async (id: string): Promise<number | undefined> =>
  (await storedItem(tenant.project, id))?.expires;

const create = async (of: Tenant, key: string, more: object): Promise<string> => {
  const headers = { "idempotency-key": key };
  const { json } = await of.call("POST", "/software_deployments", { body: minimal(more), headers });
  return json.software_deployment.id;
};

/** As many rows as are asked for, each like the one of a finished deployment. */
const fill = async (rows: number, more: (at: number) => object = () => ({})): Promise<void> => {
  const { id } = await tenant.deploy({ status: "COMPLETE" });
  const row = await storedItem(tenant.project, id);
  const items = Array.from({ length: rows - 1 }, (_, at) => ({
    ...row,
    id: crypto.randomUUID(),
    ...more(at),
  }));
  await putItems(items);
};

describe("node infra/ops/sweep.ts", () => {
  it("the sweep gives each deployment the end that the service's writes would, and changes nothing else", async () => {
    const then = await ago(DAY);
    const changed = now();
    const server = { server_id: "a-server" };
    const done = await then.deploy({ ...server, status: "COMPLETE" });
    const failed = await then.deploy({ ...server, status: "FAILED" });
    const running = await then.deploy(server);
    const timedOut = await then.deploy({ ...server, timeout: 3_600 });
    const limited = await then.deploy({ ...server, timeout: 5 * DAY });
    const repeatable = await create(then, "kept", { status: "COMPLETE" });
    const removed = await create(then, "removed", { status: "COMPLETE" });
    await then.call("DELETE", `/software_deployments/${removed}`);
    await then.call("DELETE", "/software_deployments/metadata/a-server/link");
    vi.useRealTimers();

    const before = await everyItem();
    expect(await sweep()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^rows read: 10, given an end: 5, changed meanwhile: 0, write units: \d+, read units: \d+\n$/,
      ),
      stderr: expect.stringMatching(/^Of about \d+ rows read: 10, /),
    });
    const after = await everyItem();
    const ends = {
      [done.id]: changed + RETENTION,
      [failed.id]: changed + RETENTION,
      [timedOut.id]: changed + 3_600 + RETENTION,
      [limited.id]: changed + 5 * DAY + RETENTION,
      // A repeat finds it until its key ends.
      [repeatable]: changed + 7 * DAY,
    };
    expect(ends[running.id]).toBeUndefined();
    const expected = before.map((row) => ({ ...row, ...(ends[row.id] && { expires: ends[row.id] }) }));
    expect(after).toEqual(expected);
  });

  it("the sweep ends a deployment past its retention now, as DynamoDB removes nothing older than five years", async () => {
    const { id } = await (await ago(6 * 365 * DAY)).deploy({ status: "COMPLETE" });
    vi.useRealTimers();
    const begun = now();
    let written: number | undefined;
    proxy.decide = (operation, input) => {
      if (isSweeping(operation, input)) written = Number(input.ExpressionAttributeValues[":expires"].N);
      return "pass";
    };
    expect((await sweep()).stdout).toContain("given an end: 1,");
    expect(written).toBeGreaterThanOrEqual(begun);
    expect(written).toBeLessThanOrEqual(now());
    // An emulator may have removed it by now.
    expect([undefined, written]).toContain(await expiresOf(id));
  });

  it("a second run of the sweep writes nothing", async () => {
    await fill(30);
    expect((await sweep()).stdout).toContain("given an end: 30,");
    proxy.calls.length = 0;
    expect((await sweep()).stdout).toContain("rows read: 30, given an end: 0,");
    expect(updates()).toBe(0);
  });

  it("the sweep with --dry-run counts, and writes nothing", async () => {
    await fill(30);
    await tenant.deploy();
    const { code, stdout } = await sweep("--dry-run");
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^rows read: 31, without an end: 30, which .*, read units: \d+\n$/),
    ]);
    expect(updates()).toBe(0);
    expect((await everyItem()).filter(({ expires }) => expires !== undefined)).toEqual([]);
  });

  it("a deployment that changes between the sweep's read and write is left to that change", async () => {
    const path = (id: string): string => `/software_deployments/${id}`;
    const { id: rerun } = await tenant.deploy({ status: "COMPLETE" });
    const { id: renamed } = await tenant.deploy({ status: "COMPLETE" });
    const { id: removed } = await tenant.deploy({ status: "COMPLETE" });
    const tombstoned = await create(tenant, "k", { status: "COMPLETE" });
    const { id: swept } = await tenant.deploy({ status: "COMPLETE" });
    const change = async (): Promise<void> => {
      await tenant.call("PUT", path(rerun), { body: { status: "IN_PROGRESS" } });
      await tenant.call("PUT", path(renamed), { body: { status_reason: "read once more" } });
      await tenant.call("DELETE", path(removed));
      await tenant.call("DELETE", path(tombstoned));
      // As another sweep does.
      await storeAttribute(tenant.project, swept, "expires", now() + DAY);
      changed = await everyItem();
    };
    let changes: Promise<void> | undefined;
    let changed: Record<string, any>[] = [];
    proxy.decide = async (operation, input): Promise<InjectedFault> => {
      if (isSweeping(operation, input)) {
        changes ??= change();
        await changes;
      }
      return "pass";
    };
    expect((await sweep()).stdout).toContain("given an end: 0, changed meanwhile: 5,");
    expect(changed.map(({ id }) => id)).toEqual(expect.arrayContaining([rerun, renamed, tombstoned]));
    expect(changed.map(({ id }) => id)).not.toContain(removed);
    expect(await everyItem()).toEqual(changed);
    proxy.decide = () => "pass";
    expect((await sweep()).stdout).toContain("given an end: 1, changed meanwhile: 0,");
    expect(await expiresOf(renamed)).toBeDefined();
    expect(await expiresOf(rerun)).toBeUndefined();
  });

  it("the sweep goes on where it was interrupted", async () => {
    await fill(600);
    let swept = 0;
    proxy.decide = (operation, input) => {
      if (!isSweeping(operation, input)) return "pass";
      swept += 1;
      if (swept === 300) child.kill("SIGINT");
      return "pass";
    };
    const child = startSweep(["--stage", "prod", "--write-units-per-second", "1000"]);
    const { code, stdout, stderr } = await ended(child);
    expect([code, stdout]).toEqual([130, ""]);
    const [, command = ""] = /^Go on with: npx node infra\/ops\/sweep\.ts (.*)$/m.exec(stderr) ?? [];
    const position = command.split(" ").at(-1) ?? "";
    expect(command).toBe(
      `--stage prod --region eu-central-1 --write-units-per-second 1000 --resume ${position}`,
    );
    const given = Number(
      /given an end: (\d+), changed meanwhile: 0/.exec(stderr.split("Stopped: ")[1] ?? "")?.[1],
    );
    expect(given).toBe(swept);
    expect(given).toBeLessThan(600);

    let begun: unknown;
    proxy.decide = (operation, input) => {
      if (operation === "Scan") begun ??= input.ExclusiveStartKey;
      return "pass";
    };
    const { stdout: rest } = await ended(startSweep(command.split(" ")));
    const [project_id = "", id = ""] = position.split("/");
    expect(begun).toEqual({ project_id: { S: project_id }, id: { S: id } });
    expect(rest).toContain(`rows read: 350, given an end: ${600 - given}, changed meanwhile: 0,`);
    expect((await everyItem()).filter(({ expires }) => expires === undefined)).toEqual([]);
  });

  it("the sweep counts a repeated write once, and waits where DynamoDB throttles", async () => {
    await fill(3);
    const left: InjectedFault[] = ["cut-after", "throttle"];
    proxy.decide = (operation, input) => (isSweeping(operation, input) && left.shift()) || "pass";
    expect((await sweep()).stdout).toContain("given an end: 3, changed meanwhile: 0,");
    expect(updates()).toBe(3 + 2);
  });

  it("a deployment in a transaction is left to that by the sweep", async () => {
    await fill(2);
    const left = ["conflict" as const];
    proxy.decide = (operation, input) => (isSweeping(operation, input) && left.shift()) || "pass";
    expect((await sweep()).stdout).toContain("given an end: 1, changed meanwhile: 1,");
  });

  it("a sweep that fails says why, and from where to try again", async () => {
    await fill(300);
    let swept = 0;
    proxy.decide = (operation, input) => {
      if (isSweeping(operation, input)) swept += 1;
      return swept > 250 ? "deny" : "pass";
    };
    const { code, stdout, stderr } = await sweep("--write-units-per-second", "1000");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^Stopped: rows read: 250, given an end: 250, /m);
    expect(stderr).toMatch(/^Go on with: .* --resume [0-9a-f]{32}\/[0-9a-f-]{36}$/m);
    expect(stderr.trim().split("\n").at(-1)).toBe(
      `DynamoDB in eu-central-1, ${TABLE}: arn:aws:dynamodb secret-of-dynamodb`,
    );
  });

  it("the sweep looks for the stage in the region of serverless.yml", async () => {
    const { service, provider } = parse(readFileSync("serverless.yml", "utf8"));
    expect(`${service}-prod`).toBe(stackOf("prod", {}, {}).name);
    cloudFormation.requests.length = 0;
    await sweep();
    const [region = ""] = cloudFormation.requests.map(
      ({ headers }) => /\/([a-z0-9-]+)\/cloudformation\//.exec(headers.authorization ?? "")?.[1],
    );
    expect(provider.region).toBe(`\${opt:region, '${region}'}`);
    await sweep("--region", "us-east-1");
    expect(cloudFormation.requests.at(-1)?.headers.authorization).toContain("/us-east-1/cloudformation/");
  });

  it.each([
    [2, "--stage: the name of a deployed stage is expected", ""],
    [2, "Unknown option '--table'", "--stage prod --table t"],
    [1, "--stage nowhere: there is no stack software-deployments-nowhere in", "--stage nowhere"],
    [1, "--stage forever: it has no retention; deploy it with retentionDays first.", "--stage forever"],
    [1, "The stage's RETENTION_DAYS is not a whole number from 1 to 3650.", "--stage broken"],
    [1, "CloudFormation in eu-central-1: Resource SoftwareDeploymentsTable does not", "--stage half"],
    ...inLongForm<[number, string, string]>("five more wrong options of the sweep", [
      [2, "--region: a region is expected", "--stage prod --region Frankfurt"],
      [2, "--write-units-per-second: a whole number", "--stage prod --write-units-per-second 0"],
      [2, "--write-units-per-second: a whole number", "--stage prod --write-units-per-second 1001"],
      [2, "--write-units-per-second: a whole number", "--stage prod --write-units-per-second 1e2"],
      [2, "--resume: PROJECT/ID is expected", "--stage prod --resume 01a20d6d-172e-7436-af21-a30bc1ff5d22"],
    ]),
  ])("the sweep ends with exit code %i and a sentence: %s", async (code, sentence, args) => {
    const failed = await ended(startSweep(args.split(" ").filter((word) => word !== "")));
    expect(failed).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(sentence) });
    const lines = failed.stderr.trim().split("\n");
    expect(lines).toHaveLength(code === 2 ? 2 : 1);
    expect(proxy.calls).toEqual([]);
  });
});

describe("rate of the sweep", () => {
  /** Sweeps by a clock that passes while the sweep pauses alone. @returns what was begun when, and what it took */
  const paced = async (writeUnitsPerSecond: number) => {
    // The rule reads its settings when it is loaded, and the service's handlers have one without a retention.
    vi.resetModules();
    vi.stubEnv("RETENTION_DAYS", "2");
    const { sweepTable } = await import("../../infra/ops/sweep-table.ts");
    vi.resetModules();
    const begun = Date.now();
    const clock = {
      time: begun,
      now: () => clock.time,
      pause: async (ms: number) => {
        clock.time += ms;
      },
    };
    const times: number[] = [];
    proxy.calls.length = 0;
    const asked = new Set<string>();
    proxy.decide = (_, { ReturnConsumedCapacity }) => {
      asked.add(ReturnConsumedCapacity);
      times.push((clock.time - begun) / 1_000);
      return "pass";
    };
    const options = { region: "eu-central-1", behind: undefined, dryRun: false, writeUnitsPerSecond, clock };
    const progress = await Array.fromAsync(sweepTable(options));
    // The proxy has the units told in any case.
    expect([...asked]).toEqual(["TOTAL"]);
    const calls = proxy.calls.map((call, at) => ({ ...call, units: call.units ?? 0, time: times[at] ?? 0 }));
    return { calls, progress: progress.at(-1) };
  };

  const unitsOf = (calls: { units: number }[]): number => calls.reduce((sum, { units }) => sum + units, 0);

  it.each([[1], [10], [100], [1_000]])(
    "the sweep uses at most %i write units a second, by what DynamoDB counts",
    async (rate) => {
      await fill(120, (at) => ({ large_input_values: "x".repeat((at * 797) % 9_000) }));
      const { calls, progress } = await paced(rate);
      const writes = calls.filter(({ operation }) => operation === "UpdateItem");
      expect(writes).toHaveLength(120);
      expect(progress).toMatchObject({ rows: 120, ended: 120, changed: 0, writeUnits: unitsOf(writes) });
      expect(unitsOf(writes)).toBeGreaterThan(2 * writes.length);
      for (const first of writes) {
        for (const last of writes.filter(({ time }) => time > first.time)) {
          const between = writes.filter(({ time }) => time >= first.time && time < last.time);
          expect(unitsOf(between)).toBeLessThanOrEqual(rate * (last.time - first.time) + 1e-3);
        }
      }
      // What is begun at once is a twentieth of a second's writes, and the first of them needs no pause.
      expect(writes.filter(({ time }) => time === 0)).toHaveLength(Math.ceil(rate / 20));
    },
  );

  it("the sweep reads at most 500 units a second, also where nothing is to be written", async () => {
    await fill(600, () => ({ expires: now() + DAY, large_input_values: "x".repeat(9_000) }));
    const { calls } = await paced(1_000);
    const scans = calls.filter(({ operation }) => operation === "Scan");
    expect(scans.length).toBeGreaterThan(2);
    for (const [at, { time }] of scans.entries())
      expect(time).toBeCloseTo(unitsOf(scans.slice(0, at)) / 500, 2);
  });

  it("the sweep uses write units of the table only, as no index has the attribute", async () => {
    await fill(5);
    const { calls } = await paced(1_000);
    const writes = calls.filter(({ operation }) => operation === "UpdateItem");
    expect(writes).toHaveLength(5);
    for (const { units, tableUnits } of writes) expect(units).toBe(tableUnits);
  });
});
