import type { FieldType } from "../../ports/store.ts";
import { documentWith, keyedValue, pathOf, rawValue } from "./field-values.ts";
import { identifier, textLiteral } from "./identifiers.ts";

/** The columns that every collection's table begins with; the fields of the documents stand beside them. */
export const ownColumns: readonly string[] = ["_tenant", "_id", "_version", "_data"];

export interface FieldColumn {
  readonly column: string;
  readonly type: FieldType;
  /** Undefined in what the first release wrote. */
  readonly required?: boolean;
  /** What a document without the field counts as, as JSON text. */
  readonly default?: string | undefined;
}

/** Which column each field has, the names of the indexes, and the lists of unique fields: JSON in nereus_collections. */
export interface Layout {
  /** Absent in what the first release wrote, whose columns have no types. */
  readonly version?: 2;
  readonly fields: readonly (readonly [field: string, column: FieldColumn])[];
  readonly indexes: readonly string[];
  readonly unique?: readonly (readonly string[])[];
}

/** Fields whose values only one document of a tenant may have. */
export interface UniqueFields {
  readonly fields: readonly string[];
  /** Finds the id of another document with the values of one. Parameters: tenant, data, id. */
  readonly holder: string;
}

/** The table of one collection, and the statements on it. */
export class CollectionTable {
  readonly collection: string;
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldColumn>;
  readonly unique: readonly UniqueFields[];
  /** Parameters: tenant, id. */
  readonly get: string;
  /** Parameters: tenant, id. */
  readonly version: string;
  /** Parameters: tenant, id, data. */
  readonly put: string;
  /** Leaves a document without values until it is written or removed. Parameters: tenant, id. */
  readonly release: string;
  /** Remembers the version of a document that is about to be removed. Parameters: tenant, id. */
  readonly retire: string;
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
    this.unique = (layout.unique ?? []).map((fields) => ({ fields, holder: holderOf(table, fields, this.fields) }));
    this.get = `SELECT _id, _version, _data FROM ${table} WHERE _tenant = ? AND _id = ?`;
    this.version = `SELECT _version FROM ${table} WHERE _tenant = ? AND _id = ?`;
    const owner = textLiteral(collection);
    const former = `SELECT version + 1 FROM nereus_removed WHERE collection = ${owner} AND tenant = ? AND id = ?`;
    this.put =
      `INSERT INTO ${table} (_tenant, _id, _version, _data) VALUES (?, ?, coalesce((${former}), 0), ?) ` +
      "ON CONFLICT (_tenant, _id) DO UPDATE SET _version = _version + 1, _data = excluded._data";
    this.release = `UPDATE ${table} SET _data = '{}' WHERE _tenant = ? AND _id = ?`;
    this.retire =
      "INSERT OR REPLACE INTO nereus_removed (collection, tenant, id, version) " +
      `SELECT ${owner}, _tenant, _id, _version FROM ${table} WHERE _tenant = ? AND _id = ?`;
    this.remove = `DELETE FROM ${table} WHERE _tenant = ? AND _id = ?`;
    this.select = `SELECT _id, _version, _data FROM ${table} WHERE _tenant = ?`;
    this.count = `SELECT count(*) FROM ${table} WHERE _tenant = ?`;
  }
}

/** Both sides are read from JSON by the same expression, which is also that of the index. */
function holderOf(table: string, fields: readonly string[], columns: ReadonlyMap<string, FieldColumn>): string {
  const same = fields.map(
    (field) => `AND ${uniqueValue(field, columns)} = ${uniqueValue(field, columns, "nereus_data")}`,
  );
  // Node 22.13 binds no numbered parameters, and the document is named as often as there are fields.
  const given = "(SELECT ? AS nereus_tenant, ? AS nereus_data, ? AS nereus_id)";
  const others = `_tenant = nereus_tenant ${same.join(" ")} AND _id <> nereus_id`;
  return `SELECT _id FROM ${given} CROSS JOIN ${table} WHERE ${others} LIMIT 1`;
}

/** What a document holds of a list of unique fields: of decimals the number counts, whatever their scale was. */
export function uniqueValue(
  field: string,
  columns: ReadonlyMap<string, Pick<FieldColumn, "type" | "default">>,
  document?: string,
): string {
  const column = columns.get(field);
  const own = documentWith(field, column ?? {}, document);
  return column?.type === "decimal" ? keyedValue(pathOf(field), "decimal", own) : rawValue(pathOf(field), own);
}
