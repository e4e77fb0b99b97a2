import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { configView } from "../../lib/config/config.ts";
import { ConfigRequest, newConfig } from "../../lib/config/create-request.ts";
import { parseExactly } from "../../lib/json/exact-json.ts";

/** What Heat's own code made of an input or output, one at a time. */
interface Definition {
  list: "inputs" | "outputs";
  request: Record<string, unknown>;
  status: 200 | 400;
  answer?: unknown;
}

const all = readFileSync("test/fixtures/definitions.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => parseExactly(line) as Definition);

/** What Heat refuses and this service takes, being harmless; never the other way round. */
const ALSO_TAKEN = ['{"name":"x","type":"String","default":1.5}'];

const made = ({ list, request }: Definition): unknown => {
  const { success, data } = ConfigRequest.safeParse({ [list]: [request] });
  if (!success) return undefined;
  const config = newConfig("p", data, "00000000-0000-7000-8000-000000000000", new Date(0));
  expect(JSON.stringify(config[list])).toBe(JSON.stringify([request]));
  return configView(config)[list][0];
};

describe("inputs of a wrong type", () => {
  it.each([
    ...["Foo", "toString", 1, {}].map((type) => ({ name: "a", type, default: 1 })),
    { name: "a", type: "Number", default: "1".repeat(1_001) },
  ])("an input whose default does not fit its type is refused: %j", (input) => {
    expect(ConfigRequest.safeParse({ inputs: [input] }).success).toBe(false);
  });
});

describe("inputs and outputs as Heat makes them", () => {
  it("there are examples of what Heat's own code makes", () => expect(all).toHaveLength(517));

  it.each(all.map((one) => [`${one.list} ${JSON.stringify(one.request)}`, one] as const))("%s", (_, one) => {
    if (one.status === 200) expect(JSON.stringify(made(one))).toBe(JSON.stringify(one.answer));
    else if (ALSO_TAKEN.includes(JSON.stringify(one.request))) expect(made(one)).toBeDefined();
    else expect(made(one)).toBeUndefined();
  });
});
