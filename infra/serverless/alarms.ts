import { exitWithError } from "../exit-with-error.ts";
import type { Serverless } from "./framework.ts";

/** A resource of `infra/stack/`, as far as alarms and dashboards go. */
interface Watching {
  Type: string;
  Properties: { AlarmActions?: string[]; OKActions?: string[] };
}

const TYPES = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"];

/** The ARN of an SNS topic, in any partition. */
const TOPIC = /^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w.-]+$/;

/** Leaves alarms and dashboards that read the stage's own metrics out of a stage whose parameter `metrics` is `off`. */
export function leaveOutMetrics(serverless: Serverless): void {
  const { custom, resources } = serverless.service;
  if (custom.metrics === "on") return;
  if (custom.metrics !== "off") exitWithError(`metrics=${custom.metrics}: on or off is expected`);
  for (const [name, resource] of watching(serverless))
    if (JSON.stringify(resource).includes(`"${custom.namespace}"`)) delete resources.Resources[name];
}

/** Has every alarm tell the topic of the parameter `alarmTopic` when it begins and when it ends. */
export function setAlarmTopic(serverless: Serverless): void {
  const { alarmTopic } = serverless.service.custom;
  if (!alarmTopic) return;
  if (!TOPIC.test(alarmTopic))
    exitWithError(
      `alarmTopic=${alarmTopic}: an SNS topic's ARN is expected, as arn:aws:sns:eu-central-1:123456789012:a-topic`,
    );
  for (const [, { Type, Properties }] of watching(serverless))
    if (Type === "AWS::CloudWatch::Alarm")
      Object.assign(Properties, { AlarmActions: [alarmTopic], OKActions: [alarmTopic] });
}

function watching({ service }: Serverless): [name: string, Watching][] {
  const resources = Object.entries(service.resources.Resources) as [string, Watching][];
  return resources.filter(([, { Type }]) => TYPES.includes(Type));
}
