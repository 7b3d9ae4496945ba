import { setTimeout } from "node:timers/promises";
import { type MessageDbPool, rowsOf } from "./pool.ts";

/**
 * The last position given out, then (in this order: the second part takes a row of the first) who is in a transaction that may
 * have one. A transaction locks the table before it takes a position from the sequence, and lets go of the lock after its rows can be seen.
 */
const sample = `
  WITH given AS MATERIALIZED (
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS position
    FROM message_store.messages_global_position_seq
  )
  SELECT given.position::text AS position, writers.writers
  FROM given LEFT JOIN LATERAL (
    SELECT array_agg(virtualtransaction) AS writers
    FROM pg_catalog.pg_locks
    WHERE given.position > $1::bigint
      AND locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
      AND relation = 'message_store.messages'::regclass
      AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  ) AS writers ON true`;

/** Up to a position, everything is settled when none of the writers is at work any more. */
interface Sample {
  readonly position: number;
  readonly writers: readonly string[];
}

/** Milliseconds for which a reader waits for those who write at that moment: most have ended before. */
const pauses = [1, 2, 4] as const;
/** A long transaction is in every sample; the ones in between would not tell more. */
const mostSamples = 16;

/**
 * Up to where the log is settled: below, no message will ever appear that cannot be seen now. Message DB locks a category, not the
 * log, so that a position can become visible before a lower one of another category does.
 *
 * It holds for every writer, whichever client it is. What it costs: a transaction that wrote and does not end holds up all readers.
 */
export class Horizon {
  readonly #pool: MessageDbPool;
  #settled = 0;
  #samples: Sample[] = [];
  #running: Promise<Sample> | undefined;
  #next: Promise<Sample> | undefined;

  constructor(pool: MessageDbPool) {
    this.#pool = pool;
  }

  /** As far as it is known. */
  get known(): number {
    return this.#settled;
  }

  /** As it is now; behind what is committed while somebody writes. */
  async settled(): Promise<number> {
    const { position } = await this.#take();
    for (const pause of pauses) {
      if (this.#settled >= position) break;
      await setTimeout(pause);
      await this.#take();
    }
    return this.#settled;
  }

  /** A sample taken from now on. One at a time: whoever asks meanwhile shares the next. */
  #take(): Promise<Sample> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  #start(): Promise<Sample> {
    this.#running = this.#sample().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #sample(): Promise<Sample> {
    const [row] = await rowsOf<{ position: string; writers: readonly string[] | null }>(this.#pool, sample, [
      this.#settled,
    ]);
    const taken: Sample = { position: Number(row?.position ?? 0), writers: row?.writers ?? [] };
    this.#settle(taken);
    return taken;
  }

  #settle(latest: Sample): void {
    const working = new Set(latest.writers);
    // a prepared transaction goes on under another name than the one in the samples before
    const isPrepared = latest.writers.some((writer) => writer.startsWith("-1/"));
    const open: Sample[] = [];
    for (const one of [...this.#samples, latest]) {
      const isOpen = one.writers.some((writer) => working.has(writer)) || (isPrepared && one.writers.length > 0);
      if (isOpen) open.push(one);
      else this.#settled = Math.max(this.#settled, one.position);
    }
    if (open.length > mostSamples) open.splice(-2, 1);
    this.#samples = open;
  }
}
