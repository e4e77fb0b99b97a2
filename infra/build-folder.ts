import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Serverless } from "./serverless-plugin.ts";

/**
 * Serverless plugin: gives each command folders of its own for what it builds, and takes them away when it ends. So
 * commands that run side by side in one checkout do not disturb each other, and none leaves anything behind.
 */
export default class BuildFolder {
  constructor(serverless: Serverless) {
    const work = `.esbuild/${process.pid}`;
    serverless.service.custom.esbuild.outputWorkFolder = work;
    // serverless-esbuild copies what it packs into the system's temporary folder.
    const temporary = mkdtempSync(join(tmpdir(), "software-deployments-"));
    process.env.TMPDIR = temporary;
    process.once("exit", () => {
      for (const folder of [join(serverless.serviceDir, work), temporary])
        rmSync(folder, { recursive: true, force: true });
    });
  }
}
