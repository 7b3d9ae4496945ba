import { z } from "zod";
import { acceptanceOf } from "./acceptance.ts";
import { decimalOf } from "./decimal.ts";
import type { DeepReadonly } from "./deep-readonly.ts";
import { isBottomless, isTooDeep, tooDeep } from "./depth.ts";
import { type definition, definitionOf, kindOf } from "./element.ts";
import { type Issue, NereusError } from "./errors.ts";
import { frozenCopy } from "./freeze.ts";
import { type IdentifierField, identifierOf } from "./identity.ts";
import { keepingKeys } from "./lost-keys.ts";
import type { Relation } from "./relation.ts";
import { relationOf } from "./relation.ts";
import { fieldSchema, type StandardIssue, type StandardSchema } from "./standard-schema.ts";
import type { Transitions } from "./status.ts";
import { statusOf } from "./status.ts";
import { type WireCodec, wireOf, wireOfClass } from "./wire.ts";
import { definitionOfSchema, hasCodec, isCodec, isScalar, isZod, unwrap } from "./zod-schema.ts";

/** What a field may be described by: a Zod schema, any Standard Schema, a value object's class, `hasMany` or `hasOne`. */
export type Field = (StandardSchema & { readonly [definition]?: never }) | ValueObjectField | RelationField;

/** The named fields of a message, entity, aggregate, value object or projection. */
export type Shape = Readonly<Record<string, Field>>;

/** A shape without the names that every element of its kind has already. */
export type ShapeWithout<K extends string> = Shape & { readonly [N in K]?: never };

/** A value object's class, used as a field. */
export interface ValueObjectField {
  readonly [wireOfClass]: WireCodec;
  new (input: never): unknown;
}

declare const relationType: unique symbol;

/**
 * A field made by `hasMany` or `hasOne`: `Input` is what a constructor takes, `Output` what the field holds, `View`
 * what is seen of it where it may not be changed.
 */
export interface RelationField<Input = unknown, Output = unknown, View = Output> {
  readonly [relationType]: { readonly input: Input; readonly output: Output; readonly view: View };
}

/** The type that a field holds. */
export type OutputOf<F> = F extends { readonly [wireOfClass]: WireCodec; new (input: never): infer I }
  ? I
  : F extends { readonly [relationType]: { readonly output: infer O } }
    ? O
    : F extends { readonly _zod: { readonly output: infer O } }
      ? O
      : F extends StandardSchema<unknown, infer O>
        ? O
        : never;

/**
 * The type that a constructor takes for a field; a codec's field takes the rich value or its wire form. It keeps a copy, so
 * it takes what may not be changed, such as the state of an aggregate.
 */
export type InputOf<F> = F extends { readonly [wireOfClass]: WireCodec; new (input: infer R): infer I }
  ? R | I
  : F extends { readonly [relationType]: { readonly input: infer R } }
    ? R
    : F extends z.core.$ZodPipe
      ? F extends z.core.$ZodCodec
        ? DeepReadonly<z.input<F> | z.output<F>>
        : DeepReadonly<z.input<F>>
      : F extends { readonly _zod: { readonly input: infer R; readonly output: infer O } }
        ? DeepReadonly<R | O>
        : F extends StandardSchema<infer R, unknown>
          ? DeepReadonly<R>
          : never;

declare const shapeType: unique symbol;

/** What an instance was made from, for the types of queries; nothing of it is there at run time. */
export interface Shaped<S> {
  readonly [shapeType]?: S;
}

/** Flattens an intersection, so that hovers show the fields. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** The fields as they are seen where they may not be changed: read-only all the way down. */
export type FieldsView<S extends Shape> = {
  readonly [K in keyof S]: S[K] extends { readonly [relationType]: { readonly view: infer V } }
    ? V
    : DeepReadonly<OutputOf<S[K]>>;
};

/** The fields as they are held, assignable. */
export type Fields<S extends Shape> = { -readonly [K in keyof S]: OutputOf<S[K]> };

type OptionalKeys<S extends Shape> = { [K in keyof S]-?: undefined extends InputOf<S[K]> ? K : never }[keyof S];

/** What a message's constructor takes: fields with a default or `optional` may be left out. */
export type Input<S extends Shape> = Simplify<
  { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: InputOf<S[K]> } & {
    readonly [K in OptionalKeys<S>]?: InputOf<S[K]>;
  }
>;

type IdentifierKeys<S extends Shape> = { [K in keyof S]-?: S[K] extends IdentifierField ? K : never }[keyof S];

/** What the constructor of an entity or state-stored aggregate takes: the identity may be left out and is generated. */
export type EntityInput<S extends Shape> = Simplify<
  { readonly [K in Exclude<keyof S, OptionalKeys<S> | IdentifierKeys<S>>]: InputOf<S[K]> } & {
    readonly [K in OptionalKeys<S> | IdentifierKeys<S>]?: InputOf<S[K]> | undefined;
  }
>;

/** A field, compiled once per class. */
export interface CompiledField {
  readonly name: string;
  /** What it was declared with. */
  readonly declared: Field;
  /** Holds primitives only: no copying, no freezing. */
  readonly scalar: boolean;
  readonly wire: WireCodec | undefined;
  /** Whether its values may be nested to any depth, so that each has to be looked at. */
  readonly bottomless: boolean;
  /** An identity, which may be set once. */
  readonly setOnce: boolean;
  readonly identifier: { readonly generate: () => string } | undefined;
  readonly transitions: Transitions | undefined;
  readonly relation: Relation | undefined;
  /** The Zod schema by which a constructor parses the field. */
  readonly schema: z.core.$ZodType;
  /** Whether it may be undefined. */
  readonly leavable: boolean;
  /** Accepts without asking the schema; what it does not accept, the schema judges. Undefined: it always has to. */
  readonly accepts: ((value: unknown) => boolean) | undefined;
  /** What is inside, by name: the fields of a value object or of `z.object`; undefined for any other. */
  inner(): ReadonlyMap<string, CompiledField> | undefined;
  /** The faults of a value that is assigned; undefined if there are none. */
  check(value: unknown): readonly Issue[] | undefined;
  /** The value of the field in a blank instance: its default, or undefined. */
  blank(): unknown;
}

export function compileField(name: string, field: Field, identifiedBy?: string): CompiledField {
  const relation = relationOf(field);
  const schema = relation === undefined ? parserOf(field) : z.any().optional();
  return {
    name,
    declared: field,
    scalar: isZod(field) && isScalar(field) && !hasCodec(field),
    wire: relation === undefined ? wireOf(field) : relation.wire,
    bottomless: relation === undefined && isBottomless(field),
    identifier: identifierOf(field),
    setOnce: name === identifiedBy || identifierOf(field) !== undefined,
    transitions: statusOf(field),
    relation,
    schema,
    leavable: relation !== undefined || acceptsUndefined(schema),
    accepts: acceptanceOf(field),
    inner: innerOf(field),
    check: relation === undefined && isBottomless(field) ? shallow(name, checkOf(name, field)) : checkOf(name, field),
    blank: blankOf(field),
  };
}

/** Compiled when it is first asked for: only queries and descriptions do. */
function innerOf(field: Field): CompiledField["inner"] {
  let found: ReadonlyMap<string, CompiledField> | undefined | null = null;
  return () => {
    if (found === null) found = fieldsWithin(field);
    return found;
  };
}

function fieldsWithin(field: Field): ReadonlyMap<string, CompiledField> | undefined {
  const embedded = embeddedIn(field);
  if (embedded !== undefined) return embedded.shape.byName;
  if (!isZod(field)) return undefined;
  const { type, shape = {} } = definitionOfSchema(unwrap(field));
  if (type !== "object") return undefined;
  return new Map(Object.entries(shape).map(([name, own]) => [name, compileField(name, own as Field)]));
}

/** The value object that a field holds: its class, or what `schema()` made of it, possibly optional or nullable. */
export function embeddedIn(
  field: unknown,
): { readonly name: string; readonly shape: { readonly byName: ReadonlyMap<string, CompiledField> } } | undefined {
  return definitionOf(isZod(field) ? unwrap(field) : field, "valueObject") as ReturnType<typeof embeddedIn>;
}

/** Whether an unknown value, such as a function, could be a field at all. */
export function isField(field: unknown): field is Field {
  if (isZod(field) || relationOf(field) !== undefined) return true;
  const kind = kindOf(field);
  if (kind !== undefined) return kind === "valueObject"; // others are schemas of what comes from outside, and no fields
  return (typeof field === "object" || typeof field === "function") && field !== null && "~standard" in field;
}

interface FieldSchema extends StandardSchema {
  readonly [fieldSchema]?: StandardSchema["~standard"];
}

/** A Zod schema for any field, so that a whole shape is one `z.strictObject` that Zod compiles at once. */
function parserOf(field: Field): z.core.$ZodType {
  if (isZod(field)) return keepingKeys(field, hasCodec(field) ? eitherForm(field) : leavable(field));
  const standard = (field as FieldSchema)[fieldSchema] ?? (field as FieldSchema)["~standard"];
  return z
    .any()
    .optional()
    .transform((value, context) => {
      const result = standard.validate(value);
      if (result instanceof Promise) {
        context.addIssue({
          code: "custom",
          message: "has a schema that validates asynchronously; use a synchronous one",
        });
        return z.NEVER;
      }
      for (const issue of zodIssuesOf(result.issues ?? [])) context.addIssue(issue);
      return result.issues === undefined ? result.value : z.NEVER;
    });
}

/** Issues of any Standard Schema as Zod takes them: those of a value object keep their codes. */
export function zodIssuesOf(
  issues: readonly StandardIssue[],
): { code: "custom"; message: string; path: PropertyKey[] }[] {
  return issues.map(({ message, path = [], ...issue }) => ({
    // a code of our own, which Zod's types do not know
    code: ("code" in issue && typeof issue.code === "string" ? issue.code : "custom") as "custom",
    message,
    path: path.map((part) => (typeof part === "object" ? part.key : part)),
  }));
}

/** What may be undefined may be left out, as the type says; Zod alone wants the key to be there for `z.unknown()`. */
function leavable(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema._zod.optin !== undefined || !acceptsUndefined(schema)) return schema;
  return z
    .any()
    .optional()
    .pipe(schema as never);
}

function acceptsUndefined(schema: z.core.$ZodType): boolean {
  try {
    return z.safeParse(schema, undefined).success;
  } catch {
    return false; // an asynchronous schema, which Zod refuses when it is used
  }
}

/**
 * A codec's field takes its rich value as it is, and its wire form by decoding it. What holds codecs is decoded from
 * either: the rest of it may have unknown keys, defaults, texts to trim.
 */
function eitherForm(codec: z.core.$ZodType): z.core.$ZodType {
  // A decimal becomes one of the field's own library, with the digits that are stored.
  const isWhole = isCodec(codec) && decimalOf(codec) === undefined;
  return z
    .any()
    .optional()
    .transform((value, context) => {
      const rich = value === undefined ? undefined : encodedBy(codec, value);
      if (rich?.success === true && isWhole) return value;
      const decoded = z.safeParse(codec, rich?.success === true ? rich.data : value);
      if (decoded.success) return decoded.data;
      for (const issue of decoded.error.issues) context.addIssue({ ...issue } as never);
      return z.NEVER;
    });
}

function encodedBy(codec: z.core.$ZodType, value: unknown): z.ZodSafeParseResult<unknown> | undefined {
  try {
    return z.safeEncode(codec, value);
  } catch {
    return undefined; // the codec's own encode choked on a wire form
  }
}

/** A check that no value comes to which is nested too deeply: schemas that contain themselves would overflow the stack. */
function shallow(name: string, check: CompiledField["check"]): CompiledField["check"] {
  return (value) => (isTooDeep(value) ? [tooDeep([name])] : check(value));
}

function checkOf(name: string, field: Field): CompiledField["check"] {
  if (!isZod(field)) return standardCheck(name, field);
  const coded = hasCodec(field);
  if (definitionOfSchema(unwrap(field)).type === "pipe" && !coded) return () => undefined; // one-way transform
  const test = coded ? (value: unknown) => z.safeEncode(field, value) : (value: unknown) => z.safeParse(field, value);
  const plain = acceptanceOf(field);
  return (value) => {
    if (plain?.(value) === true) return undefined;
    try {
      const result = test(value);
      return result.success ? undefined : issuesOf(result.error.issues, [name]);
    } catch (error) {
      if (error instanceof z.core.$ZodEncodeError) return undefined; // a one-way transform beside the codec
      throw error;
    }
  };
}

/** A value object must be an instance; any other Standard Schema judges the value itself. */
function standardCheck(name: string, field: Field): CompiledField["check"] {
  if (relationOf(field) !== undefined) return () => undefined;
  if (typeof field === "function") {
    const expected = { path: [name], code: "invalid_type", message: `expected an instance of ${field.name}` };
    return (value) => (value instanceof field ? undefined : [expected]);
  }
  return (value) => {
    const result = (field as StandardSchema)["~standard"].validate(value);
    if (result instanceof Promise || result.issues === undefined) return undefined;
    return issuesOf(zodIssuesOf(result.issues) as z.core.$ZodIssue[], [name]);
  };
}

function blankOf(field: Field): () => unknown {
  if (!isZod(field) || !acceptsUndefined(field)) return () => undefined;
  const make = (): unknown => z.parse(field, undefined);
  const value = make();
  if (typeof value !== "object" && Object.is(value, make())) return () => value;
  if (isTooDeep(value)) throw defaultTooDeep();
  return () => frozenCopy(make()); // of its own for each instance, and replay copies before it writes
}

function defaultTooDeep(): NereusError {
  return new NereusError("VALUE_TOO_DEEP", `Its default ${tooDeep([]).message}`, {
    fix: "Give a default that is flatter.",
  });
}

/** Zod's issues in the form of ours. */
export function issuesOf(issues: readonly z.core.$ZodIssue[], prefix: readonly (string | number)[] = []): Issue[] {
  return issues.map((issue) => ({
    path: [...prefix, ...issue.path.map((part) => (typeof part === "symbol" ? String(part) : part))],
    message: issue.message,
    code: issue.code ?? "custom",
  }));
}
