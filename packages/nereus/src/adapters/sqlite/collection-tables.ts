import type { CollectionShape } from "../../ports/store.ts";
import { collectionNotOpen } from "../store-errors.ts";
import { buildCollection } from "./collection-builder.ts";
import { CollectionTable, type Layout } from "./collection-table.ts";
import type { Connection } from "./connection.ts";
import { type Entry, isCovered } from "./layouts.ts";
import { refuseMisfits } from "./migration-checks.ts";
import { collections } from "./statements.ts";

/** The tables of the collections that have been opened. */
export class CollectionTables {
  readonly #connection: Connection;
  readonly #tables = new Map<string, CollectionTable>();
  #layouts = "";
  #anyUnique = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Whether one of them has lists of unique fields. */
  get anyUnique(): boolean {
    return this.#anyUnique;
  }

  /** @throws NereusError `STORE_NOT_OPEN` for a collection that was not declared. */
  get(collection: string): CollectionTable {
    const table = this.#tables.get(collection);
    if (table === undefined) throw collectionNotOpen(this.#connection.path, collection);
    return table;
  }

  /**
   * Makes the tables what the shapes ask for: all of them or, where stored documents do not fit one, none.
   *
   * @throws NereusError `STORE_MIGRATION_REFUSED`
   */
  declare(shapes: readonly CollectionShape[]): void {
    const known = this.#entries();
    if (!shapes.every((shape) => isCovered(shape, known.get(shape.name)))) {
      this.#connection.transactWithoutForeignKeys(() => this.#build(shapes));
    }
    this.#read(new Set(shapes.map(({ name }) => name)));
  }

  /** Reads the layouts again, which another process may have changed; returns whether one has. */
  refresh(): boolean {
    const before = this.#layouts;
    this.#read(new Set());
    return this.#layouts !== before;
  }

  #build(shapes: readonly CollectionShape[]): void {
    // Read under the lock: another process may have made some of them.
    const entries = this.#entries();
    refuseMisfits(this.#connection, shapes, entries);
    for (const shape of shapes) {
      const entry = entries.get(shape.name);
      if (!isCovered(shape, entry)) entries.set(shape.name, buildCollection(this.#connection, shape, entry));
    }
  }

  #read(added: ReadonlySet<string>): void {
    const entries = [...this.#entries()].filter(([name]) => this.#tables.has(name) || added.has(name));
    for (const [name, { table, layout }] of entries) this.#tables.set(name, new CollectionTable(name, table, layout));
    this.#layouts = JSON.stringify(entries);
    this.#anyUnique = [...this.#tables.values()].some(({ unique }) => unique.length > 0);
  }

  #entries(): Map<string, Entry> {
    // The statement's columns, in their order; SQLite's STRICT tables hold these types.
    const rows = this.#connection.prepare(collections).all() as unknown as readonly [string, string, string][];
    return new Map(rows.map(([name, table, layout]) => [name, { table, layout: JSON.parse(layout) as Layout }]));
  }
}
