import type { Condition, DocumentQuery, FieldType, Filter, Inner, StoredScalar } from "../../ports/store.ts";
import { refuseOversized } from "../filter-limits.ts";
import { unknownField } from "../store-errors.ts";
import { magnitudeOf, wholeNumberOf } from "../whole-number.ts";
import { always, type Clause, clause, either, every, inverse, never } from "./clauses.ts";
import type { CollectionTable } from "./collection-table.ts";
import { comparedValue, documentWith, pathOf, rawValue } from "./field-values.ts";
import { identifier } from "./identifiers.ts";
import { isNumeric, operandOf, operandsOf } from "./operands.ts";

/** What a condition or an order compares: a column, or what is within the field. */
interface Compared {
  readonly sql: string;
  readonly type: FieldType;
  /** As the document has it. */
  readonly raw: string;
}

const operators = { lt: "<", lte: "<=", gt: ">", gte: ">=" } as const;

/** The filters after an AND, or nothing. */
export function whereClause(table: CollectionTable, where: readonly Filter[]): Clause {
  if (where.length === 0) return { ...always, sql: "" };
  refuseOversized(table.collection, where);
  const all = every(where.map((filter) => filterClause(table, filter)));
  return { ...all, sql: `AND ${all.sql}` };
}

export function orderClause(table: CollectionTable, order: NonNullable<DocumentQuery["orderBy"]>): string {
  const terms = order.map((term) => `${comparedIn(table, term).sql} ${term.direction === "asc" ? "ASC" : "DESC"}`);
  return `ORDER BY ${[...terms, "_id"].join(", ")}`;
}

function filterClause(table: CollectionTable, filter: Filter): Clause {
  if ("field" in filter) return conditionClause(filter, comparedIn(table, filter));
  if (filter.op === "not") return inverse(filterClause(table, filter.of));
  const clauses = filter.of.map((one) => filterClause(table, one));
  return filter.op === "and" ? every(clauses) : either(clauses);
}

function comparedIn(
  table: CollectionTable,
  { field, within }: { readonly field: string; readonly within?: Inner },
): Compared {
  const column = table.fields.get(field);
  if (column === undefined) throw unknownField(table.collection, field, table.fields.keys());
  const path = pathOf(field, within?.path);
  const document = documentWith(field, column);
  const raw = rawValue(path, document);
  return within === undefined
    ? { sql: identifier(column.column), type: column.type, raw }
    : { sql: comparedValue(path, within.type, document), type: within.type, raw };
}

function conditionClause(condition: Condition, compared: Compared): Clause {
  const { sql, type } = compared;
  if (condition.op === "contains") return containsClause(condition.value, compared);
  if (type === "bigint") return wholeNumberClause(condition, compared);
  if (condition.op === "in") {
    const operands = operandsOf(condition.value, type);
    return clause(`${sql} IN ${operands.sql}`, operands.json);
  }
  const { op, value } = condition;
  if (value === null) return nullClause(op, sql);
  const operand = operandOf(value, type);
  if (op === "eq") return clause(`${sql} = ${operand.sql}`, operand.json);
  if (op === "ne") return clause(`${sql} IS NOT ${operand.sql}`, operand.json);
  return clause(`${sql} ${operators[op]} ${operand.sql}`, operand.json);
}

function containsClause(value: string, { sql, type }: Compared): Clause {
  const operand = operandOf(value, type);
  const kind = isNumeric(type) ? "blob" : "text";
  return clause(`(typeof(${sql}) = '${kind}' AND instr(${sql}, ${operand.sql}) > 0)`, operand.json);
}

function nullClause(op: Exclude<Condition["op"], "in" | "contains">, sql: string): Clause {
  if (op === "eq") return clause(`${sql} IS NULL`);
  return op === "ne" ? clause(`${sql} IS NOT NULL`) : never;
}

/** A bigint field: its column holds the number, exact within 64 bits; a greater one is told apart by its digits. */
function wholeNumberClause(condition: Exclude<Condition, { op: "contains" }>, { sql, raw }: Compared): Clause {
  if (condition.op === "in") return oneOfWholeNumbers(condition.value, sql, raw);
  const { op, value } = condition;
  if (value === null) return nullClause(op, sql);
  const number = wholeNumberOf(value);
  if (number === undefined) return op === "ne" ? always : never;
  const magnitude = magnitudeOf(number);
  if (op === "lt" || op === "lte" || op === "gt" || op === "gte") return clause(`${sql} ${operators[op]} ?`, magnitude);
  const operator = op === "eq" ? "=" : "IS NOT";
  return typeof magnitude === "bigint"
    ? clause(`${sql} ${operator} ?`, magnitude)
    : clause(`${raw} ${operator} ?`, String(number));
}

function oneOfWholeNumbers(values: readonly StoredScalar[], sql: string, raw: string): Clause {
  const numbers = values.flatMap((value) => (value === null ? [] : (wholeNumberOf(value) ?? [])));
  const exact = numbers.filter((number) => typeof magnitudeOf(number) === "bigint");
  const greater = numbers.filter((number) => typeof magnitudeOf(number) !== "bigint");
  return either([
    clause(`${sql} IN (SELECT CAST(value AS INTEGER) FROM json_each(?))`, JSON.stringify(exact.map(String))),
    ...(greater.length === 0
      ? []
      : [clause(`${raw} IN (SELECT value FROM json_each(?))`, JSON.stringify(greater.map(String)))]),
  ]);
}
