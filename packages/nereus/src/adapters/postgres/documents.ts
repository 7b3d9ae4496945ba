import type { DocumentQuery, DocumentReader, Filter, StoredDocument } from "../../ports/store.ts";
import { Parameters, QueryText } from "./conditions.ts";
import { operator } from "./field-values.ts";
import { PreparedStatement, type Row, unprepared } from "./reads.ts";
import type { Read } from "./session.ts";
import { fromStored, fromStoredJson, toStored } from "./stored-text.ts";

const equals = operator("=");

/** Reads of documents. */
export class PostgresDocuments implements DocumentReader {
  readonly #schema: string;
  readonly #read: Read;

  constructor(schema: string, read: Read) {
    this.#schema = schema;
    this.#read = read;
  }

  get(collection: string, tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, StoredDocument>> {
    return this.#read(async ({ reads, tables }) => {
      const { sql } = tables.get(collection);
      const found = new Map<string, StoredDocument>();
      if (ids.length === 0) return found;
      const statement = new PreparedStatement(
        `SELECT _id, _version, _data::pg_catalog.text FROM ${sql} WHERE _tenant ${equals} $1 AND _id ${equals} ANY ($2::pg_catalog.text[])`,
      );
      for (const row of await reads.rows(statement.with(toStored(tenant), ids.map(toStored)))) {
        const document = documentOf(row);
        found.set(document.id, document);
      }
      return found;
    });
  }

  find(collection: string, tenant: string, query: DocumentQuery): Promise<readonly StoredDocument[]> {
    return this.#read(async ({ reads, tables }) => {
      const table = tables.get(collection);
      const parameters = new Parameters(toStored(tenant));
      const text = new QueryText(this.#schema, table, parameters);
      const conditions = text.where(query.where ?? []) + text.order(query.orderBy ?? []);
      const limit = query.limit === undefined ? "" : ` LIMIT ${parameters.add(query.limit)}::bigint`;
      const offset = query.offset === undefined ? "" : ` OFFSET ${parameters.add(query.offset)}::bigint`;
      const sql = `SELECT _id, _version, _data::pg_catalog.text FROM ${table.sql} WHERE _tenant ${equals} $1${conditions}${limit}${offset}`;
      return (await reads.rows(unprepared(sql, parameters.values))).map(documentOf);
    });
  }

  count(collection: string, tenant: string, filters: readonly Filter[]): Promise<number> {
    return this.#read(async ({ reads, tables }) => {
      const table = tables.get(collection);
      const parameters = new Parameters(toStored(tenant));
      const where = new QueryText(this.#schema, table, parameters).where(filters);
      const sql = `SELECT pg_catalog.count(*) FROM ${table.sql} WHERE _tenant ${equals} $1${where}`;
      return Number((await reads.rows(unprepared(sql, parameters.values)))[0]?.[0]);
    });
  }
}

function documentOf(row: Row): StoredDocument {
  const [id, version, data] = row as readonly [string, number, string];
  return { id: fromStored(id), version, data: fromStoredJson(data) };
}
