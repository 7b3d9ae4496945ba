import { z } from "zod";
import { codeOf, isTooDeep, tooDeep } from "./depth.ts";
import { definition } from "./element.ts";
import { type Issue, ValidationError } from "./errors.ts";
import { refuseFaulty } from "./faulty.ts";
import { type CompiledField, type Input, issuesOf, type Shape } from "./field.ts";
import { isPlain } from "./freeze.ts";
import { jsonParserOf, jsonSchemaOf, jsonSideOf } from "./json-side.ts";
import type { CompiledShape } from "./shape.ts";
import type { StandardIssue, StandardResult, StandardSchema } from "./standard-schema.ts";
import type { Values } from "./values.ts";

/** What every class has whose instances come from outside: messages, value objects, entities, rows. */
export interface JsonStatics<S extends Shape, I> extends StandardSchema<Input<S>, I> {
  /**
   * An instance from JSON, checked: dates and bigints are text there, as `toJSON` writes them.
   *
   * @throws ValidationError VALIDATION_FAILED with every fault in `issues`, VALUE_TOO_DEEP
   * @example const command = Withdraw.fromJSON(await request.json());
   */
  fromJSON<T>(this: new (input: never) => T, json: unknown): T;
  /** The JSON Schema (draft 2020-12) of what `fromJSON` takes. */
  toJSONSchema(): Readonly<Record<string, unknown>>;
}

/** A class with fields, as its own static methods see it. */
interface Type {
  readonly [definition]: { readonly shape: CompiledShape };
  new (input: unknown): object;
}

/** @throws ValidationError VALIDATION_FAILED or VALUE_TOO_DEEP */
export function madeFromJson(type: unknown, json: unknown): object {
  const own = type as Type;
  return new own(richValues(own[definition].shape, json));
}

/** The class as a Standard Schema: it takes an instance, JSON, or what the constructor takes. */
export function standardOf(type: unknown): StandardSchema["~standard"] {
  return { version: 1, vendor: "nereus", validate: (value) => validated(type as Type, value) };
}

function validated(type: Type, value: unknown): StandardResult<unknown> {
  if (value instanceof type) return { value };
  const made = attempt(() => madeFromJson(type, value));
  if (made.issues === undefined) return made;
  const constructed = attempt(() => new type(value));
  return constructed.issues === undefined ? constructed : made;
}

function attempt(make: () => object): StandardResult<unknown> {
  try {
    return { value: make() };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { issues: error.issues satisfies readonly StandardIssue[] };
  }
}

/** The JSON Schema of what a class takes from JSON. */
export function jsonSchemaOfClass(type: unknown): Readonly<Record<string, unknown>> {
  const { shape } = (type as Type)[definition];
  refuseFaulty(shape.faults);
  const sides = shape.fields.map((field) => {
    const side = jsonSideOf(field.declared) as z.ZodType;
    return [field.name, isLeavable(shape, field) ? side.optional() : side] as const;
  });
  return jsonSchemaOf(Object.fromEntries(sides));
}

function isLeavable({ generatesIdentity }: CompiledShape, field: CompiledField): boolean {
  return field.leavable || (generatesIdentity && field.identifier !== undefined);
}

/** The values that JSON stands for, for the constructor to check; where some cannot be read, the others are checked here. */
function richValues(shape: CompiledShape, json: unknown): Values {
  refuseFaulty(shape.faults);
  if (!isPlain(json) || Array.isArray(json)) {
    throw invalid(shape, [{ path: [], code: "invalid_type", message: "expected an object" }]);
  }
  const given = json as Values;
  const values: Values = {};
  const issues: Issue[] = [];
  for (const key of Object.keys(given)) {
    const field = shape.byName.get(key);
    if (field === undefined) issues.push({ path: [key], code: "unrecognized_keys", message: "is not a field" });
    else issues.push(...read(field, given[key], values));
  }
  if (issues.length === 0) return values;
  const failed = new Set(issues.map(({ path }) => path[0]));
  for (const field of shape.fields) if (!failed.has(field.name)) issues.push(...misfits(shape, field, values));
  throw invalid(shape, issues);
}

/** Puts the rich value of a field among the values, or tells why there is none. */
function read({ name, declared }: CompiledField, value: unknown, values: Values): readonly Issue[] {
  if (isTooDeep(value)) return [tooDeep([name])];
  const result = z.safeParse(jsonParserOf(declared), value);
  if (!result.success) return issuesOf(result.error.issues, [name]);
  values[name] = result.data;
  return [];
}

function misfits(shape: CompiledShape, field: CompiledField, values: Values): readonly Issue[] {
  const { name, relation, schema } = field;
  const value = values[name];
  if (relation !== undefined || (value === undefined && isLeavable(shape, field))) return [];
  try {
    const result = z.safeParse(schema, value);
    return result.success ? [] : issuesOf(result.error.issues, [name]);
  } catch {
    return []; // an asynchronous schema: there is enough to refuse already
  }
}

function invalid(shape: CompiledShape, issues: readonly Issue[]): ValidationError {
  return new ValidationError(codeOf(issues), shape.element, issues);
}
