import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Service, startService, stopService } from "../../infra/local/service.ts";
import { signToken } from "../../infra/local/signing-key.ts";
import { describedApi, FILE } from "../../infra/openapi/described-api.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

describe("functions/openapi.json", () => {
  it("functions/openapi.json is what the sources say, and its examples are what the service answers", async () => {
    const kept = await readFile(FILE, "utf8");
    expect(kept, "the sources say something else now: npm run openapi writes the file").toBe(
      await describedApi(),
    );
  });
});

describe("functions/README.md's typed client", () => {
  /** A user's own project, in which the lines of the README are. */
  let folder: string;
  let service: Service;

  const run = (...[program, ...args]: [string, ...string[]]): string =>
    execFileSync(join("node_modules/.bin", program), args, { cwd: folder, encoding: "utf8" });

  beforeAll(async () => {
    service = await startService();
    folder = await mkdtemp(join(ROOT, "test/typed-client/run-"));
    await symlink(join(ROOT, "test/typed-client/node_modules"), join(folder, "node_modules"));
    await cp(join(ROOT, "test/typed-client/package.json"), join(folder, "package.json"));
    const readme = await readFile(join(ROOT, "functions/README.md"), "utf8");
    const [, lines = ""] = /## A typed client\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    await writeFile(join(folder, "client.ts"), lines);
    run("openapi-typescript", `${service.url}/openapi.json`, "--output", "api.d.ts");
  });

  afterAll(async () => {
    await stopService(service);
    await rm(folder, { recursive: true });
  });

  it("the README's typed client compiles against the description", () => {
    expect(run("tsc", ...STRICT, "client.ts")).toBe("");
  });

  it("a wrong field in the README's typed client is a type error", async () => {
    const client = await readFile(join(folder, "client.ts"), "utf8");
    expect(client).toContain("server_id:");
    await writeFile(join(folder, "wrong.ts"), client.replace("server_id:", "server:"));
    expect(() => run("tsc", ...STRICT, "wrong.ts")).toThrow();
  });

  it("the README's typed client creates a configuration, deploys it and reads the result", async () => {
    const env = {
      ...process.env,
      URL: service.url,
      PROJECT: "demo",
      TOKEN: await signToken("demo", ["member"], 600),
    };
    const printed = execFileSync(process.execPath, ["client.ts"], { cwd: folder, env, encoding: "utf8" });
    expect(printed).toMatch(/^COMPLETE \{.*Hello, world/s);
  });
});

const STRICT = [
  "--strict",
  "--noEmit",
  "--skipLibCheck",
  "--module",
  "nodenext",
  "--target",
  "es2024",
  "--types",
  "node",
];
