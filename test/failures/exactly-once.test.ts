import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { type Child, killChild, startChild } from "../support/child.ts";
import { deploymentsOf, memberToken, minimal, newProject } from "../support/deployments.ts";
import { type Loopback, loopback } from "../support/loopback.ts";
import { storedItems } from "../support/table.ts";

/** More take longer: `KILLS=50 npx vitest …`. */
const KILLS = Number(process.env.KILLS ?? 10);
const CREATES = 1_000;
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

afterEach(() => killChild(child));

describe.runIf(hasTransactions)("service killed during a create of many", () => {
  it(`${KILLS} kills leave no part of a batch, and a repeat makes all of it once`, async () => {
    const project = newProject();
    const token = await memberToken(project);
    const cut: number[] = [];
    child = await startChild();
    for (let i = 0; i < KILLS; i += 1) {
      const action = `batch-${i}`;
      const body = Array.from({ length: BATCH }, (_, at) => minimal({ action, server_id: `s-${at}` }));
      const sent = { token, body, key: action };
      await post(child.url, project, { ...sent, body: minimal({ action: "warm" }), key: `warm-${i}` });
      const answer = post(child.url, project, sent).then(
        ({ status }) => status,
        () => undefined,
      );
      await sleep(Math.random() * 60);
      await killChild(child);
      const counts = await rowsByAction(project);
      expect([undefined, BATCH]).toContain(counts[action]);
      if ((await answer) === 200) expect(counts[action]).toBe(BATCH);
      else cut.push(counts[action] ?? 0);
      child = await startChild();
      const repeated = await post(child.url, project, sent);
      expect(repeated.status).toBe(200);
      expect((await rowsByAction(project))[action]).toBe(BATCH);
    }
    await killChild(child);
    // Some kills must have come in the middle, or nothing was tried.
    expect(cut.length).toBeGreaterThan(0);
  }, 300_000);
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
  }, 120_000);
});
