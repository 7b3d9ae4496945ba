import type { FieldType } from "../ports/store.ts";

/** Types whose values are texts with an order of their own: by what they say, not by their characters. */
export type KeyedType = Extract<FieldType, "bigint" | "decimal" | "date">;

export function isKeyed(type: FieldType): type is KeyedType {
  return type === "bigint" || type === "decimal" || type === "date";
}

/** The most characters of digits that count as a number; longer ones count as a text. */
export const digitsLimit = 16_000;

/** Whether a text is digits: a whole number, or one with a fraction. */
export function isDigits(text: string): boolean {
  return text.length <= digitsLimit && /^-?[0-9]+(\.[0-9]+)?$/.test(text);
}

/** Whether a text is written as a type's values are. */
export function isOf(text: string, type: KeyedType): boolean {
  if (type === "date") return /^(\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text);
  return isDigits(text) && (type === "decimal" || !text.includes("."));
}

/**
 * A text that has the order of what a value of the type says, by code point: equal values have one key. Digits stand by their
 * number, then whatever else as a text; dates stand by their moment.
 *
 * @param text the value, or the JSON text of what is none
 */
export function orderKeyOf(text: string, type: KeyedType): string {
  return type === "date" ? dateKeyOf(text) : numberKeyOf(text);
}

/** What a date outside the years 0 to 9999 begins with, as JavaScript writes it. */
const farYear = /^[+-]\d{6}-/;

/** A plus sign would stand before the digits, and years before 0 have to stand the other way round. */
function dateKeyOf(text: string): string {
  if (!farYear.test(text)) return text;
  if (text.startsWith("+")) return `:${text.slice(1)}`;
  return `-${complementOf(text.slice(1, 7), "9876543210")}${text.slice(7)}`;
}

/**
 * `1` for what is below zero, `2` for the rest, `3` for what is no number; then how many digits stand before the point, and the
 * digits. Below zero all of it is turned round, with an end that stands after every digit.
 */
function numberKeyOf(text: string): string {
  if (!isDigits(text)) return `3${text}`;
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const before = whole.replace(/^0+/, "");
  const digits = before + fraction.replace(/0+$/, "");
  const size = String(before.length).padStart(5, "0") + digits;
  return text.startsWith("-") && /[1-9]/.test(digits) ? `1${complementOf(size, turned)}z` : `2${size}`;
}

/** For each digit, from 0, the letter that stands in its place below zero. */
export const turned = "jihgfedcba";

function complementOf(digits: string, complements: string): string {
  return digits.replace(/\d/g, (digit) => complements[Number(digit)] ?? "");
}
