import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { transform } from "esbuild";
import { check } from "recheck";
import { beforeAll, expect, it } from "vitest";

/** A regular expression as code holds it, behind what may stand before one. */
const LITERAL =
  /(?<=[=(,:[!&|?{};\n]\s*|return )\/(?!\*)((?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)/g;

const files = execFileSync("git", ["ls-files", "lib", "functions"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));

const patterns = new Map<string, [source: string, flags: string]>();

beforeAll(async () => {
  for (const file of files) {
    // Without types and comments, in which slashes stand too.
    const { code } = await transform(readFileSync(file, "utf8"), { loader: "ts" });
    expect(code, `${file} makes patterns at run time`).not.toContain("RegExp(");
    for (const [literal, source = "", flags = ""] of code.matchAll(LITERAL))
      patterns.set(`${file}: ${literal}`, [source, flags]);
  }
});

it("the regular expressions of the code are found", () => {
  expect(patterns.size).toBeGreaterThan(20);
  expect([...patterns.keys()].join()).toContain("lib/json/json-text.ts");
});

it("every regular expression takes linear time", async () => {
  for (const [name, [source, flags]] of patterns) {
    const { status } = await check(source, flags, { timeout: 600_000 });
    expect([name, status]).toEqual([name, "safe"]);
  }
});
