import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { type Loopback, loopback } from "./loopback.ts";

/** A stack that CloudFormation knows. */
export interface Stack {
  name: string;
  template: object;
  /** The physical ids of its resources, by their logical ids. */
  resources: Record<string, string>;
}

const NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

const escaped = (value: string): string =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const refusal = (message: string): [number, string] => [
  400,
  `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>ValidationError</Code>` +
    `<Message>${escaped(message)}</Message></Error><RequestId>a-request</RequestId></ErrorResponse>`,
];

const result = (action: string, content: string): [number, string] => [
  200,
  `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${content}</${action}Result>` +
    `<ResponseMetadata><RequestId>a-request</RequestId></ResponseMetadata></${action}Response>`,
];

const ACTIONS: Record<string, (stack: Stack | undefined, asked: URLSearchParams) => [number, string]> = {
  GetTemplate: (stack, asked) =>
    stack
      ? result("GetTemplate", `<TemplateBody>${escaped(JSON.stringify(stack.template))}</TemplateBody>`)
      : refusal(`Stack with id ${asked.get("StackName")} does not exist`),
  DescribeStackResource: (stack, asked) => {
    const name = asked.get("StackName");
    const logicalId = asked.get("LogicalResourceId") ?? "";
    const physicalId = stack?.resources[logicalId];
    if (!stack) return refusal(`Stack '${name}' does not exist`);
    if (physicalId === undefined) return refusal(`Resource ${logicalId} does not exist for stack ${name}`);
    return result(
      "DescribeStackResource",
      `<StackResourceDetail><LogicalResourceId>${logicalId}</LogicalResourceId>` +
        `<PhysicalResourceId>${escaped(physicalId)}</PhysicalResourceId></StackResourceDetail>`,
    );
  },
};

const answerOf = async (request: IncomingMessage, stacks: Stack[]): Promise<[number, string]> => {
  const asked = new URLSearchParams(await text(request));
  const action = ACTIONS[asked.get("Action") ?? ""];
  if (!action) return refusal(`Could not find operation ${asked.get("Action")}`);
  const stack = stacks.find(({ name }) => name === asked.get("StackName"));
  return action(stack, asked);
};

/** Starts CloudFormation, as far as a command needs it that looks for a stage: two calls of its query protocol. */
export const startCloudFormation = (stacks: Stack[]): Promise<Loopback> =>
  loopback(async (request, response) => {
    const [status, body] = await answerOf(request, stacks);
    response.writeHead(status, { "content-type": "text/xml" }).end(body);
  });
