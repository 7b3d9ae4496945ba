import type { CollectionShape } from "../../ports/store.ts";
import type { Layout } from "./collection-table.ts";
import type { Connection } from "./connection.ts";
import { freeName, identifier } from "./identifiers.ts";
import { columnsAfter, definedIn, type Entry, isOutdated, uniqueByName } from "./layouts.ts";
import { nameTaken, objectsOnTable, putCollection } from "./statements.ts";
import {
  addColumn,
  createIndex,
  createTable,
  createUnique,
  dropIndex,
  type FieldColumns,
  formerIndexName,
  indexName,
} from "./table-definition.ts";

/** Makes a collection's table what a shape asks for, in the transaction that is open. */
export function buildCollection(connection: Connection, shape: CollectionShape, entry: Entry | undefined): Entry {
  const table = entry?.table ?? newTableName(connection, shape.name);
  const columns = columnsAfter(entry?.layout, shape);
  const rebuilt = entry !== undefined && isOutdated(entry.layout, columns);
  if (entry === undefined) connection.execute(createTable(table, columns));
  else if (rebuilt) rebuildTable(connection, table, columns);
  else addColumns(connection, entry, columns);
  const layout: Layout = {
    version: 2,
    fields: [...columns],
    indexes: buildIndexes(connection, { table, known: entry?.layout.indexes ?? [], rebuilt }, shape, columns),
    unique: buildUnique(connection, table, shape, rebuilt ? [] : (entry?.layout.unique ?? []), columns),
  };
  connection.prepare(putCollection).run(shape.name, table, JSON.stringify(layout));
  return { table, layout };
}

function newTableName(connection: Connection, collection: string): string {
  const reserved = /^(sqlite|nereus)_/i.test(collection);
  const isTaken = (name: string): boolean => connection.prepare(nameTaken).get(name) !== undefined;
  return freeName(reserved ? `_${collection}` : collection, isTaken);
}

function addColumns(connection: Connection, { table, layout }: Entry, columns: FieldColumns): void {
  const known = new Map(layout.fields);
  for (const [field, column] of columns) {
    if (!known.has(field)) connection.execute(addColumn(table, field, column));
  }
}

/**
 * Puts the rows into a new table of the same name. Renaming one would be less work, but SQLite refuses that while a view
 * of the user's looks at the old one.
 */
function rebuildTable(connection: Connection, table: string, columns: FieldColumns): void {
  const name = identifier(table);
  const objects = connection.prepare(objectsOnTable).all(table);
  connection.execute(
    `CREATE TEMP TABLE nereus_moved AS SELECT _tenant, _id, _version, _data FROM ${name} ORDER BY rowid`,
  );
  connection.execute(`DROP TABLE main.${name}`);
  connection.execute(createTable(table, columns));
  connection.execute(
    `INSERT INTO ${name} (_tenant, _id, _version, _data) SELECT * FROM temp.nereus_moved ORDER BY rowid`,
  );
  connection.execute("DROP TABLE temp.nereus_moved");
  for (const [sql] of objects) connection.execute(String(sql));
}

/** Those that no shape asks for any more stay: a process of a former version may still need them. */
function buildIndexes(
  connection: Connection,
  { table, known, rebuilt }: { readonly table: string; readonly known: readonly string[]; readonly rebuilt: boolean },
  shape: CollectionShape,
  columns: FieldColumns,
): readonly string[] {
  const indexes = new Set(known);
  for (const index of shape.indexes) {
    const defined = definedIn(index, columns);
    const own = defined.map(([, column]) => column);
    const name = indexName(table, own);
    const former = formerIndexName(table, own);
    if (indexes.has(name) && (name === former || !rebuilt)) continue;
    // One of columns only orders otherwise than the keys do; one of keys may say what their default was.
    for (const old of [former, name]) if (indexes.delete(old)) connection.execute(dropIndex(old));
    connection.execute(createIndex(table, defined));
    indexes.add(name);
  }
  return [...indexes];
}

function buildUnique(
  connection: Connection,
  table: string,
  shape: CollectionShape,
  known: readonly (readonly string[])[],
  columns: FieldColumns,
): readonly (readonly string[])[] {
  const old = uniqueByName(table, known, columns);
  const wanted = uniqueByName(table, shape.unique, columns);
  for (const name of old.keys()) if (!wanted.has(name)) connection.execute(dropIndex(name));
  for (const [name, fields] of wanted)
    if (!old.has(name)) connection.execute(createUnique(table, name, fields, columns));
  return [...shape.unique];
}
