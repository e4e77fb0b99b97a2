import type { Serverless } from "./framework.ts";

/** A resource of `infra/stack/`, as far as saved queries go. */
interface SavedQuery {
  Type: string;
  Properties: { LogGroupNames?: { Ref: string }[] };
}

/** Has the saved queries read the logs of all functions of the stage, and of its gateway. */
export function setQueriedLogs(serverless: Serverless): void {
  const { functions, resources } = serverless.service;
  const { naming } = serverless.getProvider("aws");
  const ids = Object.keys(functions).map((name) => naming.getLogGroupLogicalId(name));
  const LogGroupNames = [...ids, naming.getHttpApiLogGroupLogicalId()].map((Ref) => ({ Ref }));
  for (const { Type, Properties } of Object.values(resources.Resources) as SavedQuery[])
    if (Type === "AWS::Logs::QueryDefinition") Object.assign(Properties, { LogGroupNames });
}
