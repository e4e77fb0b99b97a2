import { type Container, type Surroundings, startContainer } from "./container.ts";
import type { StackFunction } from "./stack.ts";

/** A function as Lambda runs it: in as many containers as it has events at a time. */
export interface RunningFunction {
  name: string;
  /** The number of events that it was given, and of containers that it has taken. */
  events: number;
  containers: number;
  /** The errors that its callers were told, with their number: starts that failed, time that ran out. */
  failures: Map<string, number>;
  /** Starts a container for its first event. */
  warm: () => Promise<void>;
  /** @returns the function's answer to an event @throws Error where it has none, in Lambda's words */
  invoke: (event: unknown) => Promise<unknown>;
  stop: () => void;
}

/** The containers that a function may have; an event more waits. */
const MAX_CONTAINERS = 8;

/** A function that has no container yet. */
export const runFunction = (one: StackFunction, surroundings: Surroundings): RunningFunction => {
  const all = new Set<Container>();
  const free: Container[] = [];
  const waiting: PromiseWithResolvers<Container>[] = [];
  let starting = 0;

  const start = async (): Promise<Container> => {
    starting += 1;
    running.containers += 1;
    const container = await startContainer(one, surroundings).finally(() => {
      starting -= 1;
    });
    all.add(container);
    return container;
  };
  const take = async (): Promise<Container> => {
    const container = free.pop();
    if (container) return container;
    if (all.size + starting < MAX_CONTAINERS) return start();
    const waiter = Promise.withResolvers<Container>();
    waiting.push(waiter);
    return waiter.promise;
  };
  const give = (container: Container): void => {
    const waiter = waiting.shift();
    if (waiter) waiter.resolve(container);
    else free.push(container);
  };
  const forget = (container: Container): void => {
    all.delete(container);
    const waiter = waiting.shift();
    if (waiter) take().then(waiter.resolve, waiter.reject);
  };
  const noted = (error: Error): never => {
    running.failures.set(error.message, (running.failures.get(error.message) ?? 0) + 1);
    throw error;
  };
  const answerOf = async (event: unknown): Promise<unknown> => {
    const container = await take();
    return container.invoke(event).finally(() => {
      void container.ready().then(
        () => give(container),
        () => forget(container),
      );
    });
  };

  const running: RunningFunction = {
    name: one.name,
    events: 0,
    containers: 0,
    failures: new Map(),
    warm: () => start().then(give).catch(noted),
    invoke: (event) => {
      running.events += 1;
      return answerOf(event).catch(noted);
    },
    stop: () => {
      for (const container of all) container.stop();
    },
  };
  return running;
};
