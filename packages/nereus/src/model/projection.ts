import { definition, type Element } from "./element.ts";
import type { Fields, Input, Shape, Shaped, ShapeWithout, Simplify } from "./field.ts";
import { type JsonStatics, jsonSchemaOfClass, madeFromJson, standardOf } from "./json-form.ts";
import type { Named } from "./message.ts";
import { CompiledShape } from "./shape.ts";
import type { StandardSchema } from "./standard-schema.ts";
import type { Values } from "./values.ts";

export interface ProjectionOptions<K extends string = string> {
  /** Lists of fields that queries select or order by. */
  readonly indexes?: readonly (readonly K[])[];
  /**
   * Lists of fields whose values, together, only one row (of a tenant) may have; only for projections that run inline. This is how a
   * rule over many event-sourced aggregates is held by the store: a command that breaks it fails with `UNIQUE_VIOLATED`.
   */
  readonly unique?: readonly (readonly K[])[];
}

/** The definition behind a projection's class. */
export interface ProjectionDefinition {
  readonly kind: "projection";
  readonly name: string;
  readonly shape: CompiledShape;
  readonly indexes: readonly (readonly string[])[];
  readonly unique: readonly (readonly string[])[];
  /** The names of the options that were given. */
  readonly given: readonly string[];
}

/** Any class made by `Projection`. `R` is its row, `I` what creates one. */
export interface ProjectionClass<R = unknown, I = never> extends Element<"projection"> {
  readonly [definition]: ProjectionDefinition;
  new (input: I): R;
}

/** The class that `Projection` returns, to extend. */
export interface ProjectionBase<N extends string, S extends Shape>
  extends Element<"projection">,
    JsonStatics<S, Simplify<Fields<S>> & Named<N> & Shaped<S>> {
  readonly [definition]: ProjectionDefinition;
  new (input: Input<S>): Simplify<Fields<S>> & Named<N> & Shaped<S>;
}

/**
 * A class of rows of a read model. A projector fills it from events; views and queries read it.
 *
 * @param shape a schema per field, one of them `identifier()`: the key of a row
 * @param options `indexes`: `[["holder"], ["status", "openedOn"]]`
 * @example
 * class AccountSummary extends Projection("AccountSummary",
 *   { accountId: identifier(), holder: z.string(), balance: z.number().int() }, { indexes: [["holder"]] }) {}
 */
export function Projection<const N extends string, S extends ShapeWithout<"toJSON">>(
  name: N,
  shape: S,
  options: ProjectionOptions<keyof S & string> = {},
): ProjectionBase<N, S> {
  const compiled = new CompiledShape(name, shape, { reserved: ["toJSON"] });
  const { indexes = [], unique = [] } = options;
  const given = Object.keys(options);
  const own: ProjectionDefinition = { kind: "projection", name, shape: compiled, indexes, unique, given };
  const base = class extends Row {
    static readonly [definition]: ProjectionDefinition = own;
    constructor(input: unknown, origin?: typeof stored) {
      super();
      fillRow(this, compiled, origin === stored ? (input as Values) : compiled.parse(input));
    }
  };
  return base as unknown as ProjectionBase<N, S>; // fields are known at run time only
}

const stored: unique symbol = Symbol("stored");

function fillRow(row: object, shape: CompiledShape, values: Values): void {
  const target = row as Values;
  for (const { name } of shape.fields) target[name] = values[name];
}

class Row {
  static fromJSON(json: unknown): object {
    return madeFromJson(this, json);
  }

  static toJSONSchema(): Readonly<Record<string, unknown>> {
    return jsonSchemaOfClass(this);
  }

  static get "~standard"(): StandardSchema["~standard"] {
    return standardOf(this);
  }

  toJSON(): Values {
    const { shape } = (this.constructor as unknown as ProjectionClass)[definition];
    return shape.known(shape.encode({ ...(this as object) }));
  }
}

/** A row from its stored form, without validation. */
export function restoreRow<R>(projection: ProjectionClass<R>, wire: Values): R {
  const make = projection as unknown as new (values: Values, origin: typeof stored) => R;
  return new make(projection[definition].shape.decode(wire), stored);
}

/** A row in the form that is stored; every fault of a changed row is reported. */
export function encodeRow(projection: ProjectionClass, row: object): Values {
  const { shape } = projection[definition];
  shape.checkFields(row as Values);
  return shape.encode({ ...row });
}
