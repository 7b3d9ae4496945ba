import type { CollectionShape } from "../../ports/store.ts";
import { type DeclaredField, type DeclaredShape, fieldsAfter, isDeclared } from "../declared-shape.ts";
import { type FieldColumn, type Layout, ownColumns } from "./collection-table.ts";
import { freeName } from "./identifiers.ts";
import { columnDefinition, indexName, uniqueName } from "./table-definition.ts";

/** The table that a collection has, and how it is laid out. */
export interface Entry {
  readonly table: string;
  readonly layout: Layout;
}

export function declaredIn({ fields, unique = [] }: Layout): DeclaredShape {
  const declared = fields.map(([name, { type, required, default: filling }]): [string, DeclaredField] => [
    name,
    { type, required, default: filling },
  ]);
  return { fields: new Map(declared), unique };
}

/** Whether a table is just as a shape asks for. */
export function isCovered(shape: CollectionShape, entry: Entry | undefined): boolean {
  if (entry?.layout.version === undefined || !isDeclared(declaredIn(entry.layout), shape)) return false;
  const columns = new Map(entry.layout.fields);
  return shape.indexes.every((index) =>
    entry.layout.indexes.includes(indexName(entry.table, definedIn(index, columns).map(second))),
  );
}

/** The columns of all fields, those of a former layout with their names. */
export function columnsAfter(before: Layout | undefined, shape: CollectionShape): Map<string, FieldColumn> {
  const old = new Map(before?.fields);
  const columns = new Map(old);
  const declared = before === undefined ? new Map<string, DeclaredField>() : declaredIn(before).fields;
  for (const [field, { type, required = false, default: filling }] of fieldsAfter(declared, shape)) {
    const column = old.get(field)?.column ?? freeColumn(field, columns);
    columns.set(field, { column, type, required, default: filling });
  }
  return columns;
}

/** Whether columns have to be declared in another way than they are, which SQLite can only do in a new table. */
export function isOutdated({ version, fields }: Layout, columns: ReadonlyMap<string, FieldColumn>): boolean {
  return (
    version === undefined ||
    fields.some(([field, before]) => {
      const column = columns.get(field);
      return column === undefined || columnDefinition(field, column) !== columnDefinition(field, before);
    })
  );
}

export function columnsOf(fields: readonly string[], columns: ReadonlyMap<string, FieldColumn>): readonly string[] {
  return fields.map((field) => columns.get(field)?.column ?? field);
}

/** Those of some fields that have a column. */
export function definedIn(
  fields: readonly string[],
  columns: ReadonlyMap<string, FieldColumn>,
): readonly (readonly [field: string, FieldColumn])[] {
  return fields.flatMap((field): (readonly [string, FieldColumn])[] => {
    const column = columns.get(field);
    return column === undefined ? [] : [[field, column]];
  });
}

function second<Value>([, value]: readonly [unknown, Value]): Value {
  return value;
}

/** The lists of unique fields by the names of their indexes. */
export function uniqueByName(
  table: string,
  lists: readonly (readonly string[])[],
  columns: ReadonlyMap<string, FieldColumn>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(lists.map((fields) => [uniqueName(table, columnsOf(fields, columns)), fields]));
}

/** SQLite takes column names that differ in case only for the same. */
function freeColumn(field: string, columns: ReadonlyMap<string, FieldColumn>): string {
  const taken = new Set([...ownColumns, ...[...columns.values()].map(({ column }) => column)].map(lowerCase));
  return freeName(field, (name) => taken.has(lowerCase(name)));
}

function lowerCase(name: string): string {
  return name.toLowerCase();
}
