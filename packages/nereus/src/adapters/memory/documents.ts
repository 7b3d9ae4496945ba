import type {
  CollectionShape,
  Condition,
  Conflict,
  DocumentQuery,
  DocumentReader,
  DocumentWrite,
  StoredDocument,
} from "../../ports/store.ts";
import { holds } from "../expectation.ts";
import { collectionNotOpen } from "../store-errors.ts";
import { MemoryCollection } from "./collection.ts";

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

  async count(collection: string, tenant: string, where: readonly Condition[]): Promise<number> {
    return this.#collection(collection).count(tenant, where);
  }

  /** @internal */
  declare(shape: CollectionShape): void {
    const known = this.#collections.get(shape.name);
    if (known === undefined) this.#collections.set(shape.name, new MemoryCollection(shape));
    else known.declare(shape);
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
  write(writes: readonly DocumentWrite[]): void {
    for (const { collection, tenant, id, data } of writes) {
      const target = this.#collection(collection);
      if (data === null) target.remove(tenant, id);
      else target.put(tenant, id, data);
    }
  }

  #collection(name: string): MemoryCollection {
    this.#ensureOpen();
    const collection = this.#collections.get(name);
    if (collection === undefined) throw collectionNotOpen(this.#store, name);
    return collection;
  }
}
