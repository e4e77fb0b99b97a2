import { request as httpRequest } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { eventually } from "../../infra/local/service.ts";
import { type Child, killChild, startChild } from "../support/child.ts";
import { deploymentsOf, memberToken, minimal, newProject } from "../support/deployments.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { amount } from "../support/long.ts";
import { type Loopback, loopback } from "../support/loopback.ts";
import { storedItems } from "../support/table.ts";

/** More take longer: `KILLS=50 npm run vitest -- …`. */
const KILLS = amount("KILLS", 3, 12);
const CREATES = amount("CREATES", 100, 1_000);
const BATCH = 100;

const hasTransactions = inject("engine") !== "dynalite";

const post = (
  url: string,
  project: string,
  { token, body, key }: { token: string; body: unknown; key: string },
): Promise<Response> =>
  fetch(`${url}${deploymentsOf(project)}`, {
    method: "POST",
    headers: { "x-auth-token": token, "idempotency-key": key },
    body: JSON.stringify(body),
  });

/** The deployments in the table, by their action. */
const rowsByAction = async (project: string): Promise<Record<string, number>> => {
  const rows = (await storedItems(project)).filter(({ serverKey }) => serverKey !== undefined);
  const groups = Object.entries(Object.groupBy(rows, ({ action }) => action as string));
  return Object.fromEntries(groups.map(([action, group]) => [action, group?.length ?? 0]));
};

let child: Child;

/** At which of its calls the service is killed (read the key, write the key, write the rows), and whether that lands. */
const POINTS: [call: number, lands: boolean][] = [
  [3, true],
  [3, false],
  [2, true],
  [2, false],
  [1, true],
  [1, false],
];

/** Kills the service at a call that is to come. @returns what waits until it has, and until the call has landed */
const killAt = (proxy: FaultProxy, [call, lands]: (typeof POINTS)[number]): (() => Promise<void>) => {
  proxy.calls.length = 0;
  let count = 0;
  proxy.decide = async () => {
    count += 1;
    if (count !== call) return "pass";
    await killChild(child);
    return lands ? "cut-after" : "cut-before";
  };
  const isOver = () => {
    const { landedAt } = proxy.calls[call - 1] ?? {};
    return count >= call && (!lands || landedAt !== undefined) ? true : undefined;
  };
  return async () => {
    await eventually("the service is killed", isOver);
    await killChild(child);
    proxy.decide = () => "pass";
  };
};

afterEach(() => killChild(child));

describe.runIf(hasTransactions)("service killed during a create of many", () => {
  it(`${KILLS} kills leave no part of a batch, and a repeat makes all of it once`, async () => {
    const project = newProject();
    const token = await memberToken(project);
    const proxy = await startFaultProxy(inject("dynamodb"));
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url);
    const cut: number[] = [];
    child = await startChild();
    for (let i = 0; i < KILLS; i += 1) {
      const action = `batch-${i}`;
      const body = Array.from({ length: BATCH }, (_, at) => minimal({ action, server_id: `s-${at}` }));
      const sent = { token, body, key: action };
      const killed = killAt(proxy, POINTS[i % POINTS.length] ?? [1, true]);
      const answer = post(child.url, project, sent).then(
        ({ status }) => status,
        () => undefined,
      );
      await killed();
      const counts = await rowsByAction(project);
      expect([undefined, BATCH]).toContain(counts[action]);
      if ((await answer) === undefined) cut.push(counts[action] ?? 0);
      child = await startChild();
      const repeated = await post(child.url, project, sent);
      expect(repeated.status).toBe(200);
      expect((await rowsByAction(project))[action]).toBe(BATCH);
    }
    await killChild(child);
    await proxy.close();
    vi.unstubAllEnvs();
    // Each kill must have come in the middle, or nothing was tried.
    expect(cut).toHaveLength(KILLS);
  });
});

describe("client that loses answers", () => {
  let proxy: Loopback;

  beforeAll(async () => {
    child = await startChild();
    let count = 0;
    proxy = await loopback((request, response) => {
      const onward = httpRequest(
        `${child.url}${request.url}`,
        { method: request.method, headers: request.headers },
        (answer) => {
          count += 1;
          if (count % 2 === 0) return void request.socket.destroy();
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(onward);
    });
  });

  afterAll(() => proxy.close());

  it(`a client that loses every second answer and repeats under its key has ${CREATES} deployments after ${CREATES} creates`, async () => {
    const project = newProject();
    const token = await memberToken(project);
    const ids = new Set<string>();
    let lost = 0;
    const create = async (i: number): Promise<void> => {
      for (;;) {
        const sent = { token, body: minimal({ action: `${i}` }), key: `create-${i}` };
        const reply = await post(proxy.url, project, sent).catch(() => undefined);
        if (reply?.status === 200) return void ids.add(((await reply.json()) as any).software_deployment.id);
        expect(reply).toBeUndefined();
        lost += 1;
      }
    };
    for (let at = 0; at < CREATES; at += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => create(at + i)));
    }
    const counts = await rowsByAction(project);
    expect([ids.size, Object.keys(counts).length]).toEqual([CREATES, CREATES]);
    expect(new Set(Object.values(counts))).toEqual(new Set([1]));
    expect(lost).toBeGreaterThan(CREATES / 2);
  });
});
