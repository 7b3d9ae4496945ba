import { inspect, isDeepStrictEqual } from "node:util";
import { isTooDeep, tooDeep } from "../model/depth.ts";
import { NereusError } from "../model/errors.ts";
import { isPlain } from "../model/freeze.ts";
import type { WireCodec } from "../model/wire.ts";
import { declaredAt, declaredOf, declaredWithin, isRecord, wireIn } from "./declared-parts.ts";
import { fieldsShown, hasJson, listOf, readable, shapeOf } from "./readable.ts";

/** Stands for what is not there. */
export const missing: unique symbol = Symbol("nothing");

/** One place in which two values differ. */
export interface Difference {
  /** `lines[0].price.amount`; empty for the whole. */
  readonly path: string;
  readonly actual: unknown;
  readonly expected: unknown;
}

/** Where two values differ, and both of them in one form, for runners that show a diff of the whole. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly actual: unknown;
  readonly expected: unknown;
}

/** Whether plain data that is expected says all there is, or names some of it. */
type Extent = "whole" | "part";

/** Where two values stand. */
interface Place {
  readonly path: string;
  /** What the shape declares there, if it is known. */
  readonly field: unknown;
  readonly extent: Extent;
}

/** A part of two values, by the place it has in both. */
interface Part extends Place {
  readonly key: unknown;
  readonly actual: unknown;
  readonly expected: unknown;
}

/** Parts, and how to put what is shown of each together again. */
interface Parts {
  readonly parts: readonly Part[];
  readonly whole: (shown: readonly (readonly [key: unknown, value: unknown])[]) => unknown;
}

/**
 * Compares as deep down as both can be followed. What is undefined may as well be missing; entities and value objects may be
 * expected as plain data, and any value in the form that JSON carries.
 */
export function compared(actual: unknown, expected: unknown): Comparison {
  refuseDeep(actual, expected);
  return compare(actual, expected, { path: "", field: undefined, extent: "whole" });
}

/**
 * The same, but of plain data only what is named: at the top, and inside. Lists are compared item by item, each in part; what is
 * expected as an instance, a map, a set, a record or `{}` is compared whole.
 */
export function comparedInPart(actual: object, expected: object): Comparison {
  refuseDeep(actual, expected);
  return follow(partsOfFields(actual, expected, { path: "", field: undefined, extent: "part" }));
}

/** @throws NereusError VALUE_TOO_DEEP for what cannot be followed to its end */
function refuseDeep(...compared: readonly unknown[]): void {
  if (!compared.some(isTooDeep)) return;
  throw new NereusError("VALUE_TOO_DEEP", `What is compared ${tooDeep([]).message}`, {
    fix: "Expect flatter data, without circles.",
  });
}

function compare(actual: unknown, expected: unknown, place: Place): Comparison {
  const wire = wireIn(place.field);
  if (isSame(actual, expected, wire)) {
    const shown = readable(expected);
    return { differences: [], actual: shown, expected: shown };
  }
  const form = formOf(actual, expected, wire);
  const parts = partsOf(form, expected, place);
  return parts === undefined ? different(form, expected, wire, place) : follow(parts);
}

function follow({ parts, whole }: Parts): Comparison {
  const found = parts.map((part) => ({ key: part.key, ...compare(part.actual, part.expected, part) }));
  const shown = (side: "actual" | "expected"): unknown =>
    whole(found.filter((part) => part[side] !== missing).map((part) => [part.key, part[side]] as const));
  const differences = found.flatMap((part) => part.differences);
  const expected = shown("expected");
  return { differences, actual: differences.length === 0 ? expected : shown("actual"), expected };
}

function different(actual: unknown, expected: unknown, wire: WireCodec | undefined, { path }: Place): Comparison {
  const [left, right] = [readable(actual), readable(expected)];
  const isTold = inspect(left, { depth: 6 }) !== inspect(right, { depth: 6 });
  const shown = isTold ? [left, right] : [told(actual, wire), told(expected, wire)];
  return { differences: [{ path, actual: shown[0], expected: shown[1] }], actual: shown[0], expected: shown[1] };
}

/** A value that looks like another one, in the form that tells them apart. */
function told(value: unknown, wire: WireCodec | undefined): unknown {
  const shape = shapeOf(value);
  if (shape !== undefined) return { [shape.element]: readable(value) };
  return storedForm(value, wire) ?? String(value);
}

function isSame(actual: unknown, expected: unknown, wire: WireCodec | undefined): boolean {
  if (actual === expected || Object.is(actual, expected)) return true;
  if (isAbsent(actual) || isAbsent(expected)) return isAbsent(actual) && isAbsent(expected);
  if (actual === null || expected === null) return false;
  const stored = storedForm(actual, wire);
  if (stored !== undefined) {
    return isDeepStrictEqual(stored, storedForm(expected, wire) ?? null) || isDeepStrictEqual(stored, jsonOf(expected));
  }
  if (isPlain(actual) || actual instanceof Map || actual instanceof Set) return false; // its parts tell
  return isDeepStrictEqual(actual, expected) && !(isHidden(actual) && String(actual) !== String(expected));
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === missing;
}

/** An instance of a class that shows nothing of what it holds, but perhaps in its text. */
function isHidden(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isPlain(value) && Object.keys(value).length === 0;
}

/** The actual value in the form in which one is expected: rich, or as JSON carries it. */
function formOf(actual: unknown, expected: unknown, wire: WireCodec | undefined): unknown {
  const isText = typeof expected === "string";
  const isJson = isText || (isPlain(expected) && shapeOf(actual) === undefined && listOf(actual) === undefined);
  const isRich =
    typeof actual === "bigint" ? isText : typeof actual === "object" && actual !== null && !isPlain(actual);
  return isJson && isRich ? (storedForm(actual, wire) ?? actual) : actual;
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

function jsonOf(value: unknown): unknown {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
  return text === undefined ? undefined : JSON.parse(text);
}

/** The parts of two values of one kind; undefined where they are of different kinds, or have no parts. */
function partsOf(actual: unknown, expected: unknown, place: Place): Parts | undefined {
  const list = listOf(expected);
  const actualList = listOf(actual);
  if (list !== undefined && actualList !== undefined) return partsOfLists(actualList, list, place);
  if (list !== undefined || actualList !== undefined) return undefined;
  if (actual instanceof Map && expected instanceof Map) return partsOfMaps(actual, expected, place);
  if (actual instanceof Set && expected instanceof Set) return partsOfSets(actual, expected, place);
  const shape = shapeOf(actual);
  const isFollowed = shape === undefined ? isPlain(actual) && isPlain(expected) : isPlain(expected);
  if (isFollowed || (shape !== undefined && shapeOf(expected) === shape))
    return partsOfFields(actual as object, expected as object, place);
  return undefined;
}

/** Whether only what is named is compared. */
function isInPart(actual: object, expected: object, { extent, field, path }: Place): boolean {
  if (extent === "whole" || !isPlain(expected)) return false;
  return path === "" || (Object.keys(expected).length > 0 && !isRecord(field, actual));
}

function partsOfFields(actual: object, expected: object, place: Place): Parts {
  const shape = shapeOf(actual);
  const named = isPlain(expected) ? Object.keys(expected) : [];
  const own = shape === undefined ? Object.keys(actual) : shape.fields.map(({ name }) => name);
  const keys = isInPart(actual, expected, place)
    ? named
    : shape === undefined
      ? [...named, ...own]
      : [...own, ...named];
  const inner = isPlain(expected) ? place.extent : "whole";
  return {
    parts: [...new Set(keys)].map((key) => ({
      key,
      path: joined(place.path, key),
      field: shape === undefined ? declaredAt(place.field, actual, key) : shape.byName.get(key)?.declared,
      extent: inner,
      actual: valueAt(actual, key),
      expected: valueAt(expected, key),
    })),
    whole: fieldsShown,
  };
}

function valueAt(whole: object, key: string): unknown {
  return key in whole ? (whole as Record<string, unknown>)[key] : missing;
}

function partsOfLists(actual: readonly unknown[], expected: readonly unknown[], { path, field, extent }: Place): Parts {
  const length = Math.max(actual.length, expected.length);
  const parts = Array.from({ length }, (_, index) => ({
    key: index,
    path: `${path}[${index}]`,
    field: declaredOf(field, actual, index),
    extent,
    actual: index < actual.length ? actual[index] : missing,
    expected: index < expected.length ? expected[index] : missing,
  }));
  return { parts, whole: (shown) => shown.map(([, item]) => item) };
}

function partsOfMaps(
  actual: ReadonlyMap<unknown, unknown>,
  expected: ReadonlyMap<unknown, unknown>,
  { path, field }: Place,
): Parts {
  const found = new Set<unknown>();
  const about = (key: unknown) =>
    ({ key, path: entryPath(path, key), field: declaredWithin(field, actual), extent: "whole" }) as const;
  const parts: Part[] = [];
  for (const [key, value] of expected) {
    const same = [...actual.keys()].find((other) => isAlike(other, key) && !found.has(other));
    if (same !== undefined) found.add(same);
    const isThere = same !== undefined || actual.has(key);
    parts.push({ ...about(key), actual: isThere ? actual.get(same) : missing, expected: value });
  }
  for (const [key, value] of actual) {
    if (!found.has(key) && !expected.has(key)) parts.push({ ...about(key), actual: value, expected: missing });
  }
  return { parts, whole: (shown) => new Map(shown) };
}

function partsOfSets(actual: ReadonlySet<unknown>, expected: ReadonlySet<unknown>, { path, field }: Place): Parts {
  const about = { path: `${path}{}`, field: declaredWithin(field, actual), extent: "whole" } as const;
  const extra = [...actual];
  const parts: Part[] = [];
  for (const value of expected) {
    const at = extra.findIndex((other) => isAlike(other, value));
    const [same] = at === -1 ? [missing] : extra.splice(at, 1);
    parts.push({ ...about, key: value, actual: same, expected: value });
  }
  parts.push(...extra.map((value) => ({ ...about, key: value, actual: value, expected: missing })));
  return { parts, whole: (shown) => new Set(shown.map(([, member]) => member)) };
}

function isAlike(one: unknown, other: unknown): boolean {
  return compared(one, other).differences.length === 0;
}

function entryPath(path: string, key: unknown): string {
  return `${path}.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`;
}

function joined(path: string, key: string): string {
  if (!/^[\w$]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
