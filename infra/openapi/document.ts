import * as z from "zod/mini";
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponseObject,
} from "zod-openapi";
import { OneConfig } from "../../lib/config/config.ts";
import { CreateResponse } from "../../lib/deployment/create-request.ts";
import { OneDeployment } from "../../lib/deployment/deployment.ts";
import { byProject, byProjectOrDelegate } from "../../lib/http/authorize.ts";
import { byCollectLink, bySignalLink } from "../../lib/http/authorize-link.ts";
import { mayWarn } from "../../lib/http/warnings.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Examples } from "./examples.ts";
import { Fault, type FaultResponse, faultResponse, faultsOf } from "./faults.ts";
import { requestHeaders, responseHeaders } from "./headers.ts";
import { refineSchema } from "./json-schema.ts";
import { info, securitySchemes } from "./words.ts";

/** An OpenAPI document, as far as the rest of this folder looks into it. */
export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  [more: string]: unknown;
}

interface Operation {
  operationId: string;
  parameters?: Parameter[];
}

interface Parameter {
  name: string;
  in: string;
  description?: string;
  example?: unknown;
  schema: { type?: string; description?: string };
}

const AS_GET = "As GET, without the body";

const JSON_TYPE = "application/json";

/** API Gateway's own answer to more requests than a stage takes. */
const TOO_MANY = {
  description: "Too many requests at once: API Gateway refuses them. Try again later.",
  content: {
    [JSON_TYPE]: {
      schema: z.object({ message: z.string() }),
      example: { message: "Too Many Requests" },
    },
  },
};

/**
 * Makes the OpenAPI document of the API.
 * @param examples a real request and its answer for each operation, by its `operationId`
 */
export function apiDocument(endpoints: Endpoint[], examples: Examples): ApiDocument {
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints) {
    const { path, method } = endpoint;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(endpoint, endpoints, examples) };
  }
  const document = createDocument(
    {
      openapi: "3.1.1",
      info,
      servers: [{ url: "/", description: "Where this document comes from." }],
      tags: [...new Set(endpoints.map(({ tag }) => tag))],
      paths,
      components: {
        securitySchemes,
        headers: responseHeaders,
        responses: sharedResponses(endpoints),
        links: Object.fromEntries(
          endpoints.filter(isLinkedTo).map((target) => [target.operationId, link(target)]),
        ),
      },
    } as unknown as ZodOpenApiObject,
    { override: refineSchema, allowEmptySchema: { custom: true } },
  );
  return withParameterExamples(document as unknown as ApiDocument, examples);
}

function operation(endpoint: Endpoint, all: Endpoint[], examples: Examples): ZodOpenApiOperationObject {
  const { spec, notes, operationId, summary, tag } = endpoint;
  const headers = [
    ...(notes.requestHeaders ?? []),
    ...(spec.idempotent ? ["Idempotency-Key"] : []),
    ...(mayWarn(spec) ? ["Prefer"] : []),
  ];
  return {
    operationId,
    summary: isHead(endpoint) ? AS_GET : summary,
    description: descriptionOf(endpoint),
    tags: [tag.name],
    security: securityOf(endpoint),
    requestParams: {
      ...(spec.path && { path: spec.path as z.ZodMiniObject }),
      ...(spec.query && { query: spec.query as z.ZodMiniObject }),
      ...(headers.length > 0 && { header: z.object(picked(requestHeaders, headers)) }),
    },
    ...(spec.body && { requestBody: requestBody(endpoint, examples) }),
    responses: responsesOf(endpoint, all, examples),
  } as ZodOpenApiOperationObject;
}

/** The rest of the handler's comment, and who may call. */
function descriptionOf({ spec, description: words, method }: Endpoint): string {
  const description = method === "HEAD" ? "" : words;
  const reads = ["GET", "HEAD"].includes(method);
  const callers = new Map<unknown, string>([
    [byProject, reads ? "Readers and members of the project." : "Members of the project."],
    [
      byProjectOrDelegate,
      `${reads ? "Readers and members" : "Members"} of the project, and delegated tenants for what names their project.`,
    ],
    [byCollectLink, "Whoever holds the server's signed link."],
    [bySignalLink, "Whoever holds the delivery's signed link."],
  ]);
  return [description, `**Who may call:** ${callers.get(spec.access) ?? "Anyone."}`].join("\n\n").trim();
}

function securityOf({ spec: { access } }: Endpoint): object[] {
  if (access.length === 0) return [];
  if (access === byCollectLink || access === bySignalLink) return [{ SignedLink: [] }];
  return [{ KeystoneToken: [] }, { BearerToken: [] }];
}

function requestBody({ spec, operationId }: Endpoint, examples: Examples) {
  const { body, batch, lenientBody, optionalBody } = spec;
  const schema = body && batch ? z.union([body, batch]) : body;
  const example = examples[operationId]?.request.body;
  return { required: !lenientBody && !optionalBody, content: { [JSON_TYPE]: { schema, example } } };
}

function responsesOf(endpoint: Endpoint, all: Endpoint[], examples: Examples) {
  const { spec, notes } = endpoint;
  const status = spec.status ?? (spec.response || notes.mediaType ? 200 : 204);
  const faults = faultsOf(endpoint).map(faultResponse);
  const isConditional = notes.requestHeaders?.includes("If-None-Match");
  return {
    [status]: success(endpoint, all, examples),
    ...(isConditional && {
      304: {
        description: "It is what the caller has already.",
        headers: headersOf(notes.responseHeaders ?? []),
      },
    }),
    ...Object.fromEntries(
      faults.map((fault) => [
        fault.status,
        isHead(endpoint) ? withoutBody(fault) : { $ref: `#/components/responses/${fault.name}` },
      ]),
    ),
    429: { $ref: "#/components/responses/TooManyRequests" },
  };
}

function success(endpoint: Endpoint, all: Endpoint[], examples: Examples): ZodOpenApiResponseObject {
  const { spec, notes, operationId } = endpoint;
  const more = [
    ...(mayWarn(spec) ? ["Warning", "Preference-Applied"] : []),
    ...(spec.access.length > 0 && spec.response ? ["Vary"] : []),
    ...(spec.compressed ? ["Content-Encoding"] : []),
  ];
  const response = {
    description: endpoint.method === "GET" || isHead(endpoint) ? "What was asked for." : "Done.",
    headers: headersOf([...(notes.responseHeaders ?? []), ...more]),
  };
  if (isHead(endpoint)) return response;
  if (notes.mediaType) return { ...response, content: { [notes.mediaType]: { schema: z.string() } } };
  if (!spec.response) return response;
  const example = examples[operationId]?.response;
  const linked = all.filter(
    (target) => target !== endpoint && isLinkedTo(target) && leadsTo(endpoint, target),
  );
  return {
    ...response,
    content: { [JSON_TYPE]: { schema: spec.response, example } },
    ...(linked.length > 0 && {
      links: Object.fromEntries(
        linked.map((target) => [target.operationId, { $ref: `#/components/links/${target.operationId}` }]),
      ),
    }),
  } as ZodOpenApiResponseObject;
}

/** References to headers that the document keeps once. */
function headersOf(names: string[]): Record<string, { $ref: string }> {
  const all = picked(responseHeaders, ["x-openstack-request-id", ...names]);
  return Object.fromEntries(Object.keys(all).map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** The members of these names. @throws Error for a name that is not there */
function picked<Shape>(all: Record<string, Shape>, names: string[]): Record<string, Shape> {
  return Object.fromEntries(
    names.map((name) => {
      const shape = all[name];
      if (!shape) throw new Error(`infra/openapi/headers.ts has no ${name}.`);
      return [name, shape];
    }),
  );
}

function withoutBody({ description, headers }: FaultResponse) {
  return { description, headers: headersOf(headers) };
}

function sharedResponses(endpoints: Endpoint[]) {
  const kinds = new Set(endpoints.flatMap(faultsOf));
  const faults = [...kinds]
    .map(faultResponse)
    .map((fault) => [
      fault.name,
      { ...withoutBody(fault), content: { [JSON_TYPE]: { schema: Fault, example: fault.example } } },
    ]);
  return { ...Object.fromEntries(faults), TooManyRequests: TOO_MANY };
}

function isHead({ method }: Endpoint): boolean {
  return method === "HEAD";
}

/** Whether a response can lead to an operation, which is then about one resource. A HEAD is left to its GET. */
function isLinkedTo(endpoint: Endpoint): boolean {
  return !isHead(endpoint) && resourceOf(endpoint) !== undefined;
}

/** The resource that an operation's path names one of, as responses call it, and the parameter that names it. */
function resourceOf({ path }: Endpoint): { resource: string; parameter: string } | undefined {
  const [, collection, parameter] =
    /\/software_(deployment|config)s\/(?:metadata\/)?\{(\w+)\}/.exec(path) ?? [];
  return parameter ? { resource: `software_${collection}`, parameter } : undefined;
}

function leadsTo({ spec }: Endpoint, target: Endpoint): boolean {
  const shown = new Map<unknown, string>([
    [CreateResponse, "software_deployment"],
    [OneDeployment, "software_deployment"],
    [OneConfig, "software_config"],
  ]);
  return shown.get(spec.response) === resourceOf(target)?.resource;
}

function link(target: Endpoint): object {
  const { resource = "", parameter = "" } = resourceOf(target) ?? {};
  return {
    operationId: target.operationId,
    description: target.summary,
    parameters: {
      project_id: "$request.path.project_id",
      [parameter]: `$response.body#/${resource}/${parameter}`,
    },
  };
}

/** Gives each parameter the example of its operation's request, and its words, which stand in its schema, once. */
function withParameterExamples(document: ApiDocument, examples: Examples): ApiDocument {
  for (const { operationId, parameters = [] } of Object.values(document.paths).flatMap(
    Object.values<Operation>,
  )) {
    const { path, query } = examples[operationId]?.request ?? {};
    for (const parameter of parameters) {
      const { description, ...schema } = parameter.schema;
      const example = { ...path, ...query }[parameter.name];
      Object.assign(parameter, { schema, ...(description && { description }) });
      if (example !== undefined) parameter.example = schema.type === "integer" ? Number(example) : example;
    }
  }
  return document;
}
