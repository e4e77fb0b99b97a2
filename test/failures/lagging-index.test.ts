import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { v5 as uuidv5 } from "uuid";
import { describe, expect, it, vi } from "vitest";
import { isoTimeOf } from "../../lib/times.ts";
import type { Reply } from "../support/api.ts";
import { byLink, inputOf, target } from "../support/delivery.ts";
import {
  type Answered,
  begun,
  type Change,
  type Fate,
  isDelivery,
  outcomes,
  type State,
} from "../support/deployment-model.ts";
import { newTenant, type Tenant } from "../support/deployments.ts";
import { holdIndexBack, type LaggingIndex } from "../support/lagging-index.ts";
import { amount, inLongForm, isLong } from "../support/long.ts";

/**
 * How many steps are tried, about; each is one to three requests at the same time. More, or the same again:
 * `INTERLEAVINGS=10000 SEED=1 npm run vitest -- lagging-index`.
 */
const INTERLEAVINGS = amount("INTERLEAVINGS", 200, 1_000);
const SEED = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) };

/** The steps of one world: at most, and on an average. */
const MOST_STEPS = 60;
const STEPS = 30;

/** How far the index is behind at most, in ms. */
const MOST_LAG = 5_000;

/** The most deployments at a time. */
const MOST_DEPLOYMENTS = 5;

const START = Math.floor(Date.now() / 1_000) * 1_000;

/** An agent's memory of what it got last. */
interface Kept {
  document: any[];
  etag: string | undefined;
  lastModified: string | undefined;
}

interface Link {
  href: string;
  issued: number;
}

interface Server {
  name: string;
  links: Link[];
  revoked: { at: number; step: number }[];
  /** The memories of its agents, by how they poll. */
  kept: Map<string, Kept>;
}

interface Deployment {
  /** For people: `d0`, `d1` and so on. */
  name: string;
  id: string;
  server: Server;
  /** Its possible states; more than one, where requests at the same time leave that open. */
  fates: Fate[];
  /** The same after each step that touched it. */
  history: { at: number; step: number; fates: Fate[] }[];
  /** Its last delivery. */
  latest: number;
  /** The deliveries that a GET handed out. */
  handedOut: Set<number>;
}

/** A link for a signal that was handed out. */
interface SignalLink {
  href: string;
  deployment: Deployment;
  delivery: number;
  attempt: number;
  /** When the server's link was made that it came with. */
  issued: number;
}

/** A poll: what it was answered, and what its agent has now. */
interface Poll {
  server: Server;
  link: Link;
  reply: Reply;
  document: any[] | undefined;
  /** Whether the document is what was answered, rather than what the agent kept. */
  isHandedOut: boolean;
}

/** The outcome of an action. */
interface Outcome {
  created?: Deployment;
  changed?: { deployment: Deployment } & Answered;
  /** A signal that was refused as its link was revoked. */
  refused?: SignalLink;
  revoked?: Server;
  poll?: Poll;
}

interface World {
  tenant: Tenant;
  index: LaggingIndex;
  /** How far queries are behind, one after the other. */
  lags: number[];
  servers: Server[];
  deployments: Deployment[];
  signalLinks: SignalLink[];
  /** The texts of configurations, by id. */
  configs: Map<string, string>;
  /** The bodies that went out under an ETag, and under the id of a delivery. */
  bodies: Map<string, string>;
  contents: Map<string, string>;
  step: number;
  /** Makes each value another one. */
  count: number;
  /** A trace of what happened, for people. */
  trace: string[];
}

const POLLS = ["head", "get", "getByETag", "getByTime", "headThenGet"] as const;

const KINDS = {
  ...{
    create: 2,
    inputs: 3,
    action: 1,
    config: 1,
    rerun: 1,
    progress: 2,
    fail: 2,
    cancel: 3,
    wait: 3,
    remove: 1,
    revoke: 1,
    signal: 4,
  },
  ...{ head: 1, get: 5, getByETag: 3, getByTime: 2, headThenGet: 3 },
};

const action = fc.record(
  {
    kind: fc.oneof(
      ...Object.entries(KINDS).map(([kind, weight]) => ({
        weight,
        arbitrary: fc.constant(kind as keyof typeof KINDS),
      })),
    ),
    /** Of which server, deployment or link. */
    which: fc.nat(11),
    /** Whether inputs are large, an outcome bad, a link an old one. */
    other: fc.boolean(),
  },
  { noNullPrototype: true },
);
type Action = typeof action extends fc.Arbitrary<infer One> ? One : never;

/** Often none, often little, so that much falls into the same second. */
const ms = (most: number) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat(500) },
    { weight: 3, arbitrary: fc.nat(most) },
  );

const step = fc.record(
  {
    // Some are long enough for Last-Modified to be sent.
    wait: fc.oneof({ weight: 6, arbitrary: ms(3_000) }, { weight: 1, arbitrary: fc.nat(20_000) }),
    lags: fc.array(ms(MOST_LAG), { minLength: 1, maxLength: 3 }),
    actions: fc.oneof(
      { weight: 3, arbitrary: fc.array(action, { minLength: 1, maxLength: 1 }) },
      { weight: 2, arbitrary: fc.array(action, { minLength: 2, maxLength: 3 }) },
    ),
  },
  { noNullPrototype: true },
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

const newLink = async ({ tenant }: World, server: Server): Promise<void> => {
  const issued = Date.now();
  const { json } = await tenant.call("POST", `/software_deployments/metadata/${server.name}/link`);
  server.links.push({ href: target(json.metadata_url), issued });
};

const newConfig = async (world: World): Promise<string> => {
  world.count += 1;
  const config = `config ${world.count}`;
  const { id } = await world.tenant.configure({ config, outputs: [{ name: "result" }] });
  world.configs.set(id, config);
  return id;
};

/** A project with two servers and a deployment on each. */
const newWorld = async (perEntry: boolean): Promise<World> => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  const tenant = await newTenant();
  const servers = ["s0", "s1"].map((name) => ({ name, links: [], revoked: [], kept: new Map() }));
  const keys = servers.map(({ name }) => `${tenant.project}#${name}`);
  let queries = 0;
  const next = (): number => {
    queries += 1;
    return world.lags[queries % world.lags.length] ?? 0;
  };
  const world: World = {
    ...{ tenant, servers, lags: [0], deployments: [], signalLinks: [], trace: [] },
    ...{ configs: new Map(), bodies: new Map(), contents: new Map(), step: 0, count: 0 },
    index: holdIndexBack(keys, { next, perEntry }),
  };
  for (const server of servers) await newLink(world, server);
  await take(world, {
    wait: 0,
    lags: [0],
    actions: [0, 1].map((which) => ({ kind: "create", which, other: false })),
  });
  return world;
};

const create = async (world: World, { which, other }: Action): Promise<Outcome> => {
  const { tenant, servers, deployments } = world;
  const server = servers[which % servers.length];
  const live = deployments.filter(({ fates: [fate] }) => fate);
  if (!server || live.length >= MOST_DEPLOYMENTS) return {};
  const config_id = await newConfig(world);
  const { n, input_values } = newInputs(world, other);
  const notBefore = which % 4 === 0 ? soon(which) : null;
  const not_before = notBefore && isoTimeOf(notBefore);
  const { id } = await tenant.deploy({ config_id, server_id: server.name, input_values, not_before });
  const rest = { history: [], latest: 0, handedOut: new Set<number>() };
  const name = `d${deployments.length}`;
  const created = { ...rest, name, id, server, fates: [begun(config_id, n, notBefore)] };
  deployments.push(created);
  world.trace.push(`create ${name} on ${server.name}`);
  return { created };
};

/** A time that comes in the next steps, in seconds since 1970. */
const soon = (which: number): number => Math.floor(Date.now() / 1_000) + 1 + which;

/** Inputs that no deployment has yet; large ones do not fit into an index. */
const newInputs = (world: World, large: boolean): { n: string; input_values: object } => {
  world.count += 1;
  const n = String(world.count);
  return { n, input_values: { n, ...(large && { noise: randomBytes(1_000).toString("hex") }) } };
};

/** A request for a change, and what it should mean. */
const request = async (
  world: World,
  { kind, which, other }: Action,
  { id }: Deployment,
): Promise<[change: Change, reply: Reply]> => {
  const { call } = world.tenant;
  const path = `/software_deployments/${id}`;
  const put = (body: object) => call("PUT", path, { body });
  switch (kind) {
    case "inputs": {
      const { n, input_values } = newInputs(world, other);
      return [{ kind: "update", fields: { n } }, await put({ input_values })];
    }
    case "action": {
      world.count += 1;
      const fields = { action: `action ${world.count}` };
      return [{ kind: "update", fields }, await put(fields)];
    }
    case "config": {
      const fields = { config_id: await newConfig(world) };
      return [{ kind: "update", fields }, await put(fields)];
    }
    case "progress":
      return [{ kind: "progress" }, await put({ status: "IN_PROGRESS" })];
    case "fail":
      return [{ kind: "fail" }, await put({ status: "FAILED" })];
    case "cancel":
      return [{ kind: "cancel" }, await call("POST", `${path}/cancel`)];
    case "wait": {
      const notBefore = soon(which);
      const reply = await call("PATCH", path, { body: { not_before: isoTimeOf(notBefore) } });
      return [{ kind: "wait", notBefore, isCollected: reply.text.includes("collected it") }, reply];
    }
    case "rerun":
      return [{ kind: "rerun" }, await call("POST", `${path}/rerun`)];
    default:
      return [{ kind: "remove" }, await call("DELETE", path)];
  }
};

const change = async (world: World, chosen: Action): Promise<Outcome> => {
  const live = world.deployments.filter(({ fates: [fate] }) => fate);
  const deployment = live[chosen.which % live.length];
  if (!deployment) return {};
  const [made, { status }] = await request(world, chosen, deployment);
  world.trace.push(`${chosen.kind}${chosen.other ? " (large)" : ""} ${deployment.name}: ${status}`);
  return { changed: { deployment, change: made, status } };
};

/** By one of all links that were ever handed out, or one of the last. */
const signal = async (world: World, { which, other }: Action): Promise<Outcome> => {
  const link = (other ? world.signalLinks : world.signalLinks.slice(-2)).at(
    -1 - (which % (other ? Math.max(world.signalLinks.length, 1) : 2)),
  );
  if (!link) return {};
  world.count += 1;
  const { href, deployment, delivery, attempt, issued } = link;
  const result = `result ${world.count}`;
  const isBad = which % 3 === 0;
  const body = { result, ...(isBad && { deploy_status_code: 1 }) };
  const { status } = await byLink("PUT", href, { body });
  world.trace.push(`signal ${deployment.name} delivery ${delivery} attempt ${attempt}: ${status}`);
  if (status === 401)
    return { refused: link, changed: { deployment, change: { kind: "revokedSignal" }, status } };
  const wasRevoked = deployment.server.revoked.some(
    ({ at, step: when }) => issued <= at && when < world.step,
  );
  // A deployment that is gone is 404, whatever the link.
  if (status !== 404) expect(wasRevoked, "a signal by a revoked link").toBe(false);
  const made: Change = {
    ...{ kind: "signal", delivery, attempt, result },
    status: isBad ? "FAILED" : "COMPLETE",
  };
  return { changed: { deployment, change: made, status } };
};

const revoke = async (world: World, { which }: Action): Promise<Outcome> => {
  const revoked = world.servers[which % world.servers.length];
  if (!revoked) return {};
  const path = `/software_deployments/metadata/${revoked.name}/link`;
  expect((await world.tenant.call("DELETE", path)).status).toBe(204);
  world.trace.push(`revoke ${revoked.name}`);
  return { revoked };
};

/** One poll, as its kind of agent makes it; gives what was answered last. */
const polled = async (kind: string, link: Link, kept: Kept | undefined): Promise<Reply> => {
  const get = (headers = {}) => byLink("GET", link.href, { headers });
  if (kind === "head") return byLink("HEAD", link.href);
  if (kind === "getByETag") return get(kept?.etag && { "if-none-match": kept.etag });
  if (kind === "getByTime") return get(kept?.lastModified && { "if-modified-since": kept.lastModified });
  if (kind === "get") return get();
  return collected(link, kept);
};

/** As os-collect-config does it: a GET where HEAD has no Last-Modified, or a later one than the HEAD before. */
const collected = async (link: Link, kept: Kept | undefined): Promise<Reply> => {
  const head = await byLink("HEAD", link.href);
  const lastModified = head.headers["last-modified"];
  const time = (text = ""): number => Date.parse(text);
  if (head.status !== 200 || time(lastModified) <= time(kept?.lastModified)) return head;
  const reply = await byLink("GET", link.href);
  const { "last-modified": _, ...headers } = reply.headers;
  return { ...reply, headers: { ...headers, ...(lastModified && { "last-modified": lastModified }) } };
};

const poll = async (world: World, { kind, which, other }: Action): Promise<Outcome> => {
  const server = world.servers[which % world.servers.length];
  const link = other && kind === "get" ? server?.links[0] : server?.links.at(-1);
  if (!server || !link) return {};
  const kept = server.kept.get(kind);
  const reply = await polled(kind, link, kept);
  const document = reply.json?.deployments;
  const { etag, "last-modified": lastModified } = reply.headers;
  if (document) {
    // Who has had no Last-Modified yet asks without.
    server.kept.set(kind, { document, etag, lastModified });
    // What has moved on since the index knew goes out without a tag.
    if (etag !== undefined) checkBody(world, `${link.href} ${etag}`, reply.text);
  }
  world.trace.push(`${kind} ${server.name}: ${reply.status} ${toldOf(world, document)}`);
  const has = document ?? (reply.status === 401 || kind === "head" ? undefined : kept?.document);
  return { poll: { server, link, reply, document: has, isHandedOut: document !== undefined } };
};

/** For people: the deliveries in a document. */
const toldOf = (world: World, document: any[] = []): string =>
  document
    .map(({ id }) => deliveryOf(world, id))
    .map((one) => (one ? `${one.deployment.name}.${one.delivery}` : "?"))
    .join();

/** Equal ETags mean equal bodies, by design: the ETag names all that the body is made of. */
const checkBody = ({ bodies }: World, key: string, text: string): void => {
  expect(text, "equal ETags mean equal bodies").toBe(bodies.get(key) ?? text);
  bodies.set(key, text);
};

/** Which delivery goes out under an id. */
const deliveryOf = (
  { deployments }: World,
  derived: string,
): { deployment: Deployment; delivery: number } | undefined => {
  for (const deployment of deployments) {
    // One that is just being made may be out before its answer has come.
    for (let delivery = 0; delivery <= deployment.latest + 3; delivery += 1) {
      if (uuidv5(String(delivery), deployment.id) === derived) return { deployment, delivery };
    }
  }
  return undefined;
};

const act = (world: World, chosen: Action): Promise<Outcome> => {
  if (POLLS.some((kind) => kind === chosen.kind)) return poll(world, chosen);
  const acts: Record<string, typeof create> = { create, signal, revoke };
  return (acts[chosen.kind] ?? change)(world, chosen);
};

/** Takes a step and holds what came of it against what must be. */
const take = async (world: World, { wait, lags, actions }: Step): Promise<void> => {
  vi.setSystemTime(Date.now() + wait);
  world.step += 1;
  for (const server of world.servers) {
    const last = server.links.at(-1)?.issued ?? 0;
    const isVoid = server.revoked.some(({ at }) => at >= last);
    if (isVoid && server.revoked.every(({ at }) => at < Date.now())) await newLink(world, server);
  }
  world.lags = lags;
  world.trace.push(`-- ${Date.now() - START} ms, lags ${world.lags.join()}`);
  const done = await Promise.all(once(actions).map((chosen) => act(world, chosen)));
  await world.index.look();
  for (const { revoked } of done) revoked?.revoked.push({ at: Date.now(), step: world.step });
  for (const { refused } of done) {
    const { server } = refused?.deployment ?? {};
    if (refused)
      expect(
        server?.revoked.some(({ at }) => refused.issued <= at),
        "was revoked",
      ).toBe(true);
  }
  const touched = await noteChanges(world, done);
  const polls = done.flatMap((one) => one.poll ?? []);
  for (const one of polls) checkPoll(world, one);
  const servers = new Set(polls.map(({ server }) => server));
  await checkCollected(
    world,
    world.deployments.filter((one) => touched.has(one) || servers.has(one.server)),
  );
};

/** An agent polls one time after the other. */
const once = (actions: Action[]): Action[] => {
  const key = ({ kind, which }: Action) =>
    kind.includes("By") || kind.includes("Then") ? kind + (which % 2) : "";
  return actions.filter(
    (one, at) => !key(one) || actions.findIndex((first) => key(first) === key(one)) === at,
  );
};

/**
 * No change and no result is lost: what is there afterwards is what some order of the requests leads to, in which each
 * would have been answered as it was. By design: each is one conditional write, or repeated from the start where others
 * came first; a signal counts where the table, not the index, says that its delivery and attempt are the present ones.
 */
const noteChanges = async (world: World, done: Outcome[]): Promise<Set<Deployment>> => {
  const changed = done.flatMap((one) => one.changed ?? []);
  const touched = new Set(done.flatMap((one) => [one.created ?? [], one.changed?.deployment ?? []].flat()));
  for (const deployment of touched) {
    const own = changed.filter((one) => one.deployment === deployment);
    deployment.latest += own.filter((one) => one.status === 200 && isDelivery(one.change)).length;
    const possible = deployment.fates.flatMap((fate) => outcomes(fate, own));
    const seen = await shown(world, deployment);
    const fates = possible.filter((fate) => seenOf(fate) === seenOf(seen));
    const made = own.map((one) => `${JSON.stringify(one.change)}: ${one.status}`).join("\n");
    expect(
      fates.length,
      `${deployment.name} is ${seenOf(seen)} after ${made} of ${deployment.fates.map(seenOf)}`,
    ).toBeGreaterThan(0);
    deployment.fates = [...new Map(fates.map((fate) => [JSON.stringify(fate), fate])).values()];
    deployment.history.push({ at: Date.now(), step: world.step, fates: deployment.fates });
  }
  return touched;
};

/** The fields of a deployment that callers see, as a text. */
const seenOf = (fate: Partial<State> | undefined): string => {
  if (!fate) return "gone";
  const { status, result, n, action: shownAction, config_id, notBefore } = fate;
  return JSON.stringify([status, result, n, shownAction, config_id, notBefore]);
};

const shown = async ({ tenant }: World, { id }: Deployment): Promise<Partial<State> | undefined> => {
  const { status, json } = await tenant.call("GET", `/software_deployments/${id}`);
  if (status === 404) return undefined;
  const view = json.software_deployment;
  const notBefore = view.not_before ? Date.parse(view.not_before) / 1_000 : null;
  return { ...view, notBefore, result: view.output_values?.result ?? null, n: view.input_values?.n ?? null };
};

const checkPoll = (world: World, { server, link, reply, document, isHandedOut }: Poll): void => {
  const then = Date.now() - Math.max(...world.lags);
  checkLink(world, { server, link, status: reply.status }, then);
  if (!document) return;
  const told = document.map((config) => {
    const found = deliveryOf(world, config.id);
    if (found?.deployment.server !== server) throw new Error(`${config.id} is nobody's delivery`);
    return { ...found, config };
  });
  expect(new Set(told.map(({ deployment }) => deployment)).size, "each once").toBe(told.length);
  for (const one of told) {
    checkDelivery(world, one, then);
    if (!isHandedOut) continue;
    const past = before(world, one.deployment, then);
    const since = one.deployment.history.filter((entry) => past && entry.at >= past.at);
    const isCanceled = since.every(({ fates }) =>
      fates.every((fate) => fate?.isCanceled && fate.delivery === one.delivery),
    );
    expect(past !== undefined && isCanceled, `${one.deployment.name} was canceled longer ago`).toBe(false);
    noteHandedOut(world, one);
  }
  for (const deployment of world.deployments.filter((one) => one.server === server)) {
    const own = told.find((one) => one.deployment === deployment);
    checkNotSkipped(world, { deployment, told: own }, then);
  }
};

/**
 * A revoked link is good no longer than the index lags; one that was made later is good. By design: the time of the
 * revocation stands in the server's row, which the same query finds.
 */
const checkLink = (
  world: World,
  { server, link, status }: { server: Server; link: Link; status: number },
  then: number,
): void => {
  const revoked = server.revoked.filter(({ at }) => link.issued <= at);
  if (revoked.length === 0) expect(status, "the link is good").not.toBe(401);
  if (revoked.some(({ at, step: when }) => when < world.step && at <= then))
    expect(status, "the link is revoked").toBe(401);
};

/** A delivery as it is in a document. */
interface Told {
  deployment: Deployment;
  delivery: number;
  config: any;
}

/** How a deployment was before this step, at a time. */
const before = (world: World, { history }: Deployment, then = Date.now()) =>
  history.findLast(({ at, step: when }) => when < world.step && at <= then);

/**
 * No delivery is out longer than the index lags after another one took its place, or its deployment was removed. By
 * design: a document is made of one read of the index. And an id stands for the same content at all times.
 */
const checkDelivery = (world: World, { deployment, delivery, config }: Told, then: number): void => {
  const past = before(world, deployment, then);
  if (past) {
    const [fate] = past.fates;
    expect(fate, `${deployment.name} was removed longer ago`).toBeDefined();
    expect(delivery, `${deployment.name} moved on longer ago`).toBeGreaterThanOrEqual(fate?.delivery ?? 0);
  }
  expect(delivery).toBeLessThanOrEqual(deployment.latest);
  const inputs = config.inputs.filter(({ name }: any) => !name.startsWith("deploy_signal"));
  const content = JSON.stringify({ ...config, inputs });
  expect(content, "one id, one content").toBe(world.contents.get(config.id) ?? content);
  world.contents.set(config.id, content);
};

/**
 * A delivery goes out for the first time only while it is the present one, and with the link for the present attempt,
 * however far the index lags: else the result of its only run would not count. And only while it is not given up. By
 * design: it is recorded as collected before, on condition that all of that holds.
 */
const noteHandedOut = (world: World, { deployment, delivery, config }: Told): void => {
  const link = signalLinkOf(deployment, config);
  const present = before(world, deployment);
  if (present && !deployment.handedOut.has(delivery)) {
    const what = `${deployment.name}.${delivery} goes out for the first time`;
    const [fate] = present.fates;
    expect(fate, `${what} after it was removed`).toBeDefined();
    expect(delivery, `${what} after it moved on`).toBeGreaterThanOrEqual(fate?.delivery ?? 0);
    const attempt = Math.min(...present.fates.map((one) => one?.attempt ?? 0));
    expect(link?.attempt ?? attempt, `${what} with an old link`).toBeGreaterThanOrEqual(attempt);
    // In this step it may have been put in progress again.
    const isUntouched = deployment.history.at(-1)?.step !== world.step;
    const isGivenUp = isUntouched && present.fates.every((one) => one?.status === "FAILED");
    expect(isGivenUp, `${what} after it was given up`).toBe(false);
    const isEarly = isUntouched && present.fates.every((one) => !isDue(one));
    expect(isEarly, `${what} before it is due`).toBe(false);
  }
  deployment.handedOut.add(delivery);
  if (!link) return;
  expect(link.delivery, "the link is for what it goes out with").toBe(delivery);
  if (!world.signalLinks.some(({ href }) => href === link.href)) world.signalLinks.push(link);
};

const isDue = (fate: Fate): boolean => (fate?.notBefore ?? 0) <= Math.floor(Date.now() / 1_000);

const signalLinkOf = (deployment: Deployment, config: any): SignalLink | undefined => {
  const url = inputOf(config, "deploy_signal_id");
  if (url === undefined) return undefined;
  const [signed = ""] = (new URL(url).searchParams.get("capability") ?? "").split(".");
  const { delivery, attempt, issued } = JSON.parse(Buffer.from(signed, "base64url").toString());
  return { href: target(url), deployment, delivery, attempt, issued };
};

/**
 * None is skipped: what has not changed for longer than the index lags is out, exactly as it is. By design: the index
 * has it then, and where it is not recorded as collected, the condition for that holds.
 */
const checkNotSkipped = (
  world: World,
  { deployment, told }: { deployment: Deployment; told: Told | undefined },
  then: number,
): void => {
  const { name, history } = deployment;
  const settled = before(world, deployment, then);
  if (!settled || settled !== history.at(-1)) return;
  const out = told && {
    ...{ delivery: told.delivery, n: inputOf(told.config, "n"), config: told.config.config },
    ...{
      action: inputOf(told.config, "deploy_action"),
      attempt: signalLinkOf(deployment, told.config)?.attempt,
    },
  };
  const possible = settled.fates.map(
    (fate) =>
      // What is not due, was canceled, or was given up before it was handed out is left out.
      fate &&
      isDue(fate) &&
      !fate.isCanceled &&
      (fate.status !== "FAILED" || deployment.handedOut.has(fate.delivery)) && {
        ...{ delivery: fate.delivery, n: fate.n, config: world.configs.get(fate.config_id) },
        ...{ action: fate.action ?? "", attempt: fate.status === "IN_PROGRESS" ? fate.attempt : undefined },
      },
  );
  expect(
    possible.map((one) => one || undefined),
    `${name} goes out as it is`,
  ).toContainEqual(out);
};

/**
 * What was handed out, and nothing else, is recorded as collected, each delivery once: its owner sees at once that it
 * was collected. By design: that is recorded before it goes out.
 */
const checkCollected = async ({ tenant }: World, deployments: Deployment[]): Promise<void> => {
  for (const { name, id, handedOut, fates } of deployments) {
    const [fate] = fates;
    if (!fate) continue;
    const path = `/software_deployments/${id}`;
    const { json } = await tenant.call("GET", path);
    const isCollected = json.software_deployment.collected_time !== undefined;
    expect(isCollected, `${name} says whether it was collected`).toBe(handedOut.has(fate.delivery));
    const { status_reason: reason } = json.software_deployment;
    if (reason?.startsWith("Canceled"))
      expect(reason.includes("collected it at"), `${name} says whether it may have run`).toBe(isCollected);
    const { events } = (await tenant.call("GET", `${path}/events`)).json;
    const recorded = events.filter(({ event }: any) => event === "collected");
    expect(recorded.length, `${name}: as often recorded as handed out`).toBe(handedOut.size);
  }
};

/** The last steps: when nothing has changed for as long as the index lags at most, everybody gets everything. */
const LAST: Step[] = [
  { wait: MOST_LAG, lags: [MOST_LAG], actions: [] },
  ...POLLS.map((kind) => ({
    wait: 0,
    lags: [MOST_LAG],
    actions: [0, 1].map((which) => ({ kind, which, other: false })),
  })),
];

/** How many worlds a failure is made smaller by, at most. */
const SHRINKS = 40;

/** Lives through steps in worlds that are new; once one has failed, some more, to find the fewest steps that do. */
const newLife = (perEntry: boolean): ((steps: Step[]) => Promise<void>) => {
  let left = Number.POSITIVE_INFINITY;
  return async (steps) => {
    left -= 1;
    if (left < 0) return;
    const world = await newWorld(perEntry);
    try {
      for (const one of [...steps, ...LAST]) await take(world, one);
    } catch (error) {
      left = Math.min(left, SHRINKS);
      (error as Error).message += `\n${world.trace.join("\n")}`;
      throw error;
    }
  };
};

describe("lagging index", () => {
  const both = (kind: Action["kind"]) => [0, 1].map((which) => ({ kind, which, other: false }));
  const told = ({ servers }: World) =>
    servers.map(({ kept }) => kept.get("get")?.document.length ?? 0).join();

  it("the test's index lags behind its table", async () => {
    const world = await newWorld(false);
    await take(world, { wait: 1_000, lags: [1_001], actions: both("get") });
    expect(told(world)).toBe("0,0");
    await take(world, { wait: 1, lags: [1_001], actions: both("get") });
    expect(told(world)).toBe("1,1");
  });

  it.each([MOST_LAG, ...inLongForm("two more lags of the index", [0, 1_000])])(
    "an agent that goes by Last-Modified misses no second change in a second, and no removal (index lag of %i ms)",
    async (lag) => {
      const world = await newWorld(false);
      const pollFor = async (time: number) => {
        for (const end = Date.now() + time; Date.now() < end; ) {
          const actions = [...both("headThenGet"), ...both("getByTime")];
          await take(world, { wait: isLong ? 200 : 500, lags: [lag], actions });
        }
        // Until then nothing was tried.
        for (const { kept } of world.servers) expect(kept.get("getByTime")?.lastModified).toBeDefined();
      };
      await take(world, { wait: 0, lags: [0], actions: both("create") });
      for (const wait of [100, 800]) await take(world, { wait, lags: [0], actions: both("inputs") });
      await pollFor(22_500);
      await take(world, { wait: 0, lags: [0], actions: both("remove") });
      await pollFor(22_500);
    },
  );

  it.each([
    ["all of it at a time", false],
    ["each entry by itself", true],
  ])(
    "polls with an index that lags, %s: no result is lost, nothing is skipped or late, and all is recorded",
    async (_, perEntry) => {
      const steps = fc.array(step, { maxLength: MOST_STEPS, size: "max" });
      const numRuns = Math.ceil(INTERLEAVINGS / 2 / STEPS);
      await fc.assert(fc.asyncProperty(steps, newLife(perEntry)), { ...SEED, numRuns });
    },
  );
});
