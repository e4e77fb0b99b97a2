import { ServiceError } from "../../lib/errors.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { byAnyone } from "../../lib/http/event.ts";
import { faultReply } from "../../lib/http/faults.ts";
import { Reply } from "../../lib/http/reply.ts";
import { methodsOf } from "../../lib/http/routes.ts";

/**
 * Everything that no route takes: `OPTIONS` on a known address tells its methods, another method there is 405, an
 * unknown address is 404, which says so where only a doubled slash makes it unknown. None of it needs a token.
 */
export const handler = endpoint({ access: byAnyone }, async ({ method, rawPath }) => {
  const methods = methodsOf(rawPath);
  if (methods.length === 0) throw new ServiceError("not_found", notFoundMessage(rawPath));
  const allow = methods.join(",");
  if (method === "OPTIONS") return new Reply(204, { allow });
  const message = `The method ${method} is not allowed here, but ${allow}.`;
  const { status, headers, body } = faultReply(new ServiceError("method_not_allowed", message));
  return new Reply(status, { ...headers, allow }, body);
});

function notFoundMessage(path: string): string {
  const isDoubled = methodsOf(path.replace(/\/{2,}/g, "/")).length > 0;
  return isDoubled
    ? "The path has two slashes in a row (//), which no address here has. Remove the slash at the end of the base address."
    : "The resource could not be found.";
}
