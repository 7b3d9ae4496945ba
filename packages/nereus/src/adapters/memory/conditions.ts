import type { Condition, FieldType, Filter, Folding, Inner } from "../../ports/store.ts";
import { unknownField } from "../store-errors.ts";
import { containsText, startsWithText } from "../text-order.ts";
import { type Comparable, comparableOf, compareValues, searchableOf } from "./comparable.ts";
import { fillingOf, type Row, valueIn } from "./row.ts";

/** A collection's name, and the types of the fields that queries may name. */
export interface Queryable {
  readonly name: string;
  readonly fields: ReadonlyMap<string, { readonly type: FieldType; readonly default: string | undefined }>;
}

interface Address {
  readonly field: string;
  readonly within?: Inner;
}

type RowTest = (row: Row) => boolean;
/** Of a value as the document has it. */
type Test = (value: unknown) => boolean;

/** Turns a filter into a test of a row. */
export function filterTest(filter: Filter, source: Queryable): RowTest {
  if ("field" in filter) {
    const test = conditionTest(filter, typeIn(filter, source));
    const read = rawReader(filter, source);
    return (row) => test(read(row));
  }
  if (filter.op === "not") {
    const test = filterTest(filter.of, source);
    return (row) => !test(row);
  }
  const tests = filter.of.map((one) => filterTest(one, source));
  return filter.op === "and" ? (row) => tests.every((test) => test(row)) : (row) => tests.some((test) => test(row));
}

/** Reads what an order compares. @throws NereusError `UNKNOWN_FIELD` */
export function valueReader(at: Address, source: Queryable): (row: Row) => Comparable {
  const type = typeIn(at, source);
  const read = rawReader(at, source);
  return (row) => comparableOf(read(row), type);
}

function rawReader({ field, within }: Address, source: Queryable): (row: Row) => unknown {
  const filling = fillingOf(source.fields.get(field));
  return (row) => valueIn(row, field, within?.path, filling);
}

function typeIn({ field, within }: Address, source: Queryable): FieldType {
  const declared = source.fields.get(field);
  if (declared === undefined) throw unknownField(source.name, field, source.fields.keys());
  return within?.type ?? declared.type;
}

function conditionTest(condition: Condition, type: FieldType): Test {
  if (condition.op === "has") return (stored) => Array.isArray(stored) && stored.includes(condition.value);
  if (condition.op === "contains" || condition.op === "startsWith") return partTest(condition, type);
  const read = reader(type, "fold" in condition ? condition.fold : undefined);
  if (condition.op === "in") {
    const operands = new Set(condition.value.map((value) => comparableOf(value, type)));
    return (stored) => isThere(stored) && operands.has(read(stored));
  }
  const { op, value } = condition;
  const operand = comparableOf(value, type);
  if (op === "eq") return (stored) => read(stored) === operand;
  if (op === "ne") return (stored) => read(stored) !== operand;
  const fits = orders[op];
  return (stored) => isThere(stored) && operand !== null && fits(compareValues(read(stored), operand));
}

function partTest({ op, value, fold }: Condition & { readonly op: "contains" | "startsWith" }, type: FieldType): Test {
  const folded = foldingOf(fold);
  const fits = op === "contains" ? containsText : startsWithText;
  return (stored) => {
    const text = searchableOf(stored, type);
    return text !== undefined && fits(folded(text), value);
  };
}

function reader(type: FieldType, fold: Folding | undefined): (stored: unknown) => Comparable {
  if (fold === undefined) return (stored) => comparableOf(stored, type);
  const folded = foldingOf(fold);
  return (stored) => {
    const value = comparableOf(stored, type);
    return typeof value === "string" ? folded(value) : value;
  };
}

/** What puts the one characters of a text in the place of the others. */
function foldingOf(fold: Folding | undefined): (text: string) => string {
  if (fold === undefined) return (text) => text;
  const to = [...fold.to];
  const instead = new Map([...fold.from].map((character, at) => [character, to[at] ?? ""]));
  return (text) => Array.from(text, (character) => instead.get(character) ?? character).join("");
}

function isThere(stored: unknown): boolean {
  return stored !== null && stored !== undefined;
}

const orders = {
  lt: (difference: number): boolean => difference < 0,
  lte: (difference: number): boolean => difference <= 0,
  gt: (difference: number): boolean => difference > 0,
  gte: (difference: number): boolean => difference >= 0,
};
