import type { Clock, Log } from "./context.ts";
import { DeadlineWatch, type Due } from "./deadline.ts";
import type { KeyedQueue } from "./keyed-queue.ts";

/** Milliseconds after which work that waits for its turn is reported. */
const longWait = 10_000;

/** The turn that a piece of work has: one at a time, so that no two pieces of work wait for each other. */
export class Turn {
  readonly #queue: KeyedQueue;
  readonly #due: Due;
  readonly #surroundings: { readonly clock: Clock; readonly log: Log };
  #key: string | undefined;

  constructor(queue: KeyedQueue, due: Due, surroundings: { readonly clock: Clock; readonly log: Log }) {
    this.#queue = queue;
    this.#due = due;
    this.#surroundings = surroundings;
  }

  /** Takes another turn in place of the one that it has; without a promise if that is free. */
  take(key: string): Promise<void> | undefined {
    if (key === this.#key) return undefined;
    this.leave();
    const wait = this.#queue.enter(key);
    if (wait !== undefined) return this.#inLine(key, wait);
    this.#key = key;
    return undefined;
  }

  leave(): void {
    if (this.#key !== undefined) this.#queue.leave(this.#key);
    this.#key = undefined;
  }

  /** @throws NereusError DEADLINE_EXCEEDED; the turn is passed on when it comes */
  async #inLine(key: string, wait: Promise<void>): Promise<void> {
    const { clock, log } = this.#surroundings;
    const { name, deadline, target } = this.#due;
    // a handler that calls domain.process for its own aggregate waits for itself: that must not be silent
    const advice = "if a handler calls domain.process, let it call context.process instead";
    const timer = setTimeout(() => log.warn(`${name} ${target?.id ?? ""} waits for its turn; ${advice}`), longWait);
    const watch = deadline === undefined ? undefined : new DeadlineWatch(this.#due, clock);
    try {
      await (watch === undefined ? wait : Promise.race([wait, watch.passed]));
      this.#key = key;
    } catch (error) {
      void wait.then(() => this.#queue.leave(key));
      throw error;
    } finally {
      clearTimeout(timer);
      watch?.end();
    }
  }
}
