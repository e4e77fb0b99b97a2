import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** A resource of a CloudFormation template. */
export interface Resource {
  Type: string;
  Properties: Record<string, any>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

/** The resources of a template by their logical ids. */
export type Resources = Record<string, Resource>;

/** The file of a packaged stage's template, in the folder that it was packaged into. */
export const templateIn = (folder: string): string =>
  join(folder, "cloudformation-template-update-stack.json");

/**
 * Packages a stage into a folder as a deployment would, without any AWS account. @returns its template's resources
 * @param parameters of the stage, as `name=value`
 */
export const packaged = (folder: string, stage: string, ...parameters: string[]): Promise<Resources> =>
  packagedFrom(process.cwd(), folder, stage, ...parameters);

/** As `packaged`, from another checkout than this one. */
export const packagedFrom = async (
  checkout: string,
  folder: string,
  stage: string,
  ...parameters: string[]
): Promise<Resources> => {
  const { PATH = "", NODE_COMPILE_CACHE = "" } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, HOME: folder, AWS_EC2_METADATA_DISABLED: "true" };
  const flags = parameters.flatMap((parameter) => ["--param", parameter]);
  const args = ["package", "--stage", stage, "--package", folder, ...flags];
  await promisify(execFile)("node_modules/.bin/sls", args, { env, cwd: checkout });
  return (JSON.parse(await readFile(templateIn(folder), "utf8")) as { Resources: Resources }).Resources;
};

/** The resources of a type, with their logical ids. */
export const ofType = (resources: Resources, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);
