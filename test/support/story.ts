import { readFileSync } from "node:fs";

/** A block of README's story: commands, or what they answer. */
export interface Block {
  language: string;
  text: string;
}

/** The blocks of README's story. */
export const storyBlocks = (): Block[] => {
  const readme = readFileSync("README.md", "utf8");
  const story = /<!-- story -->(.*)<!-- end of story -->/s.exec(readme)?.[1] ?? "";
  return [...story.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
};

/** The story's commands at another address, which print a mark behind each block: its answers are told apart by it. */
export const storyScript = (url: string): string =>
  storyBlocks()
    .map(({ language, text }) => (language === "sh" ? text : "echo '---'\n"))
    .join("")
    .replaceAll("http://localhost:3000", url);

/** The answers that stand in the story, and those that `storyScript` printed, in a form that is equal where they agree. */
export const storyAnswers = (printed: string): { written: unknown[]; given: unknown[] } => ({
  written: storyBlocks()
    .filter(({ language }) => language === "json")
    .map(({ text }) => shapeOf(JSON.parse(text))),
  given: printed
    .split("---\n")
    .slice(0, -1)
    .map((text) => shapeOf(JSON.parse(text))),
});

/** A value with the names of types in place of what differs from run to run; statuses and outputs stay. */
const shapeOf = (value: unknown, name = ""): unknown => {
  if (Array.isArray(value)) return value.map((one) => shapeOf(one, name));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shapeOf(one, key)]));
  return /(^|_)(id|time|url|at)$/.test(name) ? typeof value : value;
};
