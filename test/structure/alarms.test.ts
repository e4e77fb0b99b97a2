import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { COUNTS } from "../../lib/metrics.ts";
import { AWS_METRICS } from "../support/aws-metrics.ts";
import { metricsOf } from "../support/embedded-metrics.ts";

/** A metric as an alarm or a graph names it. */
interface Watched {
  namespace: string;
  name: string;
  /** The names of its dimensions. */
  dimensions: string[];
}

interface AlarmMetric {
  Id: string;
  Expression?: string;
  ReturnData?: boolean;
  MetricStat?: { Period: number; Stat: string; Metric: SingleMetric };
}

interface SingleMetric {
  Namespace: string;
  MetricName: string;
  Dimensions?: { Name: string }[];
}

type Alarm = { AlarmName: string; AlarmDescription: string; Metrics?: AlarmMetric[] } & SingleMetric;

const NAMESPACE = "software-deployments-prod";

/** The resources of a file of `infra/stack/`, with the names of a stage. */
const resourcesOf = (file: string): Record<string, { Type: string; Properties: any }> =>
  parse(readFileSync(`infra/stack/${file}`, "utf8").replaceAll("${self:custom.namespace}", NAMESPACE))
    .Resources;

const alarms = Object.entries(resourcesOf("alarms.yml")).map(([id, { Properties }]): [string, Alarm] => [
  id,
  Properties,
]);

const singleMetric = ({ Namespace, MetricName, Dimensions = [] }: SingleMetric): Watched => ({
  namespace: Namespace,
  name: MetricName,
  dimensions: Dimensions.map(({ Name }) => Name),
});

const watchedBy = ({ Metrics, ...own }: Alarm): Watched[] =>
  Metrics
    ? Metrics.flatMap(({ MetricStat }) => (MetricStat ? [singleMetric(MetricStat.Metric)] : []))
    : [singleMetric(own)];

interface Widget {
  type: string;
  properties: { title: string; metrics: (string | { expression?: string })[][]; alarms: string[] };
}

const { widgets }: { widgets: Widget[] } = JSON.parse(
  resourcesOf("dashboard.yml").Dashboard?.Properties.DashboardBody["Fn::Sub"],
);

/** A metric of a graph: `[namespace, name, dimension, value, …, options]`, or one that is searched for. */
const graphed = (line: (string | { expression?: string })[]): Watched => {
  const [namespace, name, ...pairs] = line.filter((part) => typeof part === "string");
  const { expression } = (line.find((part) => typeof part === "object") ?? {}) as { expression?: string };
  if (expression === undefined)
    return {
      namespace: namespace ?? "",
      name: name ?? "",
      dimensions: pairs.filter((_, at) => at % 2 === 0),
    };
  const [, schema = "", metric = ""] =
    /^SEARCH\('\{([^}]+)\} MetricName="(\w+)"( FunctionName=[\w-]+)?', '\w+', \d+\)$/.exec(expression) ?? [];
  const [searched = "", ...dimensions] = schema.split(",");
  return { namespace: searched.replaceAll('"', ""), name: metric, dimensions };
};

/** The metrics that a stage's log lines make. */
let emitted: Watched[];

beforeAll(async () => {
  vi.stubEnv("METRICS_NAMESPACE", NAMESPACE);
  const { embeddedMetrics } = await import("../../lib/http/access-log.ts");
  const counts = Object.fromEntries(COUNTS.map((name) => [name, 1]));
  const line = embeddedMetrics(counts, { FunctionName: "a-function", Latency: 1, ColdStart: 1 });
  emitted = metricsOf(line as Record<string, any>).map(({ namespace, name, dimensions }) => ({
    namespace,
    name,
    dimensions: Object.keys(dimensions),
  }));
});

/** Expects that a metric exists: that our lines make it, or that AWS documents it. */
const expectKnown = (watched: Watched, by: string): void => {
  const { namespace, name, dimensions } = watched;
  if (namespace === NAMESPACE) {
    expect(emitted, by).toContainEqual(watched);
    return;
  }
  expect(AWS_METRICS[namespace]?.names, `${by}: ${namespace}`).toContain(name);
  expect(AWS_METRICS[namespace]?.dimensions, `${by}: ${name}`).toContainEqual(dimensions);
};

describe("alarms", () => {
  it("there are at most ten alarms", () => {
    expect(alarms.length).toBeGreaterThan(0);
    expect(alarms.length).toBeLessThanOrEqual(10);
  });

  it.each(alarms)("the alarm %s uses metrics that exist", (id, alarm) => {
    const watched = watchedBy(alarm);
    expect(watched.length).toBeGreaterThan(0);
    expect(watched.length, "CloudWatch takes ten").toBeLessThanOrEqual(10);
    for (const metric of watched) expectKnown(metric, id);
  });

  it.each(alarms.flatMap(([id, { Metrics }]) => (Metrics ? [[id, Metrics] as const] : [])))(
    "the alarm %s computes with its own metrics, over one period",
    (_, metrics) => {
      const [sum, ...others] = metrics.filter(({ ReturnData }) => ReturnData !== false);
      expect(others).toEqual([]);
      const words = sum?.Expression?.match(/[A-Za-z]\w*/g) ?? [];
      const names = new Set(words.filter((word) => word !== word.toUpperCase()));
      const ids = metrics.flatMap(({ Id, MetricStat }) => (MetricStat ? [Id] : []));
      if (sum?.Expression?.includes("METRICS()")) expect([...names]).toEqual([]);
      else expect([...names].sort()).toEqual(ids.sort());
      expect(sum?.Expression).not.toContain("SEARCH");
      expect(new Set(metrics.flatMap(({ MetricStat }) => MetricStat?.Period ?? [])).size).toBe(1);
    },
  );

  const titleOf = ({ AlarmDescription }: Alarm): string | undefined =>
    / What to do: infra\/README\.md, "([^"]+)"$/.exec(AlarmDescription)?.[1];

  it("infra/README.md says of each alarm, and of no others, what it means, where to look and what to do", () => {
    const [, chapter = ""] = readFileSync("infra/README.md", "utf8").split("\n### Alarms\n");
    const [, ...sections] = (chapter.split(/\n##?#? /)[0] ?? "").split("\n#### ");
    const titles = sections.map((section) => section.split("\n")[0]);
    expect(titles.toSorted()).toEqual([...new Set(alarms.map(([, alarm]) => titleOf(alarm)))].toSorted());
    for (const section of sections)
      expect(section.match(/^\*\*\w+\*\*/gm), section).toEqual(["**Means**", "**Look**", "**Do**"]);
  });
});

describe("dashboard", () => {
  const graphs = widgets.filter(({ type }) => type === "metric");

  it("the dashboard shows every alarm", () => {
    const shown = widgets.flatMap(({ properties }) => properties.alarms ?? []);
    const prefix = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:";
    expect(shown.toSorted()).toEqual(alarms.map(([, { AlarmName }]) => prefix + AlarmName).toSorted());
  });

  it.each(graphs.map(({ properties }) => [properties.title, properties.metrics] as const))(
    "the graph %s shows metrics that exist",
    (title, metrics) => {
      for (const line of metrics) expectKnown(graphed(line), title);
    },
  );

  it("the dashboard shows every metric of the service's log lines", () => {
    const shown = graphs.flatMap(({ properties }) => properties.metrics.map(graphed));
    for (const metric of emitted) expect(shown).toContainEqual(metric);
  });
});
