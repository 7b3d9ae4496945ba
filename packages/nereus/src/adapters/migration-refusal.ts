import { NereusError } from "../model/errors.ts";
import type { FieldType } from "../ports/store.ts";
import type { ShapeCheck } from "./declared-shape.ts";

/** A change of shape that the stored documents do not fit. */
export interface Refusal {
  readonly collection: string;
  /** One sentence without its full stop. */
  readonly reason: string;
  /** What to run, or to change. */
  readonly fix: string;
}

/** All that one `open` was refused for. */
export function migrationRefused(store: string, introduction: string, refusals: readonly Refusal[]): NereusError {
  const collections = [...new Set(refusals.map(({ collection }) => collection))];
  const reasons = refusals.map(({ reason }) => reason).join("; ");
  return new NereusError("STORE_MIGRATION_REFUSED", `The store ${store} was not opened: ${reasons}.`, {
    element: collections.join(", "),
    fix: [introduction, ...refusals.map(({ fix }) => fix)].join("\n"),
  });
}

const nouns: Readonly<Record<FieldType, string>> = {
  text: "a text",
  integer: "an integer",
  real: "a number",
  boolean: "a boolean",
  bigint: "a whole number in a text",
  decimal: "a decimal number in a text",
  date: "a moment as toISOString writes it",
  json: "JSON",
};

/** How many documents do not fit, and why, as one sentence without its full stop. */
export function reasonOf(collection: string, check: ShapeCheck, documents: number): string {
  const count = documents === 1 ? `1 document of ${collection}` : `${documents} documents of ${collection}`;
  const have = documents === 1 ? "has" : "have";
  if (check.on === "unique")
    return `${count} share the values of ${check.fields.join(", ")}, which are to be unique now`;
  if (check.on === "required") return `${count} ${have} no ${check.field}, which is required now`;
  return `${count} ${have} something in ${check.field} that is not ${nouns[check.type]}`;
}
