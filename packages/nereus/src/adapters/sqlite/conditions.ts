import type { Condition, DocumentQuery, StoredScalar } from "../../ports/store.ts";
import { unknownField } from "../store-errors.ts";
import { magnitudeOf, wholeNumberOf } from "../whole-number.ts";
import { type CollectionTable, type FieldColumn, pathOf } from "./collection-table.ts";
import { identifier, textLiteral } from "./identifiers.ts";

interface Clause {
  readonly sql: string;
  readonly parameters: readonly (string | bigint | number)[];
}

const never: Clause = { sql: "FALSE", parameters: [] };
const always: Clause = { sql: "TRUE", parameters: [] };

const operators = { lt: "<", lte: "<=", gt: ">", gte: ">=" } as const;

/** The conditions, each after an AND. */
export function whereClause(table: CollectionTable, conditions: readonly Condition[]): Clause {
  const clauses = conditions.map((condition) => clauseOf(condition, columnOf(table, condition.field)));
  return {
    sql: clauses.map(({ sql }) => `AND ${sql}`).join(" "),
    parameters: clauses.flatMap(({ parameters }) => parameters),
  };
}

export function orderClause(table: CollectionTable, order: NonNullable<DocumentQuery["orderBy"]>): string {
  const terms = order.map(
    ({ field, direction }) => `${identifier(columnOf(table, field).column)} ${direction === "asc" ? "ASC" : "DESC"}`,
  );
  return `ORDER BY ${[...terms, "_id"].join(", ")}`;
}

function columnOf(table: CollectionTable, field: string): FieldColumn {
  const column = table.fields.get(field);
  if (column === undefined) throw unknownField(table.collection, field, table.fields.keys());
  return column;
}

function clauseOf(condition: Condition, field: FieldColumn): Clause {
  const column = identifier(field.column);
  if (condition.op === "contains") {
    const sql = `typeof(${column}) = 'text' AND instr(${column}, ? ->> '$') > 0`;
    return { sql, parameters: [JSON.stringify(condition.value)] };
  }
  if (field.type === "bigint") return wholeNumberClause(condition, column, condition.field);
  if (condition.op === "in") {
    const values = condition.value.filter((value) => value !== null);
    return { sql: `${column} IN (SELECT value FROM json_each(?))`, parameters: [JSON.stringify(values)] };
  }
  const { op, value } = condition;
  if (value === null) return nullClause(op, column);
  // An operand travels as JSON, so that SQLite makes of it what it makes of the same value in a document.
  const parameters = [JSON.stringify(value)];
  if (op === "eq") return { sql: `${column} = (? ->> '$')`, parameters };
  if (op === "ne") return { sql: `${column} IS NOT (? ->> '$')`, parameters };
  return { sql: `${column} ${operators[op]} (? ->> '$')`, parameters };
}

function nullClause(op: Exclude<Condition["op"], "in" | "contains">, column: string): Clause {
  if (op === "eq") return { sql: `${column} IS NULL`, parameters: [] };
  return op === "ne" ? { sql: `${column} IS NOT NULL`, parameters: [] } : never;
}

/** A bigint field: its column holds the number, exact within 64 bits; a greater one is told apart by its digits. */
function wholeNumberClause(condition: Exclude<Condition, { op: "contains" }>, column: string, field: string): Clause {
  const digits = `(_data ->> ${textLiteral(pathOf(field))})`;
  if (condition.op === "in") return oneOfWholeNumbers(condition.value, column, digits);
  const { op, value } = condition;
  if (value === null) return nullClause(op, column);
  const number = wholeNumberOf(value);
  if (number === undefined) return op === "ne" ? always : never;
  const magnitude = magnitudeOf(number);
  if (op === "lt" || op === "lte" || op === "gt" || op === "gte") {
    return { sql: `${column} ${operators[op]} ?`, parameters: [magnitude] };
  }
  const operator = op === "eq" ? "=" : "IS NOT";
  return typeof magnitude === "bigint"
    ? { sql: `${column} ${operator} ?`, parameters: [magnitude] }
    : { sql: `${digits} ${operator} ?`, parameters: [String(number)] };
}

function oneOfWholeNumbers(values: readonly StoredScalar[], column: string, digits: string): Clause {
  const numbers = values.flatMap((value) => (value === null ? [] : (wholeNumberOf(value) ?? [])));
  const exact = numbers.filter((number) => typeof magnitudeOf(number) === "bigint");
  const greater = numbers.filter((number) => typeof magnitudeOf(number) !== "bigint");
  return {
    sql:
      `(${column} IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) ` +
      `OR ${digits} IN (SELECT value FROM json_each(?)))`,
    parameters: [JSON.stringify(exact.map(String)), JSON.stringify(greater.map(String))],
  };
}
