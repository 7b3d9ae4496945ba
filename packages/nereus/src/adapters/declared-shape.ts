import type { CollectionShape, FieldShape, FieldType } from "../ports/store.ts";

export interface DeclaredField {
  readonly type: FieldType;
  /** Undefined where a former release did not write it down. */
  readonly required: boolean | undefined;
  /** What a document without the field counts as, as JSON text. */
  readonly default: string | undefined;
}

/** What a store remembers of a collection's shape, to tell what has changed when it is opened again. */
export interface DeclaredShape {
  readonly fields: ReadonlyMap<string, DeclaredField>;
  readonly unique: readonly (readonly string[])[];
}

/** A question to the stored documents that a change of shape raises. */
export type ShapeCheck = FieldCheck | UniqueCheck;

/** Whether what is stored in a field is of its type, or is there at all. */
export interface FieldCheck {
  readonly on: "type" | "required";
  readonly field: string;
  readonly type: FieldType;
}

export interface UniqueCheck {
  readonly on: "unique";
  readonly fields: readonly string[];
}

/** What has to be asked of the stored documents before a shape is taken over; nothing where it has not changed. */
export function checksFor(before: DeclaredShape, shape: CollectionShape): readonly ShapeCheck[] {
  const checks: ShapeCheck[] = [];
  for (const { name: field, type, required } of shape.fields) {
    const old = before.fields.get(field);
    if (old?.type !== type) checks.push({ on: "type", field, type });
    if (required && old?.required !== true) checks.push({ on: "required", field, type });
  }
  const refilled = new Set(shape.fields.filter((field) => isRefilled(before, field)).map(({ name }) => name));
  for (const fields of shape.unique) {
    const isKnown = before.unique.some((known) => isSameList(known, fields));
    if (!isKnown || fields.some((field) => refilled.has(field))) checks.push({ on: "unique", fields });
  }
  return checks;
}

/** Whether the documents without a field count as something else than before. */
function isRefilled(before: DeclaredShape, { name, default: filling }: FieldShape): boolean {
  return before.fields.get(name)?.default !== filling;
}

/** A field that is not declared any more keeps its type and default, so that queries of an older process go on; nothing requires it. */
export function fieldsAfter(before: DeclaredShape["fields"], shape: CollectionShape): Map<string, DeclaredField> {
  const fields = new Map<string, DeclaredField>();
  for (const [name, field] of before) fields.set(name, { ...field, required: false });
  for (const { name, type, required, default: filling } of shape.fields) {
    fields.set(name, { type, required, default: filling });
  }
  return fields;
}

/** Whether a shape changes nothing of what is remembered. */
export function isDeclared(before: DeclaredShape, shape: CollectionShape): boolean {
  const after = fieldsAfter(before.fields, shape);
  return (
    after.size === before.fields.size &&
    [...after].every(([name, { type, required, default: filling }]) => {
      const old = before.fields.get(name);
      return old?.type === type && old.required === required && old.default === filling;
    }) &&
    isSameList(keysOf(before.unique), keysOf(shape.unique))
  );
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at]);
}

function keysOf(lists: readonly (readonly string[])[]): string[] {
  return lists.map((list) => JSON.stringify(list));
}
