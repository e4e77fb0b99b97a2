import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { engines as localEngines } from "../infra/local/emulator.ts";
import type { TestEngine } from "./support/context.ts";
import { isLong } from "./support/long.ts";

/** `npm run test:dynamodb-local` runs the tests on AWS's own emulator alone. */
const engines: TestEngine[] = process.env.DYNAMODB_LOCAL_URL
  ? ["dynamodb-local"]
  : localEngines.slice(0, isLong ? 2 : 1);

const root = new URL("..", import.meta.url).pathname;

// What the tests start (the framework some thirty times) finds its programs compiled.
process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/node`;

const kind = (name: string, more: object = {}) => ({
  root,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    // The functions' log lines; the tests about them turn them on.
    env: { LOG_LEVEL: "SILENT" },
    ...more,
  },
});

/** A project whose files leave nothing behind, so that one process loads the SDK for all of them. */
const shared = (name: string, more: object = {}) => kind(name, { isolate: false, ...more });

/** The cases of `test/api`, in process: each exported handler with API Gateway's event, on one emulator. */
const inProcess = engines.map((engine) =>
  shared(`api on ${engine}`, {
    include: ["test/api/**/*.test.ts"],
    globalSetup: ["test/support/emulator-setup.ts"],
    setupFiles: ["test/support/environment.ts"],
    provide: { engine },
  }),
);

export default defineConfig({
  test: {
    root,
    // Tests wait more than they compute: on two cores, too, two files run at a time. AWS's own emulator is too slow for two.
    maxWorkers: process.env.DYNAMODB_LOCAL_URL ? 1 : Math.max(3, availableParallelism() - 1),
    // No outcome depends on how fast the machine is: these only end what hangs.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    execArgv: ["--import", new URL("support/call-limits.ts", import.meta.url).href],
    projects: [
      shared("unit"),
      kind("auth"),
      kind("structure"),
      kind("failures", {
        globalSetup: ["test/support/emulator-setup.ts"],
        setupFiles: ["test/support/environment.ts"],
        provide: { engine: engines[0] },
      }),
      ...inProcess,
      shared("api over HTTP", {
        include: ["test/api/**/*.test.ts"],
        globalSetup: ["test/support/service-setup.ts"],
        setupFiles: ["test/support/environment.ts"],
      }),
      // Needs the clients, which .ci/run installs: npm run test:clients.
      kind("clients", {
        globalSetup: ["test/support/service-setup.ts"],
        setupFiles: ["test/support/environment.ts"],
      }),
      kind("e2e"),
      // Needs a browser: npm run test:browser.
      kind("browser"),
      // Need what .ci/run installs: npm run test:template, npm run test:stack.
      kind("template"),
      kind("stack"),
    ],
  },
});
