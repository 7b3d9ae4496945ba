import { setImmediate, setTimeout } from "node:timers";
import type { Commit, CommitOutcome } from "../../ports/store.ts";
import { CommitQueue, type Waiting as WaitingCommit } from "../commit-queue.ts";
import { notOpen, withdrawn } from "../store-errors.ts";
import type { CommitWriter } from "./commit-writer.ts";
import { isBusy, storeFault } from "./faults.ts";
import { pauseAfter } from "./patience.ts";

type Waiting = WaitingCommit<CommitOutcome>;

export interface GroupCommitSettings {
  readonly writer: CommitWriter;
  readonly path: string;
  /** How long a batch waits for the file's lock, in milliseconds. */
  readonly busyTimeout: number;
}

/**
 * Gathers the commits of one turn of the event loop into one transaction, so that they share the wait for the disk.
 * None is answered before that transaction is durable. A fault in one makes each be tried alone.
 */
export class GroupCommit {
  readonly #settings: GroupCommitSettings;
  readonly #queue = new CommitQueue<CommitOutcome>();
  #scheduled = false;
  #attempts = 0;
  #waitingSince = 0;
  #idle: (() => void)[] = [];

  constructor(settings: GroupCommitSettings) {
    this.#settings = settings;
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    return new Promise((resolve, reject) => {
      this.#queue.add({ commit, resolve, reject });
      if (!this.#scheduled) this.#schedule();
    });
  }

  /** Takes back a commit that is not written: none is on its way, since a transaction is one call. */
  withdraw(commit: Commit): boolean {
    const waiting = this.#queue.withdraw(commit);
    waiting?.reject(withdrawn(this.#settings.path));
    return waiting !== undefined;
  }

  /** Refuses what waits. */
  cut(): void {
    for (const { reject } of this.#queue.take(Number.POSITIVE_INFINITY)) reject(notOpen(this.#settings.path));
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Whether another connection holds the file, and since when, as `performance.now()` tells it. */
  get heldSince(): number | undefined {
    return this.#attempts === 0 ? undefined : this.#waitingSince;
  }

  /** Settles when all that is queued has been answered. */
  drained(): Promise<void> {
    if (this.#queue.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    this.#scheduled = true;
    // Not a microtask: requests that arrive in the same turn are to share the transaction. The real timers are
    // imported, so that a test with fake ones does not stop the store.
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const batch = this.#queue.take(this.#queue.batchSize);
    if (batch.length > 0) this.#write(batch);
    if (this.#queue.size > 0 && !this.#scheduled) this.#schedule();
    if (this.#queue.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  };

  #write(batch: readonly Waiting[]): void {
    const { writer } = this.#settings;
    try {
      const outcomes = writer.writeTogether(batch.map(({ commit }) => commit));
      this.#attempts = 0;
      this.#answer(batch, outcomes);
    } catch (error) {
      if (isBusy(error)) this.#wait(batch, error);
      else this.#writeEachAlone(batch);
    }
  }

  #writeEachAlone(batch: readonly Waiting[]): void {
    for (const [at, waiting] of batch.entries()) {
      try {
        const outcome = this.#settings.writer.writeAlone(waiting.commit);
        this.#answer([waiting], [outcome]);
      } catch (error) {
        if (isBusy(error)) {
          this.#wait(batch.slice(at), error);
          return;
        }
        waiting.reject(storeFault(error, this.#settings.path));
      }
    }
  }

  #answer(batch: readonly Waiting[], outcomes: readonly CommitOutcome[]): void {
    for (const [at, { resolve }] of batch.entries()) resolve(outcomes[at] as CommitOutcome);
  }

  /** Another process holds the file: puts the batch back and tries again soon, or gives up on it. */
  #wait(batch: readonly Waiting[], error: unknown): void {
    const { busyTimeout, path } = this.#settings;
    if (this.#attempts === 0) this.#waitingSince = performance.now();
    if (performance.now() - this.#waitingSince >= busyTimeout) {
      this.#attempts = 0;
      for (const { reject } of batch) reject(storeFault(error, path));
      return;
    }
    this.#queue.putBack(batch);
    this.#scheduled = true;
    setTimeout(this.#flush, pauseAfter(this.#attempts++));
  }
}
