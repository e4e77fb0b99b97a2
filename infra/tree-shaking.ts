import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** Calls that make an endpoint, or a shape. */
const MAKING =
  /(?<!const )\b(endpoint|fallbackEndpoint|z\.\w+|text|flat|pageLimit|emptyMeansLeave|timeout)\(/g;

/** What an endpoint says of its answer: it is there for types. */
const ANSWER = /\banswer: \w+,?\s*/g;

/**
 * esbuild's plugins: endpoints and shapes count as free of side effects, so that a bundle holds those alone that its
 * requests meet, and a cold start makes no others; answers' shapes are met by none.
 */
export default [
  {
    name: "tree-shaking",
    setup: (build) => {
      build.onLoad({ filter: /\/(functions|lib(\/wire)?)\/[\w-]+\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const asked = path.includes("/functions/") ? source.replace(ANSWER, "") : source;
        return { loader: "ts", contents: asked.replace(MAKING, "/* @__PURE__ */ $1(") };
      });
    },
  },
] satisfies Plugin[];
