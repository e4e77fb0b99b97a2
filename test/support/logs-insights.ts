/** The fields that CloudWatch Logs Insights finds in a line, by their names. */
export type Row = Record<string, unknown>;

/** A line of a log, as it came. */
export interface StoredLine {
  /** When CloudWatch got it, in ms since 1970. */
  at: number;
  text: string;
}

/** The fields of a line: those of its JSON, if it is JSON, and CloudWatch's own. */
const fieldsOf = ({ at, text }: StoredLine): Row => ({
  ...(text.startsWith("{") && JSON.parse(text)),
  "@timestamp": at,
  "@message": text,
});

/** A query's commands, each with its argument. */
const commandsOf = (query: string): [command: string, argument: string][] =>
  query.split(/\s*\|\s*/).map((part) => {
    const [, command = "", argument = ""] = /^(\w+)\s+(.*)$/s.exec(part.trim()) ?? [];
    return [command, argument];
  });

/** The names of the fields that a query shows. */
export const shownBy = (query: string): string[] =>
  commandsOf(query).flatMap(([command, argument]) => (command === "fields" ? argument.split(/\s*,\s*/) : []));

const isMatch = (row: Row, condition: string): boolean => {
  const [, field = "", operator, text = ""] = /^(\S+) (=|like) "([^"]*)"$/.exec(condition) ?? [];
  if (operator === "=") return row[field] === text;
  if (operator === "like") return String(row[field] ?? "").includes(text);
  throw new Error(`not read here: filter ${condition}`);
};

const compare = (order: string): ((a: Row, b: Row) => number) => {
  const [, field = "", direction] = /^(\S+) (asc|desc)$/.exec(order) ?? [];
  if (!direction) throw new Error(`not read here: sort ${order}`);
  const sign = direction === "asc" ? 1 : -1;
  return (a, b) => sign * (Number(a[field]) - Number(b[field]));
};

/**
 * The rows that a query of CloudWatch Logs Insights shows of lines. It reads as much of the language as our own queries use:
 * `fields`, `filter` with one comparison, `sort` by a number, `limit`.
 * @throws Error for anything else
 */
export const runQuery = (query: string, lines: StoredLine[]): Row[] => {
  let rows = lines.map(fieldsOf);
  const shown = shownBy(query);
  for (const [command, argument] of commandsOf(query)) {
    if (command === "filter") rows = rows.filter((row) => isMatch(row, argument));
    else if (command === "sort") rows = rows.toSorted(compare(argument));
    else if (command === "limit") rows = rows.slice(0, Number(argument));
    else if (command !== "fields") throw new Error(`not read here: ${command} ${argument}`);
  }
  return rows.map((row) =>
    Object.fromEntries(shown.flatMap((name) => (row[name] === undefined ? [] : [[name, row[name]]]))),
  );
};
