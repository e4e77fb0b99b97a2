import { type Capability, seal, sealingKeyName } from "../auth/capability.ts";
import { linkLife } from "../config.ts";
import { ServiceError } from "../errors.ts";

const LIFE = linkLife();

/** Until when a link that is made now is valid, in seconds since 1970. @param issued ms since 1970 */
export const linkExpiry = (issued: number): number => Math.floor(issued / 1_000) + LIFE;

/** The link by which a server's agent collects what it is to run. */
export const collectUrl = (
  baseUrl: string,
  capability: Omit<Extract<Capability, { allows: "collect" }>, "allows">,
): string => `${baseUrl}/agent/metadata?capability=${seal({ allows: "collect", ...capability })}`;

/** A run whose result is waited for, until `signal_expires` in seconds since 1970. */
interface AwaitedRun {
  project_id: string;
  id: string;
  delivery: number;
  signal_expires: number;
}

/** Makes the links by which results are signalled, each for one delivery: the same at every call. */
export const signalUrl =
  (baseUrl: string) =>
  ({ project_id: project, id: deployment, delivery, signal_expires: expires }: AwaitedRun): string => {
    const sealed = seal({ allows: "signal", project, deployment, delivery, expires });
    return `${baseUrl}/agent/signal?capability=${sealed}`;
  };

/** What all links have in common: when it changes, so does what servers are told. */
export const linksVersion = (baseUrl: string): string => `${baseUrl} ${sealingKeyName()}`;

const only = <Allowed extends Capability["allows"]>(capability: Capability | undefined, allows: Allowed) => {
  if (capability?.allows !== allows) throw new ServiceError("unauthorized", "Authorization failed.");
  return capability as Extract<Capability, { allows: Allowed }>;
};

/** What the link of a caller lets it collect. @throws ServiceError `unauthorized` without such a link */
export const collected = (capability: Capability | undefined) => only(capability, "collect");

/** What the link of a caller lets it signal. @throws ServiceError `unauthorized` without such a link */
export const signalled = (capability: Capability | undefined) => only(capability, "signal");
