import type { CollectionShape } from "../../ports/store.ts";
import { type DeclaredField, type DeclaredShape, fieldsAfter, isDeclared } from "../declared-shape.ts";
import { freeName } from "./identifiers.ts";
import {
  columnDefinition,
  type FieldColumn,
  type FieldColumns,
  indexName,
  ownColumns,
  reservedColumns,
  type TypedField,
} from "./table-definition.ts";

/** Which column each field has, the names of the indexes, and the lists of unique fields: JSON in nereus_collections. */
export interface Layout {
  readonly fields: readonly (readonly [field: string, column: FieldColumn])[];
  /** By name, the columns. */
  readonly indexes: readonly (readonly [name: string, fields: readonly string[]])[];
  readonly unique: readonly (readonly string[])[];
}

/** The table that a collection has, and how it is laid out. */
export interface Entry {
  readonly table: string;
  readonly layout: Layout;
}

export function declaredIn({ fields, unique }: Layout): DeclaredShape {
  const declared = fields.map(([name, { type, required, default: filling }]): [string, DeclaredField] => [
    name,
    { type, required, default: filling },
  ]);
  return { fields: new Map(declared), unique };
}

/** Whether a table is just as a shape asks for. */
export function isCovered(shape: CollectionShape, entry: Entry | undefined): boolean {
  if (entry === undefined || !isDeclared(declaredIn(entry.layout), shape)) return false;
  const columns = new Map(entry.layout.fields);
  const known = new Set(entry.layout.indexes.map(([name]) => name));
  return shape.indexes.every((index) => known.has(indexName(entry.table, definedIn(index, columns).map(second))));
}

/** The columns of all fields, those of a former layout with their names. */
export function columnsAfter(before: Layout | undefined, shape: CollectionShape): Map<string, FieldColumn> {
  const old = new Map(before?.fields);
  const columns = new Map(old);
  const declared = before === undefined ? new Map<string, DeclaredField>() : declaredIn(before).fields;
  for (const [field, { type, required = false, default: filling }] of fieldsAfter(declared, shape)) {
    const column = old.get(field)?.column ?? freeColumn(field, columns);
    columns.set(field, { column, type, required, ...(filling === undefined ? {} : { default: filling }) });
  }
  return columns;
}

/** The fields whose columns have to be computed in another way than they are. */
export function outdatedFields({ fields }: Layout, columns: FieldColumns): readonly string[] {
  const definition = (field: string, column: FieldColumn): string => columnDefinition("", field, column);
  return fields.flatMap(([field, before]) => {
    const column = columns.get(field);
    return column !== undefined && definition(field, column) === definition(field, before) ? [] : [field];
  });
}

export function columnsOf(fields: readonly string[], columns: FieldColumns): readonly string[] {
  return fields.map((field) => columns.get(field)?.column ?? field);
}

/** Those of some fields that have a column. */
export function definedIn(
  fields: readonly string[],
  columns: FieldColumns,
): readonly (readonly [field: string, FieldColumn])[] {
  return fields.flatMap((field): (readonly [string, FieldColumn])[] => {
    const column = columns.get(field);
    return column === undefined ? [] : [[field, column]];
  });
}

function second<Value>([, value]: readonly [unknown, Value]): Value {
  return value;
}

/** Fields with their types and defaults. */
export function filledOf(fields: readonly string[], columns: FieldColumns): readonly TypedField[] {
  return fields.map((field) => ({ field, type: columns.get(field)?.type, default: columns.get(field)?.default }));
}

function freeColumn(field: string, columns: FieldColumns): string {
  const taken = new Set([...ownColumns, ...reservedColumns, ...[...columns.values()].map(({ column }) => column)]);
  return freeName(field, (name) => taken.has(name));
}
