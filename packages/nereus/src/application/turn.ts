import { NereusError } from "../model/errors.ts";
import type { Log } from "./context.ts";
import type { Task } from "./handling.ts";
import type { KeyedQueue } from "./keyed-queue.ts";
import type { Target } from "./unit-of-work.ts";

/** Milliseconds after which work that waits for its turn is reported. */
const longWait = 10_000;

/** What waits, for errors and reports. */
interface Waiter {
  readonly name: string;
  readonly subject: string;
  readonly target: Target | undefined;
}

/** The turn that a piece of work has: one at a time, so that no two pieces of work wait for each other. */
export class Turn {
  readonly #queue: KeyedQueue<Task>;
  readonly #task: Task;
  readonly #waiter: Waiter;
  readonly #log: Log;
  #key: string | undefined;
  /** Of the turn that it waits for. */
  #awaited: string | undefined;
  #hasQuit = false;

  constructor(queue: KeyedQueue<Task>, task: Task, waiter: Waiter, log: Log) {
    this.#queue = queue;
    this.#task = task;
    this.#waiter = waiter;
    this.#log = log;
  }

  /**
   * Takes a turn; without a promise if that is free.
   *
   * @param claimed the idempotency key that it is about, if it is
   * @throws NereusError TURN_DEADLOCK where whoever has the turn waits for this very work
   */
  take(key: string, claimed?: string): Promise<void> | undefined {
    const deadlock = this.#deadlock(key);
    if (deadlock !== undefined) throw neverComes(this.#waiter, claimed, deadlock);
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

  /** Leaves it, or the line for it, for good: what runs on gets no other. */
  quit(): void {
    this.#hasQuit = true;
    this.leave();
    if (this.#awaited !== undefined) this.#queue.withdraw(this.#awaited, this.#task);
    this.#awaited = undefined;
    this.#task.waitsFor = undefined;
  }

  /** Undefined if it waits for none; else behind whom: ` behind Deposit`. */
  get waits(): string | undefined {
    if (this.#awaited === undefined) return undefined;
    const holder = this.#queue.holder(this.#awaited);
    return holder === undefined ? "" : ` behind ${holder.subject}`;
  }

  /** Who has a turn and cannot end before this work has. */
  #deadlock(key: string): Task | undefined {
    const holder = this.#queue.holder(key);
    return holder?.needs(this.#task) === true ? holder : undefined;
  }

  #enter(key: string): Promise<void> | undefined {
    if (this.#hasQuit) throw ended(this.#waiter.subject);
    const wait = this.#queue.enter(key, this.#task);
    if (wait !== undefined) return this.#inLine(key, wait);
    this.#key = key;
    return undefined;
  }

  async #inLine(key: string, wait: Promise<void>): Promise<void> {
    const { name, subject, target } = this.#waiter;
    this.#awaited = key;
    this.#task.waitsFor = () => this.#queue.holder(key);
    const timer = setTimeout(() => {
      const what = `${subject} waits for its turn with ${name} ${target?.id ?? ""}${this.waits ?? ""}`;
      this.#log.warn(`${what}: what is before it takes long`);
    }, longWait);
    try {
      await wait;
    } finally {
      clearTimeout(timer);
      this.#task.waitsFor = undefined;
    }
    if (this.#hasQuit) throw ended(subject); // the turn was passed on
    this.#awaited = undefined;
    this.#key = key;
  }
}

function ended(subject: string): NereusError {
  return new NereusError("UNIT_OF_WORK_CLOSED", `${subject} was ended before its turn came`);
}

function neverComes(waiter: Waiter, claimed: string | undefined, { subject: holder }: Task): NereusError {
  const { name, subject, target } = waiter;
  const what = claimed === undefined ? `${name} ${target?.id ?? ""}` : `the idempotency key ${claimed}`;
  const why = `${subject} waits for its turn with ${what}, but ${holder}, whose turn it is, waits for ${subject}`;
  return new NereusError("TURN_DEADLOCK", why, {
    element: name,
    fix: "In handlers, call context.process instead of domain.process: it joins their unit of work. Or context.send, for later.",
  });
}
