/**
 * The time of each rule that reads a caller's text, for 64 kB and for 1 MB of text that is meant to keep it busy: 16 times
 * the text may take at most 40 times the time, the best of five. Ends with 1 where one takes more.
 */
import { ConfigRequest } from "../../lib/config/create-request.ts";
import { CreateRequest } from "../../lib/deployment/create-request.ts";
import { PatchRequest } from "../../lib/deployment/patch-request.ts";
import { resultOf, truncateMiddle } from "../../lib/deployment/result.ts";
import { UpdateRequest } from "../../lib/deployment/update-request.ts";
import { restoredText, storedJson } from "../../lib/dynamodb/stored-json.ts";
import { areEqualTexts } from "../../lib/json/equal-json.ts";
import {
  elementsOf,
  holdsLongNumber,
  JsonText,
  mayDiffer,
  membersOf,
  nestsDeeperThan,
  pollutingName,
  textNestsDeeperThan,
  valueIn,
} from "../../lib/json/json-text.ts";
import { mergePatch } from "../../lib/json/merge-patch.ts";
import { redactLinks, redactLinksInValues } from "../../lib/link/redaction.ts";
import { textOf } from "../support/json-text.ts";
import { print } from "./measure.ts";

const SMALL = 65_536;
const FACTOR = 16;
const BOUND = 40;

/** Below this a time is noise, in ms. */
const LEAST = 0.2;

const TEXTS: Record<string, (bytes: number) => string> = {
  digits: (bytes) => "1".repeat(bytes),
  zeros: (bytes) => "0".repeat(bytes),
  blanks: (bytes) => " ".repeat(bytes),
  dots: (bytes) => ".".repeat(bytes),
  quotes: (bytes) => '"'.repeat(bytes),
  backslashes: (bytes) => "\\".repeat(bytes),
  brackets: (bytes) => "[".repeat(bytes),
  "lists of lists": (bytes) => `[${"[],".repeat(bytes / 3)}[]]`,
  "digits and dots": (bytes) => "1.".repeat(bytes / 2),
  "numbers with zeros": (bytes) => `[1${"0".repeat(bytes / 2)}1,1e${"0".repeat(bytes / 2)}]`,
  "strings and long digits": (bytes) =>
    `${'"",'.repeat(bytes / 6)}${`"${"1".repeat(1_001)}",`.repeat(bytes / 2 / 1_004)}1.0`,
  "escaped names": (bytes) => `"a","\\n":`.repeat(bytes / 9),
  "an object in objects": (bytes) => `${'{"a":'.repeat(60)}[${"[],".repeat(bytes / 3)}1]${"}".repeat(60)}`,
  links: (bytes) => "capability=".repeat(bytes / 11),
};

const tried = (work: () => unknown): void => {
  try {
    work();
  } catch {
    // What is refused was read too.
  }
};

const input = (type: string) => (text: string) =>
  ConfigRequest.safeParse({ inputs: [{ name: text, type, default: text }] });

const RULES: Record<string, (text: string) => unknown> = {
  "membersOf, elementsOf": (text) => [membersOf(`{"a":[${text}]}`), elementsOf(`[${text}]`)],
  areEqualTexts: (text) => areEqualTexts(`[${text},1]`, `[${text},2]`),
  mergePatch: (text) => mergePatch(`{"a":${text}}`, `{"a":${text},"b":[${text}]}`),
  holdsLongNumber,
  mayDiffer,
  pollutingName,
  textNestsDeeperThan: (text) => textNestsDeeperThan(64, text),
  nestsDeeperThan: (text) => nestsDeeperThan(64, { a: text, b: [...text.slice(0, text.length / 8)] }),
  "an input of type String": input("String"),
  "an input of type Number": input("Number"),
  "an input of type Boolean": input("Boolean"),
  "an input of type Json": input("Json"),
  "an input of type CommaDelimitedList": input("CommaDelimitedList"),
  CreateRequest: (text) =>
    CreateRequest.safeParse({ config_id: text, server_id: text, status: text, status_reason: text }),
  UpdateRequest: (text) => UpdateRequest.safeParse({ action: text, status_reason: text, timeout: text }),
  PatchRequest: (text) => PatchRequest.safeParse({ action: text, output_values: { text } }),
  redactLinks,
  redactLinksInValues: (text) => redactLinksInValues(new JsonText(text)),
  resultOf: (text) => resultOf(textOf({ deploy_status_code: text, deploy_stderr: text }), []),
  truncateMiddle: (text) => truncateMiddle(text, 1_000),
  "storedJson, restoredText": (text) =>
    valueIn(restoredText(storedJson({ text: textOf(text) }, {}).text ?? "")),
};

/** The best of five, in ms. */
const best = (rule: (text: string) => unknown, text: string): number => {
  const times = Array.from({ length: 5 }, () => {
    const started = performance.now();
    tried(() => rule(text));
    return performance.now() - started;
  });
  return Math.min(...times);
};

const rows = Object.entries(RULES).map(([name, rule]) => {
  const ratios = Object.entries(TEXTS).map(([kind, made]) => {
    best(rule, made(1_024));
    const [small, large] = [best(rule, made(SMALL)), best(rule, made(FACTOR * SMALL))];
    return { kind, large, ratio: large / Math.max(small, LEAST) };
  });
  const worst = ratios.reduce((one, other) => (other.ratio > one.ratio ? other : one));
  return { rule: name, "worst text": worst.kind, "ms for 1 MB": worst.large, "times 64 kB": worst.ratio };
});
print(`16 times the text, times the time (at most ${BOUND})`, rows);
if (rows.some((row) => row["times 64 kB"] > BOUND)) process.exitCode = 1;
