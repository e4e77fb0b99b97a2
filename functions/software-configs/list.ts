import { listConfigs } from "../../lib/config/store/query.ts";
import { ConfigList } from "../../lib/config/summary.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { nextLinks } from "../../lib/http/pagination.ts";
import { PageQuery, ProjectPath } from "../../lib/shapes.ts";

/** `GET /v1/{project_id}/software_configs`: lists the project's configurations, the newest first, in pages. */
export const handler = endpoint(
  { access: byProject, path: ProjectPath, query: PageQuery, response: ConfigList },
  async ({ projectId, query, baseUrl, takePage }) => {
    const configs = listConfigs(projectId, query);
    const { rows, next } = await takePage(configs, (summary) => summary, { limit: query.limit });
    const links = nextLinks(`${baseUrl}/v1/${projectId}/software_configs`, next, query);
    const both = links && { software_configs_links: links, software_config_links: links };
    return { software_configs: rows, ...both };
  },
);
