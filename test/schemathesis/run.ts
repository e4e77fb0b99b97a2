/**
 * Attacks the local service from its own description: `npm run test:schemathesis [-- OPTIONS]`, with schemathesis'
 * own options, such as `--max-time 1800`. `SCHEMATHESIS` names the program, which `.ci/run` installs.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { EXAMPLE_PROJECT } from "../../infra/local/example.ts";
import { startService, stopService } from "../../infra/local/service.ts";
import { signToken } from "../../infra/local/signing-key.ts";

const MAX_TIME = ["--max-time", "180"];

const program = process.env.SCHEMATHESIS ?? "schemathesis";
if (spawnSync(program, ["--version"]).status !== 0) {
  process.stdout.write("left out: schemathesis, which is not installed, or SCHEMATHESIS does not name it\n");
  process.exit(process.env.CI ? 1 : 0);
}

const service = await startService({ LOG_LEVEL: "ERROR" });
const token = await signToken(EXAMPLE_PROJECT, ["member"], 3 * 3_600);

const call = async (path: string, body?: object): Promise<any> => {
  const headers = { "x-auth-token": token };
  const sent = { method: "POST", headers, ...(body && { body: JSON.stringify(body) }) };
  return (await fetch(`${service.url}/v1/${EXAMPLE_PROJECT}${path}`, sent)).json();
};

/** The signed links of a server that has something to run, as the values of their one parameter. */
const signedLinks = async () => {
  const { software_config } = await call("/software_configs", { config: "true", group: "script" });
  await call("/software_deployments", { config_id: software_config.id, server_id: "a-server" });
  const { metadata_url } = await call("/software_deployments/metadata/a-server/link");
  const collected: any = await (await fetch(metadata_url)).json();
  const inputs: { name: string; value: string }[] = collected.deployments[0].inputs;
  const signal = inputs.find(({ name }) => name === "deploy_signal_id")?.value ?? "";
  const [COLLECT, SIGNAL] = [metadata_url, signal].map(
    (url) => new URL(url).searchParams.get("capability") ?? "",
  );
  return { COLLECT, SIGNAL };
};

const options = process.argv.slice(2);
const args = [
  ...["--config-file", "test/schemathesis/schemathesis.toml", "run", `${service.url}/openapi.json`],
  ...(options.includes("--max-time") ? [] : MAX_TIME),
  ...options,
];
const run = spawn(program, args, {
  stdio: "inherit",
  env: {
    ...process.env,
    ...(await signedLinks()),
    PROJECT: EXAMPLE_PROJECT,
    TOKEN: token,
    PYTHONPATH: "test/schemathesis",
  },
});
const [code] = await once(run, "exit");
const faults = service.output().match(/"level":"ERROR".*/g) ?? [];
process.stdout.write(
  `${faults.length} faults of the service's own in its log\n${faults.slice(0, 10).join("\n")}\n`,
);
await stopService(service);
process.exitCode = code || faults.length > 0 ? 1 : 0;
