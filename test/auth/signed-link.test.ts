import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CollectLink, sign, verify } from "../../lib/auth/signed-link.ts";

const OLD = "old-key-of-at-least-32-characters-";
const NEW = "new-key-of-at-least-32-characters-";

const newLink = (seconds = 60): CollectLink => ({
  allows: "collect",
  project: "p",
  server: "s/1",
  issued: Date.now(),
  expires: Math.floor(Date.now() / 1_000) + seconds,
});

const refused = expect.objectContaining({ kind: "unauthorized" });

const verified = (signed: string, allows: "collect" | "signal" = "collect"): unknown => {
  try {
    return verify(signed, allows);
  } catch (error) {
    return error;
  }
};

beforeEach(() => vi.stubEnv("LINK_KEYS", OLD));

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe("a signed link", () => {
  it("comes back as it was signed, always as the same text", () => {
    const given = newLink();
    expect(verified(sign(given))).toEqual(given);
    expect(sign(given)).toBe(sign({ ...given }));
  });

  it("is good for what it allows alone, and until it ends", () => {
    const signed = sign(newLink());
    expect(verified(signed, "signal")).toEqual(refused);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 59_000 });
    expect(verified(signed)).toMatchObject({ project: "p" });
    vi.setSystemTime(Date.now() + 2_000);
    expect(verified(signed)).toEqual(refused);
  });

  it("is refused with any character changed, added or taken away", () => {
    const signed = sign(newLink());
    for (let at = 0; at < signed.length; at += 1) {
      const changed = `${signed.slice(0, at)}${signed[at] === "A" ? "B" : "A"}${signed.slice(at + 1)}`;
      expect(verified(changed)).toEqual(refused);
    }
    for (const other of [
      "",
      ".",
      "a",
      "a.b",
      `${signed}A`,
      signed.slice(0, -1),
      `${signed}.`,
      ` ${signed}`,
    ]) {
      expect(verified(other)).toEqual(refused);
    }
  });

  it("outlives a change of keys as long as the old one is still named", () => {
    const signed = sign(newLink());
    vi.stubEnv("LINK_KEYS", `${NEW},${OLD}`);
    expect(verified(signed)).toMatchObject({ project: "p" });
    const later = sign(newLink());
    vi.stubEnv("LINK_KEYS", NEW);
    expect(verified(signed)).toEqual(refused);
    expect(verified(later)).toMatchObject({ project: "p" });
  });

  it("is not signed with a short key", () => {
    vi.stubEnv("LINK_KEYS", "short");
    expect(() => sign(newLink())).toThrow("32 characters");
  });
});
