import { setTimeout } from "node:timers/promises";
import type { ReplayMessage, StoredMessage, StreamId } from "../../log/message.ts";
import { NereusError } from "../../model/errors.ts";
import type { LogFilter, LogPage, LogReader, StreamRange } from "../../ports/store.ts";
import type { Horizon } from "./horizon.ts";
import { readLogPage } from "./log-query.ts";
import { type MessageRow, messageColumns, replayMessageOf, storedMessageOf } from "./message-rows.ts";
import { type MessageDbPool, preparedRows, rowsOf } from "./pool.ts";
import { streamName } from "./stream-names.ts";
import { writersAtWork } from "./writers.ts";

/** Runs reads while the store is open, with faults translated. */
export type Read = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Milliseconds between two looks whether somebody else's transaction has ended. */
const pause = 10;
/** The highest bigint: the end of every stream. */
const end = "9223372036854775807";

/**
 * Reads of the log. They ask Message DB's table, since its functions know neither tenants nor several categories, read no stream
 * backwards, and plan their query each time.
 */
export class MessageDbLog implements LogReader {
  readonly #pool: MessageDbPool;
  readonly #horizon: Horizon;
  readonly #read: Read;
  readonly #patience: number;

  /** @param patience how long a transaction of somebody else's is waited for, in milliseconds */
  constructor(pool: MessageDbPool, horizon: Horizon, read: Read, patience: number) {
    this.#patience = patience;
    this.#pool = pool;
    this.#horizon = horizon;
    this.#read = read;
  }

  readStream(stream: StreamId, range: StreamRange): Promise<readonly StoredMessage[]> {
    return this.#read(async () => (await streamRows(this.#pool, stream, range)).map(storedMessageOf));
  }

  readLog(filter: LogFilter): Promise<LogPage> {
    return this.#read(async () => {
      const { known } = this.#horizon;
      // far behind, what is settled already is enough for a page
      if (filter.after + filter.limit < known) {
        const page = await readLogPage(this.#pool, filter, known);
        if (page.messages.length >= filter.limit) return page;
      }
      return readLogPage(this.#pool, filter, await this.#lastSettled(filter.after));
    });
  }

  replay(stream: StreamId, from: number, limit: number): Promise<readonly ReplayMessage[]> {
    return this.#read(async () => (await streamRows(this.#pool, stream, { from, limit })).map(replayMessageOf));
  }

  head(): Promise<number> {
    return this.#read(() => this.#lastSettled(0));
  }

  /** While somebody is in a transaction that wrote, readers may not see what others have committed since. */
  completeHead(): Promise<number> {
    return this.#read(async () => {
      const text = "SELECT max(global_position)::text AS position FROM message_store.messages";
      const [row] = await rowsOf<{ position: string | null }>(this.#pool, text);
      const last = Number(row?.position ?? 0);
      const until = performance.now() + this.#patience;
      for (;;) {
        const head = await this.#lastSettled(0);
        if (head >= last) return head;
        if (performance.now() >= until) throw await this.#heldUp(last);
        await setTimeout(pause);
      }
    });
  }

  async #heldUp(position: number): Promise<NereusError> {
    const who = (await writersAtWork(this.#pool)) ?? "somebody who wrote";
    const message = `Messages up to position ${position} are stored, but nobody may read all of them yet: in a transaction is ${who}`;
    return new NereusError("STORE_LOCKED", message, {
      fix: "End that transaction; until then, what follows the log waits.",
    });
  }

  given(): Promise<number> {
    return this.#read(async () => {
      const text = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END::text AS position
        FROM message_store.messages_global_position_seq`;
      const [row] = await rowsOf<{ position: string }>(this.#pool, text, []);
      return Number(row?.position ?? 0);
    });
  }

  /** The last message that readers may see: positions that were given out in vain come after it, or between. */
  async #lastSettled(known: number): Promise<number> {
    const { position: settled, isMessage } = await this.#horizon.settled();
    if (isMessage || settled <= known) return settled;
    const text =
      "SELECT max(global_position)::text AS position FROM message_store.messages WHERE global_position <= $1";
    const [row] = await preparedRows<{ position: string | null }>(this.#pool, text, [settled]);
    return Number(row?.position ?? 0);
  }
}

async function streamRows(
  pool: MessageDbPool,
  stream: StreamId,
  { from, direction = "forwards", limit }: StreamRange,
): Promise<readonly MessageRow[]> {
  const isForwards = direction === "forwards";
  const text = `SELECT ${messageColumns} FROM message_store.messages
    WHERE stream_name = $1 AND position ${isForwards ? ">=" : "<="} $2::bigint
    ORDER BY messages.position ${isForwards ? "ASC" : "DESC"} LIMIT $3::bigint`;
  return preparedRows<MessageRow>(pool, text, [streamName(stream), from ?? (isForwards ? 0 : end), limit]);
}

/** All messages of a stream from a version on, however many. */
export async function restOfStream(pool: MessageDbPool, stream: StreamId, from: number): Promise<StoredMessage[]> {
  const page = 1000;
  const all: StoredMessage[] = [];
  for (;;) {
    const rows = await streamRows(pool, stream, { from: from + all.length, limit: page });
    for (const row of rows) all.push(storedMessageOf(row));
    if (rows.length < page) return all;
  }
}

export async function messageAt(
  pool: MessageDbPool,
  stream: StreamId,
  version: number,
): Promise<StoredMessage | undefined> {
  const [row] = await streamRows(pool, stream, { from: version, limit: 1 });
  return row === undefined ? undefined : storedMessageOf(row);
}
