import type { Item } from "./dynamodb.ts";
import type { SoftwareDeployment } from "./software-deployment.ts";
import { type Attributes, restoredJson, storedJson } from "./stored-json.ts";

/**
 * The key of the index by server: a project's own servers alone. A project's id holds no `#`, so that no two
 * pairs share a key.
 */
export const serverKey = (projectId: string, serverId: string): string => `${projectId}#${serverId}`;

/** The key of the index by configuration, made likewise. */
export const configKey = serverKey;

/** A deployment as an item; what is null is left out. */
export const itemOf = (deployment: SoftwareDeployment): Attributes => {
  const { input_values, output_values, delivery: _, ...rest } = deployment;
  const keys = {
    server_key: serverKey(rest.project_id, rest.server_id),
    config_key: configKey(rest.project_id, rest.config_id),
  };
  const plain = Object.fromEntries(
    Object.entries({ ...rest, ...keys }).filter(([, value]) => value !== null),
  ) as Attributes;
  return { ...plain, ...storedJson({ input_values, output_values }, plain) };
};

/** The deployment that an item holds. */
export const deploymentOf = (item: Item): SoftwareDeployment =>
  ({
    project_id: item.project_id,
    id: item.id,
    server_id: item.server_id,
    config_id: item.config_id,
    action: item.action ?? null,
    input_values: restoredJson(item.input_values),
    output_values: restoredJson(item.output_values),
    status: item.status,
    status_reason: item.status_reason ?? null,
    stack_user_project_id: item.stack_user_project_id ?? null,
    creation_time: item.creation_time,
    updated_time: item.updated_time ?? null,
    delivery: item.delivery ?? 0,
  }) as SoftwareDeployment;
