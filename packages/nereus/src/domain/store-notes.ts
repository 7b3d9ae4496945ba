import { isNereusError } from "../model/errors.ts";
import type { Conflict, NoteWrite, Store } from "../ports/store.ts";

/** Writes notes; answers with what another process has written meanwhile. Of a store that can only be read nothing is wanted. */
export async function committedNotes(
  store: Store,
  notes: readonly NoteWrite[],
): Promise<Extract<Conflict, { readonly on: "note" }> | undefined> {
  try {
    const outcome = await store.commit({ notes });
    return outcome.status === "conflict" && outcome.conflict.on === "note" ? outcome.conflict : undefined;
  } catch (error) {
    if (isNereusError(error, "STORE_READ_ONLY")) return undefined;
    throw error;
  }
}
