import type { FieldType } from "../../ports/store.ts";
import { columnTypes, columnValue, comparedColumn, type Filled } from "./field-values.ts";
import { identifier, shortened, textLiteral } from "./identifiers.ts";
import { toStored, toStoredJson } from "./stored-text.ts";

/** The columns that every collection's table begins with; the fields of the documents stand beside them. */
export const ownColumns: readonly string[] = ["_tenant", "_id", "_version", "_data"];

/** Names that PostgreSQL has for columns of its own. */
export const reservedColumns: readonly string[] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

export interface FieldColumn {
  readonly column: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** What a document without the field counts as, as JSON text. */
  readonly default?: string | undefined;
}

/** A field as lists of unique ones name it. */
export interface TypedField extends Filled {
  readonly type: FieldType | undefined;
}

export type FieldColumns = ReadonlyMap<string, FieldColumn>;

/** How many characters of a text an index holds, so that long ones fit. */
export const indexedLength = 100;

export function createTable(schema: string, name: string, fields: FieldColumns): string {
  const columns = [
    '_tenant text COLLATE "C" NOT NULL',
    '_id text COLLATE "C" NOT NULL',
    "_version integer NOT NULL",
    "_data json NOT NULL",
    ...[...fields].map(([field, column]) => columnDefinition(schema, field, column)),
    "PRIMARY KEY (_tenant, _id)",
  ];
  return `CREATE TABLE ${tableName(schema, name)} (\n  ${columns.join(",\n  ")}\n)`;
}

export function tableName(schema: string, table: string): string {
  return `${identifier(schema)}.${identifier(table)}`;
}

/** A column that PostgreSQL computes from the document when it is written. */
export function columnDefinition(
  schema: string,
  field: string,
  { column, type, default: filling }: FieldColumn,
): string {
  const value = columnValue(schema, { field, default: filling }, type);
  return `${identifier(column)} ${columnTypes[type]} GENERATED ALWAYS AS (${value}) STORED`;
}

/** The start of a text, by which an index finds and orders it; other columns as they are. */
export function indexedValue(expression: string, type: FieldType): string {
  return type === "text" || type === "date" ? `pg_catalog.left(${expression}, ${indexedLength})` : expression;
}

/** What holds the key of dates has a name of its own: before there were keys, an index was of columns only. */
export function indexName(table: string, columns: readonly FieldColumn[]): string {
  const parts = columns.map(({ column, type }) => `${identifier(column)}${type === "date" ? " by value" : ""}`);
  return shortened(`nereus_index ${table}(${parts.join(", ")})`);
}

/** The name that an index of these columns had before there were keys. */
export function formerIndexName(table: string, columns: readonly FieldColumn[]): string {
  return shortened(`nereus_index ${table}(${columns.map(({ column }) => identifier(column)).join(", ")})`);
}

/** Queries are of one tenant, and go by id where their order leaves a tie. JSON has no order of its own. */
export function createIndex(
  schema: string,
  table: string,
  columns: readonly (readonly [field: string, FieldColumn])[],
): { name: string; sql: string } {
  const name = indexName(
    table,
    columns.map(([, column]) => column),
  );
  const keys = columns
    .filter(([, { type }]) => type !== "json")
    .map(([field, { column, type, default: filling }]) => {
      const compared = comparedColumn(schema, identifier(column), { field, default: filling }, type);
      return `(${indexedValue(compared, type)}) NULLS FIRST`;
    });
  const list = ["_tenant", ...keys, "_id"].join(", ");
  return { name, sql: `CREATE INDEX IF NOT EXISTS ${identifier(name)} ON ${tableName(schema, table)} (${list})` };
}

export function uniqueName(table: string, columns: readonly string[]): string {
  return shortened(`nereus_unique ${table}(${columns.map(identifier).join(", ")})`);
}

/** What finds the holder of values; that there is only one, `nereus_commit` sees to. */
export function createUnique(schema: string, table: string, name: string, key: string): string {
  return `CREATE INDEX IF NOT EXISTS ${identifier(name)} ON ${tableName(schema, table)} (_tenant, (${key}))`;
}

/** The values of some fields of a document as one, or null where one of them is null. Of decimals the number counts. */
export function uniqueKey(schema: string, fields: readonly TypedField[]): string {
  const names = fields.map(({ field }) => textLiteral(toStored(field))).join(", ");
  const defaults = fields
    .filter(({ default: filling }) => filling !== undefined)
    .map(({ field, default: filling }) => `${JSON.stringify(field)}:${filling}`);
  const filling = textLiteral(toStoredJson(`{${defaults.join(",")}}`));
  const list = fields.filter(({ type }) => type === "decimal").map(({ field }) => textLiteral(toStored(field)));
  const decimals = list.length === 0 ? "" : `, ARRAY[${list.join(", ")}]::text[]`;
  return `${identifier(schema)}.nereus_unique_key(_data, ARRAY[${names}]::text[], ${filling}::json${decimals})`;
}

/** It may have been dropped by hand. */
export function dropIndex(schema: string, name: string): string {
  return `DROP INDEX IF EXISTS ${tableName(schema, name)}`;
}
