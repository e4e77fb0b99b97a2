import { existsSync, readFileSync } from "node:fs";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EXAMPLE_PROJECT } from "../../infra/local/example.ts";
import { type Service, startService, stopService } from "../../infra/local/service.ts";
import { memberToken } from "../support/deployments.ts";

/** Debian's browser, or the one that `CHROMIUM` names. */
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const isInstalled = existsSync(executablePath);
if (!isInstalled) {
  process.stderr.write(
    `left out: the page in a browser, as there is no ${executablePath}; CHROMIUM names one\n`,
  );
  if (process.env.CI) throw new Error("CI needs a browser.");
}

const document = JSON.parse(
  readFileSync(new URL("../../functions/openapi.json", import.meta.url), "utf8"),
) as { paths: Record<string, Record<string, { operationId: string }>> };

const operations = Object.values(document.paths).flatMap((path) =>
  Object.values(path).map(({ operationId }) => operationId),
);

let service: Service;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let errors: string[];
/** The requests of the page, and where it comes from. */
let origins: Set<string>;
let own: string;

beforeAll(async () => {
  if (!isInstalled) return;
  service = await startService();
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

afterAll(async () => {
  await browser?.close();
  if (service) await stopService(service);
});

beforeEach(async () => {
  errors = [];
  origins = new Set();
});

afterEach(async () => {
  await context.close();
  expect(errors).toEqual([]);
  expect([...origins]).toEqual([own]);
});

const open = async ({
  address = service.url,
  colorScheme = "light",
}: {
  address?: string;
  colorScheme?: "light" | "dark";
} = {}): Promise<void> => {
  context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:") origins.add(origin);
  });
  own = address;
  await page.goto(`${address}/docs`);
  await page.locator(".opblock").first().waitFor();
};

const block = (operationId: string): Locator => page.locator(`.opblock[id$="-${operationId}"]`);

const expand = (operationId: string): Promise<void> =>
  block(operationId).locator(".opblock-summary-control").click();

/** Gives the page a token, as a reader does who has started the service. */
const authorize = async (): Promise<void> => {
  await page.locator(".auth-wrapper .authorize").first().click();
  const form = page.locator(".auth-container", { hasText: "X-Auth-Token" });
  await form.locator("input").fill(await memberToken(EXAMPLE_PROJECT));
  await form.locator("button.authorize").click();
  await page.locator(".close-modal").click();
};

/** Tries an operation, and reads status and body of what is answered. */
const tryOut = async (
  operationId: string,
  parameters: Record<string, string> = {},
): Promise<{ status: string; json: any }> => {
  const operation = block(operationId);
  await expand(operationId);
  await operation.locator(".try-out__btn").click();
  for (const [name, value] of Object.entries(parameters))
    await operation.locator(`tr[data-param-name="${name}"] input`).fill(value);
  await operation.locator("button.execute").click();
  const answer = operation.locator(".live-responses-table .response").first();
  const status = await answer.locator(".response-col_status").innerText();
  const text = await answer.locator(".response-col_description .microlight").first().innerText();
  return { status: status.trim(), json: JSON.parse(text) };
};

/** The barriers that axe-core finds on the page: where, and what. */
const barriers = async (): Promise<string[]> => {
  // Not by a script element, which the page's policy refuses.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ["violations"] }),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`));
};

describe.runIf(isInstalled)("the API's page", () => {
  it("the API's page shows every operation", async () => {
    await open();
    const shown = await page
      .locator(".opblock")
      .evaluateAll((all) => all.map(({ id }) => id.split("-").at(-1)));
    expect(shown.sort()).toEqual(operations.toSorted());
  });

  it("a deployment is created and shown from the API's page, with the token that the service prints", async () => {
    await open();
    await authorize();
    const created = await tryOut("createSoftwareDeployment");
    expect(created.status).toBe("200");
    const { id, status } = created.json.software_deployment;
    expect(status).toBe("IN_PROGRESS");
    const shown = await tryOut("showSoftwareDeployment", { id });
    expect(shown).toMatchObject({ status: "200", json: { software_deployment: { id } } });
  });

  it("Authorize puts the focus into the field of the token, also when it is opened again", async () => {
    await open();
    const token = await memberToken(EXAMPLE_PROJECT);
    for (const _ of ["first", "again"]) {
      await page.locator(".auth-wrapper .authorize").first().click();
      const form = page.locator(".auth-container", { hasText: "X-Auth-Token" });
      await form.locator("input:focus").waitFor({ timeout: 5_000 });
      await page.keyboard.type(token);
      expect(await form.locator("input").inputValue()).toBe(token);
      await page.locator(".close-modal").click();
    }
  });

  it("the examples' configuration is there: it is shown, deployed and handed out as the page proposes", async () => {
    await open();
    await authorize();
    const shown = await tryOut("showSoftwareConfig");
    expect(shown).toMatchObject({ status: "200", json: { software_config: { name: "greet" } } });
    const { json } = await tryOut("createSoftwareDeployment");
    const { config_id, server_id } = json.software_deployment;
    expect(config_id).toBe(shown.json.software_config.id);
    const { json: document } = await tryOut("showServerMetadata", { server_id });
    expect(document.metadata.map(({ config }: { config: string }) => config)).toContain(
      shown.json.software_config.config,
    );
  });

  it("the API's page sends requests to the address that it was opened at", async () => {
    await open({ address: service.url.replace("localhost", "127.0.0.1") });
    expect(await tryOut("showHealth")).toEqual({ status: "200", json: { status: "ok" } });
  });

  it.each(["light", "dark"] as const)("the page has no accessibility violation: %s", async (colorScheme) => {
    await open({ colorScheme });
    expect(await barriers()).toEqual([]);
    await authorize();
    await tryOut("createSoftwareDeployment");
    await expand("listSoftwareDeployments");
    await expand("updateSoftwareDeployment");
    expect(await barriers()).toEqual([]);
  });
});
