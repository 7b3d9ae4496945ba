import { definition, type Element } from "./element.ts";
import { NereusError, ValidationError } from "./errors.ts";
import type { Fields, Input, Shape, Simplify } from "./field.ts";
import { frozenCopy } from "./freeze.ts";
import { checkInvariants, type Invariant } from "./invariant.ts";
import type { Named } from "./message.ts";
import { CompiledShape } from "./shape.ts";
import type { StandardSchema } from "./standard-schema.ts";
import type { Values } from "./values.ts";
import { type WireCodec, wireOfClass } from "./wire.ts";

/** What every value object has besides its fields. */
export interface ValueObjectInstance<I> {
  /** Whether both have the same class and the same values, all the way down. */
  equals(other: unknown): boolean;
  /** A new value object with some fields changed and everything checked again. */
  with(changes: Partial<I>): this;
}

/** The definition behind a value object's class. */
export interface ValueObjectDefinition {
  readonly kind: "valueObject";
  readonly name: string;
  readonly shape: CompiledShape;
  readonly invariants: Invariant[];
}

/** The class that `ValueObject` returns, to extend. */
export interface ValueObjectClass<N extends string, S extends Shape> extends Element<"valueObject">, StandardSchema {
  readonly [wireOfClass]: WireCodec;
  new (input: Input<S>): Simplify<Readonly<Fields<S>>> & ValueObjectInstance<Input<S>> & Named<N>;
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
export function ValueObject<const N extends string, S extends Shape>(name: N, shape: S): ValueObjectClass<N, S> {
  const compiled = new CompiledShape(name, shape, { reserved: ["equals", "with", "toJSON"] });
  const own: ValueObjectDefinition = { kind: "valueObject", name, shape: compiled, invariants: [] };
  const base = class extends Value {
    static readonly [definition]: ValueObjectDefinition = own;
    constructor(input: unknown, stored?: typeof trusted) {
      super();
      fill(
        this,
        own,
        stored === trusted ? (input as Values) : compiled.parse(compiled.select(input)),
        stored !== trusted,
      );
    }
  };
  return base as unknown as ValueObjectClass<N, S>; // fields are known at run time only
}

const trusted: unique symbol = Symbol("trusted");

function fill(value: object, own: ValueObjectDefinition, values: Values, check: boolean): void {
  const target = value as Values;
  for (const { name } of own.shape.fields) target[name] = values[name];
  for (const { name } of own.shape.deep) target[name] = frozenCopy(values[name]);
  if (check) checkInvariants(own.name, own.invariants, value);
  Object.freeze(value);
}

type ValueConstructor = typeof Value & { readonly [definition]: ValueObjectDefinition } & (new (
    input: unknown,
    stored?: typeof trusted,
  ) => Value);

class Value {
  static invariant(code: string, message: string, holds: Invariant["holds"]): unknown {
    (this as unknown as ValueConstructor)[definition].invariants.push({ code, message, holds });
    return this;
  }

  static get [wireOfClass](): WireCodec {
    const own = this as unknown as ValueConstructor;
    return {
      encode: (value) => (value === null || value === undefined ? value : (value as Value).toJSON()),
      decode: (wire) =>
        wire === null || wire === undefined ? wire : new own(own[definition].shape.decode(wire as Values), trusted),
    };
  }

  /** Makes the class a field: an instance is taken as it is, anything else is constructed. */
  static get "~standard"(): StandardSchema["~standard"] {
    const own = this as unknown as ValueConstructor;
    return { version: 1, vendor: "nereus", validate: (value) => validate(own, value) };
  }

  equals(other: unknown): boolean {
    if (typeof other !== "object" || other === null || other.constructor !== this.constructor) return false;
    return JSON.stringify(this) === JSON.stringify(other);
  }

  with(changes: object): this {
    const own = this.constructor as ValueConstructor;
    return new own({ ...this, ...changes }) as this;
  }

  toJSON(): Values {
    return (this.constructor as ValueConstructor)[definition].shape.encode({ ...(this as object) });
  }
}

function validate(own: ValueConstructor, value: unknown): ReturnType<StandardSchema["~standard"]["validate"]> {
  if (value instanceof own) return { value };
  if (typeof value !== "object" || value === null) return { issues: [{ message: `expected ${own[definition].name}` }] };
  try {
    return { value: new own(value) };
  } catch (error) {
    if (error instanceof ValidationError) return { issues: error.issues };
    if (error instanceof NereusError) return { issues: [{ message: error.message }] };
    throw error;
  }
}
