import { exitWithError } from "../exit-with-error.ts";
import type { Hooks, Serverless } from "./framework.ts";

/** An alarm, and what else of `infra/stack/alarms.yml` and `infra/stack/dashboard.yml` is looked at. */
interface Watching {
  Type: string;
  Properties: { AlarmActions?: string[]; OKActions?: string[] };
}

const TYPES = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"];

/** The ARN of an SNS topic, in any partition. */
const TOPIC = /^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w.-]+$/;

/**
 * Serverless plugin: has every alarm tell the topic of the parameter `alarmTopic` when it begins and when it ends, and
 * leaves out of a stage without metrics what is made of them.
 */
export default class Alarms {
  readonly hooks: Hooks = {
    initialize: () => {
      this.#leaveOut();
      this.#handTopic();
    },
  };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
  }

  #leaveOut(): void {
    const { custom, resources } = this.#serverless.service;
    if (custom.metrics === "on") return;
    if (custom.metrics !== "off") exitWithError(`metrics=${custom.metrics}: on or off is expected`);
    for (const [name, one] of this.#watching())
      if (JSON.stringify(one).includes(`"${custom.namespace}"`)) delete resources.Resources[name];
  }

  #handTopic(): void {
    const { alarmTopic } = this.#serverless.service.custom;
    if (!alarmTopic) return;
    if (!TOPIC.test(alarmTopic))
      exitWithError(
        `alarmTopic=${alarmTopic}: an SNS topic's ARN is expected, as arn:aws:sns:eu-central-1:123456789012:a-topic`,
      );
    for (const [, { Type, Properties }] of this.#watching())
      if (Type === "AWS::CloudWatch::Alarm")
        Object.assign(Properties, { AlarmActions: [alarmTopic], OKActions: [alarmTopic] });
  }

  #watching(): [name: string, Watching][] {
    const { Resources } = this.#serverless.service.resources;
    return (Object.entries(Resources) as [string, Watching][]).filter(([, { Type }]) => TYPES.includes(Type));
  }
}
