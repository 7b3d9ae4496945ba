import { NereusError } from "../model/errors.ts";
import type { Store } from "../ports/store.ts";

/** The checkpoint of an inline projection: no event is after it. */
const always = Number.MAX_SAFE_INTEGER;

/**
 * Where a subscription stands. One that is ahead of the log has seen events that are not in it any more, and would pass over those that come in
 * their place.
 *
 * @param subject whose it is, for messages
 * @throws NereusError STORE_WENT_BACK
 */
export async function storedCheckpoint(
  store: Pick<Store, "name" | "log" | "records">,
  name: string,
  subject: string,
): Promise<number> {
  const checkpoint = await store.records.checkpoint(name);
  if (checkpoint === 0 || checkpoint === always) return checkpoint;
  const head = await store.log.head();
  if (checkpoint <= head) return checkpoint;
  const what = `${subject} stands at position ${checkpoint}, and the log of ${store.name} ends at ${head}: events that it has seen are not there any more`;
  throw new NereusError("STORE_WENT_BACK", what, {
    element: name,
    fix: "Raise the version of a projector, so that its rows are made anew; of handlers, set the checkpoint to where they are to go on.",
  });
}
