import * as z from "zod/mini";
import { ConfigView } from "../config/config.ts";
import { MetadataUrl } from "../server/server.ts";
import type { Delivery } from "./derived-config.ts";

/** The response with a server's metadata, for a caller with a token. */
export const ServerMetadata = z.object({ metadata: z.array(ConfigView) });

/** The response with a server's metadata for its agent: os-collect-config reads these two keys. */
export const AgentMetadata = z.object({
  deployments: z.array(ConfigView),
  "os-collect-config": z.object({
    collectors: z.array(z.literal("request")),
    request: z.object({ metadata_url: MetadataUrl }),
  }),
});

/**
 * Deliveries in the order of a server's metadata: by the configuration's name (null as the empty text), then by the
 * deployment's creation. Agents run them in this order.
 * @param deliveries by the deployments' creation
 */
export function inMetadataOrder(deliveries: Delivery[]): Delivery[] {
  const named = deliveries.map((delivery) => ({ name: delivery.view.name ?? "", delivery }));
  named.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  return named.map(({ delivery }) => delivery);
}
