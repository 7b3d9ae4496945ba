import type { z } from "zod";
import type { DecimalField } from "../model/decimal.ts";
import type { OutputOf, RelationField, Shape, Shaped } from "../model/field.ts";
import type { IdentifierField } from "../model/identity.ts";

/** What a value without an order may be compared with. A bare value, or null, means equality. */
export type EqualityTest<V> = V | null | { readonly eq?: V | null; readonly ne?: V | null; readonly in?: readonly V[] };

/** What a value with an order may be compared with. */
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
    };

/** What a text may be compared with. */
export type TextTest<V> =
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
      /** A part of it. */
      readonly contains?: string;
      /** Its beginning. */
      readonly startsWith?: string;
      /** Compares `eq`, `ne`, `in`, `contains` and `startsWith` without regard to case; an order stays as it is. */
      readonly ignoreCase?: boolean;
    };

/** What a list or a set may be compared with: null, or one of its items. */
export type ListTest<V> = null | { readonly has: V } | { readonly eq?: null; readonly ne?: null };

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

/** Whether a type is just `string`, `number` or the like, told apart from a union of them. */
type ScalarOf<V> = [V] extends [string]
  ? "text"
  : [V] extends [number]
    ? "number"
    : [V] extends [boolean]
      ? "boolean"
      : [V] extends [bigint]
        ? "bigint"
        : [V] extends [Date]
          ? "date"
          : undefined;

/**
 * What a field is compared as: `text` with its parts, `value` with an order, `equal` without one. Literals, enums and unions are what
 * their values are; a schema whose kind is not known goes by its values, and the rest is found at run time.
 */
type OrderKind<F, V> =
  F extends DecimalField<infer _>
    ? "value"
    : F extends IdentifierField
      ? "text"
      : F extends z.core.$ZodCodec
        ? "equal"
        : F extends z.core.$ZodPipe<infer _, infer O>
          ? OrderKind<Unwrapped<O>, V>
          : KindOf<F> extends "custom" | "unknown" | "any" | "transform" | "intersection" | "lazy" | undefined
            ? "equal"
            : KindOf<F> extends "union"
              ? ScalarOf<V> extends "bigint" | "date" | undefined
                ? "equal"
                : ScalarKind<V>
              : ScalarKind<V>;

type ScalarKind<V> = ScalarOf<V> extends "text" ? "text" : ScalarOf<V> extends undefined ? "equal" : "value";

type ItemOf<F> = F extends { readonly _zod: { readonly def: { readonly type: "array"; readonly element: infer E } } }
  ? NonNullable<OutputOf<E>>
  : F extends { readonly _zod: { readonly def: { readonly type: "set"; readonly valueType: infer E } } }
    ? NonNullable<OutputOf<E>>
    : never;

type FieldWhere<F> =
  IsList<F> extends true
    ? ListTest<ItemOf<Unwrapped<F>>>
    : [ObjectShape<Unwrapped<F>>] extends [never]
      ? ValueWhere<Unwrapped<F>, ValueOf<F>>
      : null | Tests<ObjectShape<Unwrapped<F>>> | WholeTest<ValueOf<F>>;

/** Value objects are compared as a whole, or field by field. */
type ValueWhere<F, V> = [ShapeIn<V>] extends [never]
  ? TestOf<OrderKind<F, V>, V>
  : V | null | Tests<ShapeIn<V>> | WholeTest<V>;

/** The shape of a value object; never of any other value. */
type ShapeIn<V> = [ScalarOf<V>] extends [undefined]
  ? V extends Shaped<infer S>
    ? S extends Shape
      ? S
      : never
    : never
  : never;

type TestOf<K, V> = K extends "text" ? TextTest<V> : K extends "value" ? FieldTest<V> : EqualityTest<V>;

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
 * `ne` of a value hold. What has no order that is the same on every store (a codec of one's own, an object, `z.unknown()`, a union of
 * several kinds) is compared by `eq`, `ne` and `in` only.
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
      ? ValueOrder<Unwrapped<F>, ValueOf<F>>
      : Orders<ObjectShape<Unwrapped<F>>>;

type ValueOrder<F, V> = [ShapeIn<V>] extends [never]
  ? OrderKind<F, V> extends "equal"
    ? never
    : Direction
  : Orders<ShapeIn<V>>;

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
