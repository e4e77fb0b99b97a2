import type { Serverless, Writers } from "./framework.ts";

/** The commands after which the framework knows the outputs of the stack. */
const COMMANDS = ["deploy", "info"];

/** Makes a stage's domain, or else its `publicUrl`, the output `ApiUrl`, which otherwise is API Gateway's own address. */
export function setApiUrl({ service: { custom, provider, resources } }: Serverless): void {
  const url = custom.domain.name
    ? `https://${custom.domain.name}`
    : provider.environment.PUBLIC_URL?.replace(/\/$/, "");
  if (url) resources.Outputs.ApiUrl.Value = url;
}

/** Prints the output `ApiUrl`; nothing of a stack that was deployed before there was one. */
export function printApiUrl({ processedInput, pluginManager }: Serverless, { writeText }: Writers): void {
  if (!COMMANDS.includes(processedInput.commands.join(" "))) return;
  const outputs = pluginManager.plugins.flatMap(({ gatheredData }) => gatheredData?.outputs ?? []);
  const output = outputs.find(({ OutputKey }) => OutputKey === "ApiUrl");
  if (output) writeText(`ApiUrl: ${output.OutputValue}`);
}
