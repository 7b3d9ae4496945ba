import type { Inner, StoredDocument } from "../../ports/store.ts";

/** A stored document; its fields are parsed when something first looks at them. */
export interface Row {
  readonly id: string;
  readonly version: number;
  readonly data: string;
  fields?: unknown;
}

export function documentOf({ id, version, data }: Row): StoredDocument {
  return { id, version, data };
}

/** What a row holds in a field, or within it: null where that is absent, undefined never. */
export function valueIn(row: Row, field: string, path: Inner["path"] = [], filling: unknown = null): unknown {
  return path.reduce(ownValue, hasField(row, field) ? ownValue(fieldsOf(row), field) : filling);
}

/** What a row without a field counts as having there. */
export function fillingOf(field: { readonly default?: string | undefined } | undefined): unknown {
  return field?.default === undefined ? null : JSON.parse(field.default);
}

/** Whether a row has the field, be it null. */
export function hasField(row: Row, field: string): boolean {
  return isObject(fieldsOf(row)) && Object.hasOwn(fieldsOf(row) as object, field);
}

function fieldsOf(row: Row): unknown {
  row.fields ??= JSON.parse(row.data);
  return row.fields;
}

function ownValue(value: unknown, key: string): unknown {
  if (!isObject(value) || !Object.hasOwn(value, key)) return null;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** An array has no keys. */
function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
