import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXAMPLE_PROJECT } from "../../infra/local/example.ts";
import { eventually, type Service, startService, stopService } from "../../infra/local/service.ts";
import { copySources } from "../support/checkout.ts";
import { deploymentsOf, minimal } from "../support/deployments.ts";

let folder: string;
let service: Service;

beforeAll(async () => {
  folder = await copySources();
  service = await startService({}, ["npm", "run", "dev"], folder);
});

afterAll(async () => {
  await stopService(service);
  await rm(folder, { recursive: true });
});

it("npm run dev answers by a changed line, at every change, and keeps data and tokens", async () => {
  const headers = { "x-auth-token": /^Token +(\S+)$/m.exec(service.output())?.[1] ?? "" };
  const address = `${service.url}${deploymentsOf(EXAMPLE_PROJECT)}`;
  const created = await fetch(address, { method: "POST", headers, body: JSON.stringify(minimal()) });
  const { software_deployment } = (await created.json()) as { software_deployment: { id: string } };
  const file = join(folder, "functions/service/health.ts");
  const source = await readFile(file, "utf8");
  for (const word of ["fine", "well"]) {
    await writeFile(file, source.replaceAll('"ok"', `"${word}"`));
    await eventually(`the status ${word}`, async () => {
      const answer = await fetch(`${service.url}/health`).catch(() => undefined);
      return (await answer?.text())?.includes(word) || undefined;
    });
  }
  expect((await fetch(`${address}/${software_deployment.id}`, { headers })).status).toBe(200);
});
