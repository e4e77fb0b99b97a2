/** All benchmarks, one after another, each in a process of its own: under ten minutes on two cores. */
import { spawnSync } from "node:child_process";

const BENCHMARKS = [
  "create",
  "bare-client",
  "cpu",
  "instructions",
  "cold-start",
  "runtime-client",
  "http",
  "growth",
  "cost",
  "hot-project",
  "linear",
  "values",
  "footprint",
];

for (const name of BENCHMARKS) {
  const { status } = spawnSync(process.execPath, [new URL(`${name}.ts`, import.meta.url).pathname], {
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
