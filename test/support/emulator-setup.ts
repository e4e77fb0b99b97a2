import type { TestProject } from "vitest/node";
import { engines, freePort, startEmulator, stopEmulator } from "../../infra/local/emulator.ts";
import { STAGE } from "../../infra/local/stage.ts";
import { createTables } from "../../infra/local/tables.ts";
import { inLongForm } from "./long.ts";
import "./context.ts";

/** Starts the emulator that the test project names, for all its files. */
export default async (project: TestProject) => {
  const engine = project.config.provide.engine ?? "dynalite";
  if (engine === "dynamodb-local") {
    const endpoint = process.env.DYNAMODB_LOCAL_URL ?? "";
    await createTables(endpoint, STAGE);
    project.provide("dynamodb", endpoint);
    return;
  }
  const others = engines.filter((other) => other !== engine);
  if (project.name.startsWith("api") && others.length > 0) inLongForm(`the API's cases on ${others}`, others);
  if (!engines.includes("dynoxide"))
    process.stderr.write("left out: dynoxide, which this platform has not\n");
  const emulator = await startEmulator({ engine, port: await freePort(), stage: STAGE });
  project.provide("dynamodb", emulator.endpoint);
  return () => stopEmulator(emulator);
};
