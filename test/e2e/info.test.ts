import { execFile } from "node:child_process";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { CREDENTIALS } from "../../infra/local/tables.ts";
import { loopback } from "../support/loopback.ts";

/** The answer of CloudFormation about a stack with these outputs. */
const described = (action: string, outputs: Record<string, string>): string => {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  const stack = `<StackName>s</StackName><Outputs>${members.join("")}</Outputs>`;
  const result = action === "DescribeStacks" ? `<Stacks><member>${stack}</member></Stacks>` : "";
  return `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`;
};

/** The output of `sls info` for such a stack, and the calls that it makes. */
const info = async (outputs: Record<string, string>): Promise<{ stdout: string; calls: string[] }> => {
  const calls: string[] = [];
  const cloudFormation = await loopback(async (request, response) => {
    const action = new URLSearchParams(await text(request)).get("Action") ?? "";
    calls.push(action);
    response.end(described(action, outputs));
  });
  const { stdout } = await promisify(execFile)("node_modules/.bin/sls", ["info"], {
    env: {
      PATH: process.env.PATH ?? "",
      AWS_ENDPOINT_URL: cloudFormation.url,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
  });
  await cloudFormation.close();
  return { stdout, calls };
};

describe("sls info", () => {
  it("sls info ends with the API's address, for which it asks nothing more", async () => {
    const { stdout, calls } = await info({
      ApiUrl: "https://api.example",
      HttpApiUrl: "https://api.example",
    });
    expect(stdout).toMatch(/\nApiUrl: https:\/\/api\.example\n$/);
    expect(stdout).toContain("GET - https://api.example/health\n");
    expect(calls.toSorted()).toEqual(["DescribeStacks", "ListStackResources"]);
  });

  it("sls info prints no address of a stack that was deployed without the output", async () => {
    const { stdout } = await info({ HttpApiUrl: "https://api.example" });
    expect(stdout).toContain("stack: software-deployments-dev");
    expect(stdout).not.toContain("ApiUrl");
  });
});
