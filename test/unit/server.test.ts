import { describe, expect, it } from "vitest";
import { ServerPath } from "../../lib/server/server.ts";

const faultsOf = (server_id: string): string[] =>
  (ServerPath.safeParse({ project_id: "p", server_id }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );

const PATH_FAULT = "server_id: no path can carry . or .., nor an id with / ? # \\ or a control character";

describe("the server in a path", () => {
  it.each([
    ...[".", "..", "/", "?", "#", "\\", "a/b", "a?", "#a", "a\\b", "../a"],
    ...["\0", "a\tb", "a\n", "\u001f", "\u007f", "\u0080", "a\u0085", "\u009f"],
  ])("no path carries %j", (id) => {
    expect(faultsOf(id)).toEqual([PATH_FAULT]);
  });

  it.each([
    ...[
      "my server",
      "ü",
      "a%b",
      "a%2Fb",
      "a:b",
      "...",
      ".a",
      "a..",
      "..a",
      " ",
      "~",
      "\u00a0",
      "😀",
      "a;b=c",
      "a+b&c",
    ],
    ...["ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5", "😀".repeat(255)],
  ])("a path carries %j", (id) => {
    expect(faultsOf(id)).toEqual([]);
  });

  it("an id has 1 to 255 characters", () => {
    expect(faultsOf("")).toEqual(["server_id: must not be empty"]);
    expect(faultsOf("a".repeat(256))).toEqual(["server_id: is longer than 255 characters"]);
  });
});
