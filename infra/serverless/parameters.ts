import { exitWithError } from "../exit-with-error.ts";
import type { Options, Serverless } from "./framework.ts";

/** Keystone's versioned endpoint, such as `https://iam.example.com/v3`. */
const KEYSTONE = /^https?:\/\/[^/?#\s]+(?:\/[\w.~-]+)*\/v3\/?$/;

/** Refuses a `--param` that `serverless.yml` does not have: it is usually a typing error. */
export function checkParameterNames({ configurationInput }: Serverless, { param = [] }: Options): void {
  const names = new Set(Object.values(configurationInput.params).flatMap((stage) => Object.keys(stage)));
  for (const parameter of [param].flat()) {
    const [name = ""] = parameter.split("=");
    if (names.has(name)) continue;
    exitWithError(`--param ${name}: there is no such parameter. Known are ${[...names].sort().join(", ")}.`);
  }
}

/** Refuses an address of Keystone with which every request would fail. */
export function checkKeystoneAddress({ service }: Serverless): void {
  const { KEYSTONE_AUTH_URL: url } = service.provider.environment;
  if (!url || KEYSTONE.test(url)) return;
  exitWithError(
    `keystoneAuthUrl=${url}: Keystone's address up to /v3 is expected, as https://iam.example.com/v3`,
  );
}

/** Refuses to deploy a stage that accepts nobody's tokens. */
export function checkTokenIssuer({ processedInput, service }: Serverless): void {
  if (processedInput.commands.join(" ") !== "deploy") return;
  const { TOKEN_ISSUER, TOKEN_AUDIENCE, KEYSTONE_AUTH_URL } = service.provider.environment;
  if ((TOKEN_ISSUER && TOKEN_AUDIENCE) || (KEYSTONE_AUTH_URL && !TOKEN_ISSUER)) return;
  exitWithError(
    "Whose tokens are accepted? Set --param tokenIssuer=… and --param tokenAudience=…, or --param keystoneAuthUrl=…",
  );
}
