import { isKeyed } from "../order-key.ts";
import { type FieldColumn, uniqueValue } from "./collection-table.ts";
import { comparedValue, declaredTypes, documentWith, keyedValue, pathOf } from "./field-values.ts";
import { identifier } from "./identifiers.ts";
import { orderKey } from "./order-key.ts";

export type FieldColumns = ReadonlyMap<string, FieldColumn>;

/** Not STRICT: there, a document that does not fit its columns' types could not be stored at all. */
export function createTable(name: string, fields: FieldColumns): string {
  const columns = [
    "_tenant TEXT NOT NULL",
    "_id TEXT NOT NULL",
    "_version INTEGER NOT NULL CHECK (typeof(_version) = 'integer')",
    "_data TEXT NOT NULL CHECK (typeof(_data) = 'text')",
    ...[...fields].map(([field, column]) => columnDefinition(field, column)),
    "PRIMARY KEY (_tenant, _id)",
  ];
  return `CREATE TABLE ${identifier(name)} (\n  ${columns.join(",\n  ")}\n)`;
}

export function addColumn(table: string, field: string, column: FieldColumn): string {
  return `ALTER TABLE ${identifier(table)} ADD COLUMN ${columnDefinition(field, column)}`;
}

/** A column that SQLite computes from the document when it is read. */
export function columnDefinition(field: string, { column, type, default: filling }: FieldColumn): string {
  const document = documentWith(field, { default: filling });
  const declared = [identifier(column), declaredTypes[type]].filter((part) => part !== "").join(" ");
  return `${declared} GENERATED ALWAYS AS (${comparedValue(pathOf(field), type, document)}) VIRTUAL`;
}

/** What a query compares and orders by: a column, or the key of what it holds. */
export function comparedColumn(field: string, { column, type, default: filling }: FieldColumn): string {
  const name = identifier(column);
  if (!isKeyed(type)) return name;
  // The column of a bigint is only as exact as a number of SQLite.
  return type === "bigint"
    ? keyedValue(pathOf(field), type, documentWith(field, { default: filling }))
    : orderKey(name, type);
}

/** What holds a key has a name of its own: before there were keys, an index was of columns only. */
export function indexName(table: string, columns: readonly FieldColumn[]): string {
  const parts = columns.map(({ column, type }) => `${identifier(column)}${isKeyed(type) ? " by value" : ""}`);
  return `nereus_index ${table}(${parts.join(", ")})`;
}

/** The name that an index of these columns had before there were keys. */
export function formerIndexName(table: string, columns: readonly FieldColumn[]): string {
  return `nereus_index ${table}(${columns.map(({ column }) => identifier(column)).join(", ")})`;
}

/** Queries are of one tenant, and go by id where their order leaves a tie. */
export function createIndex(table: string, columns: readonly (readonly [field: string, FieldColumn])[]): string {
  const name = indexName(
    table,
    columns.map(([, column]) => column),
  );
  const compared = columns.map(([field, column]) => comparedColumn(field, column));
  return `CREATE INDEX ${identifier(name)} ON ${identifier(table)} (${["_tenant", ...compared, "_id"].join(", ")})`;
}

export function uniqueName(table: string, columns: readonly string[]): string {
  return `nereus_unique ${table}(${columns.map(identifier).join(", ")})`;
}

/** On the values as the document has them: the columns of large whole numbers hold only what is near to them. */
export function createUnique(table: string, name: string, fields: readonly string[], columns: FieldColumns): string {
  const list = ["_tenant", ...fields.map((field) => uniqueValue(field, columns))].join(", ");
  return `CREATE UNIQUE INDEX ${identifier(name)} ON ${identifier(table)} (${list})`;
}

/** It may have been dropped by hand, to let values be changed that are not unique for a while. */
export function dropIndex(name: string): string {
  return `DROP INDEX IF EXISTS ${identifier(name)}`;
}
