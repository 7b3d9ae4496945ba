import { NereusError } from "../../model/errors.ts";
import type { CollectionShape } from "../../ports/store.ts";
import { codeOf, reasonOf } from "../server-answers.ts";
import { collectionNotOpen } from "../store-errors.ts";
import { CollectionBuilder } from "./collection-builder.ts";
import { rightMissing } from "./faults.ts";
import { type Entry, isCovered, type Layout } from "./layouts.ts";
import { refuseMisfits } from "./migration-checks.ts";
import { type PostgresClient, type PostgresPool, rowsOn } from "./pool.ts";
import { ownStatement } from "./reads.ts";
import { collections } from "./statements.ts";
import { fromStored, fromStoredJson } from "./stored-text.ts";
import { type FieldColumn, tableName } from "./table-definition.ts";
import { inTransaction } from "./transaction.ts";

/** The table of one collection. */
export interface CollectionTable {
  readonly collection: string;
  readonly name: string;
  /** With its schema, as SQL. */
  readonly sql: string;
  readonly fields: ReadonlyMap<string, FieldColumn>;
  /** The fields that an index begins with, after the tenant. */
  readonly indexed: ReadonlySet<string>;
  /** Whether it has values that only one document may have. */
  readonly isUnique: boolean;
}

/** The tables of the collections that have been opened. */
export class CollectionTables {
  readonly #store: string;
  readonly #schema: string;
  readonly #tables = new Map<string, CollectionTable>();

  constructor(store: string, schema: string) {
    this.#store = store;
    this.#schema = schema;
  }

  /** @throws NereusError `STORE_NOT_OPEN` for a collection that was not declared. */
  get(collection: string): CollectionTable {
    const table = this.#tables.get(collection);
    if (table === undefined) throw collectionNotOpen(this.#store, collection);
    return table;
  }

  /**
   * Makes the tables what the shapes ask for: all of them or, where stored documents do not fit one, none.
   *
   * @returns the names of the tables
   * @throws NereusError `STORE_MIGRATION_REFUSED`; `STORE_READ_ONLY` where they are something else and may only be read;
   * `STORE_RIGHT_MISSING` where they may not be made so
   */
  async declare(pool: PostgresPool, shapes: readonly CollectionShape[], readOnly: boolean): Promise<readonly string[]> {
    let entries = await this.#entries(pool);
    const misfits = shapes.filter((shape) => !isCovered(shape, entries.get(shape.name)));
    const names = misfits.map(({ name }) => name);
    if (readOnly && misfits.length > 0) throw this.#notAsDeclared(names);
    if (misfits.length > 0) {
      entries = await inTransaction(pool, this.#schema, (client) => this.#build(client, shapes)).catch((error) => {
        throw codeOf(error) === rightMissing ? this.#notToBeMade(names, error) : error;
      });
    }
    return shapes.flatMap(({ name }) => {
      const entry = entries.get(name);
      if (entry === undefined) return [];
      this.#tables.set(name, this.#tableOf(name, entry));
      return [entry.table];
    });
  }

  #notAsDeclared(collections: readonly string[]): NereusError {
    const message = `The store ${this.#store} is for reading only, and ${collections.join(", ")} is not stored as the model has it.`;
    const fix = "First start a process with the same model whose store may write.";
    return new NereusError("STORE_READ_ONLY", message, { element: this.#store, fix });
  }

  #notToBeMade(collections: readonly string[], cause: unknown): NereusError {
    const message = `The role of the connections may not make the tables of ${collections.join(", ")} in the store ${this.#store}: ${reasonOf(cause)}.`;
    const fix =
      "Start the domain once as the role that owns the tables, such as when it is deployed; then grant this role its rights on them.";
    return new NereusError("STORE_RIGHT_MISSING", message, { element: this.#store, fix, cause });
  }

  async #build(client: PostgresClient, shapes: readonly CollectionShape[]): Promise<Map<string, Entry>> {
    // Read under the lock: another process may have made some of them.
    const entries = await this.#entries(client);
    await refuseMisfits({ client, store: this.#store, schema: this.#schema }, shapes, entries);
    const builder = new CollectionBuilder(client, this.#schema);
    for (const shape of shapes) {
      const entry = entries.get(shape.name);
      if (!isCovered(shape, entry)) entries.set(shape.name, await builder.build(shape, entry));
    }
    return entries;
  }

  async #entries(on: Pick<PostgresClient, "query">): Promise<Map<string, Entry>> {
    const rows = await rowsOn(on, ownStatement(this.#schema, collections).with());
    // The columns of collections.sql.
    const entries = rows as readonly (readonly [string, string, string])[];
    return new Map(
      entries.map(([name, table, layout]) => [
        fromStored(name),
        { table, layout: JSON.parse(fromStoredJson(layout)) as Layout },
      ]),
    );
  }

  #tableOf(collection: string, { table, layout }: Entry): CollectionTable {
    return {
      collection,
      name: table,
      sql: tableName(this.#schema, table),
      fields: new Map(layout.fields),
      indexed: new Set(layout.indexes.flatMap(([, fields]) => fields)),
      isUnique: layout.unique.length > 0,
    };
  }
}
