import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { configView } from "../../lib/config/config.ts";
import { ConfigRequest, newConfig } from "../../lib/config/create-request.ts";
import { mapParts, membersOf, parseMembers, writeJson } from "../../lib/json/json-text.ts";

/** Heat's own code's answer to an input or output, one at a time; requests and answers as JSON texts. */
interface Example {
  list: "inputs" | "outputs";
  request: string;
  status: 200 | 400;
  answer: string;
}

/** A JSON text as `JSON.stringify` writes it, numbers aside. */
const written = (text: string): string =>
  mapParts(
    text,
    (string) => JSON.stringify(JSON.parse(string)),
    (between) => between.replace(/\s/g, ""),
  );

const all = readFileSync("test/fixtures/definitions.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line): Example => {
    const { list, status } = JSON.parse(line);
    const texts = membersOf(line);
    return {
      list,
      status,
      request: written(texts.get("request") ?? ""),
      answer: written(texts.get("answer") ?? ""),
    };
  });

/** The definitions that Heat refuses and this service takes, being harmless; never the other way round. */
const ALSO_TAKEN = ['{"name":"x","type":"String","default":1.5}'];

/** The text of the definition that a request makes; undefined where it is refused. */
const made = ({ list, request }: Example): string | undefined => {
  // As the chain hands a body over: numbers that a double does not give back are texts.
  const { success, data } = ConfigRequest.safeParse({ [list]: [parseMembers(request)] });
  if (!success) return undefined;
  const config = newConfig("p", data, "00000000-0000-7000-8000-000000000000", new Date(0));
  expect(writeJson(config[list])).toBe(`[${request}]`);
  return writeJson(configView(config)[list][0]);
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

  it.each(all.map((one) => [`${one.list} ${one.request}`, one] as const))("%s", (_, one) => {
    if (one.status === 200) expect(made(one)).toBe(one.answer);
    else if (ALSO_TAKEN.includes(one.request)) expect(made(one)).toBeDefined();
    else expect(made(one)).toBeUndefined();
  });
});
