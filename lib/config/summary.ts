import * as z from "zod/mini";
import { documented, NextLinks } from "../shapes.ts";
import { ConfigView } from "./config.ts";

/** A configuration in a list. */
export const ConfigSummary = documented(
  z.pick(ConfigView, { id: true, name: true, group: true, creation_time: true }),
  { id: "SoftwareConfigSummary" },
);
export type ConfigSummary = z.infer<typeof ConfigSummary>;

/** The response of a list. Its links have two names: OTC's Go SDK reads the singular one. */
export const ConfigList = z.object({
  software_configs: z.array(ConfigSummary),
  software_configs_links: NextLinks,
  software_config_links: NextLinks,
});
