import type { CollectionShape } from "../../ports/store.ts";
import { freeName, identifier } from "./identifiers.ts";
import { columnsAfter, columnsOf, definedIn, type Entry, filledOf, type Layout, outdatedFields } from "./layouts.ts";
import { type PostgresClient, rowsOn } from "./pool.ts";
import { ownStatement, unprepared } from "./reads.ts";
import { nameTaken, putCollection } from "./statements.ts";
import { toStored, toStoredJson } from "./stored-text.ts";
import {
  columnDefinition,
  createIndex,
  createTable,
  createUnique,
  dropIndex,
  type FieldColumns,
  formerIndexName,
  tableName,
  uniqueKey,
  uniqueName,
} from "./table-definition.ts";

/** Makes the tables of collections what their shapes ask for, in the transaction that is open. */
export class CollectionBuilder {
  readonly #client: PostgresClient;
  readonly #schema: string;

  constructor(client: PostgresClient, schema: string) {
    this.#client = client;
    this.#schema = schema;
  }

  async build(shape: CollectionShape, entry: Entry | undefined): Promise<Entry> {
    const table = entry?.table ?? (await this.#newTable(shape.name));
    const columns = columnsAfter(entry?.layout, shape);
    const rebuilt = entry === undefined ? [] : outdatedFields(entry.layout, columns);
    if (entry === undefined) await this.#execute(createTable(this.#schema, table, columns));
    else await this.#alterTable(entry, columns, rebuilt);
    const indexes = await this.#buildIndexes(table, shape, entry?.layout.indexes ?? [], columns, rebuilt);
    const keys = await this.#buildUnique(table, shape, entry?.layout.unique ?? [], columns, rebuilt);
    const layout: Layout = { fields: [...columns], indexes, unique: [...shape.unique] };
    const put = ownStatement(this.#schema, putCollection);
    await this.#client.query(put.with(toStored(shape.name), table, toStoredJson(JSON.stringify(layout)), keys));
    return { table, layout };
  }

  async #newTable(collection: string): Promise<string> {
    const base = /^nereus_/i.test(collection) ? `_${collection}` : collection;
    const rows = await rowsOn(this.#client, ownStatement(this.#schema, nameTaken).with(this.#schema));
    const taken = new Set(rows.map(([name]) => name));
    return freeName(base, (name) => taken.has(name));
  }

  async #alterTable({ table, layout }: Entry, columns: FieldColumns, rebuilt: readonly string[]): Promise<void> {
    const known = new Map(layout.fields);
    const parts: string[] = [];
    for (const [field, column] of columns) {
      const old = known.get(field);
      if (old !== undefined && !rebuilt.includes(field)) continue;
      if (old !== undefined) parts.push(`DROP COLUMN IF EXISTS ${identifier(old.column)}`);
      parts.push(`ADD COLUMN ${columnDefinition(this.#schema, field, column)}`);
    }
    if (parts.length > 0) await this.#execute(`ALTER TABLE ${tableName(this.#schema, table)} ${parts.join(", ")}`);
  }

  /** Those that no shape asks for any more stay: a process of a former version may still need them. */
  async #buildIndexes(
    table: string,
    shape: CollectionShape,
    known: Layout["indexes"],
    columns: FieldColumns,
    rebuilt: readonly string[],
  ): Promise<Layout["indexes"]> {
    const indexes = new Map(known);
    for (const [name, fields] of known) {
      // The column took its indexes along.
      if (fields.some((field) => rebuilt.includes(field))) indexes.delete(name);
    }
    const lost = known.filter(([name]) => !indexes.has(name)).map(([, fields]) => fields);
    for (const fields of [...lost, ...shape.indexes]) {
      const present = definedIn(fields, columns);
      const { name, sql } = createIndex(this.#schema, table, present);
      if (indexes.has(name)) continue;
      const former = formerIndexName(
        table,
        present.map(([, column]) => column),
      );
      // One of columns only orders otherwise than the keys do.
      if (indexes.delete(former)) await this.#execute(dropIndex(this.#schema, former));
      await this.#execute(sql);
      indexes.set(name, fields);
    }
    return [...indexes];
  }

  async #buildUnique(
    table: string,
    shape: CollectionShape,
    known: readonly (readonly string[])[],
    columns: FieldColumns,
    rebuilt: readonly string[],
  ): Promise<string[]> {
    const nameOf = (fields: readonly string[]): string => uniqueName(table, columnsOf(fields, columns));
    const kept = known.filter((fields) => !fields.some((field) => rebuilt.includes(field))).map(nameOf);
    const wanted = new Set(shape.unique.map(nameOf));
    for (const name of known.map(nameOf)) {
      if (!wanted.has(name) || !kept.includes(name)) await this.#execute(dropIndex(this.#schema, name));
    }
    const keys: string[] = [];
    for (const fields of shape.unique) {
      const key = uniqueKey(this.#schema, filledOf(fields, columns));
      keys.push(key);
      if (!kept.includes(nameOf(fields))) await this.#execute(createUnique(this.#schema, table, nameOf(fields), key));
    }
    return keys;
  }

  async #execute(sql: string): Promise<void> {
    await this.#client.query(unprepared(sql));
  }
}
