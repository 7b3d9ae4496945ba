import type { FieldType } from "../../ports/store.ts";
import { identifier, textLiteral } from "./identifiers.ts";

/** The columns that every collection's table begins with; the fields of the documents stand beside them. */
export const ownColumns: readonly string[] = ["_tenant", "_id", "_version", "_data"];

export interface FieldColumn {
  readonly column: string;
  readonly type: FieldType;
}

/** Which column each field has, and the names of the indexes: kept as JSON in nereus_collections. */
export interface Layout {
  readonly fields: readonly (readonly [field: string, column: FieldColumn])[];
  readonly indexes: readonly string[];
}

/** The table of one collection, and the statements on it. */
export class CollectionTable {
  readonly collection: string;
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldColumn>;
  /** Parameters: tenant, id. */
  readonly get: string;
  /** Parameters: tenant, id. */
  readonly version: string;
  /** Parameters: tenant, id, data. */
  readonly put: string;
  /** Parameters: tenant, id. */
  readonly remove: string;
  /** Up to its conditions; the first parameter is the tenant. */
  readonly select: string;
  /** Up to its conditions; the first parameter is the tenant. */
  readonly count: string;

  constructor(collection: string, name: string, layout: Layout) {
    const table = identifier(name);
    this.collection = collection;
    this.name = name;
    this.fields = new Map(layout.fields);
    this.get = `SELECT _id, _version, _data FROM ${table} WHERE _tenant = ? AND _id = ?`;
    this.version = `SELECT _version FROM ${table} WHERE _tenant = ? AND _id = ?`;
    this.put =
      `INSERT INTO ${table} (_tenant, _id, _version, _data) VALUES (?, ?, 0, ?) ` +
      "ON CONFLICT (_tenant, _id) DO UPDATE SET _version = _version + 1, _data = excluded._data";
    this.remove = `DELETE FROM ${table} WHERE _tenant = ? AND _id = ?`;
    this.select = `SELECT _id, _version, _data FROM ${table} WHERE _tenant = ?`;
    this.count = `SELECT count(*) FROM ${table} WHERE _tenant = ?`;
  }
}

export function createTable(name: string): string {
  return (
    `CREATE TABLE ${identifier(name)} (_tenant TEXT NOT NULL, _id TEXT NOT NULL, _version INTEGER NOT NULL, ` +
    "_data TEXT NOT NULL, PRIMARY KEY (_tenant, _id)) STRICT"
  );
}

/** A column that SQLite computes from the document. ANY leaves each value the type that it has in JSON. */
export function addColumn(table: string, field: string, { column, type }: FieldColumn): string {
  const value = `_data ->> ${textLiteral(pathOf(field))}`;
  const typed = type === "bigint" ? `CAST(${value} AS NUMERIC)` : value;
  return `ALTER TABLE ${identifier(table)} ADD COLUMN ${identifier(column)} ANY GENERATED ALWAYS AS (${typed}) VIRTUAL`;
}

export function dropColumn(table: string, column: string): string {
  return `ALTER TABLE ${identifier(table)} DROP COLUMN ${identifier(column)}`;
}

/** The JSON path of a top-level field. */
export function pathOf(field: string): string {
  return `$.${JSON.stringify(field)}`;
}

export function indexName(table: string, columns: readonly string[]): string {
  return `nereus_index ${table}(${columns.map(identifier).join(", ")})`;
}

/** Queries are of one tenant, and go by id where their order leaves a tie. */
export function createIndex(table: string, columns: readonly string[]): string {
  const list = ["_tenant", ...columns.map(identifier), "_id"].join(", ");
  return `CREATE INDEX ${identifier(indexName(table, columns))} ON ${identifier(table)} (${list})`;
}

export function dropIndex(name: string): string {
  return `DROP INDEX ${identifier(name)}`;
}
