import type { DocumentWrite } from "../ports/store.ts";

/** Which write of a commit leaves each document as it is in the end. */
export class LastWrites {
  readonly #places = new Map<string, number>();

  constructor(writes: readonly DocumentWrite[]) {
    for (const [at, write] of writes.entries()) this.#places.set(documentKey(write), at);
  }

  /** The place of the document's last write in the commit; undefined where it has none. */
  placeOf(document: Pick<DocumentWrite, "collection" | "tenant" | "id">): number | undefined {
    return this.#places.get(documentKey(document));
  }
}

/** One string for the three values. The lengths keep apart what the values, being any text, could blur. */
function documentKey({ collection, tenant, id }: Pick<DocumentWrite, "collection" | "tenant" | "id">): string {
  return `${collection.length},${tenant.length},${collection}${tenant}${id}`;
}
