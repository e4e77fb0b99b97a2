import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, ScanCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { timeToLive } from "../../lib/deployment/retention.ts";
import { type DeploymentRow, decode, TableName } from "../../lib/deployment/store/row.ts";
import { settingFault } from "../../lib/settings.ts";

// The rule is loaded whatever its settings are, but is not to be relied on where one of them is wrong.
const fault = settingFault();
if (fault) throw new Error(`The stage's ${fault.setting} ${fault.reason}.`);

/** The key of a row in the table of deployments. */
export interface RowKey {
  project_id: string;
  id: string;
}

/** The settings of a sweep. */
export interface SweepOptions {
  region: string;
  /** The row behind which it begins; at the table's beginning without it. */
  behind: RowKey | undefined;
  /** Counts what would be written, and writes nothing. */
  dryRun: boolean;
  writeUnitsPerSecond: number;
  clock: SweepClock;
}

/** The time, and how it passes. */
export interface SweepClock {
  /** In ms since 1970; it never goes back. */
  now: () => number;
  /** Called before each page is read, and before some rows are written at once. What it throws ends the sweep there. */
  pause: (ms: number) => Promise<void>;
}

/** The progress of a sweep. */
export interface SweepProgress {
  /** Rows that were read, of whatever kind. */
  rows: number;
  /** Deployments that were given an end, or would be. */
  ended: number;
  /** Deployments that changed between read and write, and were left to that change. */
  changed: number;
  readUnits: number;
  writeUnits: number;
  /** The row up to which everything is done; undefined at the table's beginning, and at its end. */
  position: RowKey | undefined;
}

/** A deployment without an end, and the one that it is to get, in seconds since 1970. */
interface Ending {
  key: RowKey;
  revision: number;
  expires: number;
}

/** The rows of one read. */
const PAGE_ROWS = 250;

/** The bound of reading, in read units: a sixth of what DynamoDB serves of one partition. */
const READ_UNITS_PER_SECOND = 500;

/** A write is under way for each so many write units a second, so that its answer may take 50 ms. */
const UNITS_PER_WRITER = 20;

/**
 * Gives every deployment an end that has none, and gets one by the rule of the service's own writes: the rule's settings
 * are the environment's. A row that has changed since it was read is left as it is. What is done twice is done once.
 * @returns the progress, after some writes or a page
 * @throws what the SDK throws after its own retries, and what `clock.pause` throws
 */
export async function* sweepTable(options: SweepOptions): AsyncGenerator<SweepProgress> {
  const { region, behind, dryRun, writeUnitsPerSecond, clock } = options;
  const client = clientOf(region);
  const reads = boundedBy(READ_UNITS_PER_SECOND, clock);
  const writes = boundedBy(writeUnitsPerSecond, clock);
  const writers = Math.ceil(writeUnitsPerSecond / UNITS_PER_WRITER);
  const progress: SweepProgress = {
    ...{ rows: 0, ended: 0, changed: 0, readUnits: 0, writeUnits: 0 },
    position: behind,
  };
  let from = behind;
  do {
    const page = await reads(() => readPage(client, from, clock));
    progress.rows += page.rows;
    progress.readUnits += page.units;
    if (dryRun) progress.ended += page.endings.length;
    const endings = dryRun ? [] : page.endings;
    for (let at = 0; at < endings.length; at += writers) {
      const written = await writes(() => writeEndings(client, endings.slice(at, at + writers)));
      progress.ended += written.ended;
      progress.changed += written.changed;
      progress.writeUnits += written.units;
      yield { ...progress };
    }
    from = page.next;
    progress.position = from;
    yield { ...progress };
  } while (from);
}

/** The number of rows in the table, which DynamoDB counts every six hours. */
export async function roughRowCount(region: string): Promise<number> {
  const { Table } = await clientOf(region).send(new DescribeTableCommand({ TableName }));
  return Table?.ItemCount ?? 0;
}

function clientOf(region: string): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    region,
    maxAttempts: 10,
    // Where DynamoDB throttles, the SDK sends less for a while.
    retryMode: "adaptive",
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  return DynamoDBDocumentClient.from(client);
}

/**
 * Holds calls to some units a second. What a call takes is known after it alone: whatever that was, the next one waits
 * until it is paid for.
 */
function boundedBy(
  unitsPerSecond: number,
  { now, pause }: SweepClock,
): <Outcome extends { units: number }>(call: () => Promise<Outcome>) => Promise<Outcome> {
  let paidAt = now();
  return async (call) => {
    await pause(Math.max(0, paidAt - now()));
    const begunAt = now();
    const outcome = await call();
    paidAt = begunAt + (outcome.units / unitsPerSecond) * 1_000;
    return outcome;
  };
}

/** Reads a page of the table: how many rows it has, and what is to be written. */
async function readPage(
  client: DynamoDBDocumentClient,
  behind: RowKey | undefined,
  { now }: SweepClock,
): Promise<{ rows: number; endings: Ending[]; next: RowKey | undefined; units: number }> {
  const scan = new ScanCommand({
    TableName,
    ExclusiveStartKey: behind,
    Limit: PAGE_ROWS,
    // Only deployments have a revision: neither servers' rows, nor idempotency keys, nor tombstones.
    FilterExpression: "attribute_exists(revision) AND attribute_not_exists(expires)",
    ProjectionExpression:
      "project_id, id, serverKey, config_id, #status, deadlineAt, changedAt, revision, details",
    ExpressionAttributeNames: { "#status": "status" },
    ReturnConsumedCapacity: "TOTAL",
  });
  const { ScannedCount = 0, Items = [], LastEvaluatedKey, ConsumedCapacity } = await client.send(scan);
  return {
    rows: ScannedCount,
    endings: (Items as DeploymentRow[]).flatMap((row) => endingOf(row, now())),
    next: LastEvaluatedKey as RowKey | undefined,
    units: ConsumedCapacity?.CapacityUnits ?? 0,
  };
}

/** The end of a deployment by the rule; nothing for one that never ends. */
function endingOf(row: DeploymentRow, now: number): Ending[] {
  const { project_id, id, revision, ...deployment } = decode(row);
  const end = timeToLive(deployment);
  if (end === undefined) return [];
  // DynamoDB does not remove what should have gone more than five years ago.
  return [{ key: { project_id, id }, revision, expires: Math.max(end, Math.floor(now / 1_000)) }];
}

/** Writes the ends of some deployments at once. */
async function writeEndings(
  client: DynamoDBDocumentClient,
  endings: Ending[],
): Promise<{ ended: number; changed: number; units: number }> {
  const outcomes = await Promise.all(endings.map((ending) => writeEnding(client, ending)));
  const written = outcomes.filter((units) => units !== undefined);
  const changed = outcomes.length - written.length;
  // DynamoDB does not say what a refused write took: at least one unit.
  return { ended: written.length, changed, units: written.reduce((sum, units) => sum + units, changed) };
}

/** @returns the write units that it took; undefined where the deployment has changed, or is being changed */
async function writeEnding(
  client: DynamoDBDocumentClient,
  { key, revision, expires }: Ending,
): Promise<number | undefined> {
  const update = new UpdateCommand({
    TableName,
    Key: key,
    UpdateExpression: "SET expires = :expires",
    // A write that is repeated because its answer was lost finds its own.
    ConditionExpression: "revision = :revision AND (attribute_not_exists(expires) OR expires = :expires)",
    ExpressionAttributeValues: { ":revision": revision, ":expires": expires },
    ReturnConsumedCapacity: "TOTAL",
  });
  try {
    return (await client.send(update)).ConsumedCapacity?.CapacityUnits ?? 0;
  } catch (error) {
    const isChanged = /^(ConditionalCheckFailed|TransactionConflict)Exception$/.test((error as Error).name);
    if (isChanged) return undefined;
    throw error;
  }
}
