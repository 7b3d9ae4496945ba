import type { Condition, FieldType, Filter, Inner, StoredScalar } from "../../ports/store.ts";
import { unknownField } from "../store-errors.ts";
import { containsText } from "../text-order.ts";
import { wholeNumberOf } from "../whole-number.ts";
import { type Comparable, comparableOf, compareValues } from "./comparable.ts";
import { fillingOf, type Row, valueIn } from "./row.ts";

/** A collection's name, and the types of the fields that queries may name. */
export interface Queryable {
  readonly name: string;
  readonly fields: ReadonlyMap<string, { readonly type: FieldType; readonly default: string | undefined }>;
}

type RowTest = (row: Row) => boolean;
type Test = (value: Comparable) => boolean;

/** Turns a filter into a test of a row. */
export function filterTest(filter: Filter, source: Queryable): RowTest {
  if ("field" in filter) {
    const read = valueReader(filter, source);
    const test = conditionTest(filter, typeIn(filter, source));
    return (row) => test(read(row));
  }
  if (filter.op === "not") {
    const test = filterTest(filter.of, source);
    return (row) => !test(row);
  }
  const tests = filter.of.map((one) => filterTest(one, source));
  return filter.op === "and" ? (row) => tests.every((test) => test(row)) : (row) => tests.some((test) => test(row));
}

/** Reads what a condition or an order compares. @throws NereusError `UNKNOWN_FIELD` */
export function valueReader(
  at: { readonly field: string; readonly within?: Inner },
  source: Queryable,
): (row: Row) => Comparable {
  const type = typeIn(at, source);
  const { field, within } = at;
  const filling = fillingOf(source.fields.get(field));
  return (row) => comparableOf(valueIn(row, field, within?.path, filling), type);
}

function typeIn({ field, within }: { readonly field: string; readonly within?: Inner }, source: Queryable): FieldType {
  const declared = source.fields.get(field);
  if (declared === undefined) throw unknownField(source.name, field, source.fields.keys());
  return within?.type ?? declared.type;
}

function conditionTest(condition: Condition, type: FieldType): Test {
  if (condition.op === "contains") return (value) => typeof value === "string" && containsText(value, condition.value);
  if (condition.op === "in") return oneOf(condition.value, type);
  const { op, value } = condition;
  const operand = operandOf(value, type);
  if (op === "eq") return (stored) => stored === operand;
  if (op === "ne") return (stored) => stored !== operand;
  const fits = orders[op];
  return (stored) =>
    stored !== null && operand !== null && operand !== undefined && fits(compareValues(stored, operand));
}

const orders = {
  lt: (difference: number): boolean => difference < 0,
  lte: (difference: number): boolean => difference <= 0,
  gt: (difference: number): boolean => difference > 0,
  gte: (difference: number): boolean => difference >= 0,
};

function oneOf(values: readonly StoredScalar[], type: FieldType): Test {
  const operands = new Set(values.map((value) => operandOf(value, type)));
  return (stored) => stored !== null && operands.has(stored);
}

/** Undefined is equal to nothing: what is no whole number has no place in a bigint field. */
function operandOf(value: StoredScalar, type: FieldType): Comparable | undefined {
  return type === "bigint" && value !== null ? wholeNumberOf(value) : comparableOf(value, type);
}
