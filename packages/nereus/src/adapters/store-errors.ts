import { NereusError } from "../model/errors.ts";

/** A store used before `open` or after `close`. */
export function notOpen(store: string): NereusError {
  return new NereusError("STORE_NOT_OPEN", `The store ${store} is not open.`, {
    element: store,
    fix: "Start the domain (or call open) before using its store, and use nothing of it after stop.",
  });
}

/** A write to a store that was opened for reading only. */
export function readOnlyStore(store: string): NereusError {
  return new NereusError("STORE_READ_ONLY", `The store ${store} is for reading only.`, {
    element: store,
    fix: "Send commands to a process whose store may write; this one answers queries and views.",
  });
}

/** A collection that no call of `open` has named. */
export function collectionNotOpen(store: string, collection: string): NereusError {
  return new NereusError("STORE_NOT_OPEN", `The collection ${collection} of the store ${store} is not open.`, {
    element: collection,
    fix: "List the collection's shape in the call of open.",
  });
}

/** A condition or an order that names a field the collection was not declared with. */
export function unknownField(collection: string, field: string, known: Iterable<string>): NereusError {
  return new NereusError("UNKNOWN_FIELD", `${collection} has no field ${JSON.stringify(field)}.`, {
    element: collection,
    fix: `Use one of its fields: ${[...known].join(", ") || "(it has none)"}.`,
  });
}

/** An append that repeats some ids of what is stored, but not all of them in the same stream and order. */
export function eventIdReused(id: string): NereusError {
  return new NereusError("EVENT_ID_REUSED", `The message id ${id} is already stored with other messages.`, {
    element: id,
    fix: "Give every new message an id of its own; repeat an append only as a whole, with all of its ids.",
  });
}

/** Of a commit that its maker took back: nobody waits for it any more. */
export function withdrawn(store: string): NereusError {
  return new NereusError("STORE_FAILED", `A commit to the store ${store} was taken back before it was written.`, {
    element: store,
    fix: "Nothing of it is stored.",
  });
}
