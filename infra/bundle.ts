import { readFile } from "node:fs/promises";
import { type BuildOptions, type BuildResult, build } from "esbuild";
import { parse } from "yaml";

/** `infra/build.yml`: esbuild's options as serverless-esbuild takes them, and the size budget in bytes. */
interface BuildFile {
  esbuild: BuildOptions & { outputFileExtension: string; exclude: string[]; watch: object };
  budget: { total: number; own: number };
}

interface ServerlessFile {
  functions: Record<string, { handler: string }>;
}

const { esbuild, budget: bounds } = await read<BuildFile>("build.yml");
const { outputFileExtension: _, exclude: __, watch: ___, ...options } = esbuild;
const { functions } = await read<ServerlessFile>("../serverless.yml");

/** How large a function's bundle may become, minified, in bytes: all of it, and the part that is our own. */
export const budget = bounds;

/** The source files of the functions of `serverless.yml`, by the functions' names. */
export const sources: Record<string, string> = Object.fromEntries(
  Object.entries(functions).map(([name, { handler }]) => [name, handler.replace(/\.\w+$/, ".ts")]),
);

/**
 * Bundles a file as functions are deployed, with an account of what is in the bundle.
 * @param more esbuild's options besides: the entry, and where the bundle goes
 */
export function bundle(more: BuildOptions): Promise<BuildResult<{ metafile: true }>> {
  return build({ ...options, ...more, metafile: true });
}

async function read<File>(file: string): Promise<File> {
  return parse(await readFile(new URL(file, import.meta.url), "utf8")) as File;
}
