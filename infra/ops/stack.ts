import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  GetTemplateCommand,
} from "@aws-sdk/client-cloudformation";

/** The options by which a command is told which stage it is for; the region's default is that of `serverless.yml`. */
export const STAGE_OPTIONS = {
  stage: { type: "string", default: "" },
  region: { type: "string", default: "eu-central-1" },
} as const;

/** A stage as it is deployed. */
export interface DeployedStage {
  stage: string;
  region: string;
}

interface Template {
  Resources?: Record<string, { Properties?: { Environment?: { Variables?: Record<string, unknown> } } }>;
}

/** The stage that a command is for. @throws Error in a sentence for what cannot be the name of a stage or a region */
export function deployedStage({ stage, region }: DeployedStage): DeployedStage {
  if (!/^[A-Za-z0-9-]+$/.test(stage)) throw new Error("--stage: the name of a deployed stage is expected");
  if (!/^[a-z][a-z0-9-]+$/.test(region)) throw new Error("--region: a region is expected, as eu-central-1");
  return { stage, region };
}

/**
 * The physical id of a stage's resource, which CloudFormation made up: of a table its name, of a secret its ARN.
 * @param logicalId the resource's name in the template, such as `SoftwareDeploymentsTable`
 * @throws Error in a sentence where there is no such stack or resource, or CloudFormation does not say
 */
export async function stackResource(deployed: DeployedStage, logicalId: string): Promise<string> {
  const { StackResourceDetail } = await answered(deployed, (client, StackName) =>
    client.send(new DescribeStackResourceCommand({ StackName, LogicalResourceId: logicalId })),
  );
  const id = StackResourceDetail?.PhysicalResourceId;
  if (id) return id;
  throw new Error(`The stack ${stackName(deployed)} has not made its ${logicalId}.`);
}

/**
 * The value of an environment variable of a stage's functions, where the template has it as a text.
 * @returns undefined where no function has the variable, or an empty one
 * @throws Error in a sentence where there is no such stack, or CloudFormation does not say
 */
export async function stackVariable(deployed: DeployedStage, name: string): Promise<string | undefined> {
  const { TemplateBody = "{}" } = await answered(deployed, (client, StackName) =>
    client.send(new GetTemplateCommand({ StackName, TemplateStage: "Processed" })),
  );
  const { Resources = {} } = JSON.parse(TemplateBody) as Template;
  return Object.values(Resources)
    .map(({ Properties }) => Properties?.Environment?.Variables?.[name])
    .find((value) => typeof value === "string" && value !== "") as string | undefined;
}

/** The name of a stage's stack, as the framework makes it of `service` in `serverless.yml`. */
function stackName({ stage }: DeployedStage): string {
  return `software-deployments-${stage}`;
}

async function answered<Answer>(
  deployed: DeployedStage,
  ask: (client: CloudFormationClient, stackName: string) => Promise<Answer>,
): Promise<Answer> {
  const client = new CloudFormationClient({ region: deployed.region });
  try {
    return await ask(client, stackName(deployed));
  } catch (error) {
    throw inWords(error as Error, deployed);
  } finally {
    client.destroy();
  }
}

/** CloudFormation answers `ValidationError` for a stack that is not there, as for all else that it does not like. */
function inWords({ name, message }: Error, deployed: DeployedStage): Error {
  const { stage, region } = deployed;
  if (name === "ValidationError" && /^Stack .*does not exist/.test(message))
    return new Error(`--stage ${stage}: there is no stack ${stackName(deployed)} in ${region}.`);
  return new Error(`CloudFormation in ${region}: ${message}`);
}
