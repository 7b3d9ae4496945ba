import type { z } from "zod";
import { marked } from "./marks.ts";
import { definitionOfSchema, isZod } from "./zod-schema.ts";

const mark: unique symbol = Symbol.for("nereus.personal") as never;

/**
 * Marks a field as personal data: `domain.describe()` names it, so that it can be found and accounted for. The mark does
 * not encrypt anything: it is what encryption with a key per person will go by.
 *
 * @example class Customer extends Aggregate("Customer", { customerId: identifier(), email: personal(z.email()) }) {}
 */
export function personal<F extends z.ZodType>(schema: F): F {
  return marked(schema.clone(), { [mark]: true });
}

/** Whether a field is marked as personal data. */
export function isPersonal(field: unknown): boolean {
  return isZod(field) && (mark in field || isPersonal(definitionOfSchema(field).innerType));
}
