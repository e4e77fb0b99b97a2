/**
 * The service behind plain `node:http`, without the simulator of API Gateway: for what needs a process of its own that
 * starts at once and may be killed, and for load. It prints its address. Its environment is a function's.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { routes } from "../../infra/serverless/route-table.ts";
import { lambdaContext } from "./gateway.ts";
import { handlerOf } from "./handlers.ts";
import { httpApi } from "./http-api.ts";

const server = createServer(
  httpApi(routes, async (route, event) =>
    (await handlerOf(route))(event, lambdaContext(undefined, route.name)),
  ),
);

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
