import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import type { Route } from "../../infra/serverless/route-table.ts";

/** A function as Lambda calls it. */
export type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** The function that a line of the route table leads to; imported when it is first asked for. */
export const handlerOf = async ({ file, exported }: Route): Promise<Handler> => {
  const module = (await import(
    /* @vite-ignore */ new URL(`../../${file}.ts`, import.meta.url).href
  )) as Record<string, Handler>;
  const handler = module[exported];
  if (!handler) throw new Error(`${file} exports no ${exported}`);
  return handler;
};
