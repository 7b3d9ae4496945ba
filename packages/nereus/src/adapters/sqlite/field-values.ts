import type { FieldType } from "../../ports/store.ts";
import { isKeyed, type KeyedType } from "../order-key.ts";
import { textLiteral } from "./identifiers.ts";
import { orderKey } from "./order-key.ts";

/** The type that a field's column is declared with; none where every affinity would change some of its values. */
export const declaredTypes: Readonly<Record<FieldType, string>> = {
  text: "TEXT",
  integer: "INTEGER",
  real: "REAL",
  boolean: "INTEGER",
  bigint: "NUMERIC",
  decimal: "TEXT",
  date: "TEXT",
  json: "",
};

/** The JSON path to a field, or to what is within it. */
export function pathOf(field: string, within: readonly string[] = []): string {
  return `$${[field, ...within].map((key) => `.${JSON.stringify(key)}`).join("")}`;
}

/** The document as far as a field of it is concerned: where it has none, another that holds just the field's default. */
export function documentWith(
  field: string,
  { default: filling }: { readonly default?: string | undefined },
  document = "_data",
): string {
  if (filling === undefined) return document;
  const instead = textLiteral(`{${JSON.stringify(field)}:${filling}}`);
  return `CASE WHEN ${jsonType(pathOf(field), document)} IS NULL THEN ${instead} ELSE ${document} END`;
}

/** What the document holds at a path, as SQLite sees it: an object or array as its JSON text. */
export function rawValue(path: string, document = "_data"): string {
  return `(${operandOf(document)} ->> ${textLiteral(path)})`;
}

/**
 * What the value at a path counts as when it is compared, so that no column's affinity can change it: text in a column
 * of numbers is a BLOB (which SQLite orders after all numbers, by its bytes), and what is no text in a column of texts is
 * its JSON text.
 */
export function comparedValue(path: string, type: FieldType, document = "_data"): string {
  const raw = rawValue(path, document);
  switch (type) {
    case "json":
      return raw;
    case "text":
    case "decimal":
    case "date":
      return `CASE typeof${raw} WHEN 'text' THEN ${raw} WHEN 'null' THEN NULL ELSE ${operandOf(document)} -> ${textLiteral(path)} END`;
    case "bigint":
      // For people, who may want to add them up: as near as a number of SQLite comes.
      return (
        `CASE WHEN typeof${raw} <> 'text' THEN ${raw} ` +
        `WHEN ${areDigits(raw)} THEN CAST(${raw} AS NUMERIC) ELSE CAST(${raw} AS BLOB) END`
      );
    default:
      return `CASE typeof${raw} WHEN 'text' THEN CAST(${raw} AS BLOB) ELSE ${raw} END`;
  }
}

/** The key by which a value stands in the order of its type, where that has one of its own. */
export function keyedValue(path: string, type: KeyedType, document = "_data"): string {
  return orderKey(`(${comparedValue(path, "text", document)})`, type);
}

/** The list at a path, for `json_each`; an empty one where there is none. */
export function itemsAt(path: string, document = "_data"): string {
  return `CASE ${jsonType(path, document)} WHEN 'array' THEN ${operandOf(document)} -> ${textLiteral(path)} ELSE '[]' END`;
}

/** Whether a text in parentheses is digits, after a minus sign or not. */
function areDigits(text: string): string {
  return `(${text} GLOB '[0-9]*' OR ${text} GLOB '-[0-9]*') AND substr(${text}, 2) NOT GLOB '*[^0-9]*'`;
}

const jsonTypes: Readonly<Record<Exclude<FieldType, "json">, string>> = {
  text: "'text'",
  integer: "'integer'",
  real: "'integer', 'real'",
  boolean: "'true', 'false'",
  bigint: "'text'",
  decimal: "'text'",
  date: "'text'",
};

/** Whether a document holds something at a path that is not of the type; null is of every type. */
export function isMisfit(path: string, type: FieldType): string {
  if (type === "json") return "FALSE";
  const misfit = `${jsonType(path)} NOT IN (${jsonTypes[type]}, 'null')`;
  if (!isKeyed(type)) return misfit;
  return `(${misfit} OR (${jsonType(path)} = 'text' AND NOT (${isWritten(rawValue(path), type)})))`;
}

/** Whether a text is written as a type's values are. */
function isWritten(text: string, type: KeyedType): string {
  if (type !== "date") {
    const isNumber = `${orderKey(text, type)} NOT GLOB '3*'`;
    return type === "decimal" ? isNumber : `(${isNumber} AND instr(${text}, '.') = 0)`;
  }
  const digits = (count: number): string => "[0-9]".repeat(count);
  const rest = `-${digits(2)}-${digits(2)}T${digits(2)}:${digits(2)}:${digits(2)}.${digits(3)}Z`;
  return `length(CAST(${text} AS BLOB)) <= 27 AND (${text} GLOB '${digits(4)}${rest}' OR ${text} GLOB '[+-]${digits(6)}${rest}')`;
}

/** Whether a document has nothing at a path, not even null. */
export function isAbsent(path: string): string {
  return `${jsonType(path)} IS NULL`;
}

function jsonType(path: string, document = "_data"): string {
  return `json_type(${document}, ${textLiteral(path)})`;
}

/** An expression as one operand. */
function operandOf(document: string): string {
  return document.includes(" ") ? `(${document})` : document;
}
