import { routes } from "../config.ts";
import { ServiceError } from "../errors.ts";
import { chain } from "./endpoint.ts";
import { type Answer, byAnyone } from "./event.ts";
import { faultAnswer } from "./faults.ts";

/** The methods that an address takes, in the order of the route table. */
const methodsOf = (address: string): string[] =>
  routes().flatMap((route) => {
    const [method = "", path = ""] = route.split(" ");
    const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
    return pattern.test(address) ? [method] : [];
  });

/**
 * Makes the handler of everything that no route takes: `OPTIONS` on a known address tells its methods, another
 * method there is 405, an unknown address is 404. None of it needs a token.
 */
export const fallback = () =>
  chain({ access: byAnyone }, async ({ rawPath, requestContext }): Promise<Answer> => {
    const methods = methodsOf(rawPath);
    const { method } = requestContext.http;
    if (methods.length === 0) throw new ServiceError("not_found", "The resource could not be found.");
    const allow = methods.join(",");
    if (method === "OPTIONS") return { statusCode: 204, headers: { allow }, body: "" };
    const answer = faultAnswer(
      new ServiceError("method_not_allowed", `The method ${method} is not allowed here, but ${allow}.`),
    );
    return { ...answer, headers: { ...answer.headers, allow } };
  });
