import { z } from "zod";
import { define, definition, type Element, redefine } from "./element.ts";
import { type Issue, NereusError, ValidationError } from "./errors.ts";
import {
  type CompiledField,
  type Fields,
  type Input,
  type Shape,
  type Shaped,
  type ShapeWithout,
  type Simplify,
  zodIssuesOf,
} from "./field.ts";
import { frozenCopy } from "./freeze.ts";
import { checkInvariants, type Invariant } from "./invariant.ts";
import { type JsonStatics, jsonSchemaOfClass, madeFromJson, standardOf } from "./json-form.ts";
import { marked } from "./marks.ts";
import type { Named } from "./message.ts";
import { CompiledShape } from "./shape.ts";
import { fieldSchema, type StandardResult, type StandardSchema } from "./standard-schema.ts";
import type { Values } from "./values.ts";
import { comparableText, type WireCodec, wireOfClass } from "./wire.ts";
import type { WireOf } from "./wire-types.ts";

/** What every value object has besides its fields. `J`: its fields as they are stored. */
export interface ValueObjectInstance<I, J = Readonly<Record<string, unknown>>> {
  /** Whether both have the same class and the same values, all the way down. */
  equals(other: unknown): boolean;
  /** A new value object with some fields changed and everything checked again. */
  with(changes: Partial<I>): this;
  /** The fields as they are stored: a date is text, a bigint is text. What `fromJSON` takes. */
  toJSON(): J;
}

/** The definition behind a value object's class. */
export interface ValueObjectDefinition {
  readonly kind: "valueObject";
  readonly name: string;
  readonly shape: CompiledShape;
  readonly invariants: readonly Invariant[];
}

type ValueOf<N extends string, S extends Shape> = Simplify<Readonly<Fields<S>>> &
  ValueObjectInstance<Input<S>, WireOf<S>> &
  Named<N> &
  Shaped<S>;

declare const written: unique symbol;

/** What the compiler names where the class itself is given to Zod: it is a field only directly. */
export interface InsideZodWrite<Text extends string> {
  readonly [written]: Text;
}

/** The class that `ValueObject` returns, to extend. */
export interface ValueObjectClass<N extends string, S extends Shape>
  extends Element<"valueObject">,
    JsonStatics<S, ValueOf<N, S>> {
  readonly [wireOfClass]: WireCodec;
  /** Not there: it is what the compiler shows where the class stands inside of a Zod schema. */
  readonly _zod?: InsideZodWrite<`${N}.schema()`>;
  new (input: Input<S>): ValueOf<N, S>;
  /**
   * The class as a Zod schema, for optional ones, lists, records and whatever else Zod composes. It takes an instance, or
   * what the constructor takes.
   *
   * @example
   * class Cart extends Aggregate("Cart", {
   *   cartId: identifier(), total: Money, discount: Money.schema().optional(), fees: z.record(z.string(), Money.schema()),
   * }) {}
   */
  schema<T, I>(this: new (input: I) => T): z.ZodType<T, T | I>;
  /** A rule that every instance keeps: its code, the message, and the test. */
  invariant(
    code: string,
    message: string,
    holds: (value: Simplify<Readonly<Fields<S>>>) => boolean,
  ): ValueObjectClass<N, S>;
}

/**
 * A class of values without identity: frozen, equal by value, valid from construction on. Use the class itself as a
 * field of messages, entities, aggregates, projections and other value objects.
 *
 * @throws ValidationError VALIDATION_FAILED or INVARIANT_FAILED from the constructor
 * @example
 * class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().length(3) })
 *   .invariant("positive", "An amount cannot be negative", (money) => money.amount >= 0n) {}
 * class Invoice extends Aggregate("Invoice", { invoiceId: identifier(), total: Money }) {}
 */
export function ValueObject<const N extends string, S extends ShapeWithout<"equals" | "with" | "toJSON">>(
  name: N,
  shape: S,
): ValueObjectClass<N, S> {
  const compiled = new CompiledShape(name, shape, { reserved: ["equals", "with", "toJSON"] });
  const own: ValueObjectDefinition = { kind: "valueObject", name, shape: compiled, invariants: [] };
  return define(Value, own) as unknown as ValueObjectClass<N, S>; // fields are known at run time only
}

/** Says that values come from the store: nothing is checked. */
const trusted: unique symbol = Symbol("trusted");
/** Says that values are parsed already: only the rules are checked. */
const parsed: unique symbol = Symbol("parsed");
type Origin = typeof trusted | typeof parsed;

function fill(value: object, own: ValueObjectDefinition, values: Values, check: boolean): void {
  const target = value as Values;
  for (const { name } of own.shape.fields) target[name] = values[name];
  for (const { name } of own.shape.deep) target[name] = frozenCopy(values[name]);
  if (check) checkInvariants(own, own.invariants, value);
  Object.freeze(value);
}

type ValueConstructor = typeof Value & { readonly [definition]: ValueObjectDefinition } & (new (
    input: unknown,
    origin?: Origin,
  ) => Value);

class Value {
  constructor(input: unknown, origin?: Origin) {
    const own = (new.target as unknown as ValueConstructor)[definition];
    const { shape } = own;
    const values = origin === undefined ? shape.parse(shape.select(input)) : (input as Values);
    fill(this, own, values, origin !== trusted);
  }

  static invariant(code: string, message: string, holds: Invariant["holds"]): unknown {
    const own = (this as unknown as ValueConstructor)[definition];
    return redefine(this, { ...own, invariants: [...own.invariants, { code, message, holds }] });
  }

  static get [wireOfClass](): WireCodec {
    return wireOfValue(this as unknown as ValueConstructor);
  }

  static schema(): z.ZodType {
    const own = this as unknown as ValueConstructor;
    const instance = z.custom((value) => value instanceof own, `expected ${own[definition].name}`);
    const schema = z.codec(z.any(), instance, {
      decode: (input, context) => {
        const result = validate(own, input);
        if (result.issues === undefined) return result.value;
        for (const issue of zodIssuesOf(result.issues)) context.issues.push({ ...issue, input });
        return z.NEVER;
      },
      encode: (value) => value, // decode takes it as it is: the form that is stored is a matter of the field
    });
    return marked(schema, { [wireOfClass]: wireOfValue(own), [definition]: own[definition] });
  }

  static fromJSON(json: unknown): object {
    return madeFromJson(this, json);
  }

  static toJSONSchema(): Readonly<Record<string, unknown>> {
    return jsonSchemaOfClass(this);
  }

  static get "~standard"(): StandardSchema["~standard"] {
    return standardOf(this);
  }

  /** Makes the class a field: an instance is taken as it is, anything else is constructed. */
  static get [fieldSchema](): StandardSchema["~standard"] {
    const own = this as unknown as ValueConstructor;
    return { version: 1, vendor: "nereus", validate: (value) => validate(own, value) };
  }

  equals(other: unknown): boolean {
    if (typeof other !== "object" || other === null || other.constructor !== this.constructor) return false;
    const { fields } = (this.constructor as ValueConstructor)[definition].shape;
    return fields.every((field) => sameValue(field, (this as Values)[field.name], (other as Values)[field.name]));
  }

  with(changes: object): this {
    const own = this.constructor as ValueConstructor;
    return new own(
      own[definition].shape.parseChanges({ ...(this as unknown as Values) }, { ...changes }),
      parsed,
    ) as this;
  }

  toJSON(): Values {
    return (this.constructor as ValueConstructor)[definition].shape.encode({ ...(this as object) });
  }
}

function wireOfValue(own: ValueConstructor): WireCodec {
  return {
    encode: (value) => (value === null || value === undefined ? value : (value as Value).toJSON()),
    decode: (wire) =>
      wire === null || wire === undefined ? wire : new own(own[definition].shape.decode(wire as Values), trusted),
  };
}

/** Compared as they are stored, since the classes of rich values may hide what they hold. */
function sameValue({ wire }: CompiledField, one: unknown, other: unknown): boolean {
  if (one instanceof Value) return one.equals(other);
  if (!isObject(one) || !isObject(other)) return one === other;
  return comparableText(wire, one) === comparableText(wire, other);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function expected(own: ValueConstructor): Issue {
  return { path: [], code: "invalid_type", message: `expected ${own[definition].name}` };
}

function validate(own: ValueConstructor, value: unknown): StandardResult<unknown> {
  if (value instanceof own) return { value };
  if (typeof value !== "object" || value === null) return { issues: [expected(own)] };
  try {
    return { value: new own(value) };
  } catch (error) {
    if (error instanceof ValidationError) return { issues: error.issues };
    if (error instanceof NereusError) return { issues: [{ message: error.message }] };
    throw error;
  }
}
