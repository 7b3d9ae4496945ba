import type { FieldType } from "../../ports/store.ts";
import { digitsLimit, type KeyedType } from "../order-key.ts";
import { identifier, textLiteral } from "./identifiers.ts";
import { toStored, toStoredJson } from "./stored-text.ts";

/** The type of a field's column. Numbers are exact, and Infinity stands for what is no number. */
export const columnTypes: Readonly<Record<FieldType, string>> = {
  text: 'text COLLATE "C"',
  integer: "numeric",
  real: "numeric",
  boolean: "boolean",
  bigint: "numeric",
  decimal: "numeric",
  date: 'text COLLATE "C"',
  json: "json",
};

/** PostgreSQL's own, whatever another schema of the search path has: queries run in the sessions of the pool. */
export function operator(name: string): string {
  return `OPERATOR(pg_catalog.${name})`;
}

const member = operator("->");
const joined = operator("||");
const matches = operator("~");

/** A field's name and what a document without it counts as. */
export interface Filled {
  readonly field: string;
  /** JSON text. */
  readonly default?: string | undefined;
}

/** What the document holds in a field, as JSON; its default where it is absent. */
export function fieldValue({ field, default: filling }: Filled): string {
  const value = `_data ${member} ${textLiteral(toStored(field))}`;
  return filling === undefined
    ? `(${value})`
    : `coalesce(${value}, ${textLiteral(toStoredJson(filling))}::pg_catalog.json)`;
}

/** What is at a path in a JSON value; an array has no keys. */
export function within(value: string, path: readonly string[]): string {
  return path.reduce((inner, key) => `(${inner} ${member} ${textLiteral(toStored(key))})`, value);
}

/** The expression of a field's column. */
export function columnValue(schema: string, filled: Filled, type: FieldType): string {
  const value = fieldValue(filled);
  if (type === "json") return value;
  if (type === "boolean") return `CASE json_typeof(${value}) WHEN 'boolean' THEN ${textOf(value)} = 'true' END`;
  return type === "text" || type === "date" ? textOf(value) : numberOf(schema, value, type);
}

/** What stands for a column among numbers. One of booleans has null for all that is none. */
export function comparedColumn(schema: string, column: string, filled: Filled, type: FieldType): string {
  if (type !== "boolean") return column;
  return `(CASE WHEN ${column} IS NULL THEN ${numberOf(schema, fieldValue(filled), type)} ELSE ${column}::integer::numeric END)`;
}

/** A JSON value among texts: null, a text, or its JSON text. */
export function textOf(value: string): string {
  return `(${value} ${operator("#>>")} '{}')`;
}

/** The same in the order of texts: the JSON text of an object or array is as the domain has it. */
export function anyTextOf(schema: string, value: string): string {
  return `${identifier(schema)}.nereus_text(${value})`;
}

/** A text of dates in the order of their moments; see `orderKeyOf`. */
export function dateKey(text: string): string {
  const substr = "pg_catalog.substr";
  const turned = `pg_catalog.translate(${substr}(${text}, 2, 6), '0123456789', '9876543210')`;
  const before0 = `'-' ${joined} ${turned} ${joined} ${substr}(${text}, 8)`;
  return (
    `(CASE WHEN ${text} ${matches} '^[+][0-9]{6}-' THEN ':' ${joined} ${substr}(${text}, 2) ` +
    `WHEN ${text} ${matches} '^-[0-9]{6}-' THEN ${before0} ELSE ${text} END)`
  );
}

const numberFunctions: Readonly<Partial<Record<FieldType, string>>> = {
  bigint: "nereus_whole_number",
  decimal: "nereus_decimal",
};

/** A JSON value among numbers: null, a number, or Infinity. */
export function numberOf(schema: string, value: string, type: FieldType): string {
  const name = numberFunctions[type] ?? "nereus_number";
  return `${identifier(schema)}.${name}(${value})`;
}

/** Whether a document holds something in a field that is not of the type; null is of every type. */
export function isMisfit(field: string, type: FieldType): string {
  const value = fieldValue({ field });
  const jsonType = `json_typeof${value}`;
  switch (type) {
    case "json":
      return "false";
    case "text":
      return `${jsonType} NOT IN ('string', 'null')`;
    case "real":
      return `${jsonType} NOT IN ('number', 'null')`;
    case "boolean":
      return `${jsonType} NOT IN ('boolean', 'null')`;
    case "integer":
      return `(${jsonType} NOT IN ('number', 'null') OR CASE ${jsonType} WHEN 'number' THEN ${textOf(value)}::numeric % 1 <> 0 END)`;
    case "bigint":
    case "decimal":
    case "date":
      return `(${jsonType} NOT IN ('string', 'null') OR CASE ${jsonType} WHEN 'string' THEN NOT (${isWritten(textOf(value), type)}) END)`;
  }
}

/** Whether a text is written as a type's values are. */
function isWritten(text: string, type: KeyedType): string {
  const own = `${text} COLLATE "C"`;
  if (type === "date") {
    return `${own} ~ '^([0-9]{4}|[+-][0-9]{6})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$'`;
  }
  const pattern = type === "bigint" ? "^-?[0-9]+$" : "^-?[0-9]+([.][0-9]+)?$";
  return `length(${text}) <= ${digitsLimit} AND ${own} ~ '${pattern}'`;
}

/** Whether a document has nothing in a field, not even null. */
export function isAbsent(field: string): string {
  return `${fieldValue({ field })} IS NULL`;
}
