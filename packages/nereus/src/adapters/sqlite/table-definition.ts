import { type FieldColumn, uniqueValue } from "./collection-table.ts";
import { comparedValue, declaredTypes, documentWith, pathOf } from "./field-values.ts";
import { identifier } from "./identifiers.ts";

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
function columnDefinition(field: string, { column, type, default: filling }: FieldColumn): string {
  const document = documentWith(field, { default: filling });
  const declared = [identifier(column), declaredTypes[type]].filter((part) => part !== "").join(" ");
  return `${declared} GENERATED ALWAYS AS (${comparedValue(pathOf(field), type, document)}) VIRTUAL`;
}

export function indexName(table: string, columns: readonly string[]): string {
  return `nereus_index ${table}(${columns.map(identifier).join(", ")})`;
}

/** Queries are of one tenant, and go by id where their order leaves a tie. */
export function createIndex(table: string, columns: readonly string[]): string {
  const list = ["_tenant", ...columns.map(identifier), "_id"].join(", ");
  return `CREATE INDEX ${identifier(indexName(table, columns))} ON ${identifier(table)} (${list})`;
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
