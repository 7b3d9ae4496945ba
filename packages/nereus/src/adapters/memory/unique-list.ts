import type { FieldType } from "../../ports/store.ts";
import type { DeclaredField } from "../declared-shape.ts";
import { comparableOf } from "./comparable.ts";
import { fillingOf, type Row, valueIn } from "./row.ts";

/** Which row of each tenant holds which values of a list of fields that only one may have. */
export class UniqueList {
  readonly fields: readonly string[];
  readonly #fillings: readonly unknown[];
  readonly #types: readonly FieldType[];
  readonly #holders = new Map<string, Map<string, string>>();

  constructor(fields: readonly string[], declared: ReadonlyMap<string, DeclaredField>) {
    this.fields = fields;
    this.#fillings = fields.map((field) => fillingOf(declared.get(field)));
    // Of decimals the number counts, whatever their scale was; of all others the very value.
    this.#types = fields.map((field) => (declared.get(field)?.type === "decimal" ? "decimal" : "json"));
  }

  /** The row's values as one text; undefined where one of them is null. */
  keyOf(row: Row): string | undefined {
    const values = this.fields.map((field, at) =>
      comparableOf(valueIn(row, field, [], this.#fillings[at]), this.#types[at] ?? "json"),
    );
    return values.includes(null) ? undefined : JSON.stringify(values);
  }

  holder(tenant: string, key: string): string | undefined {
    return this.#holders.get(tenant)?.get(key);
  }

  add(tenant: string, row: Row): void {
    const key = this.keyOf(row);
    if (key === undefined) return;
    const ofTenant = this.#holders.get(tenant) ?? new Map<string, string>();
    this.#holders.set(tenant, ofTenant);
    ofTenant.set(key, row.id);
  }

  delete(tenant: string, row: Row): void {
    const key = this.keyOf(row);
    if (key !== undefined) this.#holders.get(tenant)?.delete(key);
  }
}
