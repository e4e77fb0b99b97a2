/**
 * Runs the tests that need a database on AWS's DynamoDB Local, a Java program: `npm run test:dynamodb-local`.
 * `DYNAMODB_LOCAL` names the folder with its jar, which `.ci/run` takes out of the npm package
 * `amplify-dynamodb-simulator`.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { answering, freePort } from "../../infra/local/emulator.ts";

const PROJECTS = ["api on dynamodb-local", "failures", "api over HTTP", "clients"];

const folder = process.env.DYNAMODB_LOCAL ?? "";
const hasJava = spawnSync("java", ["-version"]).status === 0;
if (!existsSync(join(folder, "DynamoDBLocal.jar")) || !hasJava) {
  process.stdout.write(
    "left out: DynamoDB Local, which needs Java, and DYNAMODB_LOCAL to name the folder of its jar\n",
  );
  process.exit(process.env.CI ? 1 : 0);
}

const port = await freePort();
const java = ["-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"];
const child = spawn("java", [...java, "-inMemory", "-sharedDb", "-port", String(port)], {
  cwd: folder,
  stdio: "ignore",
});
const endpoint = `http://127.0.0.1:${port}`;
await answering(endpoint, { child });

const projects = PROJECTS.flatMap((project) => ["--project", project]);
const args = ["run", "--config", "test/vitest.config.ts", ...projects, ...process.argv.slice(2)];
const tests = spawn("node_modules/.bin/vitest", args, {
  stdio: "inherit",
  env: {
    LONG_TESTS: "1",
    INTERLEAVINGS: "500",
    ...process.env,
    DYNAMODB_LOCAL_URL: endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  },
});
const [code] = await once(tests, "exit");
child.kill();
process.exitCode = code ?? 1;
