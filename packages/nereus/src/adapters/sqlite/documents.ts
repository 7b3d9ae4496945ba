import type {
  Conflict,
  DocumentQuery,
  DocumentReader,
  DocumentWrite,
  Filter,
  StoredDocument,
} from "../../ports/store.ts";
import { holds } from "../expectation.ts";
import type { CollectionTable } from "./collection-table.ts";
import { orderClause, whereClause } from "./conditions.ts";
import type { Connection, Row } from "./connection.ts";
import type { Read, Session } from "./session.ts";

/** Reads of documents. */
export class SqliteDocuments implements DocumentReader {
  readonly #read: Read;

  constructor(read: Read) {
    this.#read = read;
  }

  get(collection: string, tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, StoredDocument>> {
    return this.#read((session) => {
      const table = session.tables.get(collection);
      const found = new Map<string, StoredDocument>();
      for (const id of ids) {
        const document = stored(session, table, tenant, id);
        if (document !== undefined) found.set(id, document);
      }
      return found;
    });
  }

  find(collection: string, tenant: string, query: DocumentQuery): Promise<readonly StoredDocument[]> {
    return this.#read(({ connection, tables }) => {
      const table = tables.get(collection);
      const where = whereClause(table, query.where ?? []);
      const order = orderClause(table, query.orderBy ?? []);
      const statement = connection.prepare(`${table.select} ${where.sql} ${order} LIMIT ? OFFSET ?`);
      const rows = statement.all(tenant, ...where.parameters, query.limit ?? -1, query.offset ?? 0);
      return rows.map(documentOf);
    });
  }

  count(collection: string, tenant: string, filters: readonly Filter[]): Promise<number> {
    return this.#read(({ connection, tables }) => {
      const table = tables.get(collection);
      const where = whereClause(table, filters);
      return Number(connection.prepare(`${table.count} ${where.sql}`).get(tenant, ...where.parameters)?.[0]);
    });
  }
}

export function documentConflict(session: Session, writes: readonly DocumentWrite[]): Conflict | undefined {
  for (const { collection, tenant, id, expectedVersion: expected } of writes) {
    if (expected === "any") continue;
    const table = session.tables.get(collection);
    const version = session.connection.prepare(table.version).get(tenant, id)?.[0] ?? -1;
    if (holds(expected, Number(version))) continue;
    return { on: "document", collection, id, expected, current: stored(session, table, tenant, id) };
  }
  return undefined;
}

/** Writes those that `writeUniqueDocuments` has not written. */
export function writeDocuments({ connection, tables }: Session, writes: readonly DocumentWrite[]): void {
  for (const write of writes) {
    const table = tables.get(write.collection);
    if (table.unique.length > 0) continue;
    if (write.data === null) removeDocument(connection, table, write);
    else putDocument(connection, table, write, write.data);
  }
}

export function putDocument(
  connection: Connection,
  table: CollectionTable,
  { tenant, id }: DocumentWrite,
  data: string,
): void {
  connection.prepare(table.put).run(tenant, id, tenant, id, data);
}

/** One that is made again under the id goes on from its version, unless the removal does not care which it was. */
export function removeDocument(
  connection: Connection,
  table: CollectionTable,
  { tenant, id, expectedVersion }: DocumentWrite,
): void {
  if (expectedVersion !== "any") connection.prepare(table.retire).run(tenant, id);
  connection.prepare(table.remove).run(tenant, id);
}

function stored(
  { connection }: Session,
  table: CollectionTable,
  tenant: string,
  id: string,
): StoredDocument | undefined {
  const row = connection.prepare(table.get).get(tenant, id);
  return row && documentOf(row);
}

function documentOf(row: Row): StoredDocument {
  const [id, version, data] = row as readonly [string, number, string];
  return { id, version, data };
}
