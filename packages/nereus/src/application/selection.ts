import type { OutputOf, RelationField, Shape, Shaped } from "../model/field.ts";

type Scalar = string | number | bigint | boolean | Date;

/** What a field may be compared with. A bare value, or null, means equality. */
export type FieldTest<V> =
  | V
  | null
  | {
      readonly eq?: V | null;
      readonly ne?: V | null;
      readonly lt?: V;
      readonly lte?: V;
      readonly gt?: V;
      readonly gte?: V;
      readonly in?: readonly V[];
      /** For text: a case-sensitive part of it. */
      readonly contains?: V extends string ? string : never;
    };

/** The schema under optional, nullable, default and the like. */
type Unwrapped<F> = F extends { readonly _zod: { readonly def: { readonly innerType: infer I } } } ? Unwrapped<I> : F;

type KindOf<F> = F extends { readonly _zod: { readonly def: { readonly type: infer T } } } ? T : undefined;

/** The fields of `z.object`. */
type ObjectShape<F> = F extends {
  readonly _zod: { readonly def: { readonly type: "object"; readonly shape: infer S } };
}
  ? S
  : never;

/** Lists, records, maps and the like hold any number of values, which are not searched. */
type IsList<F> = KindOf<Unwrapped<F>> extends "array" | "tuple" | "record" | "map" | "set" ? true : false;

type ValueOf<F> = NonNullable<OutputOf<F>>;

type FieldWhere<F> =
  IsList<F> extends true
    ? never
    : [ObjectShape<Unwrapped<F>>] extends [never]
      ? ValueWhere<ValueOf<F>>
      : null | Tests<ObjectShape<Unwrapped<F>>> | WholeTest<ValueOf<F>>;

/** Value objects are compared as a whole, or field by field; a codec's rich value as what it is stored as. */
type ValueWhere<V> = [V] extends [Scalar]
  ? FieldTest<V>
  : V extends Shaped<infer S>
    ? V | null | Tests<S> | WholeTest<V>
    : FieldTest<V>;

interface WholeTest<V> {
  readonly eq?: V | null;
  readonly ne?: V | null;
  readonly in?: readonly V[];
}

type Tests<S> = {
  readonly [K in keyof S as S[K] extends RelationField ? never : K]?: FieldWhere<S[K]>;
};

/** The shape that an aggregate, row or value object was made from. */
type ShapeOf<Row> = Row extends Shaped<infer S> ? (S extends Shape ? S : never) : never;

/**
 * Conditions on fields; all must hold. `and`, `or` and `not` combine further ones. Of a field that is null, only `eq: null` and
 * `ne` of a value hold. A codec's value is compared by its stored form: one that is stored as text goes by the order of texts.
 */
export type Where<Row> = Tests<ShapeOf<Row>> & {
  readonly and?: readonly Where<Row>[];
  readonly or?: readonly Where<Row>[];
  readonly not?: Where<Row>;
};

type Direction = "asc" | "desc";

type OrderOf<F> =
  IsList<F> extends true
    ? never
    : [ObjectShape<Unwrapped<F>>] extends [never]
      ? ValueOrder<ValueOf<F>>
      : Orders<ObjectShape<Unwrapped<F>>>;

type ValueOrder<V> = [V] extends [Scalar] ? Direction : V extends Shaped<infer S> ? Orders<S> : Direction;

type Orders<S> = {
  readonly [K in keyof S as S[K] extends RelationField ? never : K]?: OrderOf<S[K]>;
};

/** `{ balance: "desc", holder: "asc" }`: in this order; ties by identity. Null comes first ascending, last descending. */
export type OrderBy<Row> = Orders<ShapeOf<Row>>;

/** Which rows, in which order. Without `limit`: all of them. */
export interface Selection<Row> {
  readonly where?: Where<Row>;
  readonly orderBy?: OrderBy<Row>;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

/** Which rows, in which order, from where on. */
export interface PageSelection<Row> {
  readonly where?: Where<Row>;
  readonly orderBy?: OrderBy<Row>;
  /** The most that one page may hold. */
  readonly limit: number;
  /** The `next` of the page before, with the same `where` and `orderBy`; absent for the first page. */
  readonly after?: string | undefined;
}

/** Some of what matches, and where to go on. */
export interface Page<Row> {
  readonly items: Row[];
  /** Give it as `after` for the next page; undefined after the last one. */
  readonly next: string | undefined;
}
