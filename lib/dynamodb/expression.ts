/** An attribute of a row, or a member of its map `details`: `details.timeout`. */
export type PathOf<Row> =
  | (keyof Row & string)
  | (Row extends { details: infer Details } ? `details.${keyof Details & string}` : never);

/** An update of a row: what is set, what is appended to lists, and what is taken away. */
export interface RowUpdate<Row> {
  set?: readonly (readonly [PathOf<Row>, unknown])[];
  append?: readonly (readonly [keyof Row & string, unknown[]])[];
  remove?: readonly PathOf<Row>[];
}

/** The names and values that expressions use, as every call takes them beside its expressions. */
interface Placeholders {
  ExpressionAttributeNames: Record<string, string>;
  /** Absent where there are none: DynamoDB refuses an empty map. */
  ExpressionAttributeValues?: Record<string, unknown>;
}

/**
 * The expressions of one DynamoDB call over the rows of one type. Attributes go by placeholders, as some of their names
 * are reserved words, and are checked against the row's type. DynamoDB refuses placeholders that no expression uses, so
 * only those are kept that were asked for.
 */
export class Expression<Row> {
  declare readonly placeholders: Placeholders;

  constructor() {
    this.placeholders = { ExpressionAttributeNames: {} };
  }

  /** The placeholder of an attribute. */
  name(path: PathOf<Row>): string {
    const parts = path.split(".");
    for (const part of parts) this.placeholders.ExpressionAttributeNames[`#${part}`] = part;
    return `#${parts.join(".#")}`;
  }

  /** The placeholder of a value. */
  value(value: unknown): string {
    this.placeholders.ExpressionAttributeValues ??= {};
    const values = this.placeholders.ExpressionAttributeValues;
    const placeholder = `:${Object.keys(values).length}`;
    values[placeholder] = value;
    return placeholder;
  }

  /** The condition that an attribute compares so with a value. */
  compare(path: PathOf<Row>, operator: "=" | "<" | "<=" | ">" | ">=", value: unknown): string {
    return `${this.name(path)} ${operator} ${this.value(value)}`;
  }

  /** The condition that an attribute is as it was read: it has the value, or is not there where that is undefined. */
  isAsRead(path: PathOf<Row>, value: unknown): string {
    return value === undefined || value === null
      ? `attribute_not_exists(${this.name(path)})`
      : this.compare(path, "=", value);
  }

  /** The condition that an attribute is not there. */
  isAbsent(path: PathOf<Row>): string {
    return this.isAsRead(path, undefined);
  }

  /** The condition that an attribute is there. */
  exists(path: PathOf<Row>): string {
    return `attribute_exists(${this.name(path)})`;
  }

  /** The text of an update. */
  update({ set = [], append = [], remove = [] }: RowUpdate<Row>): string {
    const assigned = set.map(([path, value]) => `${this.name(path)} = ${this.value(value)}`);
    const appended = append.map(([list, more]) => {
      const name = this.name(list);
      return `${name} = list_append(${name}, ${this.value(more)})`;
    });
    const clauses = [
      ["SET", [...assigned, ...appended]],
      ["REMOVE", remove.map((path) => this.name(path))],
    ] as const;
    const used = clauses.filter(([, terms]) => terms.length > 0);
    return used.map(([clause, terms]) => `${clause} ${terms.join(", ")}`).join(" ");
  }

  /** The attributes that a read is to bring. */
  projection(paths: readonly PathOf<Row>[]): string {
    return paths.map((path) => this.name(path)).join(", ");
  }
}

/** Conditions that must all hold, as one. */
export function all(...conditions: string[]): string {
  return conditions.join(" AND ");
}

/** Conditions of which one must hold, as one. */
export function any(...conditions: string[]): string {
  return `(${conditions.join(" OR ")})`;
}
