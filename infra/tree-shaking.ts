import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** Calls that make an endpoint, or a shape. */
const MAKING =
  /\b((?:endpoint|fallbackEndpoint|z\s*\.\w+|text|flat|pageLimit|emptyMeansLeave|timeout)(?:<[^()]+>)?)\(/g;

/** What an endpoint says of its answer: it is there for types. */
const ANSWER = /\banswer: \w+,?\s*/g;

const pure = (source: string): string => source.replace(MAKING, "/* @__PURE__ */ $1(");

/**
 * esbuild's plugins: endpoints and shapes count as free of side effects, so that a bundle holds those alone that its
 * requests meet, and a cold start makes no others; answers' shapes are met by none.
 */
export default [
  {
    name: "tree-shaking",
    setup: (build) => {
      build.onLoad({ filter: /[\\/]functions[\\/][\w-]+\.ts$/ }, async ({ path }) => ({
        loader: "ts",
        contents: pure((await readFile(path, "utf8")).replace(ANSWER, "")),
      }));
      build.onLoad({ filter: /[\\/]lib[\\/](wire[\\/])?[\w-]+\.ts$/ }, async ({ path }) => ({
        loader: "ts",
        contents: pure(await readFile(path, "utf8")),
      }));
    },
  },
] satisfies Plugin[];
