import { isNumberText, type JsonTree, objectOf, stringIn, treeOf } from "./json-text.ts";

/** The most characters of numbers that are told apart by their doubles: of up to 15 digits, no two share one. */
const TOLD_BY_DOUBLES = 15;

/** The most characters of an exponent that a double holds exactly. */
const EXACT_EXPONENT = 15;

/** Whether two JSON texts hold equal values: key order and the text of numbers aside (`1.0` is `1`, `1e2` is `100`). */
export function areEqualTexts(one: string, other: string): boolean {
  return one === other || areEqual(treeOf(one), treeOf(other));
}

/** A text that equal JSON values have in common, and no others: names in order, numbers in one form, no escapes. */
export function canonicalText(text: string): string {
  return canonicalTree(treeOf(text));
}

function canonicalTree(tree: JsonTree): string {
  if (Array.isArray(tree)) return `[${tree.map(canonicalTree).join()}]`;
  if (tree instanceof Map) {
    const names = [...tree.keys()].sort();
    return objectOf(names.map((name) => [name, canonicalTree(tree.get(name) ?? "null")]));
  }
  if (isNumberText(tree)) return canonical(tree);
  const string = stringIn(tree);
  return string === undefined ? tree : JSON.stringify(string);
}

function areEqual(one: JsonTree, other: JsonTree | undefined): boolean {
  if (typeof one === "string") return typeof other === "string" && areEqualScalars(one, other);
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false;
    return one.every((element, at) => areEqual(element, other[at]));
  }
  if (!(other instanceof Map) || one.size !== other.size) return false;
  for (const [name, member] of one) if (!areEqual(member, other.get(name))) return false;
  return true;
}

function areEqualScalars(one: string, other: string): boolean {
  if (one === other) return true;
  if (isNumberText(one) && isNumberText(other)) return areEqualNumbers(one, other);
  const string = stringIn(one);
  return string !== undefined && string === stringIn(other);
}

function areEqualNumbers(one: string, other: string): boolean {
  if (Number(one) !== Number(other)) return false;
  const isShort = (number: string): boolean => number.length <= TOLD_BY_DOUBLES && !/e/i.test(number);
  return (isShort(one) && isShort(other)) || canonical(one) === canonical(other);
}

/** A number as sign, digits and exponent, without leading and trailing zeros: equal numbers give equal texts. */
function canonical(number: string): string {
  const [mantissa = "", exponent = "0"] = number.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = trimEnd(whole + fraction);
  const significant = digits.slice(firstNonZero(digits));
  if (significant === "") return "0";
  const shift = whole.length - digits.length;
  const power =
    exponent.length <= EXACT_EXPONENT ? Number(exponent) + shift : BigInt(exponent) + BigInt(shift);
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
