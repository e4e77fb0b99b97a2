import { EXAMPLE_PROJECT, EXAMPLE_REQUEST } from "./example.ts";
import { ISSUER, signToken } from "./signing-key.ts";

/** The lifetime of the printed token, in seconds. */
const TOKEN_LIFETIME = 12 * 3_600;

/** A local run that serves. */
interface Run {
  address: string;
  /** A description of the storage, for people. */
  storage: string;
  /** The functions' environment. */
  environment: Record<string, string>;
}

/** Prints the address, the storage, a token, how to stop, and a request to paste. */
export async function announce({ address, storage, environment }: Run): Promise<void> {
  const token =
    environment.TOKEN_ISSUER === ISSUER
      ? await signToken(EXAMPLE_PROJECT, ["member"], TOKEN_LIFETIME)
      : undefined;
  const lines = [
    `Software Deployments  ${address}`,
    `API, to read and try  ${address}/docs`,
    `Storage               ${storage}`,
    `Token                 ${token ?? whereTokensComeFrom(environment)}`,
    "Stop                  Ctrl-C",
    "",
    exampleRequest(address, token ?? "$TOKEN"),
    "",
  ];
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function whereTokensComeFrom({ KEYSTONE_AUTH_URL, TOKEN_ISSUER }: Record<string, string>): string {
  return KEYSTONE_AUTH_URL
    ? `TOKEN=$(openstack --os-auth-url ${KEYSTONE_AUTH_URL} token issue -f value -c id)`
    : `TOKEN=… from ${TOKEN_ISSUER}`;
}

function exampleRequest(address: string, token: string): string {
  return [
    `curl -i ${address}/v1/${EXAMPLE_PROJECT}/software_deployments`,
    `-H 'Content-Type: application/json'`,
    `-H "X-Auth-Token: ${token}"`,
    `-d '${JSON.stringify(EXAMPLE_REQUEST)}'`,
  ].join(" ");
}
