import { readdir, readFile } from "node:fs/promises";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { parse } from "yaml";

/** `infra/build.yml`: esbuild's options as serverless-esbuild takes them, and the size budget in bytes. */
interface BuildFile {
  esbuild: BuildOptions & { outputFileExtension: string; exclude: string[] };
  budget: { total: number; own: number };
}

const { esbuild, budget } = parse(await readFile(new URL("build.yml", import.meta.url), "utf8")) as BuildFile;
const { outputFileExtension: _, exclude: __, ...options } = esbuild;

const sizes = ({ outputs }: Metafile): { total: number; own: number } => {
  const [output] = Object.values(outputs);
  const own = Object.entries(output?.inputs ?? {})
    .filter(([file]) => !file.includes("node_modules/"))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
  return { total: output?.bytes ?? 0, own };
};

// Measured minified, without kept names, whatever is shipped: so the figure speaks of code alone.
const measure = async (entry: string): Promise<{ total: number; own: number }> => {
  const { metafile } = await build({
    ...options,
    entryPoints: [entry],
    minify: true,
    keepNames: false,
    metafile: true,
    write: false,
    outfile: "bundle.cjs",
  });
  return sizes(metafile);
};

for (const file of await readdir("functions")) {
  const { total, own } = await measure(`functions/${file}`);
  const within = total <= budget.total && own <= budget.own;
  process.stdout.write(
    `functions/${file}: ${total} bytes minified (at most ${budget.total}), ` +
      `${own} of them our own (at most ${budget.own})${within ? "" : " — OVER BUDGET"}\n`,
  );
  if (!within) process.exitCode = 1;
}
