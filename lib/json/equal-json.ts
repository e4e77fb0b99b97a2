import { isContainer } from "./exact-json.ts";

/** Whether two JSON values are equal. Key order and the text of numbers do not matter: `1.0` is `1`, `1e2` is `100`. */
export function equalAsJson(left: unknown, right: unknown): boolean {
  if (isContainer(left) && isContainer(right)) return equalContainers(left, right);
  const [number, other] = [numberText(left), numberText(right)];
  if (number !== undefined && other !== undefined) return canonical(number) === canonical(other);
  return left === right;
}

function equalContainers(left: object, right: object): boolean {
  const [members, others] = [Object.entries(left), new Map(Object.entries(right))];
  return (
    Array.isArray(left) === Array.isArray(right) &&
    members.length === others.size &&
    members.every(([name, value]) => others.has(name) && equalAsJson(value, others.get(name)))
  );
}

function numberText(value: unknown): string | undefined {
  if (typeof value === "number") return JSON.stringify(value);
  return JSON.isRawJSON(value) ? value.rawJSON : undefined;
}

/** A number as sign, digits and exponent, without leading and trailing zeros: equal numbers give equal texts. */
function canonical(number: string): string {
  const [mantissa = "", exponent = "0"] = number.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = trimEnd(whole + fraction);
  const significant = digits.slice(firstNonZero(digits));
  if (significant === "") return "0";
  const power =
    BigInt(exponent) - BigInt(fraction.length) + BigInt(whole.length + fraction.length - digits.length);
  return `${number.startsWith("-") ? "-" : ""}${significant}e${power}`;
}

function trimEnd(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}

function firstNonZero(digits: string): number {
  let start = 0;
  while (digits[start] === "0") start += 1;
  return start;
}
