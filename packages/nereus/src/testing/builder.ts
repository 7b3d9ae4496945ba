import type { Element } from "../model/element.ts";
import type { Simplify } from "../model/field.ts";

/** What a class takes, without what has a default already. */
type Rest<I, K extends PropertyKey> = Simplify<Omit<I, K> & Partial<Pick<I, K & keyof I>>>;

/** Makes instances of one class: what is not said is as in its defaults. */
export type Builder<I, D, T> = (
  ...overrides: object extends Rest<I, keyof D> ? [overrides?: Rest<I, keyof D>] : [overrides: Rest<I, keyof D>]
) => T;

/**
 * A function that makes events (or commands, entities, value objects …) of a class, so that a test says only what it is about.
 * Each call makes a new one; what neither the defaults nor the class fill in has to be given.
 *
 * @example
 * const accountOpened = builder(AccountOpened, { holder: "Ada", opening: 0 });
 * accountOpened({ accountId: "1" });
 * accountOpened({ accountId: "2", holder: "Grace" });
 */
export function builder<I extends object, T, const D extends Partial<I>>(
  of: Element & (new (input: I) => T),
  defaults: D & { readonly [K in Exclude<keyof D, keyof I>]: never },
): Builder<I, D, T> {
  return (...[overrides]) => new of({ ...defaults, ...overrides } as unknown as I); // together they are what it takes
}
