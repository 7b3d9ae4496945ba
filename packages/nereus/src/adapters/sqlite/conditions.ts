import type { Condition, DocumentQuery, FieldType, Filter, Folding, Inner } from "../../ports/store.ts";
import { refuseOversized } from "../filter-limits.ts";
import { isKeyed } from "../order-key.ts";
import { unknownField } from "../store-errors.ts";
import { always, type Clause, clause, either, every, inverse, never } from "./clauses.ts";
import type { CollectionTable } from "./collection-table.ts";
import { comparedValue, documentWith, itemsAt, keyedValue, pathOf } from "./field-values.ts";
import { identifier, textLiteral } from "./identifiers.ts";
import { isNumeric, operandOf, operandsOf } from "./operands.ts";
import { comparedColumn } from "./table-definition.ts";

interface Address {
  readonly field: string;
  readonly within?: Inner;
}

/** What a condition or an order compares: a column, what is within the field, or the key of either. */
interface Compared {
  readonly sql: string;
  readonly type: FieldType;
  /** The value itself, where `sql` is its key. */
  readonly value: string;
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
  if ("field" in filter) {
    return filter.op === "has" ? itemClause(table, filter) : conditionClause(filter, comparedIn(table, filter));
  }
  if (filter.op === "not") return inverse(filterClause(table, filter.of));
  const clauses = filter.of.map((one) => filterClause(table, one));
  return filter.op === "and" ? every(clauses) : either(clauses);
}

function columnIn(table: CollectionTable, { field }: Address) {
  const column = table.fields.get(field);
  if (column === undefined) throw unknownField(table.collection, field, table.fields.keys());
  return column;
}

function comparedIn(table: CollectionTable, { field, within }: Address): Compared {
  const column = columnIn(table, { field });
  const document = documentWith(field, column);
  if (within === undefined) {
    const { type } = column;
    const value = type === "bigint" ? comparedValue(pathOf(field), "text", document) : identifier(column.column);
    return { sql: comparedColumn(field, column), type, value };
  }
  const { type } = within;
  const path = pathOf(field, within.path);
  const value = comparedValue(path, isKeyed(type) ? "text" : type, document);
  return { sql: isKeyed(type) ? keyedValue(path, type, document) : value, type, value };
}

function conditionClause(condition: Exclude<Condition, { op: "has" }>, compared: Compared): Clause {
  const { sql, type } = compared;
  if (condition.op === "contains" || condition.op === "startsWith") return partClause(condition, compared);
  const subject = folded(sql, "fold" in condition ? condition.fold : undefined);
  if (condition.op === "in") {
    const operands = operandsOf(condition.value, type);
    return clause(`${subject} IN ${operands.sql}`, operands.json);
  }
  const { op, value } = condition;
  if (value === null) return nullClause(op, sql);
  const operand = operandOf(value, type);
  if (op === "eq") return clause(`${subject} = ${operand.sql}`, operand.json);
  if (op === "ne") return clause(`${subject} IS NOT ${operand.sql}`, operand.json);
  return clause(`${sql} ${operators[op]} ${operand.sql}`, operand.json);
}

/** A start is the place 1: functions on characters would end a text at its first NUL. */
function partClause(
  { op, value, fold }: Condition & { readonly op: "contains" | "startsWith" },
  { sql, type, value: text }: Compared,
): Clause {
  const operand = operandOf(value, isKeyed(type) ? "text" : type);
  const kind = isNumeric(type) ? "blob" : "text";
  const found = `instr(${folded(text, fold)}, ${operand.sql}) ${op === "contains" ? "> 0" : "= 1"}`;
  const isText = isKeyed(type) && type !== "date" ? `${sql} GLOB '3*'` : `typeof(${text}) = '${kind}'`;
  return clause(`(${isText} AND ${found})`, operand.json);
}

function folded(sql: string, fold: Folding | undefined): string {
  if (fold === undefined) return sql;
  const to = [...fold.to];
  return [...fold.from].reduce(
    (text, character, at) => `replace(${text}, ${textLiteral(character)}, ${textLiteral(to[at] ?? "")})`,
    sql,
  );
}

function nullClause(op: "eq" | "ne" | "lt" | "lte" | "gt" | "gte", sql: string): Clause {
  if (op === "eq") return clause(`${sql} IS NULL`);
  return op === "ne" ? clause(`${sql} IS NOT NULL`) : never;
}

/** Only an array has items: those of an object are its values, and a scalar would be its own. */
function itemClause(table: CollectionTable, { field, within, value }: Condition & { readonly op: "has" }): Clause {
  const items = itemsAt(pathOf(field, within?.path), documentWith(field, columnIn(table, { field })));
  const kinds = typeof value === "string" ? "'text'" : typeof value === "number" ? "'integer', 'real'" : `'${value}'`;
  const same = `type IN (${kinds}) AND value = (? ->> '$')`;
  return clause(`EXISTS (SELECT 1 FROM json_each(${items}) WHERE ${same})`, JSON.stringify(value));
}
