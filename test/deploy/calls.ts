import type { IncomingMessage } from "node:http";

/** A call to AWS as a policy sees it: the action, and the ARN of what it acts on. */
export interface Call {
  action: string;
  resource: string;
}

/** The account that moto plays. */
export const ACCOUNT = "123456789012";

/**
 * The actions that a request to AWS needs permission for. One that is not known here gives an action that no policy
 * allows.
 */
export const callsOf = ({ method = "GET", url = "/", headers }: IncomingMessage, body: string): Call[] => {
  const [, region = "", service = ""] =
    /Credential=[^/]+\/\d+\/([\w-]+)\/([\w-]+)\//.exec(headers.authorization ?? "") ?? [];
  const { pathname, searchParams } = new URL(url, "http://aws");
  const [, target] = String(headers["x-amz-target"] ?? "").split(".");
  const unknown = [{ action: `${service}:${target ?? `${method} ${url}`}`, resource: "*" }];
  switch (service) {
    case "sts":
      // GetCallerIdentity needs no permission.
      return [];
    case "cloudformation":
      return cloudFormationCalls(region, new URLSearchParams(body));
    case "lambda":
      return lambdaCalls(region, method, pathname) ?? unknown;
    case "s3":
      return s3Calls(method, decodeURIComponent(pathname), searchParams, body) ?? unknown;
    default:
      return unknown;
  }
};

const cloudFormationCalls = (region: string, form: URLSearchParams): Call[] => {
  const stack = form.get("StackName") ?? "";
  const arn = `arn:aws:cloudformation:${region}:${ACCOUNT}:stack/${stack}/*`;
  const role = form.get("RoleARN");
  return [
    {
      action: `cloudformation:${form.get("Action")}`,
      resource: stack.startsWith("arn:") ? stack : stack && arn,
    },
    ...(role ? [{ action: "iam:PassRole", resource: role }] : []),
  ];
};

const lambdaCalls = (region: string, method: string, path: string): Call[] | undefined => {
  const [, name] = /^\/2015-03-31\/functions\/([\w-]+)$/.exec(path) ?? [];
  if (method !== "GET" || !name) return undefined;
  return [{ action: "lambda:GetFunction", resource: `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}` }];
};

/** S3's permissions are not called as its operations are. */
const s3Calls = (method: string, path: string, query: URLSearchParams, body: string): Call[] | undefined => {
  const [, bucket = "", key = ""] = /^\/([^/]+)\/?(.*)$/.exec(path) ?? [];
  const on = (action: string, ...keys: string[]): Call => ({
    action: `s3:${action}`,
    resource: ["arn:aws:s3:::", [bucket, ...keys].join("/")].join(""),
  });
  if (key && method === "PUT") return [on("PutObject", key)];
  if (key) return ["GET", "HEAD"].includes(method) ? [on("GetObject", key)] : undefined;
  if (method === "HEAD" || query.has("list-type")) return [on("ListBucket")];
  if (query.has("versions")) return [on("ListBucketVersions")];
  if (!query.has("delete")) return undefined;
  return [...body.matchAll(/<Key>(.*?)<\/Key>(<VersionId>)?/g)].map(([, deleted = "", version]) =>
    on(version ? "DeleteObjectVersion" : "DeleteObject", deleted),
  );
};
