import type { FieldType, StoredScalar } from "../../ports/store.ts";
import { isKeyed, type KeyedType, orderKeyOf } from "../order-key.ts";

/** An operand travels as JSON, so that SQLite makes of it what it makes of the same value in a document. */
export interface Operand {
  readonly sql: string;
  readonly json: string;
}

/** What a value counts as beside a field of a type: as the field's own values do, see `comparedValue`. */
export function operandOf(value: Exclude<StoredScalar, null>, type: FieldType): Operand {
  if (isKeyed(type)) return { sql: "(? ->> '$')", json: JSON.stringify(keyOf(value, type)) };
  const json = JSON.stringify(value);
  if (type === "text" && typeof value !== "string") return { sql: "(? ->> '$')", json: JSON.stringify(json) };
  if (isNumeric(type) && typeof value === "string") return { sql: "CAST(? ->> '$' AS BLOB)", json };
  return { sql: "(? ->> '$')", json };
}

/** The same for the values of a list: its one parameter, and the SELECT that has them as rows. */
export function operandsOf(values: readonly StoredScalar[], type: FieldType): Operand {
  const present = values.filter((value) => value !== null);
  if (isKeyed(type)) {
    const keys = present.map((value) => keyOf(value, type));
    return { sql: "(SELECT value FROM json_each(?))", json: JSON.stringify(keys) };
  }
  if (type === "text") {
    const texts = present.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
    return { sql: "(SELECT value FROM json_each(?))", json: JSON.stringify(texts) };
  }
  const value = isNumeric(type) ? "CASE typeof(value) WHEN 'text' THEN CAST(value AS BLOB) ELSE value END" : "value";
  return { sql: `(SELECT ${value} FROM json_each(?))`, json: JSON.stringify(present) };
}

function keyOf(value: Exclude<StoredScalar, null>, type: KeyedType): string {
  return orderKeyOf(typeof value === "string" ? value : JSON.stringify(value), type);
}

/** Whether the texts among a field's values are kept from being taken for numbers. */
export function isNumeric(type: FieldType): boolean {
  return type === "integer" || type === "real" || type === "boolean";
}
