import { NereusError } from "../model/errors.ts";
import type { Store } from "../ports/store.ts";

/** The checkpoint of an inline projection: no event is after it. */
const always = Number.MAX_SAFE_INTEGER;

/** How far something that follows the log has come. */
export interface Mark {
  readonly name: string;
  /** Whose it is, for messages. */
  readonly subject: string;
  readonly position: number;
}

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
  const position = await store.records.checkpoint(name);
  await assertInLog(store, [{ name, subject, position }]);
  return position;
}

/** @param marks read before this is called. @throws NereusError STORE_WENT_BACK, which names all that are ahead of the log */
export async function assertInLog({ name, log }: Pick<Store, "name" | "log">, marks: readonly Mark[]): Promise<void> {
  const counted = marks.filter(({ position }) => position > 0 && position !== always);
  if (counted.length === 0) return;
  const head = await (log.given?.() ?? log.head());
  const ahead = counted.filter(({ position }) => position > head);
  const [first] = ahead;
  if (first === undefined) return;
  const where = ahead.map(({ subject, position }) => `${subject} stands at position ${position}`).join("; ");
  const what = `${where}; and the log of ${name} ends at ${head}: events that were seen are not there any more`;
  throw new NereusError("STORE_WENT_BACK", what, {
    element: first.name,
    fix: "Raise the version of a projector, so that its rows are made anew; of handlers and sent commands, set the checkpoint to where they are to go on.",
  });
}
