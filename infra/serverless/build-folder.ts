import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Serverless } from "./framework.ts";

/**
 * Gives the command folders of its own for what it builds, and removes them when the process ends. So commands that run
 * side by side in one checkout do not disturb each other, and leave nothing behind.
 */
export function useOwnBuildFolders({ service, serviceDir }: Serverless): void {
  const work = `.esbuild/${process.pid}`;
  service.custom.esbuild.outputWorkFolder = work;
  // serverless-esbuild copies what it packs into the system's temporary folder.
  const temporary = mkdtempSync(join(tmpdir(), "software-deployments-"));
  process.env.TMPDIR = temporary;
  process.once("exit", () => {
    for (const folder of [join(serviceDir, work), temporary])
      rmSync(folder, { recursive: true, force: true });
  });
}

/**
 * Takes the build folder's name out of the service's state before that is saved: with it, no deployment would equal the
 * one before.
 */
export function forgetBuildFolder({ service }: Serverless): void {
  delete service.custom.esbuild.outputWorkFolder;
}
