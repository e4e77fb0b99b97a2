/** Prints the size of every function's bundle; ends with 1 where one is over the budget of `infra/stack/build.yml`. */
import type { Metafile } from "esbuild";
import { budgetOf, bundle, sources } from "./bundle.ts";

// Measured minified whatever is shipped, so that the figure speaks of code alone.
const measured = Object.entries(sources).map(async ([name, source]) => {
  const { metafile } = await bundle({
    entryPoints: [source],
    minify: true,
    write: false,
    outfile: "bundle.cjs",
  });
  return { name, ...sizesOf(metafile) };
});

for (const { name, total, own } of await Promise.all(measured)) {
  const budget = budgetOf(name);
  const within = total <= budget.total && own <= budget.own;
  process.stdout.write(
    `${name}: ${total} bytes minified (at most ${budget.total}), ` +
      `${own} of them our own (at most ${budget.own})${within ? "" : " — OVER BUDGET"}\n`,
  );
  if (!within) process.exitCode = 1;
}

function sizesOf({ outputs }: Metafile): { total: number; own: number } {
  const [output] = Object.values(outputs);
  const own = Object.entries(output?.inputs ?? {})
    .filter(([file]) => !file.includes("node_modules/"))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
  return { total: output?.bytes ?? 0, own };
}
