import type { TestProject } from "vitest/node";
import { freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { STAGE } from "./stage.ts";
import "./context.ts";

/** Starts the emulator that the test project names, for all its files. */
export default async (project: TestProject) => {
  const engine = project.config.provide.engine ?? "dynalite";
  const emulator = await startEmulator({ engine, port: await freePort(), stage: STAGE });
  project.provide("dynamodb", emulator.endpoint);
  return () => stopEmulator(emulator);
};
