import type { CollectionShape, DocumentQuery, Filter, StoredDocument } from "../../ports/store.ts";
import { checksFor, type DeclaredField, fieldsAfter } from "../declared-shape.ts";
import { refuseOversized } from "../filter-limits.ts";
import type { Refusal } from "../migration-refusal.ts";
import { compareText } from "../text-order.ts";
import { compareValues } from "./comparable.ts";
import { filterTest, valueReader } from "./conditions.ts";
import { refusalOf } from "./migration.ts";
import { documentOf, type Row } from "./row.ts";
import { UniqueList } from "./unique-list.ts";

/** One collection: the rows of each tenant by id, and what its shape says of them. */
export class MemoryCollection {
  readonly name: string;
  readonly #tenants = new Map<string, Map<string, Row>>();
  readonly #removed = new Map<string, Map<string, number>>();
  #fields: ReadonlyMap<string, DeclaredField> = new Map();
  #unique: readonly UniqueList[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get fields(): ReadonlyMap<string, DeclaredField> {
    return this.#fields;
  }

  get unique(): readonly UniqueList[] {
    return this.#unique;
  }

  /** What the stored rows do not fit of a shape. */
  refusals(shape: CollectionShape): readonly Refusal[] {
    const declared = { fields: this.#fields, unique: this.#unique.map(({ fields }) => fields) };
    const after = fieldsAfter(this.#fields, shape);
    return checksFor(declared, shape).flatMap((check) => refusalOf(this.name, this.#tenants, check, after) ?? []);
  }

  declare(shape: CollectionShape): void {
    this.#fields = fieldsAfter(this.#fields, shape);
    this.#unique = shape.unique.map((fields) => new UniqueList(fields, this.#fields));
    for (const [tenant, rows] of this.#tenants) {
      for (const row of rows.values()) for (const list of this.#unique) list.add(tenant, row);
    }
  }

  get(tenant: string, id: string): StoredDocument | undefined {
    const row = this.#tenants.get(tenant)?.get(id);
    return row && documentOf(row);
  }

  put(tenant: string, id: string, data: string): void {
    const rows = this.#tenants.get(tenant) ?? new Map<string, Row>();
    this.#tenants.set(tenant, rows);
    const before = rows.get(id)?.version ?? this.#removed.get(tenant)?.get(id) ?? -1;
    rows.set(id, { id, version: before + 1, data });
  }

  remove(tenant: string, id: string): void {
    this.#tenants.get(tenant)?.delete(id);
  }

  /** Removes a document, and remembers the version from which one of the same id goes on. */
  retire(tenant: string, id: string): void {
    const version = this.get(tenant, id)?.version;
    if (version === undefined) return;
    const removed = this.#removed.get(tenant) ?? new Map<string, number>();
    this.#removed.set(tenant, removed.set(id, version));
    this.remove(tenant, id);
  }

  /** To be called for every document of a commit before the first is written. */
  releaseValues(tenant: string, id: string): void {
    const row = this.#tenants.get(tenant)?.get(id);
    if (row !== undefined) for (const list of this.#unique) list.delete(tenant, row);
  }

  /** To be called for every document of a commit after the last was written. */
  holdValues(tenant: string, id: string): void {
    const row = this.#tenants.get(tenant)?.get(id);
    if (row !== undefined) for (const list of this.#unique) list.add(tenant, row);
  }

  find(tenant: string, query: DocumentQuery): readonly StoredDocument[] {
    const rows = this.#matching(tenant, query.where ?? []);
    const order = (query.orderBy ?? []).map((term) => ({
      read: valueReader(term, this),
      sign: term.direction === "asc" ? 1 : -1,
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

  count(tenant: string, where: readonly Filter[]): number {
    return this.#matching(tenant, where).length;
  }

  #matching(tenant: string, where: readonly Filter[]): Row[] {
    refuseOversized(this.name, where);
    const tests = where.map((filter) => filterTest(filter, this));
    const rows = [...(this.#tenants.get(tenant)?.values() ?? [])];
    return tests.length === 0 ? rows : rows.filter((row) => tests.every((test) => test(row)));
  }
}
