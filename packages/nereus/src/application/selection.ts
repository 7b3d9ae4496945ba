import type { Field, OutputOf, RelationField, Shape, Shaped } from "../model/field.ts";

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

/** Value objects are compared as a whole, or field by field; lists, maps and the like are not searched. */
type InnerTest<V> = V extends Scalar
  ? FieldTest<V>
  : V extends readonly unknown[] | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
    ? never
    : V extends Shaped<infer S>
      ? S extends Shape
        ? V | null | ShapeWhere<S> | { readonly eq?: V | null; readonly ne?: V | null; readonly in?: readonly V[] }
        : ObjectTest<V>
      : never;

/** Of `z.object`, by its fields; of a codec's rich value, as a whole. */
type ObjectTest<V> =
  | FieldTest<V>
  | { readonly [K in keyof V as V[K] extends (...input: never[]) => unknown ? never : K]?: TestOf<V[K]> };

type TestOf<V> = [V] extends [boolean | null | undefined] ? FieldTest<boolean> : InnerTest<NonNullable<V>>;

type ShapeWhere<S extends Shape> = {
  readonly [K in keyof S as S[K] extends RelationField ? never : K]?: FieldWhere<S[K]>;
};

type FieldWhere<F extends Field> = [NonNullable<OutputOf<F>>] extends [string | number | bigint | Date | boolean]
  ? FieldTest<NonNullable<OutputOf<F>>>
  : InnerTest<NonNullable<OutputOf<F>>>;

/** The shape that an aggregate, row or value object was made from. */
type ShapeOf<Row> = Row extends Shaped<infer S> ? (S extends Shape ? S : never) : never;

/**
 * Conditions on fields; all must hold. `and`, `or` and `not` combine further ones. A condition on a field that is null
 * does not hold, unless it asks for null.
 */
export type Where<Row> = ShapeWhere<ShapeOf<Row>> & {
  readonly and?: readonly Where<Row>[];
  readonly or?: readonly Where<Row>[];
  readonly not?: Where<Row>;
};

type Direction = "asc" | "desc";

type OrderOf<F extends Field> =
  NonNullable<OutputOf<F>> extends Scalar
    ? Direction
    : NonNullable<OutputOf<F>> extends Shaped<infer S>
      ? S extends Shape
        ? { readonly [K in keyof S]?: OrderOf<S[K]> }
        : Direction
      : Direction;

/** `{ balance: "desc", holder: "asc" }`: in this order; ties by identity. Null comes first ascending, last descending. */
export type OrderBy<Row> = {
  readonly [K in keyof ShapeOf<Row> as ShapeOf<Row>[K] extends RelationField ? never : K]?: OrderOf<ShapeOf<Row>[K]>;
};

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
