import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hooks, Serverless } from "../serverless-plugin.ts";
import { answering, type Emulator, engines, freePort, startEmulator } from "./emulator.ts";
import { emulatorEnvironment, issuerEnvironment, linkEnvironment } from "./environment.ts";
import { EXAMPLE_PROJECT, EXAMPLE_REQUEST } from "./example.ts";
import { signToken } from "./signing-key.ts";
import { createTables } from "./tables.ts";

/** How long the example token is valid, in seconds. */
const EXAMPLE_TOKEN_LIFE = 12 * 3_600;

/** How long an emulator that ended by itself stays down before it is started again, in ms. */
const RESTART_PAUSE = 3_000;

/** The event of `sls invoke local`, as `-p` or `-d` gave it. */
interface InvokeOptions {
  data?: { headers?: Record<string, string>; pathParameters?: { project_id?: string } };
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const example = (address: string, token: string): string =>
  [
    `curl -i ${address}/v1/${EXAMPLE_PROJECT}/software_deployments`,
    `-H 'Content-Type: application/json'`,
    `-H 'X-Auth-Token: ${token}'`,
    `-d '${JSON.stringify(EXAMPLE_REQUEST)}'`,
  ].join(" ");

/**
 * Serverless plugin: makes `sls offline` and `sls invoke local` complete by themselves. It starts a DynamoDB
 * emulator with the deployed tables, makes a signing key, and points the functions' environment to both; the
 * functions know nothing of it. An emulator that is configured already (`AWS_ENDPOINT_URL_DYNAMODB`) is used,
 * and so is a token issuer.
 */
export default class Local {
  readonly hooks: Hooks = {
    initialize: () => this.#beforeInvoke(),
    "before:offline:start": () => this.#offline(),
    "before:offline:start:init": () => this.#offline(),
    "before:invoke:local:invoke": () => this.#invoke(),
    "before:deploy:deploy": () => this.#checkIssuer(),
  };
  readonly #serverless: Serverless;
  readonly #options: InvokeOptions;
  #emulator: Emulator | undefined;
  #stopping = false;

  constructor(serverless: Serverless, options: InvokeOptions) {
    this.#serverless = serverless;
    this.#options = options;
  }

  async #offline(): Promise<void> {
    const { httpPort } = this.#serverless.service.custom["serverless-offline"];
    await freePort(Number(httpPort)).catch(() => {
      throw new this.#serverless.classes.Error(`Port ${httpPort} is taken: PORT=… moves the service.`);
    });
    await this.#prepare();
    // The simulator loads TypeScript as it is; only what is deployed is bundled.
    for (const definition of Object.values(this.#serverless.service.functions)) definition.skipEsbuild = true;
    this.#serverless.service.provider.environment.PUBLIC_URL ||= `http://localhost:${httpPort}`;
    void this.#keepRunning();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        this.#stopping = true;
      });
    }
    void this.#announce();
  }

  /** `sls invoke local` reads the functions' environment before its first own event. */
  async #beforeInvoke(): Promise<void> {
    if (this.#serverless.processedInput.commands.join(" ") === "invoke local") await this.#prepare();
  }

  async #invoke(): Promise<void> {
    const { headers, pathParameters } = this.#options.data ?? {};
    if (headers?.["x-auth-token"] !== "$TOKEN") return;
    headers["x-auth-token"] = await signToken(pathParameters?.project_id ?? EXAMPLE_PROJECT, ["member"], 60);
  }

  /** Sets the functions' environment: the emulator, and an issuer of tokens unless the stage has one. */
  async #prepare(): Promise<void> {
    const { environment } = this.#serverless.service.provider;
    Object.assign(environment, emulatorEnvironment(await this.#dynamodb()));
    if (typeof environment.LINK_KEYS !== "string") Object.assign(environment, await linkEnvironment());
    if (environment.TOKEN_ISSUER || environment.KEYSTONE_AUTH_URL) return;
    Object.assign(environment, await issuerEnvironment());
  }

  async #dynamodb(): Promise<string> {
    const configured = process.env.AWS_ENDPOINT_URL_DYNAMODB;
    if (configured) {
      await createTables(configured, this.#serverless.service.provider.stage);
      return configured;
    }
    this.#emulator = await this.#start(await freePort(Number(process.env.DYNAMODB_PORT ?? 0)));
    process.once("exit", () => this.#emulator?.process.kill());
    return this.#emulator.endpoint;
  }

  async #start(port: number): Promise<Emulator> {
    const folder = process.env.DYNAMODB_DATA;
    const dataFolder = folder && resolve(folder);
    if (dataFolder) await mkdir(dataFolder, { recursive: true });
    const { stage } = this.#serverless.service.provider;
    const engine = engines[0] ?? "dynalite";
    return startEmulator({ engine, port, stage, ...(dataFolder && { dataFolder }) });
  }

  /** Starts the emulator again, on its port, whenever it ends without having been told to. */
  async #keepRunning(): Promise<void> {
    while (this.#emulator) {
      const { endpoint, process: child } = this.#emulator;
      await once(child, "exit");
      if (this.#stopping) return;
      say(`The DynamoDB emulator has ended; it starts again in ${RESTART_PAUSE / 1_000} s.`);
      await sleep(RESTART_PAUSE);
      if (this.#stopping) return;
      this.#emulator = await this.#start(Number(new URL(endpoint).port));
    }
  }

  async #announce(): Promise<void> {
    const { service } = this.#serverless;
    const address = `http://localhost:${service.custom["serverless-offline"].httpPort}`;
    const token = await signToken(EXAMPLE_PROJECT, ["member"], EXAMPLE_TOKEN_LIFE);
    await answering(address);
    const data = process.env.DYNAMODB_DATA ?? "in memory";
    say("");
    say(`Software Deployments  ${address}`);
    say(`DynamoDB              ${service.provider.environment.AWS_ENDPOINT_URL_DYNAMODB} (${data})`);
    say(`Token                 ${token}`);
    say("");
    say(example(address, token));
    say("");
  }

  /** A stage that nobody could call is refused before it is deployed. */
  #checkIssuer(): void {
    const { TOKEN_ISSUER, TOKEN_AUDIENCE, KEYSTONE_AUTH_URL } = this.#serverless.service.provider.environment;
    if ((TOKEN_ISSUER && TOKEN_AUDIENCE) || (KEYSTONE_AUTH_URL && !TOKEN_ISSUER)) return;
    throw new this.#serverless.classes.Error(
      "Whose tokens are accepted? Set --param tokenIssuer=… and --param tokenAudience=…, or --param keystoneAuthUrl=…",
    );
  }
}
