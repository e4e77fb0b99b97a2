import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalAsJson } from "../../lib/json/equal-json.ts";
import { parseExactly } from "../../lib/json/exact-json.ts";

const equal = (one: string, other: string): boolean => equalAsJson(parseExactly(one), parseExactly(other));

describe("equalAsJson", () => {
  it.each([
    ["1", "1.0"],
    ["100", "1e2"],
    ["100000000000000000000", "1e20"],
    ["0.1", "1E-1"],
    ["-0", "0.00"],
    ["12.5e3", "12500"],
    ['{"a":1,"b":[1.0,null]}', '{"b":[1,null],"a":1e0}'],
  ])("%s and %s are equal as JSON", (one, other) => expect(equal(one, other)).toBe(true));

  it.each([
    ["9007199254740993", "9007199254740992"],
    ["1", "-1"],
    ["1", '"1"'],
    ["10", "1"],
    ["null", "0"],
    ["[]", "{}"],
    ["[1,2]", "[2,1]"],
    ['{"a":null}', "{}"],
    ['{"a":1}', '{"b":1}'],
  ])("%s and %s are not equal as JSON", (one, other) => expect(equal(one, other)).toBe(false));

  it("every value is equal to itself as JSON, also with its keys in another order", () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, one]) => [name, reversed(one)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const parsed = JSON.parse(JSON.stringify(value));
        expect(equalAsJson(parsed, reversed(parsed))).toBe(true);
      }),
    );
  });
});
