import { access, constants, mkdir } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { exitWithError } from "../exit-with-error.ts";
import type { Options, Serverless } from "../serverless/framework.ts";
import { type Engine, freePort } from "./emulator.ts";

/** The port and the address of the service on this machine. */
export interface Listening {
  port: number;
  /** The address that it is reached at, also from elsewhere where it listens on all interfaces. */
  address: string;
  /** The origins of its own pages. */
  origins: string[];
}

/** The place of the data: an emulator that runs already, or one that is started, by default the better engine. */
export type StorageOptions =
  | { endpoint: string }
  | { port: number; dataFolder: string | undefined; engine?: Engine };

/** Names of all interfaces, for `--host`. */
const ALL_INTERFACES = ["0.0.0.0", "::"];

/** Reads the service's port and host: `--httpPort` or `PORT`, and `--host`. Ends the command for a bad one. */
export async function listening(serverless: Serverless, { httpPort, host }: Options): Promise<Listening> {
  const configured = serverless.service.custom["serverless-offline"];
  const [name, value] = httpPort === undefined ? ["PORT", configured.httpPort] : ["--httpPort", httpPort];
  const port = portOf(name, String(value));
  const listensOn = host ?? configured.host ?? "localhost";
  await freePort(port, ALL_INTERFACES.includes(listensOn) ? listensOn : undefined).catch(() =>
    exitWithError(`${name}=${port}: another program listens there. PORT=… moves the service.`),
  );
  const address = `http://${reachable(listensOn)}:${port}`;
  return { port, address, origins: ownOrigins(port, listensOn) };
}

/**
 * The origins of the service's own pages, by the names that a browser on this machine has for it.
 * @param host the interface that it listens on, by default localhost
 */
export function ownOrigins(port: number | string, host = "localhost"): string[] {
  const names = new Set(["localhost", "127.0.0.1", "[::1]", reachable(host)]);
  return [...names].map((name) => `http://${name}:${port}`);
}

/** Reads the place of the data: `AWS_ENDPOINT_URL_DYNAMODB`, or `DYNAMODB_PORT` and `DYNAMODB_DATA`. Ends likewise. */
export async function storageOptions(): Promise<StorageOptions> {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint, DYNAMODB_PORT, DYNAMODB_DATA } = process.env;
  if (endpoint) return { endpoint };
  const requested = DYNAMODB_PORT ? portOf("DYNAMODB_PORT", DYNAMODB_PORT) : 0;
  const port = await freePort(requested).catch(() =>
    exitWithError(`DYNAMODB_PORT=${requested}: another program listens there.`),
  );
  return { port, dataFolder: DYNAMODB_DATA ? await writableFolder(DYNAMODB_DATA) : undefined };
}

function portOf(name: string, value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port >= 1 && port <= 65_535) return port;
  return exitWithError(`${name}=${value}: a port is a whole number from 1 to 65535.`);
}

async function writableFolder(folder: string): Promise<string> {
  const path = resolve(folder);
  try {
    await mkdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    await access(path, constants.W_OK);
    return path;
  } catch (error) {
    return exitWithError(
      `DYNAMODB_DATA=${folder}: not a folder that can be written (${(error as Error).message}).`,
    );
  }
}

/** The name that a client uses for the host; of all interfaces, one that can be reached from elsewhere. */
function reachable(host: string): string {
  if (!ALL_INTERFACES.includes(host)) return isIPv6(host) ? `[${host}]` : host;
  const addresses = Object.values(networkInterfaces()).flatMap((interfaces) => interfaces ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "localhost";
}
