import type { FieldType } from "../../ports/store.ts";
import { isKeyed, orderKeyOf } from "../order-key.ts";
import { compareText } from "../text-order.ts";

/** What a stored value counts as when it is compared: null, then numbers, then texts. */
export type Comparable = null | number | string;

/**
 * A boolean counts as 0 or 1, an object or array as its JSON text; in a field of texts so does whatever is none, and what has an order
 * of its own stands by its key.
 */
export function comparableOf(value: unknown, type: FieldType): Comparable {
  if (value === null || value === undefined) return null;
  if (isKeyed(type)) return orderKeyOf(textOf(value), type);
  if (type === "text" || typeof value === "object" || typeof value === "string") return textOf(value);
  return Number(value);
}

/** A text, or the JSON text of what is none. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function compareValues(a: Comparable, b: Comparable): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "string" || typeof b === "string") return typeof a === "string" ? 1 : -1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a value counts as among texts, for whoever looks for a part of it; undefined where it counts as a number. */
export function searchableOf(value: unknown, type: FieldType): string | undefined {
  if (value === null || value === undefined) return undefined;
  const comparable = comparableOf(value, type);
  if (typeof comparable !== "string") return undefined;
  return isKeyed(type) && type !== "date" && !comparable.startsWith("3") ? undefined : textOf(value);
}
