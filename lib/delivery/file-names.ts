import type { Delivery } from "./derived-config.ts";

/** The groups whose configurations os-collect-config writes to files that are named after them. */
const FILE_GROUPS = ["os-apply-config", "Heat::Ungrouped"];

/** The files that os-collect-config itself writes: one for each collector, and the list of all. */
const COLLECTORS = ["cfn", "ec2", "heat", "heat_local", "keystone", "local", "request", "zaqar"];
const RESERVED = [...COLLECTORS, "os_config_files"];

/** The most bytes of a name: a file's may have 255, and os-collect-config adds to it. */
const MAX_BYTES = 200;

/** The characters that a file's name cannot have, or that would hide it or leave its folder. */
const UNSAFE = /^\.+|[/\\\p{Cc}]/gu;

/**
 * The deliveries of a server with names that os-collect-config can write as files, no two the same: `/`, leading dots and
 * control characters become `_`. A name that is empty, a collector's own or an older delivery's gets a suffix out of the
 * deployment's id, so it stays when another one goes.
 * @param deliveries by the deployments' creation
 */
export function withFileNames(deliveries: Delivery[]): Delivery[] {
  const taken = new Set(RESERVED);
  return deliveries.map((delivery) => {
    const { view, deployment } = delivery;
    if (!FILE_GROUPS.includes(view.group ?? "")) return delivery;
    let name = safeName(view.name ?? "");
    if (name === "" || taken.has(name)) name = `${name}-${deployment.id.slice(-12)}`;
    while (taken.has(name)) name += "_";
    taken.add(name);
    return name === view.name ? delivery : { ...delivery, view: { ...view, name } };
  });
}

function safeName(name: string): string {
  const safe = name.replace(UNSAFE, (unsafe) => "_".repeat(unsafe.length));
  return Buffer.byteLength(safe) <= MAX_BYTES ? safe : Buffer.from(safe).subarray(0, MAX_BYTES).toString();
}
