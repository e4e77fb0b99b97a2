import { readFile } from "node:fs/promises";
import { type BuildOptions, type BuildResult, build } from "esbuild";
import { parse } from "yaml";
import plugins from "./tree-shaking.ts";

/** `infra/build.yml`: esbuild's options as serverless-esbuild takes them, and the size budget in bytes. */
interface BuildFile {
  esbuild: BuildOptions & { outputFileExtension: string; exclude: string[] };
  budget: { total: number; own: number };
}

const read = async <File>(file: string): Promise<File> =>
  parse(await readFile(new URL(file, import.meta.url), "utf8")) as File;

const { esbuild, budget: bounds } = await read<BuildFile>("build.yml");
const { outputFileExtension: _, exclude: __, plugins: ___, ...options } = esbuild;

/** How large a function's bundle may become, minified, in bytes: all of it, and the part that is our own. */
export const budget = bounds;

/** The handlers of `serverless.yml`, by their functions' names. */
export const handlers: Record<string, string> = Object.fromEntries(
  Object.entries(
    (await read<{ functions: Record<string, { handler: string }> }>("../serverless.yml")).functions,
  ).map(([name, { handler }]) => [name, handler]),
);

/**
 * Bundles as functions are deployed, with an account of what is in it.
 * @param entry the source to begin with, as `entryOf` makes it
 * @param more esbuild's options besides
 */
export const bundle = (entry: string, more: BuildOptions): Promise<BuildResult<{ metafile: true }>> =>
  build({
    ...options,
    plugins,
    stdin: { contents: entry, resolveDir: "functions", loader: "ts" },
    ...more,
    metafile: true,
  });
