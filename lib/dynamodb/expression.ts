/** An attribute of a row, or a member of its map `details`: `details.timeout`. */
export type PathOf<Row> =
  | (keyof Row & string)
  | (Row extends { details: infer Details } ? `details.${keyof Details & string}` : never);

/** An update of a row: attributes to set, lists to append to, attributes to remove. */
export interface RowUpdate<Row> {
  set?: readonly (readonly [PathOf<Row>, unknown])[];
  append?: readonly (readonly [keyof Row & string, unknown[]])[];
  remove?: readonly PathOf<Row>[];
}

/** The names and values that a call's expressions use: members of the call's input. */
interface Placeholders {
  ExpressionAttributeNames: Record<string, string>;
  /** Absent if there are none: DynamoDB refuses an empty map. */
  ExpressionAttributeValues?: Record<string, unknown>;
}

/**
 * The expressions of one DynamoDB call over rows of one type. Each method returns a piece of text and adds to
 * `placeholders`, which goes into the call. Attribute names are checked against the row's type and replaced by
 * placeholders, since some are reserved words. DynamoDB refuses unused placeholders: use every text that was made.
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

  /** The condition that compares an attribute with a value. */
  compare(path: PathOf<Row>, operator: "=" | "<" | "<=" | ">" | ">=", value: unknown): string {
    return `${this.name(path)} ${operator} ${this.value(value)}`;
  }

  /** The condition that an attribute still has the value that was read; null and undefined mean that it is absent. */
  isAsRead(path: PathOf<Row>, value: unknown): string {
    return value === undefined || value === null
      ? `attribute_not_exists(${this.name(path)})`
      : this.compare(path, "=", value);
  }

  /** The condition that an attribute is absent. */
  isAbsent(path: PathOf<Row>): string {
    return this.isAsRead(path, undefined);
  }

  /** The condition that an attribute exists. */
  exists(path: PathOf<Row>): string {
    return `attribute_exists(${this.name(path)})`;
  }

  /** The `UpdateExpression` of an update. */
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

  /** The `ProjectionExpression` of the attributes to read. */
  projection(paths: readonly PathOf<Row>[]): string {
    return paths.map((path) => this.name(path)).join(", ");
  }
}

/** The condition that all of the conditions hold. */
export function all(...conditions: string[]): string {
  return conditions.join(" AND ");
}

/** The condition that one of the conditions holds. */
export function any(...conditions: string[]): string {
  return `(${conditions.join(" OR ")})`;
}
