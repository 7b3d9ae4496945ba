import { setTimeout } from "node:timers/promises";
import { NereusError } from "../model/errors.ts";
import type { Store } from "../ports/store.ts";

/** Milliseconds between two looks at who holds the store up. */
const lookEvery = 1000;
/** How often the same one is found before nobody waits for it any more. */
const most = 3;

/**
 * What the work comes to, unless one transaction of somebody else's holds the store up all the while: it may be one that waits for this
 * work. The work itself goes on when that has ended.
 *
 * @param what was to be done, for the message
 * @throws NereusError STORE_LOCKED
 */
export async function unlessHeldUp<Result>(store: Store, what: string, work: Promise<Result>): Promise<Result> {
  const ended = work.then(
    () => true,
    () => true,
  );
  let found: string | undefined;
  for (let times = 0; ; ) {
    if (await Promise.race([ended, setTimeout(lookEvery, false, { ref: false })])) return work;
    const who = await store.heldUpBy?.().catch(() => undefined);
    times = who !== undefined && who === found ? times + 1 : 1;
    found = who;
    if (who !== undefined && times === most) throw heldUp(store, what, who);
  }
}

function heldUp({ name }: Store, what: string, who: string): NereusError {
  return new NereusError("STORE_LOCKED", `${what}, and ${name} takes no writes: in a transaction is ${who}`, {
    element: name,
    fix: "End that transaction first. In a transaction of your own, ask by a command that joins it.",
  });
}
