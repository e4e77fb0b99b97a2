import { ConfigPath, configEtag } from "../../lib/config/config.ts";
import { removeConfig } from "../../lib/config/store/delete.ts";
import { getConfig } from "../../lib/config/store/read.ts";
import { referencesOf } from "../../lib/deployment/store/references.ts";
import { byProject } from "../../lib/http/authorize.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { ifMatchCheck } from "../../lib/http/preconditions.ts";

/** `DELETE /v1/{project_id}/software_configs/{id}`: removes a configuration that no deployment refers to. */
export const handler = endpoint(
  { access: byProject, path: ConfigPath },
  async ({ projectId, path, requestId, now, form, preconditions }) => {
    const checkETag = ifMatchCheck(preconditions);
    if (checkETag) await getConfig(projectId, path.id);
    checkETag?.(configEtag(form));
    await removeConfig(projectId, path.id, referencesOf(projectId, path.id, now), { requestId, now });
  },
);
