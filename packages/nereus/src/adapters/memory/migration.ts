import type { FieldType } from "../../ports/store.ts";
import type { DeclaredField, FieldCheck, ShapeCheck } from "../declared-shape.ts";
import { type Refusal, reasonOf } from "../migration-refusal.ts";
import { isOf } from "../order-key.ts";
import { hasField, type Row, valueIn } from "./row.ts";
import { UniqueList } from "./unique-list.ts";

type Tenants = ReadonlyMap<string, ReadonlyMap<string, Row>>;

/** Why a change of shape cannot be made with these rows, if there is a reason. */
export function refusalOf(
  collection: string,
  tenants: Tenants,
  check: ShapeCheck,
  declared: ReadonlyMap<string, DeclaredField>,
): Refusal | undefined {
  const documents = check.on === "unique" ? countShared(tenants, check.fields, declared) : countMisfits(tenants, check);
  if (documents === 0) return undefined;
  return { collection, reason: reasonOf(collection, check, documents), fix: fixOf(collection, check) };
}

function countMisfits(tenants: Tenants, { on, field, type }: FieldCheck): number {
  const misfits = (row: Row): boolean => (on === "required" ? !hasField(row, field) : !fits(valueIn(row, field), type));
  return [...tenants.values()].reduce((sum, rows) => sum + [...rows.values()].filter(misfits).length, 0);
}

function countShared(
  tenants: Tenants,
  fields: readonly string[],
  declared: ReadonlyMap<string, DeclaredField>,
): number {
  const list = new UniqueList(fields, declared);
  let documents = 0;
  for (const rows of tenants.values()) {
    const counts = new Map<string, number>();
    for (const row of rows.values()) {
      const key = list.keyOf(row);
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const count of counts.values()) documents += count > 1 ? count : 0;
  }
  return documents;
}

function fits(value: unknown, type: FieldType): boolean {
  if (value === null || type === "json") return true;
  if (type === "bigint" || type === "decimal" || type === "date") return typeof value === "string" && isOf(value, type);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === { text: "string", real: "number", boolean: "boolean" }[type];
}

function fixOf(collection: string, check: ShapeCheck): string {
  if (check.on === "unique") return `Change the documents of ${collection} that share ${check.fields.join(", ")}.`;
  return check.on === "required"
    ? `Make ${check.field} of ${collection} optional, or give it a default.`
    : `Leave ${check.field} of ${collection} as it was, or give the new field another name.`;
}
