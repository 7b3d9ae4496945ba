import { hash } from "node:crypto";
import type { CompiledShape } from "../model/shape.ts";
import type { Condition, DocumentQuery, DocumentReader, Filter, StoredDocument, StoredScalar } from "../ports/store.ts";
import { badQuery, filtersOf, orderOf } from "./filter-of.ts";

type Term = NonNullable<DocumentQuery["orderBy"]>[number];

/** The documents of one collection and tenant, found by what they hold. */
export class DocumentFinder {
  readonly #shape: CompiledShape;
  readonly #collection: string;
  readonly #documents: DocumentReader;
  readonly #tenant: string;

  constructor(shape: CompiledShape, collection: string, documents: DocumentReader, tenant: string) {
    this.#shape = shape;
    this.#collection = collection;
    this.#documents = documents;
    this.#tenant = tenant;
  }

  /** @throws NereusError UNKNOWN_FIELD or OPTION_INVALID */
  async find(selection: object): Promise<readonly StoredDocument[]> {
    const { where, orderBy, limit, offset } = known(selection, ["where", "orderBy", "limit", "offset"]);
    return this.#documents.find(this.#collection, this.#tenant, {
      where: filtersOf(this.#shape, where === undefined ? {} : where),
      orderBy: orderOf(this.#shape, orderBy === undefined ? {} : orderBy),
      ...(limit === undefined ? {} : { limit: count("limit", limit, 0) }),
      ...(offset === undefined ? {} : { offset: count("offset", offset, 0) }),
    });
  }

  async count(where: object): Promise<number> {
    return this.#documents.count(this.#collection, this.#tenant, filtersOf(this.#shape, where));
  }

  /** @throws NereusError UNKNOWN_FIELD or OPTION_INVALID, also for a cursor of another order */
  async page(selection: object): Promise<{ documents: readonly StoredDocument[]; next: string | undefined }> {
    const { where, orderBy, limit, after } = known(selection, ["where", "orderBy", "limit", "after"]);
    const most = count("limit", limit, 1);
    const terms = orderOf(this.#shape, orderBy === undefined ? {} : orderBy);
    const filters = filtersOf(this.#shape, where === undefined ? {} : where);
    const key = this.#shape.identifier.name;
    if (after !== undefined) filters.push(beyond(terms, readCursor(terms, after), key));
    const query = { where: filters, orderBy: terms, limit: most + 1 };
    const found = await this.#documents.find(this.#collection, this.#tenant, query);
    const documents = found.slice(0, most);
    const last = found.length > most ? documents.at(-1) : undefined;
    return { documents, next: last === undefined ? undefined : cursorAt(terms, last) };
  }
}

function known(selection: object, names: readonly string[]): Record<string, unknown> {
  if (typeof selection !== "object" || selection === null) throw badQuery("selection", "is not an object");
  for (const name of Object.keys(selection)) {
    if (!names.includes(name)) throw badQuery(name, `does not exist; there are ${names.join(", ")}`);
  }
  return selection as Record<string, unknown>;
}

function count(name: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw badQuery(name, `is ${String(value)}, not a whole number from ${least}`);
}

/** Where a page ended: the values that its last document is ordered by, and its id. */
interface Cursor {
  readonly values: readonly StoredScalar[];
  readonly id: string;
}

function cursorAt(terms: readonly Term[], { id, data }: StoredDocument): string {
  const document: unknown = JSON.parse(data);
  const values = terms.map((term) => valueAt(document, term));
  return Buffer.from(JSON.stringify([orderMark(terms), values, id])).toString("base64url");
}

function valueAt(document: unknown, { field, within }: Term): StoredScalar {
  let value = document;
  for (const name of [field, ...(within?.path ?? [])]) {
    const holds = typeof value === "object" && value !== null && Object.hasOwn(value, name);
    value = holds ? (value as Record<string, unknown>)[name] : null;
  }
  // what no schema tells to be an object is ordered by its JSON text
  return typeof value === "object" && value !== null ? JSON.stringify(value) : (value as StoredScalar);
}

function readCursor(terms: readonly Term[], after: unknown): Cursor {
  try {
    const [mark, values, id] = JSON.parse(Buffer.from(String(after), "base64url").toString()) as unknown[];
    if (
      mark === orderMark(terms) &&
      Array.isArray(values) &&
      values.length === terms.length &&
      values.every((value) => typeof value !== "object" || value === null) &&
      typeof id === "string"
    ) {
      return { values: values as StoredScalar[], id };
    }
  } catch {
    // said below
  }
  throw badQuery("after", "is not the next of a page with the same orderBy");
}

/** Binds a cursor to the order that it was made for. */
function orderMark(terms: readonly Term[]): string {
  return hash("sha256", JSON.stringify(terms)).slice(0, 8);
}

/** What comes after a cursor: later in the first term, or the same there and later in the rest, at last in the id. */
function beyond(terms: readonly Term[], { values, id }: Cursor, key: string): Filter {
  let rest: Filter = { field: key, op: "gt", value: id };
  for (const [at, term] of [...terms.entries()].reverse()) rest = afterTerm(term, values[at] ?? null, rest);
  return rest;
}

function afterTerm({ direction, ...address }: Term, value: StoredScalar, rest: Filter): Filter {
  const isNull: Filter = { ...address, op: "eq", value: null };
  if (value === null) {
    const same: Filter = { op: "and", of: [isNull, rest] };
    return direction === "desc" ? same : { op: "or", of: [{ ...address, op: "ne", value: null }, same] };
  }
  const compare = (op: "lt" | "lte" | "gt" | "gte"): Condition => ({ ...address, op, value });
  // not "eq": what stands at one place of an order need not be written alike
  const same: Filter = { op: "and", of: [compare("lte"), compare("gte"), rest] };
  return { op: "or", of: direction === "desc" ? [compare("lt"), isNull, same] : [compare("gt"), same] };
}
