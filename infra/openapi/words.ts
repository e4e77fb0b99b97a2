import { LINK_PARAMETER } from "../../lib/link/addresses.ts";

/** The document's description of the API as a whole. */
export const info = {
  title: "Software Deployments",
  version: "1.0",
  summary: "Which software configuration is to run on which server, and what came of it.",
  description: `The REST API of OpenStack Heat and Open Telekom Cloud RTS for software configurations and deployments.

**In short.** Create a configuration: it says what to run. Create a deployment of it on a server. Create a link for the
server, whose agent collects by it what to run, and reports the result. Show the deployment: it holds the result.

**Bodies** are JSON in UTF-8 of at most 1,048,576 bytes, and are read as JSON whatever their content type says, except XML,
binary and multipart. Fields that the service does not know are ignored, and named in a \`Warning\` header. The keys
\`__proto__\`, and \`constructor\` with \`prototype\` in it, are refused. Numbers keep all their digits.

**Faults** have Heat's body; \`error.message\` names every wrong field. Every response has an \`x-openstack-request-id\`. An
unknown address is 404, another method on a known one 405 with \`Allow\`, and \`OPTIONS\` is answered 204 with \`Allow\`. None
of the three needs a token. \`HEAD\` works wherever \`GET\` does.

**One client** is answered differently: OTC's Go SDK, and Terraform on it (its User-Agent contains \`golangsdk/\`). It gets times
without the \`Z\`, texts alone inside values, inputs and outputs as they were sent, and 403 for a valid token that does not
allow the request.`,
};

/** The ways in which callers show who they are. */
export const securitySchemes = {
  KeystoneToken: {
    type: "apiKey",
    in: "header",
    name: "X-Auth-Token",
    description:
      "A token of OpenStack's Keystone v3, or a JSON Web Token, whose project is the one in the path. `npm run -s token` makes one for the service on your own machine.",
  },
  BearerToken: {
    type: "http",
    scheme: "bearer",
    description: "The same token as `Authorization: Bearer`.",
  },
  SignedLink: {
    type: "apiKey",
    in: "query",
    name: LINK_PARAMETER,
    description:
      "An address that holds its own permission, for one server or for the result of one delivery. The service hands it out.",
  },
};
