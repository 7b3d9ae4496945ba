import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { CompiledField } from "../model/field.ts";
import { assertIdentity, isStorable } from "../model/identity.ts";
import { type ProjectionClass, restoreRow } from "../model/projection.ts";
import type { Values } from "../model/values.ts";
import type { Condition, DocumentQuery, DocumentReader, StoredDocument, StoredScalar } from "../ports/store.ts";

/** What a field may be compared with. A bare value, or null, means equality. */
export type FieldTest<V> =
  | V
  | null
  | {
      readonly eq?: V | null;
      readonly ne?: V | null;
      readonly lt?: V;
      readonly lte?: V;
      readonly gt?: V;
      readonly gte?: V;
      readonly in?: readonly V[];
      /** For text: a case-sensitive part of it. */
      readonly contains?: V extends string ? string : never;
    };

/** Conditions on fields; all must hold. */
export type Where<Row> = { readonly [K in keyof Row]?: FieldTest<NonNullable<Row[K]>> };

/** Which rows, in which order. Without `limit`: all of them. */
export interface Selection<Row> {
  readonly where?: Where<Row>;
  /** `{ balance: "desc", holder: "asc" }`: in this order; ties by identity. */
  readonly orderBy?: { readonly [K in keyof Row]?: "asc" | "desc" };
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

/** The rows of a projection, to read: as of the last commit that reached them. */
export interface View<Row> {
  /** The row, or undefined. */
  get(id: string): Promise<Row | undefined>;
  /** @throws NereusError UNKNOWN_FIELD */
  find(selection?: Selection<Row>): Promise<Row[]>;
  count(where?: Where<Row>): Promise<number>;
}

/** A view of one tenant's rows. */
export class ProjectionView<Row extends object> implements View<Row> {
  readonly #projection: ProjectionClass<Row>;
  readonly #collection: string;
  readonly #documents: DocumentReader;
  readonly #tenant: string;

  constructor(projection: ProjectionClass<Row>, collection: string, documents: DocumentReader, tenant: string) {
    this.#projection = projection;
    this.#collection = collection;
    this.#documents = documents;
    this.#tenant = tenant;
  }

  async get(id: string): Promise<Row | undefined> {
    assertIdentity(id);
    if (!isStorable(id)) return undefined;
    const found = await this.#documents.get(this.#collection, this.#tenant, [id]);
    const document = found.get(id);
    return document === undefined ? undefined : this.#row(document);
  }

  async find(selection: Selection<Row> = {}): Promise<Row[]> {
    const documents = await this.#documents.find(this.#collection, this.#tenant, this.#query(selection));
    return documents.map((document) => this.#row(document));
  }

  async count(where: Where<Row> = {}): Promise<number> {
    return this.#documents.count(this.#collection, this.#tenant, this.#conditions(where));
  }

  #row(document: StoredDocument): Row {
    return restoreRow(this.#projection, JSON.parse(document.data) as Values);
  }

  #query(selection: Selection<Row>): DocumentQuery {
    assertSelection(selection);
    const { where = {}, orderBy = {}, limit, offset } = selection;
    return {
      where: this.#conditions(where),
      orderBy: Object.entries(orderBy).map(([name, direction]) => {
        const { name: field } = this.#field(name);
        if (direction !== "asc" && direction !== "desc") throw badOption(`orderBy ${field}`, "is neither asc nor desc");
        return { field, direction };
      }),
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? {} : { offset }),
    };
  }

  #conditions(where: Where<Row>): Condition[] {
    if (!isObject(where)) throw badOption("where", "is not an object of conditions");
    return Object.entries(where).flatMap(([name, test]) => conditionsOf(this.#field(name), test));
  }

  #field(name: string): CompiledField {
    const field = this.#projection[definition].shape.byName.get(name);
    if (field !== undefined) return field;
    throw new NereusError("UNKNOWN_FIELD", `${this.#collection} has no field ${name}`, {
      element: this.#collection,
      fix: `Use one of: ${[...this.#projection[definition].shape.byName.keys()].join(", ")}.`,
    });
  }
}

const operators = new Set(["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains"]);

/** A forgotten value must not select every row. */
function conditionsOf(field: CompiledField, test: unknown): Condition[] {
  if (test === undefined) throw badOption(`where ${field.name}`, "is undefined; to look for none, say null");
  if (!isObject(test)) return [{ field: field.name, op: "eq", value: scalarOf(field, test) }];
  const conditions = Object.entries(test).map(([op, value]) => conditionOf(field, op, value));
  if (conditions.length === 0) throw badOption(`where ${field.name}`, "has no comparison");
  return conditions;
}

function isObject(test: unknown): test is Record<string, unknown> {
  return typeof test === "object" && test !== null && Object.getPrototypeOf(test) === Object.prototype;
}

function conditionOf(field: CompiledField, op: string, value: unknown): Condition {
  if (!operators.has(op))
    throw badOption(`where ${field.name}`, `has a comparison ${op}; there are ${[...operators].join(", ")}`);
  if (value === undefined) throw badOption(`where ${field.name} ${op}`, "is undefined; to look for none, say null");
  if (op === "in") {
    if (!Array.isArray(value)) throw badOption(`where ${field.name} in`, "is not a list");
    return { field: field.name, op, value: value.map((item) => scalarOf(field, item)) };
  }
  if (op === "contains") return { field: field.name, op, value: String(value) };
  return { field: field.name, op: op as "eq", value: scalarOf(field, value) };
}

/** A value as it stands in the stored row. */
function scalarOf(field: CompiledField, value: unknown): StoredScalar {
  const wire = value === null || field.wire === undefined ? value : field.wire.encode(value);
  if (wire === null || typeof wire === "string" || typeof wire === "number" || typeof wire === "boolean") return wire;
  throw new NereusError("UNKNOWN_FIELD", `${field.name} cannot be compared with ${typeof value}`, {
    element: field.name,
    fix: "Compare with text, a number, a boolean or null; nested data is not searched.",
  });
}

const selectionKeys = ["where", "orderBy", "limit", "offset"];

function assertSelection(selection: object): void {
  if (!isObject(selection)) throw badOption("selection", "is not an object");
  for (const [name, value] of Object.entries(selection)) {
    if (!selectionKeys.includes(name)) throw badOption(name, `does not exist; there are ${selectionKeys.join(", ")}`);
    if (name !== "limit" && name !== "offset") continue;
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= 0)) {
      throw badOption(name, `is ${String(value)}, not a whole number from 0`);
    }
  }
}

function badOption(name: string, fault: string): NereusError {
  return new NereusError("OPTION_INVALID", `The option ${name} ${fault}`, {
    fix: "Give find({ where: { field: value }, orderBy: { field: 'asc' }, limit, offset }); leave out what is not wanted.",
  });
}
