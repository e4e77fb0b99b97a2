import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXAMPLE_CONFIG_ID, EXAMPLE_PROJECT } from "../../infra/local/example.ts";
import { type Service, startService, stopService } from "../../infra/local/service.ts";
import { storyAnswers, storyBlocks, storyScript } from "../support/story.ts";

let service: Service;

beforeAll(async () => {
  service = await startService({}, ["npm", "start"]);
});

afterAll(() => stopService(service));

it("README's helpers keep an answer that goes through a pipe, also where the pipe ends early", () => {
  const [helpers, configuration] = storyBlocks().filter(({ language }) => language === "sh");
  const request = configuration?.text.trimEnd();
  const script = [helpers?.text, `${request} | head -c 9`, "echo", "field .software_config.name"]
    .join("\n")
    .replaceAll("http://localhost:3000", service.url);
  const printed = execFileSync("sh", ["-e", "-c", script], { encoding: "utf8" });
  expect(printed).toBe('{"softwar\ngreet\n');
});

it("README's story, the API's examples and the local service have one project", () => {
  const [helpers] = storyBlocks();
  expect(/--project (\S+)\)/.exec(helpers?.text ?? "")?.[1]).toBe(EXAMPLE_PROJECT);
  expect(helpers?.text).toContain(`/v1/${EXAMPLE_PROJECT}\n`);
  expect(service.output()).toContain(`/v1/${EXAMPLE_PROJECT}/software_deployments`);
  const { paths } = JSON.parse(readFileSync("functions/openapi.json", "utf8"));
  const { parameters, requestBody } = paths["/v1/{project_id}/software_deployments"].post;
  expect(parameters).toContainEqual(
    expect.objectContaining({ name: "project_id", example: EXAMPLE_PROJECT }),
  );
  expect(requestBody.content["application/json"].example.config_id).toBe(EXAMPLE_CONFIG_ID);
});

it("the commands in README's story give the answers that stand there", () => {
  const printed = execFileSync("sh", ["-e", "-c", storyScript(service.url)], { encoding: "utf8" });
  const { written, given } = storyAnswers(printed);
  expect(written).toHaveLength(6);
  expect(given).toEqual(written);
});
