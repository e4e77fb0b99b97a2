import * as z from "zod/mini";
import { endpoint } from "../../lib/http/endpoint.ts";
import { byAnyone } from "../../lib/http/event.ts";

const Health = z.object({ status: z.literal("ok") });

/** `GET /health`: says that functions run; no other part of the service is asked. */
export const handler = endpoint({ access: byAnyone, response: Health }, async () => ({
  status: "ok" as const,
}));
