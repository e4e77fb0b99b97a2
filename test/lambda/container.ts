import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { endWithThisProcess } from "../../infra/local/emulator.ts";
import { REGION } from "../../infra/local/tables.ts";
import { loopback } from "../support/loopback.ts";
import type { StackFunction } from "./stack.ts";

/** The surroundings of a function. */
export interface Surroundings {
  /** The folder with the runtime client. */
  client: string;
  /** The folder with the unpacked zips, each in a folder of its function's name. */
  code: string;
  /** The folder for what the functions write, in files of their names. */
  logs: string;
  /** The address of DynamoDB and of Secrets Manager. */
  services: string;
}

/** A process that holds a function. It takes one event at a time. */
export interface Container {
  /** Hands it an event. @returns its answer @throws Error where it has none, in Lambda's words */
  invoke: (event: unknown) => Promise<unknown>;
  /** Settled when it asks for its next event. @throws Error when it has ended instead */
  ready: () => Promise<unknown>;
  stop: () => void;
}

/** Lambda's bounds: how long a function may take to start, in ms, and how large an answer may be, in bytes. */
const INIT_TIME = 10_000;
const MAX_ANSWER = 6_291_556;

/**
 * Starts a process for a function under Lambda's runtime client, with the environment and Node's flags that Lambda gives
 * it. It can read its code and the client and nothing else, writes no file, and stands still while it has no event. It
 * ends with this process.
 * @returns it when it asks for its first event
 * @throws Error when it ends before that, in Lambda's words
 */
export const startContainer = async (one: StackFunction, surroundings: Surroundings): Promise<Container> => {
  let asked = newPromise<ServerResponse>();
  let answered = newPromise<unknown>();
  let startError: string | undefined;

  const hear: Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>> = {
    "invocation/next": async (_, response) => {
      child.kill("SIGSTOP");
      asked.resolve(response);
    },
    "init/error": async (request, response) => {
      startError = wordsOf(await json(request));
      accept(response);
    },
    response: async (request, response) => {
      const size = Number(request.headers["content-length"]);
      const answer = await json(request);
      if (size <= MAX_ANSWER) answered.resolve(answer);
      else answered.reject(new Error(`Function.ResponseSizeTooLarge: ${size} bytes`));
      accept(response);
    },
    error: async (request, response) => {
      answered.reject(new Error(wordsOf(await json(request))));
      accept(response);
    },
  };
  const runtimeApi = await loopback((request, response) => {
    const [, call = ""] =
      /^\/2018-06-01\/runtime\/(?:invocation\/[\w-]+\/)?(.+)$/.exec(request.url ?? "") ?? [];
    void hear[call]?.(request, response);
  });

  const child = startProcess(one, surroundings, new URL(runtimeApi.url).host);
  const end = (reason: string): void => {
    for (const { reject } of [asked, answered]) reject(new Error(reason));
    child.kill("SIGKILL");
  };
  child.once("exit", (code, signal) => {
    end(startError ?? `Runtime.ExitError: exit status ${code ?? signal}`);
    void runtimeApi.close();
  });
  await within(INIT_TIME, asked.promise, () => end(`Sandbox.Timedout: no start in ${INIT_TIME} ms`));
  return {
    ready: () => asked.promise,
    invoke: async (event) => {
      const response = await asked.promise;
      asked = newPromise();
      answered = newPromise();
      child.kill("SIGCONT");
      response.writeHead(200, invocationHeaders(one)).end(JSON.stringify(event));
      const tooLong = `Sandbox.Timedout: Task timed out after ${one.timeout} seconds`;
      return within(one.timeout * 1_000, answered.promise, () => end(tooLong));
    },
    stop: () => end("stopped"),
  };
};

/** A promise whose rejection nobody needs to await. */
const newPromise = <Value>(): PromiseWithResolvers<Value> => {
  const made = Promise.withResolvers<Value>();
  made.promise.catch(() => undefined);
  return made;
};

const within = <Value>(ms: number, promise: Promise<Value>, onTimeout: () => void): Promise<Value> => {
  const timer = setTimeout(onTimeout, ms);
  return promise.finally(() => clearTimeout(timer));
};

const accept = (response: ServerResponse): void =>
  void response.writeHead(202, { "content-type": "application/json" }).end('{"status":"OK"}');

/** An error as the runtime client tells it, in a line. */
const wordsOf = (error: unknown): string => {
  const { errorType, errorMessage } = error as Record<string, string>;
  return `${errorType}: ${errorMessage}`;
};

/** The flags with which Lambda starts Node 24. */
const NODE_FLAGS = ["--no-experimental-require-module", "--no-experimental-detect-module"];

const startProcess = (one: StackFunction, { client, code, logs, services }: Surroundings, api: string) => {
  const root = join(code, one.name);
  const log = openSync(join(logs, one.name), "a");
  const flags = [
    ...NODE_FLAGS,
    `--max-old-space-size=${one.memorySize}`,
    ...["--permission", "--allow-addons", `--allow-fs-read=${client}/*`, `--allow-fs-read=${root}/*`],
  ];
  const entry = join(client, "node_modules/aws-lambda-ric/index.mjs");
  const child: ChildProcess = spawn(process.execPath, [...flags, entry], {
    cwd: root,
    env: environmentOf(one, { root, services, api }),
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  endWithThisProcess(child);
  return child;
};

/** The variables that Lambda sets, and those of the function. */
const environmentOf = (
  one: StackFunction,
  { root, services, api }: { root: string; services: string; api: string },
) => ({
  ...one.environment,
  _HANDLER: one.handler,
  AWS_ACCESS_KEY_ID: one.name,
  AWS_DEFAULT_REGION: REGION,
  AWS_ENDPOINT_URL_DYNAMODB: services,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: services,
  AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(one.memorySize),
  AWS_LAMBDA_FUNCTION_NAME: one.functionName,
  AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
  AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${one.functionName}`,
  AWS_LAMBDA_LOG_STREAM_NAME: "2026/11/24/[$LATEST]0123456789abcdef0123456789abcdef",
  AWS_LAMBDA_RUNTIME_API: api,
  AWS_REGION: REGION,
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: "token",
  LAMBDA_RUNTIME_DIR: "/var/runtime",
  LAMBDA_TASK_ROOT: root,
  LANG: "en_US.UTF-8",
  PATH: "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
  TZ: ":UTC",
});

const invocationHeaders = ({ functionName, timeout }: StackFunction) => ({
  "content-type": "application/json",
  "lambda-runtime-aws-request-id": crypto.randomUUID(),
  "lambda-runtime-deadline-ms": String(Date.now() + timeout * 1_000),
  "lambda-runtime-invoked-function-arn": `arn:aws:lambda:${REGION}:123456789012:function:${functionName}`,
  "lambda-runtime-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e;Sampled=0",
});
