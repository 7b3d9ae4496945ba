import type { z } from "zod";
import type { Element } from "./element.ts";
import { identitySchema } from "./identity.ts";
import { marked } from "./marks.ts";
import { definitionOfSchema, isZod } from "./wire.ts";

const mark: unique symbol = Symbol.for("nereus.reference") as never;

declare const referenceType: unique symbol;

/** The type of `reference(…)`: a string schema that holds the identity of another aggregate. */
export type ReferenceField = z.ZodString & { readonly [referenceType]: true };

/**
 * A field that holds the identity of another aggregate. Aggregates refer to each other by identity only: load the other
 * one through its repository. Start-up refuses a reference to what is no aggregate of the domain; whether the one named is
 * stored is for a handler to check.
 *
 * @param aggregate the other aggregate's class, or a function that returns it, where that comes later. Where two name each
 * other, or one itself, the function says its type, since TypeScript cannot infer it in a circle
 * @example
 * class Order extends Aggregate("Order", {
 *   orderId: identifier(), customerId: reference(Customer), voucherId: reference(() => Voucher).optional(),
 *   previousId: reference((): Element<"aggregate"> => Order).optional(),
 * }) {}
 */
export function reference(aggregate: Element<"aggregate"> | (() => Element<"aggregate">)): ReferenceField {
  // the mark is a property of the schema object, which Zod's types do not know
  return marked(identitySchema(), { [mark]: aggregate }) as unknown as ReferenceField;
}

/** What a field refers to; undefined for a field that is no reference. */
export function referenceOf(field: unknown): Element<"aggregate"> | (() => Element<"aggregate">) | undefined {
  if (!isZod(field)) return undefined;
  if (mark in field) return field[mark] as Element<"aggregate">;
  return referenceOf(definitionOfSchema(field).innerType);
}
