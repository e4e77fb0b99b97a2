import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { areEqualTexts } from "../../lib/json/equal-json.ts";
import {
  elementsOf,
  holdsLongNumber,
  isArrayText,
  isObjectText,
  JsonText,
  MAX_NUMBER_CHARACTERS,
  mayDiffer,
  membersOf,
  objectOf,
  pollutingName,
  treeOf,
  treeText,
  writeJson,
} from "../../lib/json/json-text.ts";
import { mergePatch } from "../../lib/json/merge-patch.ts";
import { textOf } from "../support/json-text.ts";

const digits = fc
  .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 25 })
  .map((all) => all.join(""));

/** Any number as JSON writes it, also those that a double rounds. */
const number = fc
  .tuple(
    fc.constantFrom("", "-"),
    fc.oneof(fc.constant("0"), digits),
    fc.oneof(fc.constant(""), fc.stringMatching(/^\.\d{1,20}$/)),
    fc.oneof(fc.constant(""), fc.stringMatching(/^[eE][+-]?\d{1,3}$/)),
  )
  .map((parts) => parts.join(""));

/** Any string as JSON writes it: plain, escaped in every way, with lone surrogates. */
const string = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 5 }).map((text) => JSON.stringify(text).slice(1, -1)),
      fc.constantFrom(
        '\\"',
        "\\\\",
        "\\/",
        "\\b",
        "\\u0041",
        "\\ud800",
        "\\uDFFF",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        " ",
      ),
    ),
    { maxLength: 6 },
  )
  .map((parts) => `"${parts.join("")}"`);

/** Any name but those with a backslash, of which `JSON.parse` itself may make other names (nodejs/node#63785). */
const name = string.filter((text) => !text.includes("\\\\"));

const blank = fc.constantFrom("", "", " ", "\n", "\t\r", "   ");

const scalar = fc.oneof(number, string, fc.constantFrom("true", "false", "null"));

/** Any JSON text: blanks wherever they may be, names that come twice, every depth. */
const { json } = fc.letrec<{ json: string; list: string; object: string }>((tie) => ({
  list: fc
    .array(fc.tuple(blank, tie("json"), blank), { maxLength: 4 })
    .map((elements) => `[${elements.map((parts) => parts.join("")).join()}]`),
  object: fc
    .array(fc.tuple(blank, fc.oneof(name, fc.constantFrom('"a"', '"1"')), blank, tie("json"), blank), {
      maxLength: 4,
    })
    .map(
      (members) => `{${members.map(([b, name, c, value, d]) => `${b}${name}${c}:${c}${value}${d}`).join()}}`,
    ),
  json: fc.oneof({ maxDepth: 6, withCrossShrink: true }, scalar, tie("list"), tie("object")),
}));

/** A text that is cut to its last member, and joined again. */
const cutAndJoined = (text: string): string => {
  if (isObjectText(text))
    return objectOf([...membersOf(text)].map(([name, member]) => [name, cutAndJoined(member)]));
  return isArrayText(text) ? `[${elementsOf(text).map(cutAndJoined).join()}]` : text;
};

/** Members by name, in one order: those of an object whose names are numbers come first in JavaScript. */
const plain = (text: string): unknown => JSON.parse(text);

describe("a JSON text that is cut into its parts", () => {
  it("parts that are joined again are what the parser makes of the text, whatever stands in it", () => {
    fc.assert(
      fc.property(json, (text) => {
        const joined = cutAndJoined(text.trim());
        expect(plain(joined)).toEqual(plain(text));
        expect(treeText(treeOf(joined))).toBe(joined);
        expect(areEqualTexts(joined, JSON.stringify(plain(text)))).toBe(
          areEqualTexts(cutAndJoined(JSON.stringify(plain(text))), joined),
        );
      }),
      { numRuns: 3_000 },
    );
  });

  it("a text as JSON.stringify writes it comes back byte for byte", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(cutAndJoined(text)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it("every digit of a number comes back, wherever it stands, and no blank", () => {
    fc.assert(
      fc.property(number, blank, (one, space) => {
        const text = `{${space}"a"${space}:${space}[${space}${one}${space},{"b" :${one}}]${space}}`;
        expect(membersOf(text).get("a")).toBe(`[${one},{"b":${one}}]`);
      }),
      { numRuns: 1_000 },
    );
  });

  it("names with escapes stay what they are, one after the other", () => {
    for (const escaped of ['"\\\\"', '"\\n"', '"\\u0041"', '"\\\\u0041"', '"\\""', '"a\\tb"']) {
      const text = `{"z":1,${escaped}:1}`;
      expect(mayDiffer(text)).toBe(true);
      expect([...membersOf(text).keys()]).toEqual(["z", JSON.parse(escaped)]);
      expect(treeText(treeOf(text))).toBe(`{"z":1,${JSON.stringify(JSON.parse(escaped))}:1}`);
    }
  });

  it("of a name that comes twice the last member counts", () => {
    expect([...membersOf('{"a":1,"b":2,"a":3}')]).toEqual([
      ["a", "3"],
      ["b", "2"],
    ]);
  });

  it("an empty array and an empty object have no parts, with blanks or without", () => {
    for (const space of ["", " ", "\n"]) {
      expect(elementsOf(`[${space}]`)).toEqual([]);
      expect(membersOf(`{${space}}`).size).toBe(0);
    }
  });
});

describe("numbers that a double does not give back", () => {
  it("every number whose text a double does not give back is noticed, wherever it stands", () => {
    fc.assert(
      fc.property(
        number,
        fc.constantFrom("[%]", '{"a":%}', "[1,%]", "[ %]", '{"e1":[{},%]}'),
        (one, around) => {
          if (JSON.stringify(Number(one)) !== one) expect(mayDiffer(around.replace("%", one))).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("ids and times do not count as such numbers", () => {
    expect(mayDiffer('{"id":"ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5","at":"2026-11-24T03:19:24Z"}')).toBe(
      false,
    );
  });

  it("a number that is too long is told from digits in a string", () => {
    const [most, more] = ["1".repeat(MAX_NUMBER_CHARACTERS), "1".repeat(MAX_NUMBER_CHARACTERS + 1)];
    expect(holdsLongNumber(`{"a":[${most}]}`)).toBe(false);
    expect(holdsLongNumber(`{"a":[${more}]}`)).toBe(true);
    expect(holdsLongNumber(`{"a":"${more}","b":"\\"${more}"}`)).toBe(false);
    expect(holdsLongNumber(`{"a":"${more}","b":-${more}}`)).toBe(true);
  });
});

describe("names that could pollute a prototype", () => {
  it.each([
    ['{"a":[{"__proto__":1}]}', "__proto__"],
    ['{"\\u005f_proto__":1}', "__proto__"],
    ['{"a":{"__proto__":1},"a":2}', "__proto__"],
    ['{"constructor" : {"a":{},"prototype":1}}', "constructor"],
    ['{"constructor":{"prototype":1},"constructor":2}', "constructor"],
    ['{"a":"__proto__","constructor":{"name":"prototype"}}', undefined],
    ['{"constructor":[{"prototype":1}],"prototype":1}', undefined],
    ['{"constructor":1,"a":{"prototype":1}}', undefined],
    ['"__proto__"', undefined],
    ['["__proto__",{"a":"\\"__proto__\\":"}]', undefined],
  ])("of %s it is %s", (text, found) => expect(pollutingName(text)).toBe(found));
});

describe("writeJson", () => {
  it("texts stand in what is written as they are, the rest as JSON.stringify writes it", () => {
    const value = { b: new JsonText("[1.0]"), a: undefined, list: [new JsonText("-0"), "x", null], n: 1 };
    expect(writeJson(value)).toBe('{"b":[1.0],"list":[-0,"x",null],"n":1}');
  });

  it("a string that looks like the mark of a text is written as it is", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.nat({ max: 3 }).map((n) => `\ud800${n}`),
            fc.string(),
            json.map((text) => new JsonText(cutAndJoined(text.trim()))),
          ),
          { maxLength: 6 },
        ),
        (parts) => {
          const written = writeJson({ parts });
          const expected = parts.map((part) => (part instanceof JsonText ? part.text : JSON.stringify(part)));
          expect(written).toBe(`{"parts":[${expected.join()}]}`);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("mergePatch", () => {
  it.each([
    [
      '{"a":1,"b":{"c":1.0,"d":2}}',
      '{"b":{"c":null,"e":[1e2]},"f":-0}',
      '{"a":1,"b":{"d":2,"e":[1e2]},"f":-0}',
    ],
    ["[1]", '{"a":{"b":null,"c":1}}', '{"a":{"c":1}}'],
    ["", "{}", "{}"],
    ['{"a":1}', '{"a":null}', "{}"],
  ])("%s patched by %s is %s", (target, patch, merged) => expect(mergePatch(target, patch)).toBe(merged));

  it("a value of a patch takes the place of what is no object", () => {
    expect(mergePatch(textOf({ a: "x" }).text, '{"a":{"b":1}}')).toBe('{"a":{"b":1}}');
  });
});
