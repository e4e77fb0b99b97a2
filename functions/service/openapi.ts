import { asset, assetReply } from "../../lib/http/asset.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { byAnyone } from "../../lib/http/event.ts";
import { jsonObject } from "../../lib/shapes.ts";
import document from "../openapi.json" with { type: "json" };

let served: ReturnType<typeof describedAt> | undefined;

/** `GET /openapi.json`: describes the API (OpenAPI 3.1); `servers` has the address that it was asked at. */
export const handler = endpoint(
  { access: byAnyone, response: jsonObject() },
  async ({ baseUrl, ...request }) => {
    if (served?.baseUrl !== baseUrl) served = describedAt(baseUrl);
    return assetReply(served.asset, request);
  },
);

/** The description as it is served at one address. A container keeps the last one, as most requests use the same. */
function describedAt(baseUrl: string) {
  const text = JSON.stringify({ ...document, servers: [{ url: baseUrl }] });
  return { baseUrl, asset: asset({ "content-type": "application/json" }, text) };
}
