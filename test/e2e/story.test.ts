import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXAMPLE_CONFIG_ID, EXAMPLE_PROJECT } from "../../infra/local/example.ts";
import { type Service, startService, stopService } from "../../infra/local/service.ts";

/** The blocks of README's story: commands, and what they answer. */
const blocks = (): { language: string; text: string }[] => {
  const readme = readFileSync("README.md", "utf8");
  const story = /<!-- story -->(.*)<!-- end of story -->/s.exec(readme)?.[1] ?? "";
  return [...story.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
};

/** A value with the names of types in place of what differs from run to run; statuses and outputs stay. */
const shapeOf = (value: unknown, name = ""): unknown => {
  if (Array.isArray(value)) return value.map((one) => shapeOf(one, name));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shapeOf(one, key)]));
  return /(^|_)(id|time|url|at)$/.test(name) ? typeof value : value;
};

let service: Service;

beforeAll(async () => {
  service = await startService({}, ["npm", "start"]);
});

afterAll(() => stopService(service));

it("README's helpers keep an answer that goes through a pipe, also where the pipe ends early", () => {
  const [helpers, configuration] = blocks().filter(({ language }) => language === "sh");
  const request = configuration?.text.trimEnd();
  const script = [helpers?.text, `${request} | head -c 9`, "echo", "field .software_config.name"]
    .join("\n")
    .replaceAll("http://localhost:3000", service.url);
  const printed = execFileSync("sh", ["-e", "-c", script], { encoding: "utf8" });
  expect(printed).toBe('{"softwar\ngreet\n');
});

it("README's story, the API's examples and the local service have one project", () => {
  const [helpers] = blocks();
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
  const story = blocks();
  const answers = story.filter(({ language }) => language === "json").map(({ text }) => JSON.parse(text));
  expect(answers).toHaveLength(6);
  // A mark behind each block of commands tells their answers apart.
  const script = story
    .map(({ language, text }) => (language === "sh" ? text : "echo '---'\n"))
    .join("")
    .replaceAll("http://localhost:3000", service.url);
  const printed = execFileSync("sh", ["-e", "-c", script], { encoding: "utf8" });
  const given = printed.split("---\n").slice(0, -1);
  expect(given.map((text) => shapeOf(JSON.parse(text)))).toEqual(answers.map((answer) => shapeOf(answer)));
});
