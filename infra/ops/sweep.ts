/** Gives an end to deployments that were written before their stage had a retention: `npx node infra/ops/sweep.ts --stage S`. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { exitWithError, exitWithUsage } from "../exit-with-error.ts";
import { type DeployedStage, deployedStage, STAGE_OPTIONS, stackResource, stackVariable } from "./stack.ts";
import type { RowKey, SweepProgress } from "./sweep-table.ts";

const COMMAND = "npx node infra/ops/sweep.ts";
const USAGE = `${COMMAND} --stage S [--region R] [--write-units-per-second N] [--resume PROJECT/ID] [--dry-run]`;

/** The write units that one partition takes in a second: a table is read, and so swept, one partition after the other. */
const MOST_WRITE_UNITS = 1_000;

/** The least time between two lines of progress, in ms. */
const SILENCE = 1_000;

const options = {
  ...STAGE_OPTIONS,
  "write-units-per-second": { type: "string", default: "25" },
  resume: { type: "string" },
  "dry-run": { type: "boolean", default: false },
} as const;

interface Arguments extends DeployedStage {
  writeUnitsPerSecond: number;
  /** The row behind which to begin. */
  behind: RowKey | undefined;
  dryRun: boolean;
}

await sweep(readArguments()).catch((error: Error) => exitWithError(error.message));

/** @returns the command's arguments; ends it with exit code 2 where one of them is not what is expected */
function readArguments(): Arguments {
  try {
    return checkedArguments();
  } catch (error) {
    exitWithUsage(error as Error, USAGE);
  }
}

function checkedArguments(): Arguments {
  const { values } = parseArgs({ options });
  const { "write-units-per-second": units, resume, "dry-run": dryRun } = values;
  const deployed = deployedStage(values);
  if (!/^[1-9]\d*$/.test(units) || Number(units) > MOST_WRITE_UNITS)
    throw new Error(`--write-units-per-second: a whole number from 1 to ${MOST_WRITE_UNITS} is expected`);
  const behind = resume === undefined ? undefined : rowKey(resume);
  return { ...deployed, writeUnitsPerSecond: Number(units), behind, dryRun };
}

function rowKey(text: string): RowKey {
  const [, project_id, id] = /^([\w-]+)\/([\w#-]+)$/.exec(text) ?? [];
  if (project_id !== undefined && id !== undefined) return { project_id, id };
  throw new Error("--resume: PROJECT/ID is expected, as an earlier run has printed it");
}

/** Sweeps the stage's table and says what it does. @throws Error in a sentence where it cannot begin, or go on */
async function sweep(args: Arguments): Promise<void> {
  const { stage, region } = args;
  const days = await stackVariable(args, "RETENTION_DAYS");
  if (!days) throw new Error(`--stage ${stage}: it has no retention; deploy it with retentionDays first.`);
  const table = await stackResource(args, "SoftwareDeploymentsTable");
  // The rule reads its settings when it is loaded, as in a function.
  Object.assign(process.env, { SOFTWARE_DEPLOYMENTS_TABLE: table, RETENTION_DAYS: days });
  const { roughRowCount, sweepTable } = await import("./sweep-table.ts");
  const stop = stopSignal();
  const clock = {
    now: () => performance.timeOrigin + performance.now(),
    pause: (ms: number): Promise<void> => sleep(ms, undefined, { signal: stop }),
  };
  let progress: SweepProgress | undefined;
  try {
    const report = reporter(args, await roughRowCount(region));
    for await (progress of sweepTable({ ...args, clock })) report(progress);
  } catch (error) {
    if (progress) say(`Stopped: ${summary(progress, args)}\nGo on with: ${commandFrom(progress, args)}`);
    if (!stop.aborted) throw new Error(`DynamoDB in ${region}, ${table}: ${(error as Error).message}`);
    // As shells name an end by SIGINT.
    process.exitCode = 130;
    return;
  }
  if (progress) process.stdout.write(`${summary(progress, args)}\n`);
}

/** Aborted by the first Ctrl-C, or SIGTERM: what is under way is then finished, and nothing begun. A second one kills. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** Says how far a sweep is, at most once in a while. */
function reporter(args: Arguments, rows: number): (progress: SweepProgress) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (progress) => {
    if (performance.now() - saidAt < SILENCE) return;
    saidAt = performance.now();
    say(`Of about ${figure(rows)} ${summary(progress, args)}${resumption(progress)}`);
  };
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

function summary(progress: SweepProgress, { dryRun }: Arguments): string {
  const { rows, ended, changed, readUnits, writeUnits } = progress;
  const done = dryRun
    ? `without an end: ${figure(ended)}, which takes as many write units or more`
    : `given an end: ${figure(ended)}, changed meanwhile: ${figure(changed)}, write units: ${figure(writeUnits)}`;
  return `rows read: ${figure(rows)}, ${done}, read units: ${figure(readUnits)}`;
}

function figure(value: number): string {
  return Math.ceil(value).toLocaleString("en");
}

/** The command that goes on where a sweep has stopped. */
function commandFrom(progress: SweepProgress, args: Arguments): string {
  const { stage, region, writeUnitsPerSecond, dryRun } = args;
  const settings = `--stage ${stage} --region ${region} --write-units-per-second ${writeUnitsPerSecond}`;
  return `${COMMAND} ${settings}${dryRun ? " --dry-run" : ""}${resumption(progress)}`;
}

/** The option that goes on from there; nothing at the table's beginning. */
function resumption({ position }: SweepProgress): string {
  return position ? ` --resume ${position.project_id}/${position.id}` : "";
}
