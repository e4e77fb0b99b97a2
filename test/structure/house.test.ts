import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .trim()
  .split("\n");

const sources = tracked.filter((file) => /^(functions|lib|infra|test)\/.*\.ts$/.test(file));

const text = (file: string): string => readFileSync(file, "utf8");

/** What a file imports: a path from the top for our own files, a package's name otherwise. */
const importsOf = (file: string): string[] =>
  [...text(file).matchAll(/(?:from|import) "([^"]+)"/g)].map(([, name = ""]) =>
    name.startsWith(".") ? join(dirname(file), name) : name,
  );

const inRoom = (room: RegExp): string[] => sources.filter((file) => room.test(file));

const RESOURCE =
  "software-deployment|software-deployment-request|software-deployment-creation|software-config|software-config-io|server-metadata|server-state|deployment-run|deployment-event|signal";
const STORAGE = "dynamodb|dynamodb-client|sha256|stored-json|[\\w-]+-(?:table|item|lists|change)";

/** The files of `lib/` by name, and whole rooms of it. */
const lib = (...names: string[]): RegExp => new RegExp(`^lib/(?:(?:${names.join("|")})\\.ts$|wire/)`);

/** Which of our own files a room may import. */
const ARROWS: [room: RegExp, mayImport: RegExp][] = [
  [
    /^functions\//,
    lib(
      RESOURCE,
      "[\\w-]+-(?:table|lists|change)",
      "config",
      "http/(?:endpoint|authorize|authorize-link|event|fallback|links|agent-links|reply)",
    ),
  ],
  [lib(RESOURCE), lib(RESOURCE, "stored-json", "errors")],
  [new RegExp(`^lib/(${STORAGE})\\.ts$`), lib(RESOURCE, STORAGE, "config", "errors")],
  [/^lib\/http\//, lib("http/[\\w-]+", "auth/(?:authenticate|capability|identity)", "config", "errors")],
  [/^lib\/auth\//, lib("auth/[\\w-]+", "config", "errors")],
  [/^lib\/wire\//, lib("errors")],
  [/^lib\/(errors|config)\.ts$/, /^$/],
  [/^infra\//, /^infra\//],
];

describe("the house", () => {
  it("has the eight names at its top, beside the lock file and dotfiles", () => {
    const top = new Set(
      tracked.map((file) => file.split("/")[0] ?? "").filter((name) => !name.startsWith(".")),
    );
    expect([...top].sort()).toEqual(
      [
        "README.md",
        "functions",
        "infra",
        "lib",
        "package-lock.json",
        "package.json",
        "serverless.yml",
        "test",
        "tsconfig.json",
      ].sort(),
    );
  });

  it.each(ARROWS)("arrows point one way: %s", (room, mayImport) => {
    expect(inRoom(room).length).toBeGreaterThan(0);
    for (const file of inRoom(room)) {
      for (const imported of importsOf(file).filter((name) => /^(functions|lib|infra|test)\//.test(name))) {
        expect(imported, `imported by ${file}`).toMatch(mayImport);
      }
    }
  });

  it.each([
    ["process.env", /process\.env/, /^lib\/config\.ts$/],
    ["the AWS SDK", /"@aws-sdk\//, /^lib\/(dynamodb|dynamodb-client)\.ts$/],
    ["middy", /"@middy\//, /^lib\/http\//],
    ["the clock", /new Date\(\)|Date\.now\(|performance\.now\(/, /^(functions|lib\/http|lib\/auth)\//],
    ["randomness", /randomUUID|Math\.random|getRandomValues|\bv7 as/, /^functions\//],
  ])("%s is used in its rooms only", (_, use, rooms) => {
    const users = inRoom(/^(functions|lib)\//).filter((file) => use.test(text(file)));
    expect(users.length).toBeGreaterThan(0);
    for (const file of users) expect(file).toMatch(rooms);
  });

  it("has no file of more than 200 lines outside the tests", () => {
    const long = inRoom(/^(functions|lib|infra)\//).filter((file) => text(file).split("\n").length > 201);
    expect(long).toEqual([]);
  });

  it("has no room for what belongs nowhere", () => {
    expect(sources.filter((file) => /(^|\/)(utils?|common|helpers?|index)(\.ts|\/)/.test(file))).toEqual([]);
  });

  it("says in its README why it has each dependency, and what each parameter of a stage means", () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text("package.json"));
    const packages = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const parameters = Object.keys(parse(text("serverless.yml")).params.default);
    const readme = text("README.md");
    const tabled = (section: string): string[] =>
      [...(readme.split(section)[1]?.split("\n## ")[0] ?? "").matchAll(/^\|([^|]*)\|/gm)].flatMap(
        ([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
      );
    const types = packages.filter((name) => name.startsWith("@types/"));
    const named = tabled("\n## Dependencies\n").filter((name) => !["@types/*", "osls"].includes(name));
    expect([...named, ...types].sort()).toEqual(packages.sort());
    // What is required, or has a default of the cloud's, is in the table too.
    expect(tabled("\n### Configuration\n")).toEqual(expect.arrayContaining(parameters));
  });

  it("names in its README only files that are there", () => {
    const named = [
      ...text("README.md").matchAll(/\b(?:functions|lib|infra|test)\/[\w./-]+\.(?:ts|yml|json|md)\b/g),
    ];
    for (const [file] of named) expect(tracked).toContain(file);
  });
});
