import { json } from "node:stream/consumers";
import { type Loopback, loopback } from "./loopback.ts";

/** One secret of AWS Secrets Manager, as its API serves it on loopback. */
export interface Secret extends Loopback {
  arn: string;
  /** Its value, and when that was put, which a test may set as well as the API's callers. */
  value: string;
  putAt: Date;
  /** The id of its version: the token of the call that put it. */
  version: string;
  /** Answers every call with this error, until it is undefined. */
  error: string | undefined;
}

/** Starts Secrets Manager with one secret: `GetSecretValue` and `PutSecretValue` of its JSON protocol. */
export const secretsManager = async (value: string): Promise<Secret> => {
  const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:LinkKeys-AbCdEf";
  const server = await loopback(async (request, response) => {
    const call = String(request.headers["x-amz-target"]).replace("secretsmanager.", "");
    const input = (await json(request)) as Record<string, string | undefined>;
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
      response.end(JSON.stringify(body));
    };
    if (secret.error) return answer(400, { __type: secret.error, Message: "Not now." });
    if (input.SecretId !== arn)
      return answer(400, { __type: "ResourceNotFoundException", Message: "No such secret." });
    if (call === "PutSecretValue") {
      const { SecretString, ClientRequestToken } = input;
      Object.assign(secret, { value: SecretString, putAt: new Date(), version: ClientRequestToken });
    }
    answer(200, {
      ARN: arn,
      ...(call === "GetSecretValue" && {
        SecretString: secret.value,
        VersionId: secret.version,
        CreatedDate: secret.putAt.getTime() / 1_000,
      }),
    });
  });
  const version = crypto.randomUUID();
  const secret: Secret = Object.assign(server, { arn, value, putAt: new Date(0), version, error: undefined });
  return secret;
};
