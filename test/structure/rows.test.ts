import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { encode as encodeConfig, SUMMARY } from "../../lib/config/store/row.ts";
import type { SoftwareDeployment } from "../../lib/deployment/deployment.ts";
import {
  DELIVERED,
  decode,
  decodeDelivered,
  decodeReadable,
  difference,
  encode,
  LARGE_VALUES,
  LISTED,
  STATE,
} from "../../lib/deployment/store/row.ts";
import { SERVER_STATE, serverRowId } from "../../lib/server/row.ts";
import { textOf } from "../support/json-text.ts";

const { SoftwareDeploymentsTable: table, SoftwareConfigsTable: configs } = parse(
  readFileSync("infra/stack/tables.yml", "utf8"),
).Resources;

interface Index {
  IndexName: string;
  KeySchema: { AttributeName: string }[];
  Projection: { NonKeyAttributes?: string[] };
}

const keysOf = ({ KeySchema }: Pick<Index, "KeySchema">): string[] =>
  KeySchema.map(({ AttributeName }) => AttributeName);

const indexes: Index[] = table.Properties.GlobalSecondaryIndexes;
const byServer = indexes.find(({ IndexName }) => IndexName === "by_server");
const carried = byServer?.Projection.NonKeyAttributes ?? [];
const inIndex = new Set([...keysOf(table.Properties), ...keysOf(byServer ?? { KeySchema: [] }), ...carried]);

const values = (step: number) =>
  textOf(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`${i}`, `${i * step}`])));

/** A deployment of which every field has a value, and every value is too large for the index. */
const deployment: SoftwareDeployment = {
  project_id: "p",
  id: "01a20a2e-4077-77b0-85f5-db059fd06c30",
  server_id: "a # server",
  config_id: "c",
  action: "CREATE",
  input_values: values(7_919),
  output_values: values(31_337),
  status: "COMPLETE",
  status_reason: "so ".repeat(200),
  stack_user_project_id: "tenant",
  creation_time: "2027-01-15T08:00:00Z",
  updated_time: "2027-01-15T08:01:00Z",
  collected_time: "2027-01-15T08:00:10Z",
  delivery: 2,
  attempt: 1,
  reran: true,
  isConfigMissing: true,
  acceptsLateResult: true,
  supersededResults: 3,
  revision: 7,
  changedAt: 1_800_000_060,
  keyExpiresAt: 1_800_604_800,
  timeout: 300,
  startedAt: 1_800_000_000,
  startedMs: 250,
  isCanceled: true,
  notBefore: 1_800_000_100,
  deadlineAt: 1_800_000_300,
  signalExpiresAt: 1_800_003_900,
};
const event = { at: 1, event: "created", by: "user", request_id: "r" } as const;
const row = encode(deployment, [event]);

const top = (path: string): string => path.split(".")[0] ?? "";

describe("rows and the tables that hold them", () => {
  it("the index by server carries all of a deployment's row but its history, its end and its large values", () => {
    const absent = Object.keys(row).filter((name) => !inIndex.has(name));
    expect(absent.sort()).toEqual(
      ["events", "expires", "configKey", ...LARGE_VALUES.map((name) => `large_${name}`)].sort(),
    );
  });

  it("the index by server carries no attribute that no row has, and at most the 20 that DynamoDB allows", () => {
    const known = new Set([...Object.keys(row), ...SERVER_STATE]);
    expect(carried.filter((name) => !known.has(name))).toEqual([]);
    expect(carried.length).toBeLessThanOrEqual(20);
  });

  it("what is read of the index by server, it carries", () => {
    for (const path of [...LISTED, ...STATE, ...DELIVERED, ...SERVER_STATE, ...LARGE_VALUES])
      expect(inIndex, path).toContain(top(path));
  });

  it("every key and the time to live are attributes of a row", () => {
    const keys = [table.Properties, ...indexes].flatMap(keysOf);
    for (const name of [...keys, table.Properties.TimeToLiveSpecification.AttributeName])
      expect(Object.keys(row), name).toContain(name);
    const config = encodeConfig({
      ...{ project_id: "p", id: "i", name: "n", group: "g", creation_time: "t", config: textOf("c") },
      ...{ inputs: [], outputs: [], options: textOf({}) },
    });
    for (const name of [...keysOf(configs.Properties), ...SUMMARY])
      expect(Object.keys(config), name).toContain(name);
  });

  it("rows of servers and idempotency keys sort behind every deployment's id", () => {
    for (const id of [serverRowId("s"), "key#"]) expect(id >= "k").toBe(true);
  });

  it("a deployment comes back from its row with every field, and in part from a part of it", () => {
    expect(decode(row)).toEqual(deployment);
    expect(decodeReadable(row)).toMatchObject({ id: deployment.id, server_id: "a # server" });
    expect(decodeDelivered(row)).toMatchObject({ server_id: "a # server", project_id: "p" });
  });

  it("the difference of a deployment with itself is nothing, and of one field is its attribute", () => {
    expect(difference(deployment, deployment, row)).toEqual({ set: [], remove: [] });
    const changed = { ...deployment, timeout: null, action: "x", output_values: null };
    expect(difference(deployment, changed, row)).toEqual({
      set: [["action", "x"]],
      remove: ["details.timeout", "output_values", "large_output_values"],
    });
  });
});
