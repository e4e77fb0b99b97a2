import { type AttributeValue, DynamoDBClient, paginateQuery } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { TABLE } from "../../infra/local/stage.ts";
import { CREDENTIALS, REGION } from "../../infra/local/tables.ts";
import type { InjectedFault } from "./fault-proxy.ts";
import { proxy } from "./fault-proxy-setup.ts";
import "./context.ts";

/** How far the index is behind its table at one query. */
export interface Lag {
  /** Gives a lag in ms, at most 0 for none. */
  next: () => number;
  /** Whether each entry lags by itself, as DynamoDB brings each write to an index on its own. */
  perEntry: boolean;
}

/** The index `by_server`, held back. */
export interface LaggingIndex {
  /** Sees what the emulator's index, which never lags, has now. To be awaited after each step that may have written. */
  look: () => Promise<void>;
}

/** An entry as it travels: attributes by their names. */
type Entry = Record<string, unknown>;

/** An entry at some time; undefined from when it was gone. */
interface Version {
  at: number;
  entry: Entry | undefined;
}

/** The versions of each entry of a server, the oldest first, by the entries' ids. */
type Versions = Map<string, Version[]>;

const WRITES = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"];

/** The query for all of a server: its metadata, and polls. A list names ids too. */
const OF_A_SERVER = /^\S+ = (:\w+)$/;

const client = new DynamoDBClient({ endpoint: inject("dynamodb"), region: REGION, credentials: CREDENTIALS });

/**
 * Lets polls, and the metadata of servers, see the index `by_server` as it was some ms of virtual time ago: tests fake
 * Date, so that a lag costs no time. All other calls pass. It ends with the test, as everything does that
 * `fault-proxy-setup.ts` is told.
 * @param serverKeys the keys in the index of the servers that lag
 */
export const holdIndexBack = (serverKeys: string[], lag: Lag): LaggingIndex => {
  const versions = new Map<string, Versions>(serverKeys.map((key) => [key, new Map()]));
  let isWritten = true;
  proxy.decide = (operation, input): InjectedFault => {
    if (WRITES.includes(operation)) isWritten = true;
    const known = operation === "Query" ? versions.get(serverKeyOf(input) ?? "") : undefined;
    return known ? asOfThen(known, input, lag) : "pass";
  };
  const look = async (): Promise<void> => {
    if (!isWritten) return;
    isWritten = false;
    for (const [key, known] of versions) addVersions(known, await entriesOf(key));
  };
  return { look };
};

const serverKeyOf = ({
  IndexName,
  KeyConditionExpression,
  ExpressionAttributeValues,
}: Record<string, any>) => {
  const [, name = ""] = OF_A_SERVER.exec(KeyConditionExpression) ?? [];
  return IndexName === "by_server" ? (ExpressionAttributeValues[name]?.S as string | undefined) : undefined;
};

const asOfThen = (known: Versions, input: Record<string, any>, { next, perEntry }: Lag): InjectedFault => {
  const lag = next();
  // What is written at this moment is seen, or not, as it comes.
  if (lag <= 0 && !perEntry) return "pass";
  const Items = [...known.keys()].sort().flatMap((id, at) => {
    const then = Date.now() - (perEntry && at > 0 ? next() : lag);
    const entry = known.get(id)?.findLast((version) => version.at <= then)?.entry;
    return entry ? [projected(entry, input)] : [];
  });
  return { answer: { Items, Count: Items.length, ScannedCount: Items.length } };
};

/** The attributes of an entry that a query asks for; a map of which it asks for members comes whole. */
const projected = (entry: Entry, input: Record<string, any>): Entry => {
  const { ProjectionExpression, ExpressionAttributeNames: names = {} } = input;
  if (ProjectionExpression === undefined) return entry;
  const asked = ProjectionExpression.split(",").map((path: string) => {
    const [attribute = ""] = path.trim().split(".");
    return names[attribute] ?? attribute;
  });
  return Object.fromEntries(Object.entries(entry).filter(([name]) => asked.includes(name)));
};

const addVersions = (known: Versions, entries: Map<string, Entry>): void => {
  for (const id of new Set([...known.keys(), ...entries.keys()])) {
    const before = known.get(id) ?? [];
    const entry = entries.get(id);
    if (JSON.stringify(before.at(-1)?.entry) === JSON.stringify(entry)) continue;
    known.set(id, [...before, { at: Date.now(), entry }]);
  }
};

/** The entries of a server in the emulator's index, by ids. */
const entriesOf = async (serverKey: string): Promise<Map<string, Entry>> => {
  const pages = paginateQuery(
    { client },
    {
      TableName: TABLE,
      IndexName: "by_server",
      KeyConditionExpression: "serverKey = :server",
      ExpressionAttributeValues: { ":server": { S: serverKey } },
    },
  );
  const items = (await Array.fromAsync(pages)).flatMap(({ Items = [] }) => Items);
  return new Map(items.map((item) => [item.id?.S ?? "", onTheWire(item)]));
};

/** An item as it travels: bytes in Base64. */
const onTheWire = (item: Record<string, AttributeValue>): Entry =>
  JSON.parse(
    JSON.stringify(item, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
    ),
  );
