import { describe, expect, it } from "vitest";
import { validatorsOf } from "../../lib/delivery/validators.ts";
import { FUNCTION_TIMEOUT } from "../../lib/times.ts";

/** How far an index may be behind, in ms. */
const INDEX_LAG = 5_000;

describe("a server's Last-Modified", () => {
  const changedAt = 1_800_000_000;
  const toldAt = (ms: number) =>
    validatorsOf({ deployments: [], changedAt, linksValidFrom: 0 }, "", new Date(ms)).lastModified;

  it("Last-Modified is sent once every write of the same second has landed, and the index has it", () => {
    const lastOfTheSecond = changedAt * 1_000 + 999;
    const seen = lastOfTheSecond + FUNCTION_TIMEOUT * 1_000 + INDEX_LAG;
    expect(toldAt(seen)).toBeUndefined();
    expect(toldAt(seen + 1)).toEqual(new Date(changedAt * 1_000));
  });
});
