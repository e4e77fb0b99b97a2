/** The default stage, which `sls offline` runs, and whose tables the tests use. */
export const STAGE = "dev";

/** The namespace of its metrics, which its functions' names begin with too. */
export const METRICS_NAMESPACE = `software-deployments-${STAGE}`;

/** The names of a stage's tables on one's own machine, by their logical ids: deployed, CloudFormation names them. */
export function tableNames(stage: string) {
  return {
    SoftwareDeploymentsTable: `software-deployments-${stage}`,
    SoftwareConfigsTable: `software-configs-${stage}`,
  };
}

/** The tables of deployments and of configurations on the default stage. */
export const { SoftwareDeploymentsTable: TABLE, SoftwareConfigsTable: CONFIGS_TABLE } = tableNames(STAGE);
