import { z } from "zod";
import { decimalOf } from "./decimal.ts";
import { definitionOf } from "./element.ts";
import type { CompiledField } from "./field.ts";
import type { CompiledShape } from "./shape.ts";
import { wireOf } from "./wire.ts";
import { definitionOfSchema, isCodec, isZod, type SchemaDefinition, takesRich } from "./zod-schema.ts";

/** A scalar of JSON. */
export type Scalar = string | number | boolean | null;

/**
 * What a value looks like where it is stored: a JSON Schema of few words, each always written in the same way, so that the same form is the
 * same text whatever the order of fields and the version of Zod. Rules that do not change the type of a value (bounds, lengths, patterns, refinements)
 * are left out: what is stored is not asked for them again. Without any word it is anything.
 */
export interface StoredForm {
  readonly type?: "string" | "number" | "integer" | "boolean" | "null" | "object" | "array";
  /** Of text: what it stands for. */
  readonly format?: "date-time" | "bigint" | "decimal";
  /** Of a decimal. */
  readonly scale?: number;
  readonly precision?: number;
  /** The parts of a text that is put together. */
  readonly template?: readonly StoredForm[];
  readonly enum?: readonly Scalar[];
  readonly properties?: Readonly<Record<string, StoredForm>>;
  /** Those that are always written. */
  readonly required?: readonly string[];
  /** Those among them that get a value when they are read and not there. */
  readonly filled?: readonly string[];
  readonly additionalProperties?: StoredForm | false;
  readonly propertyNames?: StoredForm;
  readonly prefixItems?: readonly StoredForm[];
  readonly items?: StoredForm | false;
  readonly minItems?: number;
  readonly anyOf?: readonly StoredForm[];
  readonly allOf?: readonly StoredForm[];
  /** `#/$defs/0`: a form that contains itself. */
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, StoredForm>>;
}

const anything: StoredForm = {};
const nothing: StoredForm = { anyOf: [] };
const isNull: StoredForm = { type: "null" };

const known = new WeakMap<CompiledShape, StoredForm>();

/** The form in which the fields of a class are stored. */
export function storedFormOf(shape: CompiledShape): StoredForm {
  let form = known.get(shape);
  if (form === undefined) {
    form = formOf(shape);
    known.set(shape, form);
  }
  return form;
}

function formOf(shape: CompiledShape): StoredForm {
  const walk = new FormWalk();
  const form = walk.fields(shape.fields);
  return Object.keys(walk.defs).length === 0 ? form : { ...form, $defs: walk.defs };
}

export function isAnything(form: StoredForm): boolean {
  return Object.keys(form).every((key) => key === "$defs");
}

/** A getter may make a new schema whenever it is called: beyond, it is anything. */
const deepest = 64;

type Schema = z.core.$ZodType;
type Maker = (walk: FormWalk, definition: SchemaDefinition, schema: Schema) => StoredForm;

class FormWalk {
  readonly defs: Record<string, StoredForm> = {};
  /** What is being described, with the number of its form where it contains itself. */
  readonly #around = new Map<unknown, number | undefined>();
  #references = 0;

  /** Fields that a class reads: one that is not there gets its default. */
  fields(fields: readonly CompiledField[]): StoredForm {
    const absent = fields.filter(({ leavable, blank }) => leavable && blank() === undefined);
    const filled = fields.filter((field) => field.leavable && !absent.includes(field));
    const properties = fields.map(({ name, declared }) => [name, this.of(declared, true)] as const);
    const required = fields.filter((field) => !absent.includes(field));
    return objectOf(properties, namesOf(required), namesOf(filled));
  }

  /** @param isField whether it may be left out, so that `undefined` needs no place in it */
  of(schema: unknown, isField = false): StoredForm {
    if (isField && isZod(schema) && definitionOfSchema(schema).type === "optional") {
      return wrapped(this, definitionOfSchema(schema), true);
    }
    if (this.#around.has(schema)) return this.#reference(schema);
    if (this.#around.size >= deepest) return anything;
    this.#around.set(schema, undefined);
    const form = this.#made(schema);
    const number = this.#around.get(schema);
    this.#around.delete(schema);
    if (number === undefined) return form;
    this.defs[number] = form;
    return { $ref: `#/$defs/${number}` };
  }

  #reference(schema: unknown): StoredForm {
    const number = this.#around.get(schema) ?? this.#references++;
    this.#around.set(schema, number);
    return { $ref: `#/$defs/${number}` };
  }

  #made(schema: unknown): StoredForm {
    const held = definitionOf<Holder>(schema, "valueObject");
    if (held !== undefined) return this.fields(held.shape.fields);
    if (!isZod(schema)) return anything;
    const definition = definitionOfSchema(schema);
    return makers[definition.type]?.(this, definition, schema) ?? anything;
  }
}

interface Holder {
  readonly kind: "valueObject";
  readonly shape: CompiledShape;
}

const inner: Maker = (walk, definition) => wrapped(walk, definition);

const neverAbsent: Maker = (walk, definition) => wrapped(walk, definition, true);

/** In a list, nothing is stored as null. */
const orNull: Maker = (walk, { innerType }) => oneOf([walk.of(innerType), isNull]);

/** Null passes by what is within a wrapper, even where that stores it in a form of its own. */
function wrapped(walk: FormWalk, { innerType }: SchemaDefinition, isField = false): StoredForm {
  const form = walk.of(innerType, isField);
  if (innerType === undefined || wireOf(innerType) === undefined || !takesRich(innerType, null)) return form;
  return oneOf([form, isNull]);
}

const list: Maker = (walk, { element, valueType }) => ({ type: "array", items: walk.of(element ?? valueType) });

/** What each kind of Zod schema is stored as; see `wireOf`, which does it. */
const makers: Readonly<Record<string, Maker>> = {
  string: () => ({ type: "string" }),
  template_literal: (walk, _, schema) => ({
    type: "string",
    template: partsOf(schema).map((part) => partOf(walk, part)),
  }),
  number: (_, __, schema) => ({ type: "isInt" in schema && schema.isInt === true ? "integer" : "number" }),
  boolean: () => ({ type: "boolean" }),
  date: () => ({ type: "string", format: "date-time" }),
  bigint: () => ({ type: "string", format: "bigint" }),
  null: () => isNull,
  undefined: () => isNull,
  void: () => isNull,
  never: () => nothing,
  literal: (_, { values = [] }) => oneOf(values.map(literalOf)),
  enum: (_, __, schema) => oneOf([...(schema._zod.values ?? [])].map(literalOf)),
  array: list,
  set: list,
  map: (walk, { keyType, valueType }) => {
    const pair = [walk.of(keyType), walk.of(valueType)];
    return { type: "array", items: { type: "array", prefixItems: pair, items: false, minItems: 2 } };
  },
  tuple: (walk, { items = [], rest }) => ({
    type: "array",
    prefixItems: items.map((item) => walk.of(item)),
    items: rest ? walk.of(rest) : false,
    minItems: items.findLastIndex((item) => !mayBeAbsent(item)) + 1,
  }),
  object: (walk, { shape = {}, catchall }) => {
    const parts = Object.entries(shape);
    const required = parts.filter(([, part]) => !mayBeAbsent(part)).map(([name]) => name);
    const isOpen = catchall !== undefined && definitionOfSchema(catchall).type !== "never";
    const properties = sorted(parts.map(([name, part]) => [name, part] as const));
    return objectOf(
      properties.map(([name, part]) => [name, walk.of(part, true)] as const),
      required,
      [],
      isOpen ? walk.of(catchall) : false,
    );
  },
  record: recordOf,
  union: (walk, { options = [] }, schema) => {
    if (wireOf(schema) === undefined) return oneOf(options.map((option) => walk.of(option)));
    return oneOf(options.map((option, at) => numbered(at, walk.of(option)))); // as it is stored with a codec in it
  },
  intersection: (walk, { left, right }) => both(walk.of(left), walk.of(right)),
  lazy: (walk, { getter }) => walk.of(getter?.()),
  optional: orNull,
  nullable: orNull,
  nonoptional: neverAbsent,
  readonly: inner,
  default: neverAbsent,
  prefault: neverAbsent,
  catch: inner,
  success: () => ({ type: "boolean" }),
  pipe: (walk, definition, schema) => {
    const decimal = decimalOf(schema);
    if (decimal !== undefined) {
      return { type: "string", format: "decimal", scale: decimal.scale, precision: decimal.precision };
    }
    return walk.of(isCodec(schema) ? definition.in : definition.out);
  },
};

function recordOf(walk: FormWalk, { keyType, valueType }: SchemaDefinition, schema: Schema): StoredForm {
  const value = walk.of(valueType);
  const { partial, mode } = schema._zod.def as { readonly partial?: boolean; readonly mode?: string };
  const names = partial === true ? undefined : keyType?._zod.values; // a record has all of these
  if (names !== undefined) {
    const keys = [...names].map(String);
    return objectOf(
      keys.map((name) => [name, value] as const),
      mayBeAbsent(valueType) ? [] : keys,
      [],
    );
  }
  const isLoose = mode === "loose";
  const open = objectOf([], [], [], isLoose ? anything : value);
  const key = keyType === undefined || isLoose ? anything : walk.of(keyType);
  if (key.enum !== undefined) return { ...open, propertyNames: { enum: key.enum.map(String) } };
  return (key.template ?? key.anyOf ?? key.allOf) === undefined ? open : { ...open, propertyNames: key };
}

/** The parts of a template literal: texts, numbers and the like, and schemas. */
function partsOf(schema: Schema): readonly unknown[] {
  return (schema._zod.def as { readonly parts?: readonly unknown[] }).parts ?? [];
}

function partOf(walk: FormWalk, part: unknown): StoredForm {
  return isZod(part) ? walk.of(part) : { enum: [String(part)] };
}

function literalOf(value: unknown): StoredForm {
  if (typeof value === "bigint") return objectOf([["bigint", { enum: [String(value)] }]], ["bigint"], []);
  return value === null || value === undefined ? isNull : { enum: [value as Scalar] };
}

function numbered(at: number, option: StoredForm): StoredForm {
  return { type: "array", prefixItems: [{ enum: [at] }, option], items: false, minItems: 2 };
}

/** Whether a part of an object may be stored without: what it takes as absent stays so. */
function mayBeAbsent(part: Schema | undefined): boolean {
  if (part === undefined) return true;
  try {
    const result = z.safeParse(part, undefined);
    return result.success && result.data === undefined;
  } catch {
    return false; // an asynchronous schema, which Zod refuses when it is used
  }
}

function objectOf(
  properties: readonly (readonly [string, StoredForm])[],
  required: readonly string[],
  filled: readonly string[],
  additionalProperties: StoredForm | false = false,
): StoredForm {
  return {
    type: "object",
    properties: Object.fromEntries(sorted(properties)),
    required: [...required].sort(),
    ...(filled.length === 0 ? {} : { filled: [...filled].sort() }),
    additionalProperties,
  };
}

function sorted<V>(entries: readonly (readonly [string, V])[]): (readonly [string, V])[] {
  return [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
}

function namesOf(fields: readonly CompiledField[]): string[] {
  return fields.map(({ name }) => name);
}

/** Alternatives in an order of their own, scalars as one list. */
function oneOf(forms: readonly StoredForm[]): StoredForm {
  const flat = forms.flatMap((form) => (form.anyOf === undefined ? [form] : form.anyOf));
  if (flat.some(isAnything)) return anything;
  const scalars = new Set(flat.flatMap((form) => form.enum ?? []));
  const texts = new Set(flat.filter((form) => form.enum === undefined).map((form) => JSON.stringify(form)));
  const others = [...texts].sort().map((text) => JSON.parse(text) as StoredForm);
  if (scalars.size > 0) others.unshift({ enum: [...scalars].sort(byText) });
  const [only] = others;
  return others.length === 1 && only !== undefined ? only : { anyOf: others };
}

function byText(one: Scalar, other: Scalar): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

/** What is both: of two objects one with the fields of both. */
function both(left: StoredForm, right: StoredForm): StoredForm {
  if (left.type !== "object" || right.type !== "object") return { allOf: [left, right] };
  const { properties: one, propertyNames } = left;
  const { properties: other, propertyNames: otherNames } = right;
  if (one === undefined || other === undefined || (propertyNames ?? otherNames) !== undefined)
    return { allOf: [left, right] };
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  const properties = names.map((name) => {
    const [mine, theirs] = [one[name], other[name]];
    return [
      name,
      mine !== undefined && theirs !== undefined ? both(mine, theirs) : (mine ?? theirs ?? anything),
    ] as const;
  });
  const required = [...new Set([...(left.required ?? []), ...(right.required ?? [])])];
  const further = [left.additionalProperties, right.additionalProperties].find((form) => form !== false);
  return objectOf(properties, required, [], further ?? false);
}
