import { v7 as uuidv7 } from "uuid";
import * as z from "zod/mini";
import { byProject } from "../lib/http/authorize.ts";
import { endpoint } from "../lib/http/endpoint.ts";
import { nextLink } from "../lib/http/links.ts";
import { conditionally, expectation, Reply } from "../lib/http/reply.ts";
import {
  ConfigPath,
  ConfigRequest,
  ListedConfig,
  listed,
  newConfig,
  OneConfig,
  shownConfig,
} from "../lib/software-config.ts";
import * as table from "../lib/software-config-table.ts";
import { isReferenced } from "../lib/software-deployment-lists.ts";
import { nextLinks, PageQuery, ProjectPath } from "../lib/wire/fields.ts";
import { pageOf } from "../lib/wire/page.ts";

/** A configuration never changes, and neither does its tag. */
const TAGGED = { etag: '"0"' };

/** `POST /v1/{project_id}/software_configs` */
export const create = endpoint(
  { access: byProject, path: ProjectPath, body: ConfigRequest, answer: OneConfig },
  async ({ projectId, body, zone }) => {
    const config = newConfig(projectId, body, uuidv7(), new Date());
    await table.insert(config);
    return new Reply(200, TAGGED, { software_config: shownConfig(config, zone) });
  },
);

// The singular is what OTC's Go SDK reads.
const Listed = z.object({
  software_configs: z.array(ListedConfig),
  software_configs_links: nextLinks,
  software_config_links: nextLinks,
});

/** `GET /v1/{project_id}/software_configs` */
export const list = endpoint(
  { access: byProject, path: ProjectPath, query: PageQuery, answer: Listed },
  async ({ projectId, query, baseUrl, zone }) => {
    const page = await pageOf(table.list(projectId, query), (row) => listed(row, zone), query.limit);
    const links = nextLink(`${baseUrl}/v1/${projectId}/software_configs`, page.next, query);
    const both = links && { software_configs_links: links, software_config_links: links };
    return { software_configs: page.rows, ...both };
  },
);

/** `GET /v1/{project_id}/software_configs/{id}` */
export const show = endpoint(
  { access: byProject, path: ConfigPath, answer: OneConfig },
  async ({ projectId, path, zone, method, known }) => {
    const config = await table.get(projectId, path.id);
    return conditionally({ method, known }, TAGGED, () => ({ software_config: shownConfig(config, zone) }));
  },
);

/** `DELETE /v1/{project_id}/software_configs/{id}` */
export const remove = endpoint(
  { access: byProject, path: ConfigPath },
  async ({ projectId, path, known }) => {
    const expects = expectation(known);
    if (expects) await table.get(projectId, path.id);
    expects?.(TAGGED.etag);
    if (await isReferenced(projectId, path.id, new Date())) await table.refuseRemoval(projectId, path.id);
    await table.remove(projectId, path.id);
  },
);
