import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";

/** A finding of a tool in a template. */
export interface Finding {
  rule: string;
  /** The resource's logical id; empty where the template as a whole is meant. */
  resource: string;
  message: string;
}

interface LintMatch {
  Rule: { Id: string };
  Message: string;
  Location: { Path: (string | number)[] | null };
}

/** A pack of cdk-nag, as far as it is used here: neither it nor the CDK is installed with the project. */
interface Pack {
  validateScope(scope: object): {
    violations: {
      ruleName: string;
      description: string;
      violatingResources: { constructPath: string }[];
    }[];
  };
}
type New<T> = new (...args: any[]) => T;

/**
 * The findings of cfn-lint in a template: its warnings and errors, for one region.
 * @throws Error with its output, when it does not do its work
 */
export const lintFindings = async (program: string, template: string, region: string): Promise<Finding[]> => {
  const args = ["--template", template, "--regions", region, "--format", "json"];
  // Its exit code tells of findings, which stand in its output.
  const { stdout, stderr } = await promisify(execFile)(program, args, { maxBuffer: 2 ** 26 }).catch(
    (error) => error,
  );
  if (!stdout?.startsWith("[")) throw new Error(`${program}: ${stderr}`);
  return (JSON.parse(stdout) as LintMatch[]).map(({ Rule, Message, Location }) => {
    const [section, resource = ""] = Location.Path ?? [];
    return { rule: Rule.Id, resource: section === "Resources" ? String(resource) : "", message: Message };
  });
};

/**
 * The findings of cdk-nag in a template by its packs AwsSolutions and Serverless: warnings and errors.
 * @param folder where cdk-nag and the CDK are installed
 */
export const nagFindings = (folder: string, template: string): Finding[] => {
  const load = createRequire(join(folder, "package.json"));
  const { App, Stack } = load("aws-cdk-lib") as { App: New<object>; Stack: New<object> };
  const { CfnInclude } = load("aws-cdk-lib/cloudformation-include") as { CfnInclude: New<object> };
  const { AwsSolutionsChecks, ServerlessChecks } = load("cdk-nag") as Record<string, New<Pack>>;
  const stack = new Stack(new App(), "Stack");
  new CfnInclude(stack, "Template", { templateFile: template });
  return [AwsSolutionsChecks, ServerlessChecks].flatMap((Checks) => {
    if (!Checks) throw new Error("This cdk-nag has not both packs.");
    return new Checks().validateScope(stack).violations.flatMap(({ ruleName, description, ...found }) =>
      found.violatingResources.map(({ constructPath }) => ({
        rule: ruleName,
        resource: constructPath.split("/").at(-1) ?? "",
        message: description,
      })),
    );
  });
};
