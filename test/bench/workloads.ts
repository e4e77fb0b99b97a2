import { signToken } from "../../infra/local/signing-key.ts";
import { type Call, gatewayEvent, lambdaContext } from "../support/gateway.ts";
import { functionHandler } from "./measure.ts";

/** A request that is made again and again. */
export interface Workload {
  name: string;
  /** Makes what it takes to make the request so many times, which is not measured. */
  ready?: (times: number) => Promise<void>;
  work: () => Promise<unknown>;
}

/** The project that they are made in. */
export const PROJECT = "bench";

/** The servers whose metadata are read, and how many deployments each has. */
export const SERVERS = { measured: 50, twenty: 20, few: 3 };

/** The body of a create, of about the size of the API page's example. */
export const BODY = {
  config_id: "8da95794-2ad9-4979-8ae5-739ce314c5cd",
  server_id: "ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5",
  action: "CREATE",
  input_values: { foo: "bar" },
};

/** A call of a function as it is deployed. @returns the answer's JSON @throws Error for another status than expected */
export const caller = async (name: string, token?: string) => {
  const handler = await functionHandler(name);
  return async (method: string, path: string, call: Call = {}, expected = 200): Promise<any> => {
    const event = gatewayEvent(method, path, { ...(token && { token }), ...call });
    const { statusCode, body = "" } = await handler(event, lambdaContext());
    if (statusCode !== expected) throw new Error(`${method} ${path}: ${statusCode} ${body}`);
    return body && JSON.parse(body);
  };
};

/** Addresses, and what makes deployments, in a project that has a server with 50 of one configuration, collected. */
export const measuredServer = async (token: string) => {
  const below = (rest: string): string => `/v1/${PROJECT}${rest}`;
  const path = below("/software_deployments");
  const create = await caller("createSoftwareDeployment", token);
  const configure = await caller("createSoftwareConfig", token);
  const deploy = async (body: object = BODY): Promise<string> =>
    (await create("POST", path, { body })).software_deployment.id;
  const { id: config_id } = (
    await configure("POST", below("/software_configs"), { body: { name: "bench", config: "echo" } })
  ).software_config;
  for (const [server_id, count] of Object.entries(SERVERS))
    for (let i = 0; i < count; i += 1) await deploy({ ...BODY, config_id, server_id });
  const collect = await caller("showServerMetadata", token);
  for (const server_id of Object.keys(SERVERS)) await collect("GET", `${path}/metadata/${server_id}`);
  return { below, path, config_id, create, deploy };
};

/** The requests whose cost is measured, in this process, whose environment must be a function's. */
export const workloads = async (): Promise<Workload[]> => {
  const token = await signToken(PROJECT, ["member"], 12 * 3_600);
  const { path, create, deploy } = await measuredServer(token);
  const show = await caller("showSoftwareDeployment", token);
  const list = await caller("listSoftwareDeployments", token);
  const metadata = await caller("showServerMetadata", token);
  const signal = await caller("signalSoftwareDeployment", token);
  const id = await deploy();
  const running: string[] = [];
  const anyone = await caller("createSoftwareDeployment");
  return [
    { name: "create", work: () => deploy() },
    { name: "show", work: () => show("GET", `${path}/${id}`) },
    { name: "list of 20", work: () => list("GET", `${path}?limit=20`) },
    { name: "list of 20 by server", work: () => list("GET", `${path}?server_id=twenty&limit=20`) },
    { name: "metadata with 3 deployments", work: () => metadata("GET", `${path}/metadata/few`) },
    { name: "metadata with 50 deployments", work: () => metadata("GET", `${path}/metadata/measured`) },
    {
      name: "signal",
      ready: async (times) => {
        while (running.length < times) running.push(await deploy());
      },
      work: () => signal("POST", `${path}/${running.pop()}/signal`, { body: { deploy_status_code: 0 } }),
    },
    { name: "an unauthorized request", work: () => anyone("POST", path, { body: BODY }, 401) },
    { name: "an invalid body", work: () => create("POST", path, { body: { status: "DONE" } }, 400) },
  ];
};
