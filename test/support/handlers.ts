import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import type { FunctionSource } from "../../infra/serverless/route-table.ts";

/** A function with a route, as Lambda calls it. */
export type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** The handler of a function with a route; imported when it is first asked for. */
export const handlerOf = async ({
  file,
  exported,
}: Pick<FunctionSource, "file" | "exported">): Promise<Handler> => {
  const module = (await import(
    /* @vite-ignore */ new URL(`../../${file}.ts`, import.meta.url).href
  )) as Record<string, Handler>;
  const handler = module[exported];
  if (!handler) throw new Error(`${file} exports no ${exported}`);
  return handler;
};
