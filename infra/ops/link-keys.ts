/** Changes the keys of a stage's signed links, in three steps: `npx node infra/ops/link-keys.ts add|use|drop --stage S`. */
import { randomBytes, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { exitWithError, exitWithUsage } from "../exit-with-error.ts";
import { type DeployedStage, deployedStage, STAGE_OPTIONS, stackResource } from "./stack.ts";

const USAGE = "npx node infra/ops/link-keys.ts add|use|drop --stage S [--region R]";

/** The time after `add` from which a key may sign, in ms: containers keep the keys for 5 minutes. */
const KNOWN_EVERYWHERE = 10 * 60_000;

/** The keys as they are kept: the first one signs, all of them verify. */
interface StoredKeys {
  keys: string[];
  putAt: Date;
  /** The step that put them; another word where none of the steps did. */
  putBy: string;
}

/** The steps: each returns the keys as they are then. @throws Error in a sentence where it is not its turn */
const STEPS: Record<string, (stored: StoredKeys) => string[]> = { add, use, drop };

/** The sentence that ends each step. */
const DONE: Record<string, string> = {
  add: "The new key verifies. In 10 minutes all containers know it: then let it sign with use.",
  use: "The new key signs, the old one still verifies. Once its links have ended, forget it with drop.",
  drop: "The key that signs is the only one. Within 5 minutes the links of the other are refused.",
};

const [step, deployed] = readArguments();
await change(step, deployed).catch((error: Error) => exitWithError(error.message));

function add({ keys: [signing = "", ...others] }: StoredKeys): string[] {
  if (others.length > 0) throw new Error("There are two keys already: use or drop comes first.");
  return [signing, randomBytes(48).toString("base64url")];
}

function use({ keys: [signing = "", added, ...others], putAt, putBy }: StoredKeys): string[] {
  if (added === undefined) throw new Error("There is one key only: add comes first.");
  if (putBy === "use") throw new Error("The new key signs already: drop forgets the old one.");
  const early = putAt.getTime() + KNOWN_EVERYWHERE - Date.now();
  if (early > 0)
    throw new Error(
      `Not all containers know the new key yet: come again in ${Math.ceil(early / 60_000)} minutes.`,
    );
  return [added, signing, ...others];
}

function drop({ keys: [signing = "", ...others] }: StoredKeys): string[] {
  if (others.length === 0) throw new Error("There is one key only: nothing is left to drop.");
  return [signing];
}

/** Takes a step with the keys of a stage, and says so. @throws Error in a sentence where that cannot be */
async function change(name: string, stage: DeployedStage): Promise<void> {
  const SecretId = await stackResource(stage, "LinkKeys");
  const client = new SecretsManagerClient({ region: stage.region });
  const {
    SecretString = "",
    CreatedDate = new Date(),
    VersionId = "",
  } = await client.send(new GetSecretValueCommand({ SecretId }));
  const [putBy = ""] = VersionId.split("-");
  const keys = STEPS[name]?.({ keys: SecretString.split(","), putAt: CreatedDate, putBy }) ?? [];
  // Secrets Manager names a version by this token, and so the next step knows which one was the last.
  const ClientRequestToken = `${name}-${randomUUID()}`;
  await client.send(
    new PutSecretValueCommand({ SecretId, SecretString: keys.join(","), ClientRequestToken }),
  );
  process.stdout.write(`${DONE[name]}\n`);
}

/** @returns the step and the stage; ends the command with exit code 2 where one of them is not what is expected */
function readArguments(): [string, DeployedStage] {
  try {
    const { positionals, values } = parseArgs({ options: STAGE_OPTIONS, allowPositionals: true });
    const [name = "", ...others] = positionals;
    if (!Object.hasOwn(STEPS, name) || others.length > 0)
      throw new Error(`${positionals.join(" ") || "no step"}: add, use or drop is expected`);
    return [name, deployedStage(values)];
  } catch (error) {
    exitWithUsage(error as Error, USAGE);
  }
}
