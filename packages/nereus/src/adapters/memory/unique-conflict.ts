import type { Conflict, DocumentWrite } from "../../ports/store.ts";
import { LastWrites } from "../last-writes.ts";
import type { UniqueList } from "./unique-list.ts";

type ListsOf = (collection: string) => readonly UniqueList[];

/** The first write, in the order of the last ones of each document, whose values another document has in the end. */
export function uniqueConflict(writes: readonly DocumentWrite[], listsOf: ListsOf): Conflict | undefined {
  const last = new LastWrites(writes);
  const taken = new Map<UniqueList, Map<string, string>>();
  for (const [at, write] of writes.entries()) {
    if (write.data === null || last.placeOf(write) !== at) continue;
    for (const list of listsOf(write.collection)) {
      const ofList = taken.get(list) ?? new Map<string, string>();
      taken.set(list, ofList);
      const { collection, id } = write;
      const holder = takeValues(list, ofList, last, { ...write, data: write.data });
      if (holder !== undefined) return { on: "unique", collection, id, fields: [...list.fields], holder };
    }
  }
  return undefined;
}

/** Returns who has the values already; else the document has them from now on. */
function takeValues(
  list: UniqueList,
  taken: Map<string, string>,
  last: LastWrites,
  { collection, tenant, id, data }: DocumentWrite & { readonly data: string },
): string | undefined {
  const key = list.keyOf({ id, version: 0, data });
  if (key === undefined) return undefined;
  const before = list.holder(tenant, key);
  // What this commit writes or removes gives its former values up.
  if (before !== undefined && last.placeOf({ collection, tenant, id: before }) === undefined) return before;
  const place = JSON.stringify([tenant, key]);
  const holder = taken.get(place);
  if (holder === undefined) taken.set(place, id);
  return holder;
}
