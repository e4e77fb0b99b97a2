import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { accepting, endWithThisProcess, freePort } from "../../infra/local/emulator.ts";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import { type Loopback, loopback } from "../support/loopback.ts";

/** The account that the emulator plays. */
export const ACCOUNT = "123456789012";

/** The id of the first HTTP API (`launcher.py`). */
const API_ID = "aaaabbbb";

const LAUNCHER = new URL("launcher.py", import.meta.url).pathname;

/** The folder of a virtual environment with `requirements.txt`. */
const PYTHON_FOLDER = process.env.MINISTACK ?? "";
const PYTHON = join(PYTHON_FOLDER, "bin/python");

/** The keys of who calls AWS. */
export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
}

/** The keys of the account itself, which may do everything. */
export const ROOT: Keys = CREDENTIALS;

/** A call that IAM has looked at. */
export interface Call {
  /** The access key of who called. */
  key: string;
  action: string;
  resource: string;
  allowed: boolean;
}

/** AWS on this machine: over TLS, with IAM, all services behind one address. */
export interface Emulator {
  endpoint: string;
  /** The file of the certificate that clients have to trust. */
  certificate: string;
  /** The address of the first HTTP API: a proxy, as a domain of one's own would be. */
  apiUrl: string;
  /** All calls so far, the first one first. */
  calls: () => Promise<Call[]>;
  /** The environment of a program that calls AWS with these keys. */
  environment: (keys: Keys) => Record<string, string>;
  stop: () => Promise<void>;
}

/** Whether the emulator and AWS's command line are installed, at the versions of `requirements.txt`. */
export const isInstalled = spawnSync(PYTHON, ["-c", "import ministack, awscli"]).status === 0;

/** Starts the emulator. @throws Error with its own words when it does not start */
export const startEmulator = async (): Promise<Emulator> => {
  const folder = await mkdtemp(join(tmpdir(), "stack-"));
  const port = await freePort();
  const calls = join(folder, "calls");
  await writeFile(calls, "");
  const child = spawn(PYTHON, [LAUNCHER], {
    stdio: ["ignore", "pipe", "pipe"],
    // Its functions run under the Node of this process, and trust the certificate that it makes.
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: folder,
      TMPDIR: folder,
      CALLS: calls,
      GATEWAY_PORT: String(port),
      BIND_HOST: "127.0.0.1",
      USE_SSL: "1",
      AUTH: "true",
      MINISTACK_REGION: REGION,
      MINISTACK_ACCOUNT_ID: ACCOUNT,
      AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
      LOG_LEVEL: "WARNING",
    },
  });
  endWithThisProcess(child);
  await listening(child, port);
  const certificate = join(folder, "ministack-tls/server.crt");
  const front = await startFront(port, await readFile(certificate, "utf8"));
  const endpoint = `https://127.0.0.1:${port}`;
  return {
    endpoint,
    certificate,
    apiUrl: front.url,
    calls: async () =>
      (await readFile(calls, "utf8"))
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    environment: ({ accessKeyId, secretAccessKey }) => ({
      PATH: `${join(PYTHON_FOLDER, "bin")}:${process.env.PATH}`,
      HOME: folder,
      AWS_ENDPOINT_URL: endpoint,
      AWS_CA_BUNDLE: certificate,
      NODE_EXTRA_CA_CERTS: certificate,
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    }),
    stop: async () => {
      await front.close();
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
};

const listening = async (child: ChildProcess, port: number): Promise<void> => {
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
  const ended = once(child, "exit").then(() => {
    throw new Error(`The emulator does not start. ${printed.trim()}`);
  });
  await Promise.race([accepting(port), ended]);
  ended.catch(() => undefined);
};

/** Starts what stands before the API, and hands requests on as they are. */
const startFront = (port: number, ca: string): Promise<Loopback> => {
  const agent = new Agent({ ca, keepAlive: true });
  return loopback((request, response) => {
    // By this path the emulator keeps its own answers, such as that of /health, out of the way.
    const path = `/_aws/execute-api/${API_ID}/$default${request.url}`;
    const { method, rawHeaders: headers } = request;
    const onward = httpsRequest({ host: "127.0.0.1", port, agent, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
};
