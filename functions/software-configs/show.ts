import { ConfigPath, configEtag, OneConfig, shownConfig } from "../../lib/config/config.ts";
import { getConfig } from "../../lib/config/store/read.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { conditionalReply } from "../../lib/http/preconditions.ts";

/** `GET /v1/{project_id}/software_configs/{id}`: shows one configuration. */
export const handler = endpoint(
  { access: byProject, path: ConfigPath, response: OneConfig },
  async ({ projectId, path, method, form, preconditions }) => {
    const config = await getConfig(projectId, path.id);
    return conditionalReply({ method, preconditions }, { etag: configEtag(form) }, () => ({
      software_config: shownConfig(config),
    }));
  },
);
