import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import type { BuildOptions } from "esbuild";
import { bundle, sources } from "../../infra/serverless/bundle.ts";
import type { Handler } from "../support/handlers.ts";

/** The middle of some figures. */
export const median = (figures: number[]): number => {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** The figure below which a share of them lies. */
export const quantile = (figures: number[], share: number): number =>
  figures.toSorted((a, b) => a - b)[Math.min(figures.length - 1, Math.floor(figures.length * share))] ?? 0;

/** A row of a benchmark's table. */
export type Row = Record<string, string | number>;

const shown = (value: string | number | undefined): string => {
  if (typeof value !== "number") return value ?? "";
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
};

/** Prints a benchmark's figures as a table, and as one line of JSON. */
export const print = (bench: string, rows: Row[]): void => {
  const names = Object.keys(rows[0] ?? {});
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |\n`;
  process.stdout.write(`\n${bench}\n\n${line(names)}${line(names.map(() => "---"))}`);
  for (const row of rows) process.stdout.write(line(names.map((name) => shown(row[name]))));
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`;
  process.stdout.write(`\n${JSON.stringify({ bench, date: new Date().toISOString(), machine, rows })}\n`);
};

/** A folder for what a benchmark makes, which goes with its process. */
export const folder = await mkdtemp(join(tmpdir(), "bench-"));
process.once("exit", () => rmSync(folder, { recursive: true }));

/** Bundles a source as functions are deployed. @returns the file */
export const bundled = (name: string, contents: string): Promise<string> =>
  bundledAs(name, { stdin: { contents, resolveDir: "functions", loader: "ts" } });

/** The file that a function of `serverless.yml` is deployed as. */
export const functionFile = (name: string): Promise<string> =>
  bundledAs(name, { entryPoints: [sources[name] ?? ""] });

const bundledAs = async (name: string, entry: BuildOptions): Promise<string> => {
  const outfile = join(folder, `${name}.cjs`);
  await bundle({ ...entry, outfile });
  return outfile;
};

/** A function of `serverless.yml` as it is deployed, in this process, whose environment must be a function's. */
export const functionHandler = async (name: string): Promise<Handler> =>
  createRequire(import.meta.url)(await functionFile(name)).handler;

/** Does `work` `count` times, `at` at a time. */
export const concurrently = async (
  count: number,
  at: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: at }, worker));
};
