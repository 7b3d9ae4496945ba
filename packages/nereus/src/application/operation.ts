import { NereusError } from "../model/errors.ts";
import type { Commit } from "../ports/store.ts";
import type { TimeLimit } from "./deadline.ts";
import { Task } from "./handling.ts";
import type { Processed } from "./processed.ts";
import type { Turn } from "./turn.ts";
import { type Activity, secondsSince, type UnderWay } from "./under-way.ts";
import type { UnitOfWork } from "./unit-of-work.ts";
import type { Work } from "./work.ts";

/**
 * One piece of work from its call to its answer. Its caller is answered once: by its end, at its deadline, or by a stop that waits no
 * longer. What then still runs of it can change nothing any more, but for a commit that is on its way.
 */
export class Operation extends Task implements Activity {
  #work: Work | undefined;
  /** The attempt that is under way. */
  unit: UnitOfWork | undefined;
  /** Handed to the store, and not answered. */
  commit: Commit | undefined;
  /** In its line, with the idempotency key, and with the aggregate. */
  lineTurn: Turn | undefined;
  keyTurn: Turn | undefined;
  turn: Turn | undefined;
  /** What its caller awaits. */
  readonly answer: Promise<Processed>;
  readonly #since = performance.now();
  readonly #underWay: UnderWay;
  #resolve!: (processed: Processed) => void;
  #reject!: (error: unknown) => void;
  #isAnswered = false;
  #aborting: AbortController | undefined;
  #unwatch: (() => void) | undefined;

  /** @param underWay among what it counts until it is answered */
  constructor(work: Work, underWay: UnderWay) {
    super(work.subject);
    this.#work = work;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#underWay = underWay;
    underWay.add(this);
  }

  /** Ends it when no time is left. */
  bindTo(limit: TimeLimit, late: (fault: unknown) => void): void {
    this.#unwatch = limit.watch(late);
  }

  /** There until it has ended. */
  get work(): Work {
    return this.#work as Work;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Aborts at the deadline, and at a stop that waits no longer. */
  get signal(): AbortSignal {
    this.#aborting ??= new AbortController();
    return this.#aborting.signal;
  }

  /**
   * The caller has its answer by the end of the work, if not before. It lets go of what it has worked with: maps that are older than it may still know it, and would
   * keep all of that until the next full collection.
   */
  #end(): boolean {
    this.#unwatch?.();
    if (this.#isAnswered) return false;
    this.#isAnswered = true;
    this.#underWay.delete(this);
    this.#work = undefined;
    this.commit = undefined;
    this.unit = undefined;
    this.turn = undefined;
    this.keyTurn = undefined;
    this.lineTurn = undefined;
    this.end();
    return true;
  }

  done(processed: Processed): void {
    if (this.#end()) this.#resolve(processed);
  }

  failed(error: unknown): void {
    if (this.#end()) this.#reject(error);
  }

  /** Stops what runs on after its caller was answered. */
  assertAwaited(): void {
    if (this.#isAnswered) throw new NereusError("UNIT_OF_WORK_CLOSED", `${this.subject} was ended before`);
  }

  /**
   * Answers the caller now. What is not handed to the store never will be; a commit that the store can take back is taken back, and of another one
   * the caller is told that its outcome is not known. That one keeps its turn until it has an answer.
   */
  abort(error: NereusError): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const { commit, unit } = this;
    const isOnItsWay = commit !== undefined && unit?.withdraw(commit) !== true;
    this.#aborting ??= new AbortController(); // a handler that asks later finds it aborted
    this.#aborting.abort(error);
    if (!isOnItsWay) {
      unit?.close();
      this.turn?.quit();
      this.keyTurn?.quit();
      this.lineTurn?.quit();
    }
    this.end();
    this.#underWay.delete(this);
    this.#reject(isOnItsWay ? unknownOutcome(this.subject, error) : error);
  }

  /** Milliseconds since it was asked for. */
  get age(): number {
    return performance.now() - this.#since;
  }

  describe(): string {
    return `${this.#what}: ${this.doing}`;
  }

  /** What it is at, and for how long: `its handler has run for 12 s`. */
  get doing(): string {
    const span = secondsSince(this.#since);
    const waits = this.turn?.waits ?? this.keyTurn?.waits ?? this.lineTurn?.waits;
    if (waits !== undefined) return `it has waited ${span} for its turn${waits}`;
    if (this.commit !== undefined) return `it has waited ${span} for the store to write its commit`;
    return this.unit === undefined ? `it has waited ${span}` : `its handler has run for ${span}`;
  }

  get #what(): string {
    const { target, name, subject } = this.work;
    return target === undefined ? subject : `${subject} with ${name} ${target.id}`;
  }
}

/** Of what was on its way to the store when its time was up. */
export function unknownOutcome(subject: string, cause: NereusError): NereusError {
  const message = `${subject} was on its way to the store and has no answer yet: whether it is stored is not known`;
  return new NereusError("OUTCOME_UNKNOWN", message, {
    element: subject,
    fix: "Ask again with the same idempotency key, which has one effect; without a key, read first whether it is stored.",
    cause,
  });
}
