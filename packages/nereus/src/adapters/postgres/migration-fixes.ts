import type { FieldType } from "../../ports/store.ts";

/** A value's text as one of another type, as far as PostgreSQL can make it one. */
export function conversion(text: string, type: FieldType): string {
  switch (type) {
    case "text":
    case "json":
      return text;
    case "integer":
      return `trunc(${text}::numeric)`;
    case "real":
      return `${text}::numeric`;
    case "boolean":
      return `${text} IN ('1', 'true', 'yes')`;
    case "bigint":
      return `trunc(${text}::numeric)::text`;
    case "decimal":
      return `(${text}::numeric)::text`;
    case "date":
      return `to_char(${text}::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  }
}

const fillers: Readonly<Record<FieldType, string>> = {
  text: "''::text",
  integer: "0",
  real: "0.0",
  boolean: "false",
  bigint: "'0'::text",
  decimal: "'0'::text",
  date: "'1970-01-01T00:00:00.000Z'::text",
  json: "'null'::json",
};

/** A value of the type, in place of the one that the user has to choose. */
export function fillIn(type: FieldType): string {
  return fillers[type];
}
