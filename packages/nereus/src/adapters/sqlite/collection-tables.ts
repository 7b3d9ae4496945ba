import type { CollectionShape, FieldType } from "../../ports/store.ts";
import { collectionNotOpen } from "../store-errors.ts";
import {
  addColumn,
  CollectionTable,
  createIndex,
  createTable,
  dropColumn,
  dropIndex,
  type FieldColumn,
  indexName,
  type Layout,
  ownColumns,
} from "./collection-table.ts";
import type { Connection } from "./connection.ts";
import { freeName, identifier } from "./identifiers.ts";
import { collections, nameTaken, putCollection } from "./statements.ts";

interface Entry {
  readonly table: string;
  readonly layout: Layout;
}

/** The tables of the collections that have been opened. */
export class CollectionTables {
  readonly #connection: Connection;
  readonly #tables = new Map<string, CollectionTable>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws NereusError `STORE_NOT_OPEN` for a collection that was not declared. */
  get(collection: string): CollectionTable {
    const table = this.#tables.get(collection);
    if (table === undefined) throw collectionNotOpen(this.#connection.path, collection);
    return table;
  }

  /** Makes the tables, columns and indexes that are missing. */
  declare(shapes: readonly CollectionShape[]): void {
    const known = this.#entries();
    if (!shapes.every((shape) => isCovered(shape, known.get(shape.name)))) {
      this.#connection.transact(() => {
        // Read again under the lock: another process may have made some of them.
        const entries = this.#entries();
        for (const shape of shapes) this.#build(shape, entries.get(shape.name));
      });
    }
    for (const [name, { table, layout }] of this.#entries()) {
      if (this.#tables.has(name) || shapes.some((shape) => shape.name === name)) {
        this.#tables.set(name, new CollectionTable(name, table, layout));
      }
    }
  }

  #entries(): Map<string, Entry> {
    // The statement's columns, in their order; SQLite's STRICT tables hold these types.
    const rows = this.#connection.prepare(collections).all() as unknown as readonly [string, string, string][];
    return new Map(rows.map(([name, table, layout]) => [name, { table, layout: JSON.parse(layout) as Layout }]));
  }

  #build(shape: CollectionShape, entry: Entry | undefined): void {
    if (isCovered(shape, entry)) return;
    const table = entry?.table ?? this.#create(shape.name);
    const fields = new Map(entry?.layout.fields ?? []);
    const indexes = new Set(entry?.layout.indexes ?? []);
    for (const { name, type } of shape.fields) this.#buildField(table, fields, indexes, name, type);
    for (const index of shape.indexes) {
      const columns = index.map((field) => fields.get(field)?.column ?? field);
      const name = indexName(table, columns);
      if (indexes.has(name)) continue;
      this.#connection.execute(createIndex(table, columns));
      indexes.add(name);
    }
    const layout: Layout = { fields: [...fields], indexes: [...indexes] };
    this.#connection.prepare(putCollection).run(shape.name, table, JSON.stringify(layout));
  }

  #create(collection: string): string {
    const reserved = /^(sqlite|nereus)_/i.test(collection);
    const table = freeName(reserved ? `_${collection}` : collection, (name) => this.#isTaken(name));
    this.#connection.execute(createTable(table));
    return table;
  }

  #isTaken(name: string): boolean {
    return this.#connection.prepare(nameTaken).get(name) !== undefined;
  }

  #buildField(
    table: string,
    fields: Map<string, FieldColumn>,
    indexes: Set<string>,
    field: string,
    type: FieldType,
  ): void {
    const old = fields.get(field);
    if (old?.type === type) return;
    const column = old?.column ?? freeColumn(field, fields);
    if (old === undefined || (old.type === "bigint") !== (type === "bigint")) {
      if (old !== undefined) this.#removeColumn(table, column, indexes);
      this.#connection.execute(addColumn(table, field, { column, type }));
    }
    fields.set(field, { column, type });
  }

  /** The column is computed, so nothing is lost; the indexes on it are made again as they are declared. */
  #removeColumn(table: string, column: string, indexes: Set<string>): void {
    for (const name of indexes) {
      if (!name.includes(identifier(column))) continue;
      this.#connection.execute(dropIndex(name));
      indexes.delete(name);
    }
    this.#connection.execute(dropColumn(table, column));
  }
}

/** Whether a table has all that a shape asks for. */
function isCovered(shape: CollectionShape, entry: Entry | undefined): boolean {
  if (entry === undefined) return false;
  const fields = new Map(entry.layout.fields);
  return (
    shape.fields.every(({ name, type }) => fields.get(name)?.type === type) &&
    shape.indexes.every((index) => {
      const columns = index.map((field) => fields.get(field)?.column ?? field);
      return entry.layout.indexes.includes(indexName(entry.table, columns));
    })
  );
}

/** SQLite takes column names that differ in case only for the same. */
function freeColumn(field: string, fields: ReadonlyMap<string, FieldColumn>): string {
  const taken = new Set([...ownColumns, ...[...fields.values()].map(({ column }) => column)].map(lowerCase));
  return freeName(field, (name) => taken.has(lowerCase(name)));
}

function lowerCase(name: string): string {
  return name.toLowerCase();
}
