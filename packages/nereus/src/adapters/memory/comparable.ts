import type { FieldType } from "../../ports/store.ts";
import { compareText } from "../text-order.ts";
import { magnitudeOf, wholeNumberOf } from "../whole-number.ts";

/** What a stored value counts as when it is compared: null, then numbers, then texts. */
export type Comparable = null | number | bigint | string;

/**
 * A boolean counts as 0 or 1, an object or array as its JSON text; in a bigint field digits count as their number, and
 * in a text field whatever is none as its JSON text.
 */
export function comparableOf(value: unknown, type: FieldType): Comparable {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return type === "bigint" ? (wholeNumberOf(value) ?? value) : value;
  if (type === "text" || typeof value === "object") return JSON.stringify(value);
  const number = Number(value);
  return type === "bigint" ? (wholeNumberOf(number) ?? number) : number;
}

export function compareValues(a: Comparable, b: Comparable): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "string" || typeof b === "string") return typeof a === "string" ? 1 : -1;
  const [left, right] = [magnitude(a), magnitude(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function magnitude(value: number | bigint): number | bigint {
  return typeof value === "bigint" ? magnitudeOf(value) : value;
}
