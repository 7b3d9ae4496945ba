import type { CollectionShape, Condition, DocumentQuery, FieldType, StoredDocument } from "../../ports/store.ts";
import { compareText } from "../text-order.ts";
import { type Comparable, comparableOf, compareValues } from "./comparable.ts";
import { conditionTest, fieldType } from "./conditions.ts";

/** A stored document; its fields are parsed when a query first looks at them. */
export interface Row {
  readonly id: string;
  readonly version: number;
  readonly data: string;
  fields?: Readonly<Record<string, unknown>>;
}

/** One collection: the rows of each tenant by id, and the types of the fields that queries may name. */
export class MemoryCollection {
  readonly #name: string;
  readonly #fields = new Map<string, FieldType>();
  readonly #tenants = new Map<string, Map<string, Row>>();

  constructor(shape: CollectionShape) {
    this.#name = shape.name;
    this.declare(shape);
  }

  declare(shape: CollectionShape): void {
    for (const { name, type } of shape.fields) this.#fields.set(name, type);
  }

  get(tenant: string, id: string): StoredDocument | undefined {
    const row = this.#tenants.get(tenant)?.get(id);
    return row && documentOf(row);
  }

  put(tenant: string, id: string, data: string): void {
    const rows = this.#tenants.get(tenant) ?? new Map<string, Row>();
    this.#tenants.set(tenant, rows);
    rows.set(id, { id, version: (rows.get(id)?.version ?? -1) + 1, data });
  }

  remove(tenant: string, id: string): void {
    this.#tenants.get(tenant)?.delete(id);
  }

  find(tenant: string, query: DocumentQuery): readonly StoredDocument[] {
    const rows = this.#matching(tenant, query.where ?? []);
    const order = (query.orderBy ?? []).map(({ field, direction }) => ({
      read: this.#reader(field),
      sign: direction === "asc" ? 1 : -1,
    }));
    const keyed = rows.map((row) => ({ row, keys: order.map(({ read }) => read(row)) }));
    keyed.sort((a, b) => {
      for (const [at, { sign }] of order.entries()) {
        const difference = compareValues(a.keys[at] ?? null, b.keys[at] ?? null);
        if (difference !== 0) return sign * difference;
      }
      return compareText(a.row.id, b.row.id);
    });
    const from = query.offset ?? 0;
    const to = query.limit === undefined ? undefined : from + query.limit;
    return keyed.slice(from, to).map(({ row }) => documentOf(row));
  }

  count(tenant: string, where: readonly Condition[]): number {
    return this.#matching(tenant, where).length;
  }

  #matching(tenant: string, where: readonly Condition[]): Row[] {
    const tests = where.map((condition) => {
      const read = this.#reader(condition.field);
      const test = conditionTest(condition, fieldType(this.#name, this.#fields, condition.field));
      return (row: Row): boolean => test(read(row));
    });
    const rows = [...(this.#tenants.get(tenant)?.values() ?? [])];
    return tests.length === 0 ? rows : rows.filter((row) => tests.every((test) => test(row)));
  }

  #reader(field: string): (row: Row) => Comparable {
    const type = fieldType(this.#name, this.#fields, field);
    return (row) => {
      row.fields ??= JSON.parse(row.data) as Record<string, unknown>;
      return comparableOf(Object.hasOwn(row.fields, field) ? row.fields[field] : null, type);
    };
  }
}

function documentOf({ id, version, data }: Row): StoredDocument {
  return { id, version, data };
}
