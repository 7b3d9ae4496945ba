import { NereusError } from "../model/errors.ts";
import type { Clock, Log } from "./context.ts";
import { DeadlineWatch, type Due } from "./deadline.ts";
import type { Task } from "./handling.ts";
import type { KeyedQueue } from "./keyed-queue.ts";

/** Milliseconds after which work that waits for its turn is reported. */
const longWait = 10_000;

/** The turn that a piece of work has: one at a time, so that no two pieces of work wait for each other. */
export class Turn {
  readonly #queue: KeyedQueue<Task>;
  readonly #task: Task;
  readonly #due: Due;
  readonly #surroundings: { readonly clock: Clock; readonly log: Log };
  #key: string | undefined;

  constructor(
    queue: KeyedQueue<Task>,
    task: Task,
    due: Due,
    surroundings: { readonly clock: Clock; readonly log: Log },
  ) {
    this.#queue = queue;
    this.#task = task;
    this.#due = due;
    this.#surroundings = surroundings;
  }

  /**
   * Takes a turn; without a promise if that is free.
   *
   * @param claimed the idempotency key that it is about, if it is
   * @throws NereusError TURN_DEADLOCK where whoever has the turn waits for this very work
   */
  take(key: string, claimed?: string): Promise<void> | undefined {
    const deadlock = this.#deadlock(key);
    if (deadlock !== undefined) throw neverComes(this.#due, claimed, deadlock);
    return this.#enter(key);
  }

  /** Takes another turn in place of the one that it has, unless that would never come: to wait is only kinder than to conflict. */
  change(key: string): Promise<void> | undefined {
    if (key === this.#key || this.#deadlock(key) !== undefined) return undefined;
    this.leave();
    return this.#enter(key);
  }

  leave(): void {
    if (this.#key !== undefined) this.#queue.leave(this.#key);
    this.#key = undefined;
  }

  /** Who has a turn and cannot end before this work has. */
  #deadlock(key: string): Task | undefined {
    const holder = this.#queue.holder(key);
    return holder?.needs(this.#task) === true ? holder : undefined;
  }

  #enter(key: string): Promise<void> | undefined {
    const wait = this.#queue.enter(key, this.#task);
    if (wait !== undefined) return this.#inLine(key, wait);
    this.#key = key;
    return undefined;
  }

  /** @throws NereusError DEADLINE_EXCEEDED; the turn is passed on when it comes */
  async #inLine(key: string, wait: Promise<void>): Promise<void> {
    const { clock, log } = this.#surroundings;
    const { name, subject, deadline, target } = this.#due;
    this.#task.waitsFor = () => this.#queue.holder(key);
    const what = `${subject} waits for its turn with ${name} ${target?.id ?? ""}`;
    const timer = setTimeout(() => log.warn(`${what}: what is before it takes long`), longWait);
    const watch = deadline === undefined ? undefined : new DeadlineWatch(this.#due, clock);
    try {
      await (watch === undefined ? wait : Promise.race([wait, watch.passed]));
      this.#key = key;
    } catch (error) {
      void wait.then(() => this.#queue.leave(key));
      throw error;
    } finally {
      this.#task.waitsFor = undefined;
      clearTimeout(timer);
      watch?.end();
    }
  }
}

function neverComes(due: Due, claimed: string | undefined, { subject: holder }: Task): NereusError {
  const { name, subject, target } = due;
  const what = claimed === undefined ? `${name} ${target?.id ?? ""}` : `the idempotency key ${claimed}`;
  const why = `${subject} waits for its turn with ${what}, but ${holder}, whose turn it is, waits for ${subject}`;
  return new NereusError("TURN_DEADLOCK", why, {
    element: name,
    fix: "In handlers, call context.process instead of domain.process: it joins their unit of work. Or context.send, for later.",
  });
}
