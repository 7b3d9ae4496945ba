/** Values that nobody can change in place, and dates, whose writing methods fail. */
type Indivisible =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | Date
  | ((...input: never) => unknown);

/** Whether it is an instance of a class of somebody's: mapped, it would lose its private parts, and fit nowhere. */
export type HasMethods<V> = true extends {
  [K in keyof V]-?: V[K] extends (...input: never) => unknown ? true : never;
}[keyof V]
  ? true
  : false;

/** A value that may not be changed, all the way down through lists, objects, maps and sets. Instances of classes stay as they are. */
export type DeepReadonly<V> = unknown extends V ? V : ReadonlyPart<V>;

type ReadonlyPart<V> = V extends Indivisible
  ? V
  : V extends readonly unknown[]
    ? { readonly [K in keyof V]: DeepReadonly<V[K]> }
    : V extends ReadonlyMap<infer K, infer I>
      ? ReadonlyMap<K, DeepReadonly<I>>
      : V extends ReadonlySet<infer I>
        ? ReadonlySet<DeepReadonly<I>>
        : HasMethods<V> extends true
          ? V
          : { [K in keyof V]: V[K] } extends V // not of a class with private parts
            ? { readonly [K in keyof V]: DeepReadonly<V[K]> }
            : V;

/** An entity that may not be changed, with its methods. */
export type EntityView<E> = { readonly [K in keyof E]: DeepReadonly<E[K]> };
