import { decimalOf } from "../model/decimal.ts";
import { isTooDeep, tooDeep } from "../model/depth.ts";
import { NereusError } from "../model/errors.ts";
import { type CompiledField, compileField, type Field } from "../model/field.ts";
import { isPlain as isData } from "../model/freeze.ts";
import { didYouMean } from "../model/nearest.ts";
import type { CompiledShape } from "../model/shape.ts";
import type { Condition, DocumentQuery, FieldType, Filter, Inner, StoredScalar } from "../ports/store.ts";
import { caseFolded, mostForms } from "./letter-case.ts";
import { isList, itemOf, storedKindOf, storedTypeOf } from "./stored-type.ts";

type Fields = ReadonlyMap<string, CompiledField>;
type Order = NonNullable<DocumentQuery["orderBy"]>;

/** A field, or one inside it, that a condition or an order names. */
interface Place {
  readonly element: string;
  readonly field: string;
  readonly path: readonly string[];
  readonly own: CompiledField;
}

/**
 * The conditions of a query as the store takes them. A forgotten value is refused: it must not select everything.
 *
 * @throws NereusError UNKNOWN_FIELD or OPTION_INVALID
 */
export function filtersOf({ element, byName }: CompiledShape, where: unknown): Filter[] {
  if (isTooDeep(where)) throw badQuery("where", tooDeep([]).message);
  return among(element, byName, where, undefined);
}

function among(element: string, fields: Fields, where: unknown, within: Place | undefined): Filter[] {
  const called = within === undefined ? "where" : placeName(within);
  if (!isPlain(where)) throw badQuery(called, "is not an object of conditions");
  return Object.entries(where).flatMap(([name, test]) => {
    if (within === undefined && isGroup(name))
      return groupOf(name, test, (inner) => among(element, fields, inner, within));
    return testsOf(placeOf(element, fields, name, within), test);
  });
}

function isGroup(name: string): name is "and" | "or" | "not" {
  return name === "and" || name === "or" || name === "not";
}

function groupOf(op: "and" | "or" | "not", test: unknown, among: (where: unknown) => Filter[]): Filter {
  if (op === "not") return { op, of: { op: "and", of: among(test) } };
  if (!Array.isArray(test)) throw badQuery(op, "is not a list of conditions");
  return { op, of: test.map((where) => ({ op: "and", of: among(where) })) };
}

function testsOf(place: Place, test: unknown): Filter[] {
  if (test === undefined) throw badQuery(placeName(place), "is undefined; to look for none, say null");
  const inner = place.own.inner();
  if (inner !== undefined) return innerTests(place, inner, test);
  if (!isPlain(test)) return [condition(place, "eq", test, false)];
  const { ignoreCase = false, ...tests } = test;
  if (typeof ignoreCase !== "boolean") throw badQuery(`${placeName(place)} ignoreCase`, "is neither true nor false");
  const conditions = Object.entries(tests).map(([op, value]) => condition(place, op, value, ignoreCase));
  if (conditions.length === 0) throw badQuery(placeName(place), "has no comparison");
  return conditions;
}

/** A value object is compared as a whole, or by the fields in it. */
function innerTests(place: Place, inner: Fields, test: unknown): Filter[] {
  if (!isPlain(test)) return [whole(place, inner, test)];
  const names = Object.keys(test);
  if (names.length === 0) throw badQuery(placeName(place), "has no comparison");
  const areOperators = names.every((name) => wholeOperators.has(name) && !inner.has(name));
  if (!areOperators) return among(place.element, inner, test, place);
  return Object.entries(test).map(([op, value]): Filter => {
    if (op === "eq") return whole(place, inner, value);
    if (op === "ne") return { op: "not", of: whole(place, inner, value) };
    if (!Array.isArray(value)) throw badQuery(`${placeName(place)} in`, "is not a list");
    return { op: "or", of: value.map((item) => whole(place, inner, item)) };
  });
}

const wholeOperators = new Set(["eq", "ne", "in"]);

function whole(place: Place, inner: Fields, value: unknown): Filter {
  if (value === undefined) throw badQuery(placeName(place), "is undefined; to look for none, say null");
  if (value === null) return { ...addressOf(place), op: "eq", value: null };
  const [issue] = place.own.check(value) ?? [];
  if (issue !== undefined) throw badQuery(placeName(place), `is compared with what it cannot hold: ${issue.message}`);
  return leaves(place, inner, encode(place, value) as Record<string, unknown>);
}

/** Equality of a whole in its stored form: that it is there, and of every field in it. */
function leaves(place: Place, inner: Fields, wire: Record<string, unknown>): Filter {
  const all = [...inner].map(([name, own]): Filter => {
    const value = (Object.hasOwn(wire, name) ? wire[name] : null) ?? null;
    const leaf = { ...place, path: [...place.path, name], own };
    const deeper = value === null ? undefined : own.inner();
    return deeper === undefined
      ? { ...addressOf(leaf), op: "eq", value: scalar(leaf, value) }
      : leaves(leaf, deeper, value as Record<string, unknown>);
  });
  return { op: "and", of: [{ ...addressOf(place), op: "ne", value: null }, ...all] };
}

const orders = ["lt", "lte", "gt", "gte"];
const parts = ["contains", "startsWith"];
const operators = new Set(["eq", "ne", ...orders, "in", ...parts, "has"]);

function condition(place: Place, op: string, value: unknown, ignoresCase: boolean): Condition {
  const name = placeName(place);
  if (!operators.has(op)) throw badQuery(name, `has a comparison ${op}; there are ${[...operators].join(", ")}`);
  if (value === undefined) throw badQuery(`${name} ${op}`, "is undefined; to look for none, say null");
  const address = addressOf(place);
  if (op === "has") return { ...address, op, value: itemIn(place, value) };
  if (ignoresCase) return withoutCase(place, op, value);
  if (op === "contains" || op === "startsWith") return { ...address, op, value: partIn(place, op, value) };
  if (orders.includes(op) && !storedKindOf(place.own).ordered) throw unordered(place);
  if (op !== "in") return { ...address, op: op as "eq", value: stored(place, value) };
  if (!Array.isArray(value)) throw badQuery(`${name} in`, "is not a list");
  return { ...address, op, value: value.map((item) => stored(place, item)) };
}

function partIn(place: Place, op: string, value: unknown): string {
  const { type, coded } = storedKindOf(place.own);
  const holdsTexts = (type === "text" || type === "json") && coded !== true && !isList(place.own);
  if (holdsTexts && typeof value === "string") return value;
  throw badQuery(`${placeName(place)} ${op}`, "is not a text in a text");
}

/** Only texts have letters; null has none, and is compared as it is. */
function withoutCase(place: Place, op: string, value: unknown): Condition {
  const name = placeName(place);
  const address = addressOf(place);
  const { type, coded } = storedKindOf(place.own);
  if (type !== "text" || coded === true) throw badQuery(`${name} ignoreCase`, "is for texts");
  if (orders.includes(op)) throw badQuery(`${name} ignoreCase`, `cannot stand beside ${op}`);
  const given: readonly unknown[] = op === "in" && Array.isArray(value) ? value : [value];
  if (op === "in" && !Array.isArray(value)) throw badQuery(`${name} in`, "is not a list");
  const isPart = op === "contains" || op === "startsWith";
  const texts = given.map((one) => (isPart ? partIn(place, op, one) : stored(place, one)) as string | null);
  const folded = caseFolded(texts.map((text) => text ?? ""));
  const { fold } = folded;
  if ([...fold.from].length > mostForms) throw badQuery(`${name} ignoreCase`, "is about too many different letters");
  const values = texts.map((text, at) => (text === null ? null : (folded.texts[at] ?? "")));
  if (op === "in") return { ...address, op, value: values, fold };
  const [one = null] = values;
  return isPart ? { ...address, op, value: one ?? "", fold } : { ...address, op: op as "eq", value: one, fold };
}

/** An item of a list in its stored form. */
function itemIn(place: Place, value: unknown): string | number | boolean {
  const item = itemOf(place.own);
  if (item === undefined) throw badQuery(`${placeName(place)} has`, "is for lists and sets");
  const at = { ...place, own: compileField(place.field, item as Field) };
  // An item is found by how it is written, a decimal with all its places.
  const wire = decimalOf(item) === undefined ? stored(at, value) : scalar(at, encode(at, value));
  if (wire === null) throw badQuery(`${placeName(place)} has`, "is null, and not a value");
  return wire;
}

/** A value as it stands in the stored document. */
function stored(place: Place, value: unknown): StoredScalar {
  if (value === undefined) throw badQuery(placeName(place), "is compared with undefined");
  if (isList(place.own) && value !== null) throw notSearched(place, "searched by value");
  if (value === null) return null;
  const digits = decimalOf(place.own.declared)?.digits(value);
  // With all its digits: a bound may be finer than what the field holds.
  if (digits !== undefined) return digits;
  refuseOther(place, value);
  return scalar(place, encode(place, value));
}

/** What a value has to be in JavaScript to be compared with a field. */
const kinds: Readonly<Record<Exclude<FieldType, "json">, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  integer: (value) => typeof value === "number",
  real: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  bigint: (value) => typeof value === "bigint",
  date: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  decimal: () => false, // one that is told by its digits
};

/** Refuses what a field could never hold: it would be found nowhere, or everywhere, and nobody would know why. */
function refuseOther(place: Place, value: unknown): void {
  const { type, coded } = storedKindOf(place.own);
  if (coded === true) {
    const [issue] = checked(place, value) ?? [];
    if (issue !== undefined) throw cannotHold(place, issue.message);
  } else if (type !== "json" && !kinds[type](value)) {
    throw cannotHold(place, `${typeof value === "object" ? "an object" : typeof value} is no ${type}`);
  }
}

function checked(place: Place, value: unknown): ReturnType<CompiledField["check"]> {
  try {
    return place.own.check(value);
  } catch (cause) {
    throw badQuery(placeName(place), "is compared with what it cannot hold", cause);
  }
}

function cannotHold(place: Place, why: string): NereusError {
  return badQuery(placeName(place), `is compared with what it cannot hold: ${why}`);
}

function unordered(place: Place): NereusError {
  return new NereusError("FIELD_UNORDERED", `${placeName(place)} of ${place.element} has no order`, {
    element: place.element,
    fix: "Compare it by eq, ne or in; for numbers with a fraction use decimal({ scale }), which has an order.",
  });
}

function encode(place: Place, value: unknown): unknown {
  try {
    return place.own.wire === undefined ? value : place.own.wire.encode(value);
  } catch (cause) {
    throw badQuery(placeName(place), "is compared with what it cannot hold", cause);
  }
}

function scalar(place: Place, wire: unknown): StoredScalar {
  if (typeof wire === "number" && !Number.isFinite(wire)) {
    throw badQuery(placeName(place), `is compared with ${wire}, which no store holds`);
  }
  if (wire === null || typeof wire === "string" || typeof wire === "number" || typeof wire === "boolean") return wire;
  throw notSearched(place, "searched by value");
}

function notSearched(place: Place, how: string): NereusError {
  return new NereusError("UNKNOWN_FIELD", `${placeName(place)} of ${place.element} cannot be ${how}`, {
    element: place.element,
    fix: "Name text, numbers, booleans, dates or what is inside a value object; lists and entities are not searched.",
  });
}

/**
 * The order of a query as the store takes it.
 *
 * @throws NereusError UNKNOWN_FIELD or OPTION_INVALID
 */
export function orderOf({ element, byName }: CompiledShape, orderBy: unknown): Order {
  return ordering(element, byName, orderBy, undefined);
}

function ordering(element: string, fields: Fields, orderBy: unknown, within: Place | undefined): Order {
  const name = within === undefined ? "orderBy" : `orderBy ${placeName(within)}`;
  if (!isPlain(orderBy)) throw badQuery(name, "is not an object of directions");
  return Object.entries(orderBy).flatMap(([name, direction]) => {
    const place = placeOf(element, fields, name, within);
    if (direction === undefined) return [];
    const inner = place.own.inner();
    if (inner !== undefined) return ordering(element, inner, direction, place);
    if (!storedKindOf(place.own).ordered) throw unordered(place);
    if (direction !== "asc" && direction !== "desc") {
      throw badQuery(`orderBy ${placeName(place)}`, "is neither asc nor desc");
    }
    return [{ ...addressOf(place), direction }];
  });
}

function placeOf(element: string, fields: Fields, name: string, within: Place | undefined): Place {
  const own = fields.get(name);
  if (own !== undefined) {
    const place =
      within === undefined ? { element, field: name, path: [], own } : { ...within, path: [...within.path, name], own };
    if (own.relation !== undefined) throw notSearched(place, "searched");
    return place;
  }
  const where = within === undefined ? element : `${placeName(within)} of ${element}`;
  throw new NereusError("UNKNOWN_FIELD", `${where} has no field ${name}`, {
    element,
    fix: `${didYouMean(name, fields.keys())}Use one of: ${[...fields.keys()].join(", ")}.`,
  });
}

function addressOf({ field, path, own }: Place): { readonly field: string; readonly within?: Inner } {
  return path.length === 0 ? { field } : { field, within: { path, type: storedTypeOf(own) } };
}

function placeName({ field, path }: Place): string {
  return [field, ...path].join(".");
}

/** Also without a prototype, as parsers of query strings make them. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return !Array.isArray(value) && isData(value);
}

export function badQuery(name: string, fault: string, cause?: unknown): NereusError {
  return new NereusError("OPTION_INVALID", `The option ${name} ${fault}`, {
    ...(cause === undefined ? {} : { cause }),
    fix: "Give { where: { field: value }, orderBy: { field: 'asc' }, limit, offset }; leave out what is not wanted.",
  });
}
