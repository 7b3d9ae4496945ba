import type { ReplayMessage, StoredMessage, StreamId } from "../../log/message.ts";
import type { LogFilter, LogPage, LogReader, StreamRange } from "../../ports/store.ts";
import { replayMessages, replayTypes, storedMessages } from "./message-rows.ts";
import type { PostgresQuery } from "./pool.ts";
import { ownStatement, type PreparedStatement, type Row } from "./reads.ts";
import type { Read, Session } from "./session.ts";
import { head, readLog, readNear, readStream, replayLong, replayStream } from "./statements.ts";
import { toStored } from "./stored-text.ts";

/** From so many messages on no plan would read the whole log for a part of it. */
const longLog = 10_000;

/** The longest page that is read in rows of 64 messages. */
const longPage = 1024;

/** Reads of the log, each one statement: no transaction stays open between pages. */
export class PostgresLog implements LogReader {
  readonly #read: Read;
  readonly #head: PreparedStatement;
  readonly #log: PreparedStatement;
  readonly #near: PreparedStatement;
  readonly #stream: PreparedStatement;
  readonly #replay: PreparedStatement;
  readonly #replayLong: PreparedStatement;

  constructor(schema: string, read: Read) {
    this.#read = read;
    this.#head = ownStatement(schema, head);
    this.#log = ownStatement(schema, readLog);
    this.#near = ownStatement(schema, readNear);
    this.#stream = ownStatement(schema, readStream);
    this.#replay = ownStatement(schema, replayStream, replayTypes);
    this.#replayLong = ownStatement(schema, replayLong, replayTypes);
  }

  readStream(stream: StreamId, range: StreamRange): Promise<readonly StoredMessage[]> {
    return this.#read((session) => this.#page(session, stream, range));
  }

  readLog(filter: LogFilter): Promise<LogPage> {
    return this.#read(async (session) => {
      const { after, limit, correlationId } = filter;
      if (correlationId !== undefined || limit > longPage * 8 || !(await this.#isLong(session))) {
        return this.#pageOf(session, filter);
      }
      const end = after + limit * 4;
      const values = [after, end, limit, ...criteria(filter)];
      const { messages, last } = await this.#messages(session, this.#near.with(...values));
      if (messages.length === limit || end >= last) return pageOf(messages, limit, Math.max(after, last));
      const farther = await this.#pageOf(session, { ...filter, after: end, limit: limit - messages.length });
      return { messages: [...messages, ...farther.messages], through: farther.through };
    });
  }

  replay(stream: StreamId, from: number, limit: number): Promise<readonly ReplayMessage[]> {
    return this.#read(async (session) => {
      const first = Math.max(0, from);
      const isLong = limit <= longPage && (await this.#isLong(session));
      const query = isLong
        ? this.#replayLong.with(...streamValues(stream), first, first + limit)
        : this.#replay.with(...streamValues(stream), first, bounded(limit));
      const messages = await replayMessages(await session.reads.rows(query), first, session.types);
      return messages ?? (await this.#page(session, stream, { from: first, limit }));
    });
  }

  /** Whether the log is known to be long; looked up now and then until it is. */
  async #isLong({ reads, length }: Session): Promise<boolean> {
    if (length.isLong || length.reads++ % 64 !== 0) return length.isLong;
    length.isLong = headOf(await reads.rows(this.#head.with())) >= longLog;
    return length.isLong;
  }

  head(): Promise<number> {
    return this.#read(async ({ reads }) => headOf(await reads.rows(this.#head.with())));
  }

  /** A page wherever in the log its messages are. */
  async #pageOf(session: Session, filter: LogFilter): Promise<LogPage> {
    const { after, limit, correlationId } = filter;
    const correlation = correlationId === undefined ? null : toStored(correlationId);
    const values = [after, bounded(limit), ...criteria(filter), correlation];
    const { messages, last } = await this.#messages(session, this.#log.with(...values));
    return pageOf(messages, limit, last);
  }

  /** What a page is read as: its messages, and a row that says how far it speaks. */
  async #messages({ reads, types }: Session, query: PostgresQuery) {
    const rows = await reads.rows(query);
    return { messages: await storedMessages(rows.slice(0, -1), types), last: Number(rows.at(-1)?.[0]) };
  }

  async #page({ reads, types }: Session, stream: StreamId, range: StreamRange): Promise<StoredMessage[]> {
    const backwards = range.direction === "backwards";
    const from = range.from ?? (backwards ? Number.MAX_SAFE_INTEGER : 0);
    const values = [...streamValues(stream), from, bounded(range.limit), backwards];
    return storedMessages(await reads.rows(this.#stream.with(...values)), types);
  }
}

/** Kinds, categories, types and tenant, as the statements take them. */
function criteria({ kinds = ["event"], categories, types, tenant }: LogFilter): unknown[] {
  return [
    kinds,
    categories?.map(toStored) ?? null,
    types?.map(toStored) ?? null,
    tenant === undefined ? null : toStored(tenant),
  ];
}

function pageOf(messages: readonly StoredMessage[], limit: number, last: number): LogPage {
  const end = messages.at(-1);
  return { messages, through: messages.length >= limit && end !== undefined ? end.position : last };
}

export function headOf(rows: readonly Row[]): number {
  return Number(rows[0]?.[0] ?? 0);
}

function streamValues({ kind, category, tenant, id }: StreamId): string[] {
  return [kind, toStored(category), toStored(tenant), toStored(id)];
}

function bounded(limit: number): number {
  return Math.min(limit, Number.MAX_SAFE_INTEGER);
}
