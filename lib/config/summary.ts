import * as z from "zod/mini";
import { documented, NextLinks } from "../shapes.ts";
import { ConfigView } from "./config.ts";

/** What a list shows of a configuration. */
export const ConfigSummary = documented(
  z.pick(ConfigView, { id: true, name: true, group: true, creation_time: true }),
  { id: "SoftwareConfigSummary" },
);
export type ConfigSummary = z.infer<typeof ConfigSummary>;

/** The response of a list. It has its links under two names: the singular is what OTC's Go SDK reads. */
export const ConfigList = z.object({
  software_configs: z.array(ConfigSummary),
  software_configs_links: NextLinks,
  software_config_links: NextLinks,
});
