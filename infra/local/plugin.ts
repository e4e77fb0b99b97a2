import { exitWithError } from "../exit-with-error.ts";
import type { Hooks, Options, Serverless } from "../serverless/framework.ts";
import { announce } from "./announcement.ts";
import { answerAsDeployed } from "./as-deployed.ts";
import { accepting } from "./emulator.ts";
import { emulatorEnvironment, issuerEnvironment, stageEnvironment } from "./environment.ts";
import { EXAMPLE_PROJECT } from "./example.ts";
import { listening, storageOptions } from "./options.ts";
import { signToken } from "./signing-key.ts";
import { openStorage, type Storage } from "./storage.ts";

/**
 * Serverless plugin: makes `sls offline` and `sls invoke local` complete by themselves. It starts a DynamoDB emulator
 * with the deployed tables, makes a signing key, and points the functions' environment to both; the functions know
 * nothing of it. An emulator that is configured already (`AWS_ENDPOINT_URL_DYNAMODB`) is used, and so is an issuer of
 * tokens.
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
  readonly #options: Options;

  constructor(serverless: Serverless, options: Options) {
    this.#serverless = serverless;
    this.#options = options;
  }

  async #offline(): Promise<void> {
    const { provider, functions } = this.#serverless.service;
    const { port, address } = await listening(this.#serverless, this.#options);
    const storage = await this.#prepare();
    // The simulator loads TypeScript as it is; only what is deployed is bundled.
    for (const definition of Object.values(functions)) definition.skipEsbuild = true;
    provider.environment.PUBLIC_URL ||= address;
    answerAsDeployed(port);
    silenceRouteTable();
    endWithNpm();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void storage.close());
    void accepting(port).then(() =>
      announce({ address, storage: storage.description, environment: provider.environment }),
    );
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

  /**
   * Sets the functions' environment: the storage, a key for links, and an issuer of tokens unless the stage has one. Log
   * lines hold no metrics, which nobody would read here.
   */
  async #prepare(): Promise<Storage> {
    const { environment, stage } = this.#serverless.service.provider;
    const storage = await openStorage(await storageOptions(), stage);
    process.once("exit", () => void storage.close());
    Object.assign(environment, emulatorEnvironment(storage.endpoint), await stageEnvironment(stage));
    environment.METRICS_NAMESPACE = "";
    if (!environment.TOKEN_ISSUER && !environment.KEYSTONE_AUTH_URL)
      Object.assign(environment, await issuerEnvironment());
    return storage;
  }

  /** A stage that nobody could call is refused before it is deployed. */
  #checkIssuer(): void {
    const { TOKEN_ISSUER, TOKEN_AUDIENCE, KEYSTONE_AUTH_URL } = this.#serverless.service.provider.environment;
    if ((TOKEN_ISSUER && TOKEN_AUDIENCE) || (KEYSTONE_AUTH_URL && !TOKEN_ISSUER)) return;
    exitWithError(
      "Whose tokens are accepted? Set --param tokenIssuer=… and --param tokenAudience=…, or --param keystoneAuthUrl=…",
    );
  }
}

/** The simulator prints its route table whatever the log level; nothing else here uses `console.log`. */
function silenceRouteTable(): void {
  if (["debug", "info", "notice"].includes(process.env.SLS_LOG_LEVEL ?? "notice")) return;
  console.log = () => undefined;
}

/** Started by `npm start` or `npx`, the service ends with it, also where that is killed and can tell nobody. */
function endWithNpm(): void {
  if (!["start", "npx"].includes(process.env.npm_lifecycle_event ?? "")) return;
  const npm = process.ppid;
  const check = () => void (process.ppid !== npm && process.kill(process.pid, "SIGTERM"));
  setInterval(check, 1_000).unref();
}
