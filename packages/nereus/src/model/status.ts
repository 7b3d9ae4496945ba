import { z } from "zod";
import { marked } from "./marks.ts";
import { definitionOfSchema, isZod } from "./zod-schema.ts";

/** For each state, the states that may follow it. A state with none is terminal. */
export type Transitions = Readonly<Record<string, readonly string[]>>;

const mark: unique symbol = Symbol.for("nereus.status") as never;

/**
 * A field with named states and the transitions allowed between them. A change along any other one is refused with
 * `STATUS_TRANSITION_FORBIDDEN` and rolled back. In an event-sourced aggregate that is not new, setting the state that it
 * is in already counts as a transition too (pay an order twice). Replay and construction are not checked.
 *
 * @param transitions for each state, its successors: `{ ACTIVE: ["CLOSED"], CLOSED: [] }`
 * @param initial the state of a new instance
 * @example status({ DRAFT: ["PLACED"], PLACED: ["SHIPPED", "CANCELLED"], SHIPPED: [], CANCELLED: [] }, "DRAFT")
 */
export function status<const T extends Readonly<Record<string, readonly (keyof T & string)[]>>>(
  transitions: T,
  initial: keyof T & string,
): z.ZodDefault<z.ZodEnum<{ [K in keyof T & string]: K }>> {
  const names = Object.keys(transitions ?? {}) as (keyof T & string)[];
  const schema = z.enum(names).default(initial as never);
  // the enum is built from the keys, which TypeScript sees only as an array of them
  return marked(schema, { [mark]: transitions ?? {} }) as unknown as z.ZodDefault<
    z.ZodEnum<{ [K in keyof T & string]: K }>
  >;
}

/** The transitions of a status field; undefined for any other field. */
export function statusOf(field: unknown): Transitions | undefined {
  if (!isZod(field)) return undefined;
  return mark in field ? (field[mark] as Transitions) : statusOf(definitionOfSchema(field).innerType);
}
