import { type $ZodType, toJSONSchema } from "zod/v4/core";

/** A JSON Schema in the making, and what shapes' words add to one. */
interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  checkedBy?: $ZodType;
  emptyMeansAbsent?: true;
  [keyword: string]: unknown;
}

/** The values that mean "leave it as it is" in an update. */
const LEFT_AS_IT_IS = { enum: [null, "", {}], description: 'Null, `""` and `{}` leave it as it is.' };

/**
 * Completes what zod makes of a shape: what the shapes' own words (`documented`) ask for, and null as one type of two.
 * zod calls it for each shape, the inner ones first.
 */
export function refineSchema({ jsonSchema }: { jsonSchema: object }): void {
  const schema = jsonSchema as JsonSchema;
  if (schema.checkedBy) checkedBy(schema);
  if (schema.emptyMeansAbsent) emptyMeansAbsent(schema);
  foldNull(schema);
}

/** A value that is kept as it was sent, and checked by another shape. */
function checkedBy(schema: JsonSchema): void {
  const { checkedBy: shape, ...more } = schema;
  if (!shape) return;
  const { $schema: _, ...checked } = toJSONSchema(shape, {
    io: "input",
    unrepresentable: "any",
    override: refineSchema,
  });
  replace(schema, { ...checked, ...more });
}

function emptyMeansAbsent(schema: JsonSchema): void {
  delete schema.emptyMeansAbsent;
  schema.properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, { description, ...property }]) => [
      name,
      { description, anyOf: [property, LEFT_AS_IT_IS] },
    ]),
  );
}

/** "This, or null" as a type of two, which reads better. */
function foldNull(schema: JsonSchema): void {
  const [variant, nothing, ...others] = schema.anyOf ?? [];
  if (typeof variant?.type !== "string" || nothing?.type !== "null" || others.length > 0) return;
  const { anyOf: _, ...more } = schema;
  replace(schema, {
    ...variant,
    ...more,
    type: [variant.type, "null"],
    ...(variant.enum && { enum: [...variant.enum, null] }),
  });
}

function replace(schema: JsonSchema, by: object): void {
  for (const name of Object.keys(schema)) delete schema[name];
  Object.assign(schema, by);
}
