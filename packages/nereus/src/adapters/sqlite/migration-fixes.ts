import type { FieldType } from "../../ports/store.ts";
import { rawValue } from "./field-values.ts";

/** The value at a path as one of another type, as far as SQLite can make it one. */
export function conversion(path: string, type: FieldType): string {
  const raw = rawValue(path);
  switch (type) {
    case "text":
      return `CAST(${raw} AS TEXT)`;
    case "integer":
      return `CAST(${raw} AS INTEGER)`;
    case "real":
      return `CAST(${raw} AS REAL)`;
    case "boolean":
      return `json(CASE WHEN ${raw} IN (1, '1', 'true', 'yes') THEN 'true' ELSE 'false' END)`;
    case "bigint":
      return `CAST(CAST(${raw} AS INTEGER) AS TEXT)`;
    case "decimal":
      return `CAST(${raw} AS TEXT)`;
    case "date":
      return `strftime('%Y-%m-%dT%H:%M:%fZ', ${raw})`;
    case "json":
      return raw;
  }
}

const fillers: Readonly<Record<FieldType, string>> = {
  text: "''",
  integer: "0",
  real: "0.0",
  boolean: "json('false')",
  bigint: "'0'",
  decimal: "'0'",
  date: "'1970-01-01T00:00:00.000Z'",
  json: "json('null')",
};

/** A value of the type, in place of the one that the user has to choose. */
export function fillIn(type: FieldType): string {
  return fillers[type];
}
