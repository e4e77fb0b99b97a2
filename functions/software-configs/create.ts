import { v7 as uuidv7 } from "uuid";
import { configWarnings } from "../../lib/config/agent-warnings.ts";
import { configEtag, OneConfig, shownConfig } from "../../lib/config/config.ts";
import { ConfigRequest, newConfig } from "../../lib/config/create-request.ts";
import { createConfig } from "../../lib/config/store/insert.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { Reply } from "../../lib/http/reply.ts";
import { ProjectPath } from "../../lib/shapes.ts";

/** `POST /v1/{project_id}/software_configs`: creates a configuration, which never changes. */
export const handler = endpoint(
  { access: byProject, path: ProjectPath, body: ConfigRequest, warnsOfDamage: true, response: OneConfig },
  async ({ projectId, body, baseUrl, now, form, warn }) => {
    const config = newConfig(projectId, body, uuidv7(), now);
    warn(configWarnings(config));
    await createConfig(config);
    return new Reply(
      200,
      { etag: configEtag(form), location: `${baseUrl}/v1/${projectId}/software_configs/${config.id}` },
      { software_config: shownConfig(config) },
    );
  },
);
