import { beforeAll, describe, expect, it, vi } from "vitest";
import type { ZodMiniObject } from "zod/mini";
import { functionEnvironment } from "../../infra/local/function-environment.ts";
import { functionSources, type Route, routes } from "../../infra/serverless/route-table.ts";

interface Endpoint {
  spec: { path?: ZodMiniObject };
}

const endpointsOf = async (file: string): Promise<Record<string, Endpoint>> =>
  import(/* @vite-ignore */ new URL(`../../${file}`, import.meta.url).href);

const parameters = ({ path }: Route): string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);

beforeAll(async () => {
  const environment = await functionEnvironment("http://127.0.0.1:1");
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});

describe("a function in serverless.yml", () => {
  it.each(functionSources)("$name has a file that exports its handler, and nothing else", async (source) => {
    const { [source.exported]: handler, ...others } = await endpointsOf(`${source.file}.ts`);
    expect(handler).toBeTypeOf("function");
    expect(others).toEqual({});
  });
});

describe("the route table in serverless.yml", () => {
  it.each(routes)(
    "$method $path leads to an endpoint, whose path shape has its parameters",
    async (route) => {
      const { [route.exported]: endpoint } = await endpointsOf(`${route.file}.ts`);
      expect(Object.keys(endpoint?.spec.path?.shape ?? {})).toEqual(parameters(route));
    },
  );

  it("every GET route has a HEAD route", () => {
    const paths = (method: string) =>
      routes.filter((route) => route.method === method).map(({ path }) => path);
    expect(paths("HEAD")).toEqual(paths("GET"));
  });
});
