import { cp, mkdtemp, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The files that a deployment is made of, and those that make it. */
const SOURCES = ["package.json", "tsconfig.json", "serverless.yml", "functions", "lib", "infra"];

/** Copies the sources into a new folder, in which a test may change them. @returns the folder, to be removed by the test */
export const copySources = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "checkout-"));
  for (const source of SOURCES) await cp(join(ROOT, source), join(folder, source), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
};
