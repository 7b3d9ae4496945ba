import type {
  CollectionShape,
  Conflict,
  DocumentQuery,
  DocumentReader,
  DocumentWrite,
  Filter,
  StoredDocument,
} from "../../ports/store.ts";
import { holds } from "../expectation.ts";
import { migrationRefused } from "../migration-refusal.ts";
import { collectionNotOpen } from "../store-errors.ts";
import { MemoryCollection } from "./collection.ts";
import { uniqueConflict } from "./unique-conflict.ts";

/** The collections of documents. */
export class MemoryDocuments implements DocumentReader {
  readonly #store: string;
  readonly #ensureOpen: () => void;
  readonly #collections = new Map<string, MemoryCollection>();

  constructor(store: string, ensureOpen: () => void) {
    this.#store = store;
    this.#ensureOpen = ensureOpen;
  }

  async get(collection: string, tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, StoredDocument>> {
    const source = this.#collection(collection);
    const found = new Map<string, StoredDocument>();
    for (const id of ids) {
      const document = source.get(tenant, id);
      if (document !== undefined) found.set(id, document);
    }
    return found;
  }

  async find(collection: string, tenant: string, query: DocumentQuery): Promise<readonly StoredDocument[]> {
    return this.#collection(collection).find(tenant, query);
  }

  async count(collection: string, tenant: string, where: readonly Filter[]): Promise<number> {
    return this.#collection(collection).count(tenant, where);
  }

  /** All of the shapes or, where the stored documents do not fit one of them, none. @internal */
  declare(shapes: readonly CollectionShape[]): void {
    const refusals = shapes.flatMap((shape) => this.#collections.get(shape.name)?.refusals(shape) ?? []);
    if (refusals.length > 0) {
      throw migrationRefused(this.#store, "Change the shapes or the documents, then start again.", refusals);
    }
    for (const shape of shapes) {
      const collection = this.#collections.get(shape.name) ?? new MemoryCollection(shape.name);
      this.#collections.set(shape.name, collection);
      collection.declare(shape);
    }
  }

  /** @internal */
  conflict(writes: readonly DocumentWrite[]): Conflict | undefined {
    for (const { collection, tenant, id, expectedVersion: expected } of writes) {
      const current = this.#collection(collection).get(tenant, id);
      if (!holds(expected, current?.version ?? -1)) return { on: "document", collection, id, expected, current };
    }
    return undefined;
  }

  /** @internal */
  uniqueConflict(writes: readonly DocumentWrite[]): Conflict | undefined {
    const held = writes.filter(({ collection }) => this.#collection(collection).unique.length > 0);
    return held.length === 0 ? undefined : uniqueConflict(held, (name) => this.#collection(name).unique);
  }

  /** @internal */
  write(writes: readonly DocumentWrite[]): void {
    for (const { collection, tenant, id } of writes) this.#collection(collection).releaseValues(tenant, id);
    for (const { collection, tenant, id, expectedVersion, data } of writes) {
      const target = this.#collection(collection);
      if (data !== null) target.put(tenant, id, data);
      else if (expectedVersion === "any") target.remove(tenant, id);
      else target.retire(tenant, id);
    }
    for (const { collection, tenant, id } of writes) this.#collection(collection).holdValues(tenant, id);
  }

  #collection(name: string): MemoryCollection {
    this.#ensureOpen();
    const collection = this.#collections.get(name);
    if (collection === undefined) throw collectionNotOpen(this.#store, name);
    return collection;
  }
}
