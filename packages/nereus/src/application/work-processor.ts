import { changedInPlace } from "../model/aggregate-faults.ts";
import { isThenable } from "../model/aggregate-root.ts";
import { isNereusError } from "../model/errors.ts";
import type { Commit, Conflict } from "../ports/store.ts";
import { type Carried, nothingCarried } from "./carried.ts";
import { metAt, outOfRetries, refuseExisting } from "./command-faults.ts";
import { TimeLimit } from "./deadline.ts";
import { Handling, type Task } from "./handling.ts";
import { type Claim, encodeResult, remembered } from "./idempotency.ts";
import { inlineNote } from "./inline-state.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { cacheKey } from "./loading.ts";
import { LongWaits } from "./long-waits.ts";
import { Operation } from "./operation.ts";
import type { Processed } from "./processed.ts";
import type { Runtime } from "./registry.ts";
import { Turn } from "./turn.ts";
import { UnderWay } from "./under-way.ts";
import { UnitOfWork } from "./unit-of-work.ts";
import { UnitTransaction } from "./unit-transaction.ts";
import type { Work } from "./work.ts";

/** What a handler has come to. */
type Done = { readonly result: unknown; readonly idempotency: Commit["idempotency"] };
type Again = { readonly again: Conflict | undefined };

/** Milliseconds after which what waits for the store is reported. */
const longWait = 5000;

/** How often the store's notes may have changed meanwhile before that counts as an attempt: the user has no part in it. */
const mostOvertaken = 8;

/** Does pieces of work, each as often as conflicts ask for it, until it is committed or refused. */
export class WorkProcessor {
  readonly #runtime: Runtime;
  /** What callers wait for. */
  readonly underWay: UnderWay = new UnderWay();
  readonly #queue = new KeyedQueue<Task>();
  readonly #longWaits: LongWaits;
  readonly #finish: ((unit: UnitOfWork) => Promise<void>) | undefined;

  /** @param finish runs after each piece of work, in its unit of work */
  constructor(runtime: Runtime, finish: ((unit: UnitOfWork) => Promise<void>) | undefined) {
    this.#runtime = runtime;
    this.#finish = finish;
    this.#longWaits = new LongWaits(runtime);
  }

  /** The time that a piece of work has from now on. @throws NereusError CLOCK_INVALID */
  limitOf({ deadline, timeout = this.#runtime.timeout }: Pick<Work, "deadline" | "timeout">): TimeLimit | undefined {
    if (deadline === undefined && timeout === undefined) return undefined;
    return TimeLimit.of({ deadline, timeout }, this.#runtime.clock);
  }

  /**
   * Without a claim, the only waits are the aggregate's turn, a load that misses the cache, the commit. Its caller has an answer when its time
   * is up, wherever it is then.
   *
   * @param underWay among what it counts until it is answered
   */
  perform(
    work: Work,
    limit: TimeLimit | undefined = this.limitOf(work),
    underWay: UnderWay = this.underWay,
  ): Promise<Processed> {
    if (limit !== undefined && limit.left <= 0) return this.#late(work, limit);
    const operation = new Operation(work, underWay);
    if (limit !== undefined) operation.bindTo(limit, (fault) => this.#end(operation, limit, fault));
    void this.#do(operation, limit);
    return operation.answer;
  }

  #end(operation: Operation, limit: TimeLimit, fault: unknown): void {
    const { subject, doing } = operation;
    if (operation.commit !== undefined) this.#longWaits.report(operation.describe());
    operation.abort(isNereusError(fault) ? fault : limit.exceeded(subject, `: ${doing}`));
  }

  async #do(operation: Operation, limit: TimeLimit | undefined): Promise<void> {
    const { line } = operation.work;
    try {
      operation.done(
        line === undefined ? await this.#begin(operation, limit) : await this.#inLine(operation, line, limit),
      );
    } catch (error) {
      operation.failed(error);
    }
  }

  /** What comes too late may be done already. */
  async #late(work: Work, limit: TimeLimit): Promise<Processed> {
    const earlier = await this.#remembered(work);
    if (earlier !== undefined) return earlier;
    throw limit.exceeded(work.subject);
  }

  #begin(operation: Operation, limit: TimeLimit | undefined): Promise<Processed> {
    const { claim } = operation.work;
    return claim === undefined ? this.#attempts(operation, limit) : this.#once(operation, claim, limit);
  }

  /** Work of one line is done in the order in which it came. */
  async #inLine(operation: Operation, line: string, limit: TimeLimit | undefined): Promise<Processed> {
    const turn = new Turn(this.#queue, operation, operation.work, this.#runtime.log);
    operation.lineTurn = turn;
    await turn.take(line);
    try {
      return await this.#begin(operation, limit);
    } finally {
      turn.leave();
    }
  }

  /** Work with one key waits for each other, so that the first is done before the next looks for its result. */
  async #once(operation: Operation, claim: Claim, limit: TimeLimit | undefined): Promise<Processed> {
    const { work } = operation;
    if (work.transaction !== undefined) return this.#attempts(operation, limit);
    const turn = new Turn(this.#queue, operation, work, this.#runtime.log);
    operation.keyTurn = turn;
    const { tenant, key } = claim;
    const wait = turn.take(`\0${tenant}\0${key}`, key);
    if (wait !== undefined) await wait;
    try {
      return (await this.#remembered(work)) ?? (await this.#attempts(operation, limit));
    } finally {
      turn.leave();
    }
  }

  /** The outcome of earlier work with the same key, if there was any. */
  async #remembered({ claim, transaction }: Work): Promise<Processed | undefined> {
    if (claim === undefined) return undefined;
    const { store } = this.#runtime;
    const { records } = transaction === undefined ? store : new UnitTransaction(store, transaction).reads;
    const record = await records.idempotency(claim.tenant, claim.key);
    return record === undefined ? undefined : remembered(record, claim);
  }

  async #attempts(operation: Operation, limit: TimeLimit | undefined): Promise<Processed> {
    const { work } = operation;
    operation.assertAwaited();
    const turn = new Turn(this.#queue, operation, work, this.#runtime.log);
    operation.turn = turn;
    const wait = work.transaction === undefined && work.target ? turn.take(work.target.key) : undefined;
    if (wait !== undefined) await wait;
    try {
      let carried: Carried = nothingCarried;
      for (let attempt = 0, overtaken = 0; ; attempt++) {
        operation.assertAwaited();
        limit?.assertLeft(work.subject);
        const cause = work.cause(this.#runtime.clock.now().getTime());
        const unit = new UnitOfWork(this.#runtime, cause, carried, work.target, operation);
        operation.unit = unit;
        let step: Processed | Again;
        try {
          step = await this.#attempt(operation, unit);
        } finally {
          const undone = unit.rollback(); // of what a handler has written by itself, unless it was committed
          if (undone !== undefined) await undone;
        }
        if ("position" in step) return step;
        if (step.again?.on === "note" && overtaken < mostOvertaken) {
          overtaken++;
          attempt--;
        }
        if (attempt >= this.#runtime.retries) throw outOfRetries(work.name, work.target?.id, attempt, step.again);
        const aggregates = unit.carry(step.again);
        carried = { aggregates, areCurrent: !(await this.#waited(work, turn, step.again, attempt)) };
      }
    } finally {
      turn.leave();
    }
  }

  /** Lets rivals go first: those in line, and others by a pause. Returns whether there was a wait. */
  async #waited(work: Work, turn: Turn, met: Conflict | undefined, attempt: number): Promise<boolean> {
    const next = work.transaction === undefined ? this.#turnAfter(met, work.tenant) : undefined;
    const wait = next === undefined ? undefined : turn.change(next);
    if (wait !== undefined) await wait;
    if (attempt > 0) await pause(attempt);
    return wait !== undefined || attempt > 0;
  }

  /** Work that met a conflict goes on in the line of the aggregate that it met it at, which need not be its own. */
  #turnAfter(conflict: Conflict | undefined, tenant: string): string | undefined {
    const met = conflict === undefined ? undefined : metAt(conflict);
    const aggregate = met === undefined ? undefined : this.#runtime.registry.aggregates.get(met.name);
    return met === undefined || aggregate === undefined ? undefined : cacheKey(aggregate, tenant, met.id);
  }

  async #attempt(operation: Operation, unit: UnitOfWork): Promise<Processed | Again> {
    const { work } = operation;
    const handling = new Handling(operation, this.#runtime.store);
    let result: unknown;
    let idempotency: Commit["idempotency"];
    try {
      const behind = this.#runtime.inline.beforeWork(unit.writing);
      if (behind !== undefined) await behind;
      const done = handling.run(work.run, unit);
      result = isThenable(done) ? await done : done;
      operation.assertAwaited();
      if (this.#finish !== undefined) await handling.run(this.#finish, unit);
      handling.end();
      unit.assertComplete();
      if (unit.unchecked && (await unit.wasStale(false))) return { again: undefined };
      idempotency = work.claim && recordOf(work.name, work.claim, result);
    } catch (error) {
      handling.end();
      operation.assertAwaited();
      return this.#failed(work, unit, changedInPlace(work.subject, error) ?? error, false);
    }
    return await this.#commit(operation, unit, { result, idempotency });
  }

  /**
   * What a failure before the commit comes to: another process may have moved on, or had the same key.
   *
   * @param isProjecting whether an inline projection failed: it may have met a rival's row, of which the commit would have told
   */
  async #failed(work: Work, unit: UnitOfWork, error: unknown, isProjecting: boolean): Promise<Processed | Again> {
    const undone = unit.rollback(); // what is read from now on is what is stored
    if (undone !== undefined) await undone;
    const met = isProjecting ? await unit.conflict().catch(() => undefined) : undefined;
    if (met === undefined && (await unit.wasStale(true).catch(() => false))) return { again: undefined };
    const earlier = await this.#remembered(work).catch(() => undefined);
    if (earlier === undefined && met !== undefined) return refusedFor(this.#runtime, unit, met);
    unit.abandon();
    if (earlier !== undefined) return earlier;
    throw error; // the handler's error says more
  }

  /** Reports operations that have waited long for the store. */
  lookForLongWaits(): void {
    for (const activity of this.underWay) {
      if (activity instanceof Operation && activity.commit !== undefined && activity.age > longWait) {
        this.#longWaits.report(activity.describe());
        return;
      }
    }
  }

  async #commit(operation: Operation, unit: UnitOfWork, done: Done): Promise<Processed | Again> {
    const { work } = operation;
    const { inline } = this.#runtime;
    const { state } = inline;
    let commit: Commit;
    let isProjecting = false;
    try {
      const prepared = unit.prepare(done.idempotency, work.checkpoint);
      isProjecting = prepared instanceof Promise;
      commit = prepared instanceof Promise ? await prepared : prepared;
      operation.assertAwaited();
    } catch (error) {
      operation.assertAwaited();
      // rows that another release has left out meanwhile are no fault of the projector
      if (isProjecting && (await inline.isBehind(state, unit.writing))) return this.#commitAnew(operation, unit, done);
      return this.#failed(work, unit, error, isProjecting);
    }
    operation.commit = commit;
    const outcome = await unit.write(commit);
    operation.commit = undefined;
    if (outcome.status === "conflict") {
      const { conflict } = outcome;
      if (conflict.on !== "note") return refusedFor(this.#runtime, unit, conflict);
      if (!unit.writing.isJoined) this.#learn(conflict);
      return this.#commitAnew(operation, unit, done, conflict);
    }
    if (outcome.status === "duplicate") {
      unit.takeBack();
      return remembered(outcome.record, operation.work.claim as Claim);
    }
    unit.saved(commit);
    if (commit.notes !== undefined && !unit.writing.isJoined) this.#runtime.shapes.wrote(commit.notes);
    const checkpoint = commit.checkpoint === undefined ? undefined : "moved";
    return { result: done.result, position: outcome.position, checkpoint };
  }

  #learn({ name, current }: Extract<Conflict, { readonly on: "note" }>): void {
    const { inline, shapes } = this.#runtime;
    if (name === inlineNote) inline.learn(current);
    else shapes.learn(current);
  }

  /** Another process has changed what the store knows of inline projections, or of shapes: what the handler did stands, and is written for that. */
  async #commitAnew(
    operation: Operation,
    unit: UnitOfWork,
    done: Done,
    conflict?: Conflict,
  ): Promise<Processed | Again> {
    operation.assertAwaited();
    if (unit.writing.isBegun) {
      unit.takeBack(); // the handler's own SQL was undone with the refusal
      return { again: conflict };
    }
    unit.writing = unit.writing.another();
    await this.#runtime.inline.beforeWork(unit.writing);
    operation.assertAwaited();
    return this.#commit(operation, unit, done);
  }
}

/**
 * What a conflict comes to: another attempt, unless trying again cannot help.
 *
 * @throws ConcurrencyError AGGREGATE_EXISTS, or UNIQUE_VIOLATED
 */
function refusedFor({ registry }: Runtime, unit: UnitOfWork, conflict: Conflict): Processed | Again {
  unit.takeBack();
  if (conflict.on === "checkpoint") return { result: undefined, position: conflict.actual, checkpoint: "superseded" };
  const met = metAt(conflict);
  const isKnown = met !== undefined && registry.aggregates.has(met.name);
  if (conflict.on === "unique" || (isKnown && !unit.missed(met.name, met.id))) refuseExisting(conflict);
  return { again: conflict };
}

function recordOf(name: string, claim: Claim, result: unknown): NonNullable<Commit["idempotency"]> {
  const { tenant, key, fingerprint } = claim;
  return { tenant, key, fingerprint, result: encodeResult(name, result) };
}

/** Full jitter, so that rivals do not meet again: from the second conflict on up to 2, 4, 8 … 128 milliseconds. */
function pause(attempt: number): Promise<void> {
  const most = Math.min(128, 2 ** attempt);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * most));
}
