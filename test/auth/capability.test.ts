import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { seal, unseal } from "../../lib/auth/capability.ts";

const OLD = "old-key-of-at-least-32-characters-";
const NEW = "new-key-of-at-least-32-characters-";

const capability = (seconds = 60) => ({
  allows: "collect" as const,
  project: "p",
  server: "s/1",
  issued: Date.now(),
  expires: Math.floor(Date.now() / 1_000) + seconds,
});

const refused = expect.objectContaining({ kind: "unauthorized" });

const opened = (sealed: string, allows: "collect" | "signal" = "collect"): unknown => {
  try {
    return unseal(sealed, allows);
  } catch (error) {
    return error;
  }
};

beforeEach(() => vi.stubEnv("LINK_KEYS", OLD));

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe("a capability", () => {
  it("comes back as it was sealed, always as the same text", () => {
    const given = capability();
    expect(opened(seal(given))).toEqual(given);
    expect(seal(given)).toBe(seal({ ...given }));
  });

  it("is good for what it allows alone, and until it ends", () => {
    const sealed = seal(capability());
    expect(opened(sealed, "signal")).toEqual(refused);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 59_000 });
    expect(opened(sealed)).toMatchObject({ project: "p" });
    vi.setSystemTime(Date.now() + 2_000);
    expect(opened(sealed)).toEqual(refused);
  });

  it("is refused with any character changed, added or taken away", () => {
    const sealed = seal(capability());
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
      expect(opened(changed)).toEqual(refused);
    }
    for (const other of [
      "",
      ".",
      "a",
      "a.b",
      `${sealed}A`,
      sealed.slice(0, -1),
      `${sealed}.`,
      ` ${sealed}`,
    ]) {
      expect(opened(other)).toEqual(refused);
    }
  });

  it("outlives a change of keys as long as the old one is still named", () => {
    const sealed = seal(capability());
    vi.stubEnv("LINK_KEYS", `${NEW},${OLD}`);
    expect(opened(sealed)).toMatchObject({ project: "p" });
    const later = seal(capability());
    vi.stubEnv("LINK_KEYS", NEW);
    expect(opened(sealed)).toEqual(refused);
    expect(opened(later)).toMatchObject({ project: "p" });
  });

  it("is not sealed with a short key", () => {
    vi.stubEnv("LINK_KEYS", "short");
    expect(() => seal(capability())).toThrow("32 characters");
  });
});
