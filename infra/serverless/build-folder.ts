import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hooks, Serverless } from "./framework.ts";

/**
 * Serverless plugin: gives each command folders of its own for what it builds, and takes them away when it ends. So
 * commands that run side by side in one checkout do not disturb each other, and none leaves anything behind.
 */
export default class BuildFolder {
  // A folder's name is no part of what is deployed: with it in the saved state, no deployment would equal the one before.
  readonly hooks: Hooks = {
    "before:aws:package:finalize:saveServiceState": () => {
      delete this.#esbuild.outputWorkFolder;
    },
  };
  readonly #esbuild: Serverless["service"]["custom"]["esbuild"];

  constructor(serverless: Serverless) {
    this.#esbuild = serverless.service.custom.esbuild;
    const work = `.esbuild/${process.pid}`;
    this.#esbuild.outputWorkFolder = work;
    // serverless-esbuild copies what it packs into the system's temporary folder.
    const temporary = mkdtempSync(join(tmpdir(), "software-deployments-"));
    process.env.TMPDIR = temporary;
    process.once("exit", () => {
      for (const folder of [join(serverless.serviceDir, work), temporary])
        rmSync(folder, { recursive: true, force: true });
    });
  }
}
