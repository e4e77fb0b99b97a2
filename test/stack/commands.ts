import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const README = readFileSync(new URL("../../infra/README.md", import.meta.url), "utf8");

/** A command: up to a comment or the end of its line, which a backslash or an open quote puts off. */
const COMMAND = /^\$ ((?:'[^']*'|\\\n|(?! +# )[^'\n])*)/gm;

const blocks = [...README.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
  [...block.matchAll(COMMAND)].map(([, command = ""]) => command),
);

/** AWS's commands within the text. */
const inText = [...README.replaceAll(/^```.*?^```$/gms, "").matchAll(/`(aws [^`]+)`/g)];

/** The commands that stand in `infra/README.md`, without what they print and what is said of them. */
export const commands: string[] = [...new Set([...blocks, ...inText.map(([, command = ""]) => command)])];

/** The commands that were run so far. */
export const ran = new Set<string>();

/**
 * Runs the one command of `infra/README.md` that is so, or begins so, in a shell.
 * @param replacements for its placeholders, in their order: each takes the place of the first one
 * @returns what it printed
 * @throws Error where no command begins so, or several do, or it fails
 */
export const documented = async (
  start: string,
  {
    replacements = [],
    ...options
  }: { env: Record<string, string>; cwd: string; replacements?: Replacement[] },
): Promise<string> => {
  const exact = commands.filter((one) => one === start);
  const [command, ...others] = exact.length > 0 ? exact : commands.filter((one) => one.startsWith(start));
  if (!command || others.length > 0)
    throw new Error(`infra/README.md has ${command ? "several commands" : "no command"}: ${start}`);
  ran.add(command);
  const text = replacements.reduce((before, [placeholder, value]) => {
    if (!before.includes(placeholder)) throw new Error(`no ${placeholder} in: ${command}`);
    return before.replace(placeholder, () => value);
  }, command);
  const { stdout, stderr } = await promisify(execFile)("sh", ["-e", "-c", text], {
    ...options,
    maxBuffer: 64 * 1_024 * 1_024,
  });
  return stdout + stderr;
};

export type Replacement = [placeholder: string, value: string];
