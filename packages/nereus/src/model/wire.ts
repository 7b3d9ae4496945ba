import { z } from "zod";
import { isTooDeep, tooDeep } from "./depth.ts";
import { isNereusError, NereusError } from "./errors.ts";
import { isPlain } from "./freeze.ts";
import {
  definitionOfSchema,
  isCodec,
  isZod,
  native,
  type SchemaDefinition,
  takesRich,
  wrappers,
} from "./zod-schema.ts";

/** How a value travels to JSON and back. `undefined` in place of a codec: JSON carries it as it is. */
export interface WireCodec {
  encode(value: unknown): unknown;
  decode(wire: unknown): unknown;
}

/** A class that is its own field schema (a value object) says here how it travels. */
export const wireOfClass: unique symbol = Symbol.for("nereus.wire") as never;

const cache = new WeakMap<object, WireCodec | null>();

/**
 * The wire codec of a schema, compiled once: dates travel as ISO text, bigints as decimal text, sets and maps as
 * lists, codecs by their own encoding. Values whose type the schema does not know (`z.unknown()`, `z.custom()`) are
 * checked to be JSON when they are stored.
 *
 * @throws NereusError SCHEMA_UNSUPPORTED for what has no JSON form (functions, symbols, files, promises)
 */
export function wireOf(schema: unknown): WireCodec | undefined {
  if ((typeof schema === "function" || isZod(schema)) && wireOfClass in schema) return schema[wireOfClass] as WireCodec;
  if (!isZod(schema)) return checkedJson;
  const known = cache.get(schema);
  if (known !== undefined) return known ?? undefined;
  cache.set(
    schema,
    lazily(() => wireOf(schema)),
  ); // a schema may contain itself
  try {
    refuseClasses(schema);
    const wire = compile(schema);
    cache.set(schema, wire ?? null);
    return wire;
  } catch (error) {
    cache.delete(schema); // the next class that has it is refused too
    throw error;
  }
}

/** Zod would take a value object's class for a schema of its own, and fail when the first value comes. */
function refuseClasses(schema: z.core.$ZodType): void {
  const { shape = {}, items = [], options = [], innerType, element, valueType, keyType } = definitionOfSchema(schema);
  for (const part of [
    innerType,
    element,
    valueType,
    keyType,
    ...Object.values(shape),
    ...items,
    ...options,
  ] as unknown[]) {
    if (typeof part !== "function" || !(wireOfClass in part)) continue;
    throw new NereusError("SCHEMA_UNSUPPORTED", `The class ${part.name} stands inside a Zod schema`, {
      element: part.name,
      fix: `Write ${part.name}.schema() there; the class itself is a field only directly.`,
    });
  }
}

function compile(schema: z.core.$ZodType): WireCodec | undefined {
  const definition = definitionOfSchema(schema);
  const { type } = definition;
  if (native.has(type)) return undefined;
  if (wrappers.has(type)) return nullish(wireOf(definition.innerType));
  const make = compilers[type];
  if (make !== undefined) return make(schema, definition);
  throw new NereusError("SCHEMA_UNSUPPORTED", `A field of type ${type} has no JSON form`, {
    fix: "Describe the field with z.codec(wireSchema, richSchema, { decode, encode }).",
  });
}

const compilers: Record<string, (schema: z.core.$ZodType, definition: SchemaDefinition) => WireCodec | undefined> = {
  date: () => ({ encode: (value) => (value as Date).toISOString(), decode: dateFrom }),
  bigint: () => ({ encode: (value) => (value as bigint).toString(), decode: (wire) => BigInt(wire as string) }),
  any: () => checkedJson,
  unknown: () => checkedJson,
  custom: () => checkedJson,
  transform: () => checkedJson,
  literal: (_, { values = [] }) => (values.some((value) => typeof value === "bigint") ? bigintLiteral : undefined),
  array: (_, { element }) => listOf(wireOf(element)),
  tuple: (_, { items = [], rest }) => tupleOf(items.map(wireOf), rest ? wireOf(rest) : undefined),
  object: (_, { shape = {}, catchall }) => {
    const fields = Object.entries(shape).map(([key, field]) => [key, wireOf(field)] as const);
    return shapeWire(fields, catchall === undefined ? undefined : wireOf(catchall));
  },
  record: (_, { valueType }) => recordOf(wireOf(valueType)),
  map: (_, { keyType, valueType }) => mapOf(wireOf(keyType), wireOf(valueType)),
  set: (_, { valueType }) => setOf(wireOf(valueType)),
  union: (_, { options = [] }) => unionOf(options),
  intersection: (_, { left, right }) => chain(wireOf(left), wireOf(right)),
  lazy: (_, { getter }) => lazily(() => (getter === undefined ? undefined : wireOf(getter()))),
  pipe: (schema, definition) => (isCodec(schema) ? codecWire(schema, definition) : wireOf(definition.out)),
};

function dateFrom(wire: unknown): Date {
  const date = new Date(wire as string);
  if (Number.isNaN(date.getTime())) throw new TypeError(`${String(wire)} is not a date`);
  return date;
}

function codecWire(schema: z.core.$ZodType, definition: SchemaDefinition): WireCodec {
  const inner = wireOf(definition.in);
  return {
    encode: (value) => {
      const wire = z.encode(schema, value);
      return inner === undefined ? wire : inner.encode(wire);
    },
    decode: (wire) => z.decode(schema, (inner === undefined ? wire : inner.decode(wire)) as never),
  };
}

function step(wire: WireCodec | undefined, direction: "encode" | "decode", value: unknown): unknown {
  return wire === undefined ? value : wire[direction](value);
}

function nullish(wire: WireCodec | undefined): WireCodec | undefined {
  if (wire === undefined || wire === checkedJson) return wire;
  return {
    encode: (value) => (value === null || value === undefined ? value : wire.encode(value)),
    decode: (value) => (value === null || value === undefined ? value : wire.decode(value)),
  };
}

function listOf(element: WireCodec | undefined): WireCodec | undefined {
  if (element === undefined) return undefined;
  return {
    encode: (value) => (value as unknown[]).map(element.encode),
    decode: (wire) => (wire as unknown[]).map(element.decode),
  };
}

function tupleOf(items: readonly (WireCodec | undefined)[], rest: WireCodec | undefined): WireCodec | undefined {
  if (rest === undefined && items.every((item) => item === undefined)) return undefined;
  const at = (index: number): WireCodec | undefined => (index < items.length ? items[index] : rest);
  return {
    encode: (value) => (value as unknown[]).map((item, index) => step(at(index), "encode", item)),
    decode: (wire) => (wire as unknown[]).map((item, index) => step(at(index), "decode", item)),
  };
}

/**
 * The codec of an object from those of its fields, and of further keys if it allows them; undefined if JSON carries
 * all of them.
 */
export function shapeWire(
  fields: readonly (readonly [string, WireCodec | undefined])[],
  further?: WireCodec,
): WireCodec | undefined {
  const coded = fields.filter((field): field is readonly [string, WireCodec] => field[1] !== undefined);
  if (coded.length === 0 && further === undefined) return undefined;
  const known = new Set(fields.map(([name]) => name));
  const convert = (value: unknown, direction: "encode" | "decode"): unknown => {
    const result: Record<string, unknown> = { ...(value as object) };
    for (const [key, wire] of coded) if (result[key] !== undefined) result[key] = at(key, wire, direction, result[key]);
    if (further === undefined) return result;
    for (const key of Object.keys(result)) {
      if (!known.has(key)) result[key] = at(key, further, direction, result[key]);
    }
    return result;
  };
  return { encode: (value) => convert(value, "encode"), decode: (wire) => convert(wire, "decode") };
}

/** A step whose fault names the field. */
function at(key: string, wire: WireCodec, direction: "encode" | "decode", value: unknown): unknown {
  try {
    return wire[direction](value);
  } catch (error) {
    if (!isNereusError(error, "PAYLOAD_NOT_SERIALISABLE") && !isNereusError(error, "VALUE_TOO_DEEP")) throw error;
    const details = error.fix === undefined ? { cause: error } : { cause: error, fix: error.fix };
    throw new NereusError(error.code, `${key}: ${error.message}`, details);
  }
}

function recordOf(element: WireCodec | undefined): WireCodec | undefined {
  if (element === undefined) return undefined;
  const convert = (value: unknown, step: (value: unknown) => unknown): unknown =>
    Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, step(item)]));
  return { encode: (value) => convert(value, element.encode), decode: (wire) => convert(wire, element.decode) };
}

function mapOf(key: WireCodec | undefined, item: WireCodec | undefined): WireCodec {
  const pair = tupleOf([key, item], undefined);
  return {
    encode: (value) => inOrder([...(value as Map<unknown, unknown>)].map((entry) => step(pair, "encode", entry))),
    decode: (wire) => new Map((wire as unknown[]).map((entry) => step(pair, "decode", entry) as [unknown, unknown])),
  };
}

function setOf(element: WireCodec | undefined): WireCodec {
  return {
    encode: (value) => inOrder([...(value as Set<unknown>)].map((item) => step(element, "encode", item))),
    decode: (wire) => new Set((wire as unknown[]).map((item) => step(element, "decode", item))),
  };
}

/** Whether sets and maps are encoded in an order of their items, for comparing, and not in the one they were filled in. */
let isComparing = false;

function inOrder(items: unknown[]): unknown[] {
  if (!isComparing) return items;
  const texts = new Map(items.map((item) => [item, textOf(item)]));
  return items.sort((one, other) => ((texts.get(one) ?? "") < (texts.get(other) ?? "") ? -1 : 1));
}

/** A text that is the same for values that are stored alike; the order of keys, and of sets and maps, is no difference. */
export function comparableText(wire: WireCodec | undefined, value: unknown): string {
  const former = isComparing;
  isComparing = true;
  try {
    return textOf(step(wire, "encode", value));
  } finally {
    isComparing = former;
  }
}

function textOf(wire: unknown): string {
  const sorted = (_: string, value: unknown): unknown =>
    isPlain(value) && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  return JSON.stringify(wire, sorted) ?? "";
}

/** A union whose options need codecs is stored as `[option, value]`, so that decoding never has to guess. */
function unionOf(options: readonly z.core.$ZodType[]): WireCodec | undefined {
  const wires = options.map(wireOf);
  if (wires.every((wire) => wire === undefined)) return undefined;
  return {
    encode: (value) => {
      const index = options.findIndex((option) => takesRich(option, value));
      return [index, step(index < 0 ? checkedJson : wires[index], "encode", value)];
    },
    decode: (wire) => {
      const [index, value] = wire as [number, unknown];
      return step(wires[index], "decode", value);
    },
  };
}

function chain(left: WireCodec | undefined, right: WireCodec | undefined): WireCodec | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return {
    encode: (value) => right.encode(left.encode(value)),
    decode: (wire) => left.decode(right.decode(wire)),
  };
}

function lazily(resolve: () => WireCodec | undefined): WireCodec {
  return {
    encode: (value) => {
      const wire = resolve();
      return wire === undefined ? value : wire.encode(value);
    },
    decode: (value) => {
      const wire = resolve();
      return wire === undefined ? value : wire.decode(value);
    },
  };
}

const bigintLiteral: WireCodec = {
  encode: (value) => (typeof value === "bigint" ? { bigint: value.toString() } : value),
  decode: (wire) =>
    typeof wire === "object" && wire !== null && "bigint" in wire ? BigInt(wire.bigint as string) : wire,
};

/** Of values whose type their schema does not know. */
export const checkedJson: WireCodec = {
  encode: (value) => {
    assertJson(value, []);
    return value;
  },
  decode: (wire) => wire,
};

/**
 * Refuses what JSON would lose or change.
 *
 * @throws NereusError PAYLOAD_NOT_SERIALISABLE or VALUE_TOO_DEEP, naming the path
 */
export function assertJson(value: unknown, path: readonly (string | number)[]): void {
  if (isFlatJson(value, 16)) return;
  if (isTooDeep(value)) throw notFlat(path);
  if (typeof value !== "object" || value === null || !isJson(value)) refuseAt(value, path);
}

/** Whether a value is surely JSON, within a few levels: most values are, and need no list of what is left to look at. */
function isFlatJson(value: unknown, levels: number): boolean {
  if (isScalarJson(value)) return true;
  if (levels === 0 || !isPlain(value)) return false;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (item === undefined || !isFlatJson(item, levels - 1)) return false;
    }
    return true;
  }
  for (const key in value) if (!isFlatJson((value as Record<string, unknown>)[key], levels - 1)) return false;
  return true;
}

function isScalarJson(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

/** Whether all that a value holds is JSON; that it has an end is known. */
function isJson(value: object): boolean {
  const left: object[] = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (!isPlain(next) || !hasJsonItems(next, left)) return false;
  }
  return true;
}

/** Whether the items of a list or object may be JSON; those that have to be looked into are added to `left`. */
function hasJsonItems(value: object, left: object[]): boolean {
  const isList = Array.isArray(value);
  for (const item of isList ? (value as readonly unknown[]) : Object.values(value)) {
    if (isScalarJson(item)) {
      if (isList && item === undefined) return false;
    } else if (typeof item === "object") left.push(item as object);
    else return false;
  }
  return true;
}

/** Finds the first part that is not JSON: only now, since the path of each would cost more than the look at it. */
function refuseAt(value: unknown, path: readonly (string | number)[]): void {
  if (isScalarJson(value)) return;
  if (!isPlain(value)) throw notJson(describeValue(value), path);
  if (!Array.isArray(value)) {
    for (const [key, item] of Object.entries(value)) refuseAt(item, [...path, key]);
    return;
  }
  value.forEach((item, index) => {
    if (item === undefined) throw notJson("undefined", [...path, index]);
    refuseAt(item, [...path, index]);
  });
}

function describeValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.prototype.toString.call(value) === "[object Object]"
    ? "an instance of a class"
    : Object.prototype.toString.call(value).slice(8, -1);
}

function notFlat(path: readonly (string | number)[]): NereusError {
  const place = path.length === 0 ? "A value" : `The value at ${path.join(".")}`;
  return new NereusError("VALUE_TOO_DEEP", `${place} ${tooDeep(path).message}`, {
    fix: "Give flatter data, or keep what is so deep as text.",
  });
}

function notJson(what: string, path: readonly (string | number)[]): NereusError {
  const place = path.length === 0 ? "A value" : `The value at ${path.join(".")}`;
  return new NereusError("PAYLOAD_NOT_SERIALISABLE", `${place} is ${what}, which JSON cannot carry`, {
    fix: "Give the field a schema that says its type (z.date(), z.bigint(), z.codec(…), a value object).",
  });
}
