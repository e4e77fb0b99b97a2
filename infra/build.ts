import type { Metafile } from "esbuild";
import { budget, bundle, handlers } from "./bundle.ts";
import { entryOf } from "./entries.ts";

const sizes = ({ outputs }: Metafile): { total: number; own: number } => {
  const [output] = Object.values(outputs);
  const own = Object.entries(output?.inputs ?? {})
    .filter(([file]) => !file.includes("node_modules/"))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
  return { total: output?.bytes ?? 0, own };
};

// Measured minified, without kept names, whatever is shipped: so the figure speaks of code alone.
const measured = Object.entries(handlers).map(async ([name, handler]) => {
  const unwritten = { write: false, outfile: "bundle.cjs" };
  const { metafile } = await bundle(entryOf(handler), { minify: true, keepNames: false, ...unwritten });
  return { name, ...sizes(metafile) };
});

for (const { name, total, own } of await Promise.all(measured)) {
  const within = total <= budget.total && own <= budget.own;
  process.stdout.write(
    `${name}: ${total} bytes minified (at most ${budget.total}), ` +
      `${own} of them our own (at most ${budget.own})${within ? "" : " — OVER BUDGET"}\n`,
  );
  if (!within) process.exitCode = 1;
}
