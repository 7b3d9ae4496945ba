import type { z } from "zod";
import type { Element } from "./element.ts";
import { identitySchema } from "./identity.ts";
import { marked } from "./marks.ts";
import { definitionOfSchema, isZod } from "./zod-schema.ts";

const mark: unique symbol = Symbol.for("nereus.reference") as never;

declare const referenceType: unique symbol;

/** The type of `reference(…)`: a string schema that holds the identity of another aggregate. */
export type ReferenceField = z.ZodString & { readonly [referenceType]: true };

/**
 * A field that holds the identity of another aggregate. Aggregates refer to each other by identity only: load the other
 * one through its repository. Start-up refuses a reference to what is no aggregate of the domain; whether the one named is
 * stored is for a handler to check.
 *
 * @param aggregate the other aggregate's class; a function that returns it, where that comes later; or its name, where two
 * refer to each other, or one to itself: TypeScript can infer no class that its own definition leads back to
 * @example
 * class Order extends Aggregate("Order", {
 *   orderId: identifier(), customerId: reference(Customer), voucherId: reference(() => Voucher).optional(),
 *   previousId: reference("Order").optional(),
 * }) {}
 */
export function reference(aggregate: Element<"aggregate"> | (() => Element<"aggregate">) | string): ReferenceField {
  // the mark is a property of the schema object, which Zod's types do not know
  return marked(identitySchema(), { [mark]: aggregate ?? null }) as unknown as ReferenceField;
}

/** What a field refers to, null if that was not there yet; undefined for a field that is no reference. */
export function referenceOf(
  field: unknown,
): Element<"aggregate"> | (() => Element<"aggregate">) | string | null | undefined {
  if (!isZod(field)) return undefined;
  if (mark in field) return field[mark] as Element<"aggregate">;
  return referenceOf(definitionOfSchema(field).innerType);
}
