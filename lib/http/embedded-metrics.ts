import type { Counts } from "../metrics.ts";
import { metricsNamespace } from "../settings.ts";

/** What is measured of a request, by the function that answers it. */
interface Measured {
  FunctionName: string;
  /** In ms. */
  Latency: number;
  /** Only of a container's first request. */
  ColdStart?: 1;
}

const NAMESPACE = metricsNamespace();

/** Names and values of AWS Lambda's own dimension, so that both kinds of metrics stand beside each other. */
const DIMENSION = "FunctionName";

/**
 * Numbers as members of a line of the log. Where a stage has metrics, CloudWatch makes metrics of them when it takes in
 * the line: it is in CloudWatch's embedded metric format.
 * @param counts metrics without a dimension
 * @param measured metrics of the function
 */
export function embeddedMetrics(counts: Counts, measured?: Measured): object {
  const counted = Object.fromEntries(Object.entries(counts).filter(([, times]) => times > 0));
  const numbers = { ...measured, ...counted };
  if (NAMESPACE === undefined) return numbers;
  const directives = [directive([], counted)];
  if (measured) directives.push(directive([DIMENSION], measured));
  const CloudWatchMetrics = directives.filter(({ Metrics }) => Metrics.length > 0);
  return { ...numbers, _aws: { Timestamp: Date.now(), CloudWatchMetrics } };
}

/** Of which members CloudWatch makes metrics, and in what unit. */
function directive(dimensions: string[], values: object) {
  const names = Object.keys(values).filter((name) => !dimensions.includes(name));
  const Metrics = names.map((Name) => ({ Name, Unit: Name === "Latency" ? "Milliseconds" : "Count" }));
  return { Namespace: NAMESPACE, Dimensions: [dimensions], Metrics };
}
