import { setTimeout } from "node:timers/promises";
import { type MessageDbPool, preparedRows } from "./pool.ts";
import { isWriter } from "./writers.ts";

/**
 * The last position given out, then (in this order: the second part takes a row of the first) who is in a transaction that may
 * have one. A transaction locks the table before it takes a position from the sequence, and lets go of the lock after its rows can be seen.
 * Beside them the last message that could be seen before, when this was asked, and since when the session is there that was asked.
 */
const sample = `
  WITH given AS MATERIALIZED (
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS position
    FROM message_store.messages_global_position_seq
  )
  SELECT given.position::text AS position,
    (SELECT pg_catalog.max(global_position)::text FROM message_store.messages) AS seen,
    extract(epoch FROM pg_catalog.clock_timestamp())::text AS at,
    (SELECT extract(epoch FROM backend_start)::text
      FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())) AS since,
    writers.writers
  FROM given LEFT JOIN LATERAL (
    SELECT array_agg(virtualtransaction) AS writers
    FROM pg_catalog.pg_locks AS locks
    WHERE given.position > $1::bigint
      AND ${isWriter}
  ) AS writers ON true`;

interface SampleRow {
  readonly position: string;
  readonly seen: string | null;
  readonly at: string;
  readonly since: string | null;
  readonly writers: readonly string[] | null;
}

/** Up to a position, everything is settled when none of the writers is at work any more. */
interface Sample {
  readonly position: number;
  /** The last message that could be seen before it was taken. */
  readonly seen: number;
  /** By the clock of the server, in seconds: when it was taken, and when the session began that was asked. */
  readonly at: number;
  readonly since: number;
  readonly writers: readonly string[];
}

/** Milliseconds for which a reader waits for those who write at that moment: most have ended before. */
const pauses = [1, 2, 4] as const;
/** A long transaction is in every sample; the ones in between would not tell more. */
const mostSamples = 16;

/** Up to where the log is settled. */
export interface Settled {
  readonly position: number;
  /** Whether a message that can be seen has this position. */
  readonly isMessage: boolean;
}

/**
 * Up to where the log is settled: below, no message will ever appear that cannot be seen now. Message DB locks a category, not the
 * log, so that a position can become visible before a lower one of another category does.
 *
 * It holds for every writer, whichever client it is. What it costs: a transaction that wrote and does not end holds up all readers.
 *
 * A crash of the server may take back positions that no message has, and give them out again. So nothing is remembered as settled above
 * the last message that was seen, and no sample outlives the session that tells of its writers.
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
  async settled(): Promise<Settled> {
    const first = await this.#take();
    let latest = first;
    for (const pause of pauses) {
      if (!this.#samples.includes(first)) break;
      await setTimeout(pause);
      latest = await this.#take();
    }
    const isMessage = this.#settled === latest.seen || this.#settled === 0;
    return { position: this.#settled, isMessage };
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
    const [row] = await preparedRows<SampleRow>(this.#pool, sample, [this.#settled]);
    const taken: Sample = {
      position: Number(row?.position ?? 0),
      seen: Number(row?.seen ?? 0),
      at: Number(row?.at ?? 0),
      since: Number(row?.since ?? Number.POSITIVE_INFINITY),
      writers: row?.writers ?? [],
    };
    this.#settle(taken);
    return taken;
  }

  #settle(latest: Sample): void {
    const working = new Set(latest.writers);
    // a prepared transaction goes on under another name than the one in the samples before
    const isPrepared = latest.writers.some((writer) => writer.startsWith("-1/"));
    const open: Sample[] = [];
    for (const one of [...this.#samples.filter((former) => isComparable(former, latest)), latest]) {
      const isOpen = one.writers.some((writer) => working.has(writer)) || (isPrepared && one.writers.length > 0);
      if (isOpen) open.push(one);
      else this.#settled = Math.max(this.#settled, Math.min(one.position, latest.seen));
    }
    if (open.length > mostSamples) open.splice(-2, 1);
    this.#samples = open;
  }
}

/** Whether no crash can have been between the two: it ends every session, and may take positions back. */
function isComparable(former: Sample, latest: Sample): boolean {
  return latest.since <= former.at && former.position <= latest.position;
}
