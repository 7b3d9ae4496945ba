import type { EntityCollectionView } from "../model/collection.ts";
import type { HasMethods } from "../model/deep-readonly.ts";
import type { OutputOf, Shape, Shaped } from "../model/field.ts";

type ShapeOf<E> = E extends Shaped<infer S> ? S : object;

/** Some fields, as plain data in their rich form or as JSON carries them. */
type SomeFields<S> = { readonly [K in keyof S]?: unknown };

type LeavableKeys<S extends Shape> = { [K in keyof S]-?: undefined extends OutputOf<S[K]> ? K : never }[keyof S];

/** The same, but all of them, except for those that may be undefined. */
type AllFields<S> = S extends Shape
  ? { readonly [K in Exclude<keyof S, LeavableKeys<S>>]: unknown } & { readonly [K in LeavableKeys<S>]?: unknown }
  : SomeFields<S>;

/** Values that are compared whole, whatever is expected of what holds them. */
type Indivisible = Date | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | ((...input: never) => unknown);

/**
 * What a value may be compared with: itself, or of plain data, entities and value objects as much as is named. Lists have as many
 * items as expected, each of which is compared in part again. Instances, maps, sets, records and `{}` are compared whole.
 */
export type InPart<V> =
  V extends EntityCollectionView<infer E>
    ? V | readonly (E | SomeFields<ShapeOf<E>>)[]
    : V extends Shaped<infer S>
      ? V | SomeFields<S>
      : V extends Indivisible
        ? V
        : V extends readonly unknown[]
          ? { readonly [I in keyof V]: InPart<V[I]> }
          : V extends object
            ? HasMethods<V> extends true
              ? V
              : SomeOf<V>
            : V;

/** What is left out is not compared; what may be undefined may be expected to be. */
type SomeOf<V> = {
  readonly [K in keyof V]?: Record<never, never> extends Pick<V, K> ? InPart<V[K]> | undefined : InPart<V[K]>;
};

/** What an answer may be compared with: itself, or entities and value objects as plain data with all of their fields. */
export type Whole<V> =
  V extends EntityCollectionView<infer E>
    ? V | readonly (E | AllFields<ShapeOf<E>>)[]
    : V extends Shaped<infer S>
      ? V | AllFields<S>
      : V extends readonly unknown[]
        ? { readonly [I in keyof V]: Whole<V[I]> }
        : V;

/** Some fields and getters of an aggregate or a row, to be compared. */
export type State<A> = {
  readonly [K in keyof A as A[K] extends (...input: never) => unknown ? never : K]?: InPart<A[K]>;
};
