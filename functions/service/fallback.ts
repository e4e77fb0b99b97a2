import { ServiceError } from "../../lib/errors.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { byAnyone } from "../../lib/http/event.ts";
import { faultReply } from "../../lib/http/faults.ts";
import { Reply } from "../../lib/http/reply.ts";
import { methodsOf } from "../../lib/http/routes.ts";

/**
 * Everything that no route takes: `OPTIONS` on a known address tells its methods, another method there is 405, an
 * unknown address is 404. None of it needs a token.
 */
export const handler = endpoint({ access: byAnyone }, async ({ method, rawPath }) => {
  const methods = methodsOf(rawPath);
  if (methods.length === 0) throw new ServiceError("not_found", "The resource could not be found.");
  const allow = methods.join(",");
  if (method === "OPTIONS") return new Reply(204, { allow });
  const message = `The method ${method} is not allowed here, but ${allow}.`;
  const { status, headers, body } = faultReply(new ServiceError("method_not_allowed", message));
  return new Reply(status, { ...headers, allow }, body);
});
