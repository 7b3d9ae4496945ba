import type { Store } from "../ports/store.ts";
import type { Log } from "./context.ts";

/** Milliseconds between two reports of the same. */
const reportEvery = 10_000;

/** Reports who holds up those that write: looked up only when something has waited long for the store. */
export class LongWaits {
  readonly #store: Store;
  readonly #log: Log;
  #reported = Number.NEGATIVE_INFINITY;
  #isLooking = false;

  constructor({ store, log }: { readonly store: Store; readonly log: Log }) {
    this.#store = store;
    this.#log = log;
  }

  /** @param what a sentence: `Withdraw with Account 576: it has waited 10 s for the store to write its commit` */
  report(what: string): void {
    const now = performance.now();
    if (this.#isLooking || this.#store.heldUpBy === undefined || now - this.#reported < reportEvery) return;
    this.#isLooking = true;
    this.#reported = now;
    this.#store
      .heldUpBy()
      .then((who) => this.#log.warn(who === undefined ? what : `${what}; ${who} holds up those that write`))
      .catch((error: unknown) => this.#log.warn(`${what}; who holds up those that write cannot be found out`, error))
      .finally(() => {
        this.#isLooking = false;
      });
  }
}
