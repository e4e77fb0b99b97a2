import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConfigOutput } from "../../lib/config/inputs-outputs.ts";
import { resultOf } from "../../lib/deployment/result.ts";
import { fitResult } from "../../lib/deployment/store/report.ts";
import { bytesOf, storedJson } from "../../lib/dynamodb/stored-json.ts";
import { textOf } from "../support/json-text.ts";

const ROOM = 200_000;
const declared = [
  { name: "result", type: "String" as const, error_output: false },
  { name: "problem", type: "String" as const, error_output: true },
];

/** A result that was cut to a room, its outputs as they are read. */
const fitted = (signal: Record<string, unknown>, outputs: ConfigOutput[], room = ROOM) => {
  const { output_values, ...rest } = fitResult(resultOf(textOf(signal), outputs), room);
  return { ...rest, text: output_values, output_values: JSON.parse(output_values.text) };
};

const result = (signal: Record<string, unknown>, room = ROOM) => fitted(signal, declared, room);

const always = { deploy_stdout: null, deploy_stderr: null, deploy_status_code: null };

describe("a signal's result, by Heat's rules", () => {
  it.each([
    [{}],
    [{ deploy_status_code: 0 }],
    [{ deploy_status_code: "0" }],
    [{ deploy_status_code: 0.0 }],
    [{ deploy_status_code: "" }],
    [{ deploy_status_code: false }],
    [{ deploy_status_code: null }],
  ])("the signal %j is a success", (signal) => {
    expect(result(signal)).toMatchObject({
      status: "COMPLETE",
      status_reason: "Outputs received",
      output_values: { ...always, ...signal },
    });
  });

  it.each([1, "1", "00", -1, "error", true, [], {}])("an exit code of %j makes the result FAILED", (code) => {
    const said = typeof code === "string" ? code : JSON.stringify(code);
    expect(result({ deploy_status_code: code })).toMatchObject({
      status: "FAILED",
      status_reason: `deploy_status_code : Deployment exited with non-zero status code: ${said}`,
    });
  });

  it("a result holds the declared outputs, and no others", () => {
    expect(result({ result: { a: 1 }, other: "x", deploy_stdout: "out" }).output_values).toEqual({
      ...always,
      result: { a: 1 },
      deploy_stdout: "out",
    });
  });

  it("an output with error_output makes the result FAILED, even empty; the exit code is named first", () => {
    expect(result({ problem: "" })).toMatchObject({ status: "FAILED", status_reason: "problem : " });
    expect(result({ problem: "disk full", deploy_status_code: 2 }).status_reason).toBe(
      "deploy_status_code : Deployment exited with non-zero status code: 2, problem : disk full",
    );
  });

  it("a result takes nothing from a prototype", () => {
    const odd = [{ name: "toString", type: "String" as const, error_output: true }];
    expect(fitted({}, odd).status).toBe("COMPLETE");
    const oddest = [{ name: "__proto__", type: "String" as const, error_output: false }];
    const { text } = fitted(JSON.parse('{"__proto__":{"a":1}}'), oddest);
    expect(text.text).toMatch(/^{"__proto__":{"a":1},/);
  });
});

describe("results that are too large", () => {
  const noise = (bytes: number) =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(49_152)))
      .toString("base64")
      .repeat(Math.ceil(bytes / 65_536))
      .slice(0, bytes);
  const random = (bytes: number): string => {
    let text = "";
    while (text.length < bytes) text += crypto.randomUUID();
    return text.slice(0, bytes);
  };
  const stored = (outputs: unknown): number => bytesOf(storedJson({ outputs: textOf(outputs) }, {}));

  it("a result that compresses well is kept whole", () => {
    const deploy_stdout = "a line of a log\n".repeat(59_000);
    expect(result({ deploy_stdout }).output_values.deploy_stdout).toBe(deploy_stdout);
  });

  it("a result that is too large loses the middle of the streams first, and says how much", () => {
    const deploy_stdout = `first ${random(900_000)} last`;
    const { status, output_values } = result({ deploy_stdout, result: random(20_000) });
    const kept = output_values.deploy_stdout as string;
    expect(status).toBe("COMPLETE");
    expect(kept.startsWith("first ")).toBe(true);
    expect(kept.endsWith(" last")).toBe(true);
    const missing = Number(/\[… (\d+) bytes are missing here …\]/.exec(kept)?.[1]);
    expect(kept.replace(/\n\[….*…\]\n/, "").length + missing).toBe(deploy_stdout.length);
    expect(output_values.result).toHaveLength(20_000);
    expect(stored(output_values)).toBeLessThanOrEqual(ROOM + 100);
    expect(stored(output_values)).toBeGreaterThan(ROOM * 0.8);
  });

  it("a result that is still too large loses the middle of other long values", () => {
    const { output_values } = result({ result: { log: random(900_000) }, deploy_stdout: "short" });
    expect(output_values.deploy_stdout).toBe("short");
    expect(output_values.result).toMatch(/^\{"log":".*\[… \d+ bytes are missing here …\]/s);
  });

  it("of thousands of outputs as many are kept as fit, and the reason says how many are missing", () => {
    const names = Array.from({ length: 4_000 }, (_, i) => `${i}-${crypto.randomUUID()}`);
    const signal = Object.fromEntries(names.map((name) => [name, random(180)]));
    const outputs = names.map((name) => ({ name, type: "String" as const, error_output: false }));
    const { output_values, status, status_reason } = fitted({ ...signal, deploy_stdout: "log" }, outputs);
    const kept = Object.keys(output_values);
    expect([status, output_values.deploy_stdout]).toEqual(["COMPLETE", "log"]);
    expect(kept.length).toBeGreaterThan(1_000);
    expect(kept.slice(0, -3)).toEqual(names.slice(0, kept.length - 3));
    expect(status_reason).toBe(
      `Outputs received (the last ${4_003 - kept.length} of 4003 outputs are missing: they do not fit)`,
    );
    expect(stored(output_values)).toBeLessThanOrEqual(ROOM);
  });

  it("a cut result always fits, and its reason is never longer than allowed", () => {
    const signal = fc.record({
      deploy_stdout: fc.integer({ min: 0, max: 300_000 }).map(random),
      deploy_stderr: fc.integer({ min: 0, max: 300_000 }).map(noise),
      problem: fc.integer({ min: 0, max: 300_000 }).map(random),
      result: fc.jsonValue(),
    });
    fc.assert(
      fc.property(signal, fc.integer({ min: 90_000, max: ROOM }), (sent, room) => {
        const { output_values, status_reason } = result(sent, room);
        expect(Buffer.byteLength(status_reason)).toBeLessThanOrEqual(65_535);
        expect(stored(output_values) + Buffer.byteLength(status_reason)).toBeLessThanOrEqual(room + 100);
      }),
      { numRuns: 20 },
    );
  });
});
