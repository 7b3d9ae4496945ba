import type { Condition, FieldType, StoredScalar } from "../../ports/store.ts";
import { unknownField } from "../store-errors.ts";
import { wholeNumberOf } from "../whole-number.ts";
import { type Comparable, comparableOf, compareValues } from "./comparable.ts";

type Test = (value: Comparable) => boolean;

/** @throws NereusError `UNKNOWN_FIELD` */
export function fieldType(collection: string, fields: ReadonlyMap<string, FieldType>, field: string): FieldType {
  const type = fields.get(field);
  if (type === undefined) throw unknownField(collection, field, fields.keys());
  return type;
}

/** Turns a condition into a test of the field's value. */
export function conditionTest(condition: Condition, type: FieldType): Test {
  if (condition.op === "contains") return (value) => typeof value === "string" && value.includes(condition.value);
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
