import type { z } from "zod";
import type { OutputOf, RelationField, Shape, Shaped, Simplify } from "./field.ts";

type Plain = string | number | boolean | null | undefined;

/** A value in the form that JSON carries: dates and bigints as text; sets and maps as lists; a value object as its fields. */
export type JsonOf<V> = [V] extends [Plain]
  ? V
  : V extends Plain
    ? V
    : V extends Date | bigint
      ? string
      : V extends Shaped<infer S extends Shape>
        ? WireOf<S>
        : V extends ReadonlyMap<infer K, infer I>
          ? readonly (readonly [JsonOf<K>, JsonOf<I>])[]
          : V extends ReadonlySet<infer I>
            ? readonly JsonOf<I>[]
            : V extends readonly unknown[]
              ? { readonly [K in keyof V]: JsonOf<V[K]> }
              : V extends object
                ? { readonly [K in keyof V]: JsonOf<V[K]> }
                : unknown;

type Definition<F> = F extends { readonly _zod: { readonly def: infer D } } ? D : undefined;
type Wrapper = "default" | "prefault" | "nonoptional" | "catch" | "readonly";

/** The stored form of a field: a codec's is its wire side, wherever it stands; entities are a list of their fields. */
type WireOfField<F> =
  F extends RelationField<unknown, unknown, infer V>
    ? V extends Iterable<infer E>
      ? readonly JsonOf<E>[]
      : JsonOf<V>
    : F extends z.core.$ZodCodec
      ? JsonOf<z.core.input<F>>
      : Definition<F> extends { readonly type: infer T; readonly innerType: infer I }
        ? T extends Wrapper
          ? WireOfField<I>
          : T extends "optional"
            ? WireOfField<I> | undefined
            : WireOfField<I> | null
        : Definition<F> extends { readonly type: "array"; readonly element: infer I }
          ? readonly WireOfField<I>[]
          : Definition<F> extends { readonly type: "record"; readonly valueType: infer I }
            ? Readonly<Record<string, WireOfField<I>>>
            : Definition<F> extends { readonly type: "object"; readonly shape: infer S extends Shape }
              ? WireOf<S>
              : JsonOf<OutputOf<F>>;

type OptionalKeys<S extends Shape> = { [K in keyof S]-?: undefined extends WireOfField<S[K]> ? K : never }[keyof S];

/** The stored form of a shape: what `toJSON` returns and `fromJSON` takes. */
export type WireOf<S extends Shape> = Simplify<
  { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: WireOfField<S[K]> } & {
    readonly [K in OptionalKeys<S>]?: WireOfField<S[K]>;
  }
>;
