import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { functionHandlers } from "../../infra/serverless/route-table.ts";

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .trim()
  .split("\n");

const sources = tracked.filter((file) => /^(functions|lib|infra|test)\/.*\.ts$/.test(file));

const text = (file: string): string => readFileSync(file, "utf8");

/** The imports of a file: a path from the top for our own files, a package's name otherwise. */
const importsOf = (file: string): string[] =>
  [...text(file).matchAll(/(?:from |import |import\()"([^"]+)"/g)].map(([, name = ""]) =>
    name.startsWith(".") ? join(dirname(file), name) : name,
  );

const ownImportsOf = (file: string): string[] => importsOf(file).filter((name) => sources.includes(name));

const isIn = (folder: string) => (file: string) => file.startsWith(`${folder}/`);

/** The files that everybody may import: settings, errors, times, shapes, JSON, and the sizes of answers. */
const GROUND = ["lib", "lib/json", "lib/limits"];

/** For each folder with functions' code, the other folders that its files may import from. */
const ARROWS = new Map<string, string[]>([
  [
    "functions",
    ["lib/delivery", "lib/deployment", "lib/config", "lib/server", "lib/link", "lib/http"].concat(
      ["lib/deployment/store", "lib/config/store"],
      GROUND,
    ),
  ],
  [
    "lib/delivery",
    [
      "lib/deployment",
      "lib/deployment/store",
      "lib/config",
      "lib/config/store",
      "lib/server",
      "lib/link",
      ...GROUND,
    ],
  ],
  ["lib/deployment", ["lib/config", "lib/server", "lib/link", ...GROUND]],
  [
    "lib/deployment/store",
    ["lib/deployment", "lib/config", "lib/config/store", "lib/server", "lib/dynamodb", "lib/link", ...GROUND],
  ],
  ["lib/config", GROUND],
  ["lib/config/store", ["lib/config", "lib/dynamodb", ...GROUND]],
  ["lib/server", ["lib/dynamodb", ...GROUND]],
  ["lib/dynamodb", GROUND],
  ["lib/http", ["lib/http/clients", "lib/auth", "lib/link", ...GROUND]],
  ["lib/http/clients", ["lib/http", ...GROUND]],
  ["lib/auth", GROUND],
  ["lib/link", GROUND],
  ["lib/limits", GROUND],
  ["lib/json", GROUND],
  ["lib", GROUND],
]);

/** The folder that a file belongs to; below `functions/` there is one for each resource. */
const roomOf = (file: string): string => (isIn("functions")(file) ? "functions" : dirname(file));

/** The first circle of imports that is reached from a file, if there is one. */
const circleFrom = (file: string, path: string[], done: Set<string>): string[] | undefined => {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (done.has(file)) return undefined;
  for (const imported of ownImportsOf(file)) {
    const circle = circleFrom(imported, [...path, file], done);
    if (circle) return circle;
  }
  done.add(file);
  return undefined;
};

describe("module boundaries", () => {
  it("the top level has eight entries, besides the lock file and dotfiles", () => {
    const top = new Set(
      tracked.map((file) => file.split("/")[0] ?? "").filter((name) => !name.startsWith(".")),
    );
    const files = ["README.md", "package.json", "package-lock.json", "serverless.yml", "tsconfig.json"];
    expect([...top].sort()).toEqual([...files, "functions", "infra", "lib", "test"].sort());
  });

  it("every folder of functions/ and lib/ has import rules", () => {
    const rooms = new Set(sources.filter((file) => /^(functions|lib)\//.test(file)).map(roomOf));
    expect([...rooms].sort()).toEqual([...ARROWS.keys()].sort());
  });

  it.each([...ARROWS])("%s imports only from the folders that its rules allow", (room, mayImport) => {
    for (const file of sources.filter((one) => roomOf(one) === room)) {
      for (const imported of ownImportsOf(file)) {
        expect([room, ...mayImport], `${file} imports ${imported}`).toContain(roomOf(imported));
      }
    }
  });

  it("infra/ and the functions' code import nothing of each other, except for the API's description and the sweep", () => {
    const mayImportOf = (file: string): RegExp => {
      if (isIn("infra/openapi")(file)) return /^(infra|lib)\//;
      return file === "infra/ops/sweep-table.ts"
        ? /^(infra\/|lib\/deployment\/|lib\/settings\.ts$)/
        : /^infra\//;
    };
    for (const file of sources.filter(isIn("infra"))) {
      const mayImport = mayImportOf(file);
      for (const imported of ownImportsOf(file)) expect(imported, `imported by ${file}`).toMatch(mayImport);
    }
  });

  it("there is no import cycle", () => {
    const done = new Set<string>();
    expect(sources.map((file) => circleFrom(file, [], done)).find((circle) => circle)).toBeUndefined();
  });

  it.each([
    ["process.env", /process\.env/, /^lib\/settings\.ts$/],
    ["the AWS SDK", /"@aws-sdk\//, /^lib\/(dynamodb|link)\//],
    ["middy", /"@middy\//, /^lib\/http\//],
    [
      "the clock",
      /new Date\(\)|Date\.now\(|performance\.now\(/,
      /^(functions\/|lib\/(http|auth|link)\/|lib\/remote-value\.ts$)/,
    ],
    ["randomness", /randomUUID|Math\.random|getRandomValues|\bv7 as/, /^(functions|lib\/dynamodb)\//],
  ])("only the folders for it use %s", (_, use, rooms) => {
    const users = sources.filter((file) => /^(functions|lib)\//.test(file) && use.test(text(file)));
    expect(users.length).toBeGreaterThan(0);
    for (const file of users) expect(file).toMatch(rooms);
  });

  it("functions/ has one file for each function of serverless.yml", () => {
    const files = sources.filter(isIn("functions"));
    expect(functionHandlers.toSorted()).toEqual(
      files.map((file) => file.replace(/\.ts$/, ".handler")).toSorted(),
    );
  });

  it("there is no file or folder named utils, common, helpers or index", () => {
    expect(sources.filter((file) => /(^|\/)(utils?|common|helpers?|index)(\.ts|\/)/.test(file))).toEqual([]);
  });

  it("lib/README.md says why each dependency is there, infra/README.md what each parameter means", () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text("package.json"));
    const packages = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const parameters = Object.keys(parse(text("serverless.yml")).params.default);
    const tabled = (file: string, section: string): string[] =>
      [...(text(file).split(section)[1]?.split("\n## ")[0] ?? "").matchAll(/^\|([^|]*)\|/gm)].flatMap(
        ([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
      );
    const types = packages.filter((name) => name.startsWith("@types/"));
    const named = tabled("lib/README.md", "\n## Dependencies\n").filter(
      (name) => !["@types/*", "osls"].includes(name),
    );
    expect([...named, ...types].sort()).toEqual(packages.sort());
    // What is required, or has a default of the cloud's, is in the table too.
    expect(tabled("infra/README.md", "\n### Parameters\n")).toEqual(expect.arrayContaining(parameters));
  });

  it("the READMEs name only files that exist", () => {
    for (const readme of tracked.filter((file) => file.endsWith("README.md"))) {
      const named = text(readme).matchAll(/\b(?:functions|lib|infra|test)\/[\w./-]+\.(?:ts|yml|json|md)\b/g);
      for (const [file] of named) expect(tracked, `named in ${readme}`).toContain(file);
    }
  });
});
