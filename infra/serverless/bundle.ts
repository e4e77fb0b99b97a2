import { readFile } from "node:fs/promises";
import { type BuildOptions, type BuildResult, build } from "esbuild";
import { parse } from "yaml";
import { functionSources } from "./route-table.ts";

/** The largest size of a function's bundle, minified, in bytes: as a whole, and its part that is our own. */
interface Budget {
  total: number;
  own: number;
}

/** `infra/stack/build.yml`: esbuild's options as serverless-esbuild takes them, and the budgets: one for all, and exceptions. */
interface BuildFile {
  esbuild: BuildOptions & { outputFileExtension: string; exclude: string[]; watch: object };
  budget: Budget & Record<string, Budget>;
}

const { esbuild, budget } = await read<BuildFile>("build.yml");
const { outputFileExtension: _, exclude: __, watch: ___, ...options } = esbuild;

/** The source files of the functions of `serverless.yml`, by the functions' names. */
export const sources: Record<string, string> = Object.fromEntries(
  functionSources.map(({ name, file }) => [name, `${file}.ts`]),
);

/** The budget of a function's bundle. */
export function budgetOf(name: string): Budget {
  return budget[name] ?? budget;
}

/**
 * Bundles a file as functions are deployed, with an account of what is in the bundle.
 * @param more esbuild's options besides: the entry, and where the bundle goes
 */
export function bundle(more: BuildOptions): Promise<BuildResult<{ metafile: true }>> {
  return build({ ...options, ...more, metafile: true });
}

async function read<File>(file: string): Promise<File> {
  return parse(await readFile(new URL(`../stack/${file}`, import.meta.url), "utf8")) as File;
}
