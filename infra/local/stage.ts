/** The stage whose tables the tests use: the default one, which `sls offline` runs. */
export const STAGE = "dev";

/** The table of deployments on that stage, as `infra/tables.yml` names it. */
export const TABLE = `software-deployments-${STAGE}`;

/** The table of configurations on that stage. */
export const CONFIGS_TABLE = `software-configs-${STAGE}`;
