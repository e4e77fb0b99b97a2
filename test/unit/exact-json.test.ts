import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mayDiffer, parseExactly } from "../../lib/json/exact-json.ts";

const digits = (least: number, most: number) =>
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: least, maxLength: most }).map((all) => all.join(""));

/** Numbers that a double rounds, as JSON writes them. */
const long = fc
  .tuple(fc.constantFrom("", "-"), digits(18, 40), fc.constantFrom("", ".5", ".123456789", "e5", "E+12"))
  .map((parts) => parts.join(""));

/** A JSON text with a number somewhere in it, and blanks wherever they may be. */
const around = (number: string) =>
  fc
    .tuple(
      fc.array(fc.constantFrom("list", "object", "after"), { maxLength: 5 }),
      fc.constantFrom("", " ", "\n\t", "\r\n"),
    )
    .map(([levels, blank]) => {
      const wrapped = { list: ["[", "]"], object: ['{"a":', "}"], after: ['["e1",', "]"] } as const;
      return levels.reduce((inner, level) => {
        const [open, close] = wrapped[level as keyof typeof wrapped];
        return `${open}${blank}${inner}${blank}${close}`;
      }, number);
    });

const withoutBlanks = (text: string): string => text.replaceAll(/\s/g, "");

describe("parseExactly", () => {
  it("parsing keeps every digit of a number, wherever it stands", () => {
    const texts = long.chain((number) => around(number));
    fc.assert(
      fc.property(texts, (text) => {
        expect(JSON.stringify(parseExactly(text))).toBe(withoutBlanks(text));
      }),
      { numRuns: 500 },
    );
  });

  it("parsing keeps exponents that are out of a double's range", () => {
    expect(JSON.stringify(parseExactly('{"a":[1e400,-2E-400 , 5e+999]}'))).toBe(
      '{"a":[1e400,-2E-400,5e+999]}',
    );
  });

  it("parsing and writing gives back the text of any number, wherever it stands", () => {
    const number = fc
      .tuple(
        fc.constantFrom("", "-"),
        fc.oneof(fc.constant("0"), digits(1, 20)),
        fc.oneof(fc.constant(""), fc.stringMatching(/^\.\d{1,20}$/)),
        fc.oneof(fc.constant(""), fc.stringMatching(/^[eE][+-]?\d{1,3}$/)),
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        number.chain((one) => around(one)),
        (text) => {
          expect(JSON.stringify(parseExactly(text))).toBe(withoutBlanks(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("ids and times do not count as numbers that may differ", () => {
    expect(mayDiffer('{"id":"ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5","at":"2026-11-24T03:19:24Z"}')).toBe(
      false,
    );
  });
});
