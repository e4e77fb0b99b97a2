import { Ajv2020 } from "ajv/dist/2020.js";

/** A metric as CloudWatch makes it of a line of the log. */
export interface Metric {
  namespace: string;
  dimensions: Record<string, string>;
  name: string;
  unit: string;
  value: number;
}

/** CloudWatch's units, as far as something here could be measured in one. */
const UNITS = ["Milliseconds", "Seconds", "Bytes", "Percent", "Count", "None"];

const metricDefinition = {
  type: "object",
  required: ["Name"],
  additionalProperties: false,
  properties: {
    Name: { type: "string", minLength: 1, maxLength: 1_024 },
    Unit: { enum: UNITS },
    StorageResolution: { enum: [1, 60] },
  },
};

const metricDirective = {
  type: "object",
  required: ["Namespace", "Dimensions", "Metrics"],
  additionalProperties: false,
  properties: {
    Namespace: { type: "string", pattern: "^[\\w./#:-]{1,255}$" },
    Dimensions: {
      type: "array",
      minItems: 1,
      items: {
        type: "array",
        maxItems: 30,
        items: { type: "string", minLength: 1, maxLength: 250 },
      },
    },
    Metrics: { type: "array", minItems: 1, maxItems: 100, items: metricDefinition },
  },
};

/**
 * CloudWatch's embedded metric format, as AWS specifies it: a line of JSON whose member `_aws` says of which other
 * members metrics are made. Where AWS ignores what it does not know, this refuses it.
 */
const validate = new Ajv2020().compile<Record<string, any>>({
  type: "object",
  required: ["_aws"],
  properties: {
    _aws: {
      type: "object",
      required: ["Timestamp", "CloudWatchMetrics"],
      additionalProperties: false,
      properties: {
        Timestamp: { type: "integer", minimum: Date.UTC(2020, 0), maximum: Date.UTC(2100, 0) },
        CloudWatchMetrics: { type: "array", minItems: 1, items: metricDirective },
      },
    },
  },
});

/**
 * The metrics that CloudWatch makes of a line.
 * @throws Error where it is not in the embedded metric format, or names a member that is missing or of the wrong kind
 */
export const metricsOf = (line: Record<string, any>): Metric[] => {
  if (!validate(line)) throw new Error(`not in the format: ${JSON.stringify(validate.errors)}`);
  const member = <Value>(name: string, isRight: (value: unknown) => boolean): Value => {
    if (!Object.hasOwn(line, name) || !isRight(line[name])) throw new Error(`${name} is ${line[name]}`);
    return line[name];
  };
  const text = (name: string): string =>
    member(name, (value) => typeof value === "string" && /^[!-~]{1,1024}$/.test(value));
  return line._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }: any) =>
    Dimensions.flatMap((names: string[]) =>
      Metrics.map(({ Name, Unit = "None" }: any) => ({
        namespace: Namespace,
        dimensions: Object.fromEntries(names.map((name) => [name, text(name)])),
        name: Name,
        unit: Unit,
        value: member(Name, Number.isFinite),
      })),
    ),
  );
};
