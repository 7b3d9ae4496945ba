import { isDeepStrictEqual } from "node:util";
import { definition } from "../model/element.ts";
import { isPlain } from "../model/freeze.ts";
import { CompiledShape } from "../model/shape.ts";
import type { WireCodec } from "../model/wire.ts";

/** Stands for what is not there. */
export const missing: unique symbol = Symbol("nothing");

/** One place in which two values differ. */
export interface Difference {
  /** `lines[0].price.amount`; empty for the whole. */
  readonly path: string;
  readonly actual: unknown;
  readonly expected: unknown;
}

/** A part of two values, by the place it has in both. */
interface Part {
  readonly path: string;
  readonly actual: unknown;
  readonly expected: unknown;
  readonly wire?: WireCodec | undefined;
}

/**
 * Where two values differ, as deep down as both can be followed. What is undefined may as well be missing; entities and
 * value objects may be expected as plain data, and any value in the form that JSON carries.
 *
 * @param wire how the value is stored, where a shape says so: values whose classes hide what they hold are compared by it
 */
export function differencesOf(actual: unknown, expected: unknown, path = "", wire?: WireCodec): Difference[] {
  if (isSame(actual, expected, wire)) return [];
  const parts = partsOf(actual, expected, path);
  if (parts === undefined) return [{ path, actual, expected }];
  return parts.flatMap((part) => differencesOf(part.actual, part.expected, part.path, part.wire));
}

function isSame(actual: unknown, expected: unknown, wire: WireCodec | undefined): boolean {
  if (actual === expected || Object.is(actual, expected)) return true;
  if (isAbsent(actual) || isAbsent(expected)) return isAbsent(actual) && isAbsent(expected);
  if (actual === null || expected === null) return false;
  const stored = storedForm(actual, wire);
  if (stored !== undefined) {
    return isDeepStrictEqual(stored, storedForm(expected, wire) ?? null) || isDeepStrictEqual(stored, jsonOf(expected));
  }
  return isDeepStrictEqual(actual, expected);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === missing;
}

/** As JSON carries it; undefined where nothing says how, so that the value itself has to be compared. */
function storedForm(value: unknown, wire: WireCodec | undefined): unknown {
  try {
    if (wire !== undefined) return jsonOf(wire.encode(value));
  } catch {
    return undefined; // it is in another form already
  }
  return hasJson(value) ? jsonOf(value) : undefined;
}

function hasJson(value: unknown): boolean {
  return typeof value === "object" && value !== null && "toJSON" in value && typeof value.toJSON === "function";
}

function jsonOf(value: unknown): unknown {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
  return text === undefined ? undefined : JSON.parse(text);
}

/** The parts of two values of one kind; undefined where they are of different kinds, or have no parts. */
function partsOf(actual: unknown, expected: unknown, path: string): Part[] | undefined {
  const list = listOf(expected);
  const actualList = listOf(actual);
  if (list !== undefined && actualList !== undefined) return itemsOf(actualList, list, path);
  if (actual instanceof Map && expected instanceof Map) return entriesOf(actual, expected, path);
  if (actual instanceof Set && expected instanceof Set) return membersOf(actual, expected, path);
  const shape = shapeOf(actual);
  const wanted = shapeOf(expected);
  if (shape !== undefined && (wanted === shape || isPlain(expected))) return fieldsOf(shape, actual, expected, path);
  if (isPlain(actual) && isPlain(expected) && !Array.isArray(actual) && !Array.isArray(expected)) {
    return keysOf(actual, expected).map((key) => partAt(actual, expected, key, path));
  }
  return undefined;
}

/** A list, or a collection of entities. */
function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  const isCollection = hasJson(value) && Symbol.iterator in (value as object) && "size" in (value as object);
  return isCollection ? [...(value as Iterable<unknown>)] : undefined;
}

/** The shape that an instance of an event, value object, entity, aggregate or projection was made from. */
export function shapeOf(value: unknown): CompiledShape | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const own = (value.constructor as { [definition]?: { shape?: unknown } } | undefined)?.[definition];
  return own?.shape instanceof CompiledShape ? own.shape : undefined;
}

function fieldsOf(shape: CompiledShape, actual: unknown, expected: unknown, path: string): Part[] {
  const known = shape.fields.map(({ name, wire }) => ({ ...partAt(actual, expected, name, path), wire }));
  const others = isPlain(expected) ? Object.keys(expected).filter((key) => !shape.byName.has(key)) : [];
  return [...known, ...others.map((key) => partAt(actual, expected, key, path))];
}

/** The fields that are expected, of a whole that may have more. */
export function partialDifferences(actual: object, expected: object): Difference[] {
  const shape = shapeOf(actual);
  return Object.keys(expected).flatMap((key) => {
    const part = partAt(actual, expected, key, "");
    return differencesOf(part.actual, part.expected, key, shape?.byName.get(key)?.wire);
  });
}

function partAt(actual: unknown, expected: unknown, key: string, path: string): Part {
  return { path: joined(path, key), actual: valueAt(actual, key), expected: valueAt(expected, key) };
}

function valueAt(whole: unknown, key: string): unknown {
  const source = whole as Record<string, unknown>;
  return key in source ? source[key] : missing;
}

function keysOf(actual: object, expected: object): string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
}

function itemsOf(actual: readonly unknown[], expected: readonly unknown[], path: string): Part[] {
  const length = Math.max(actual.length, expected.length);
  return Array.from({ length }, (_, index) => ({
    path: `${path}[${index}]`,
    actual: index < actual.length ? actual[index] : missing,
    expected: index < expected.length ? expected[index] : missing,
  }));
}

function entriesOf(
  actual: ReadonlyMap<unknown, unknown>,
  expected: ReadonlyMap<unknown, unknown>,
  path: string,
): Part[] {
  const found = new Set<unknown>();
  const parts: Part[] = [];
  for (const [key, value] of expected) {
    const same = [...actual.keys()].find((other) => differencesOf(other, key).length === 0 && !found.has(other));
    if (same !== undefined) found.add(same);
    const isThere = same !== undefined || actual.has(key);
    parts.push({ path: entryPath(path, key), actual: isThere ? actual.get(same) : missing, expected: value });
  }
  for (const [key, value] of actual) {
    if (!found.has(key) && !expected.has(key))
      parts.push({ path: entryPath(path, key), actual: value, expected: missing });
  }
  return parts;
}

function membersOf(actual: ReadonlySet<unknown>, expected: ReadonlySet<unknown>, path: string): Part[] {
  const extra = [...actual];
  const absent: unknown[] = [];
  for (const value of expected) {
    const at = extra.findIndex((other) => differencesOf(other, value).length === 0);
    if (at === -1) absent.push(value);
    else extra.splice(at, 1);
  }
  return [
    ...absent.map((value) => ({ path: `${path}{}`, actual: missing, expected: value })),
    ...extra.map((value) => ({ path: `${path}{}`, actual: value, expected: missing })),
  ];
}

function entryPath(path: string, key: unknown): string {
  return `${path}.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`;
}

function joined(path: string, key: string): string {
  if (!/^[\w$]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
