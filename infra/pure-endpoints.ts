import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/**
 * esbuild's plugins: the endpoints of a file in `functions/` count as free of side effects, so that those a bundle does
 * not use are left out of it.
 */
export default [
  {
    name: "pure-endpoints",
    setup: (build) => {
      build.onLoad({ filter: /\/functions\/[\w-]+\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        return {
          loader: "ts",
          contents: source.replace(/ = (endpoint|fallbackEndpoint)\(/g, " = /* @__PURE__ */ $1("),
        };
      });
    },
  },
] satisfies Plugin[];
