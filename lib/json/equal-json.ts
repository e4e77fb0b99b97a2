import { isContainer } from "./exact-json.ts";

/** Whether two JSON values are equal: key order and the text of numbers aside (`1.0` is `1`, `1e2` is `100`). */
export function equalAsJson(one: unknown, other: unknown): boolean {
  if (isContainer(one) && isContainer(other)) return equalContainers(one, other);
  const [number, second] = [numberText(one), numberText(other)];
  if (number !== undefined && second !== undefined) return canonical(number) === canonical(second);
  return one === other;
}

function equalContainers(one: object, other: object): boolean {
  const [members, others] = [Object.entries(one), new Map(Object.entries(other))];
  return (
    Array.isArray(one) === Array.isArray(other) &&
    members.length === others.size &&
    members.every(([name, value]) => others.has(name) && equalAsJson(value, others.get(name)))
  );
}

function numberText(value: unknown): string | undefined {
  if (typeof value === "number") return JSON.stringify(value);
  return JSON.isRawJSON(value) ? value.rawJSON : undefined;
}

/** A number's sign, digits and exponent, without zeros that say nothing. */
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
