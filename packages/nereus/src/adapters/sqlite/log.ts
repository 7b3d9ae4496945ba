import type { ReplayMessage, StoredMessage, StreamId } from "../../log/message.ts";
import type { LogFilter, LogPage, LogReader, StreamRange } from "../../ports/store.ts";
import { readLogPage } from "./log-query.ts";
import { replayMessageOf, storedMessageOf } from "./message-rows.ts";
import type { Read, Session } from "./session.ts";
import { head, messageId, readStreamBackwards, readStreamForwards, replayStream } from "./statements.ts";

/** Reads of the log, each a statement of its own: no read transaction stays open between pages. */
export class SqliteLog implements LogReader {
  readonly #read: Read;

  constructor(read: Read) {
    this.#read = read;
  }

  readStream(stream: StreamId, range: StreamRange): Promise<readonly StoredMessage[]> {
    return this.#read((session) => streamPage(session, stream, range));
  }

  readLog(filter: LogFilter): Promise<LogPage> {
    return this.#read((session) => readLogPage(session, filter));
  }

  replay(stream: StreamId, from: number, limit: number): Promise<readonly ReplayMessage[]> {
    return this.#read(({ connection, types }) => {
      const category = types.category(stream);
      if (category === undefined) return [];
      const place = [stream.id, category.number, stream.tenant] as const;
      const messages = connection
        .prepare(replayStream)
        .all(...place, from, limit)
        .map((row) => replayMessageOf(row, types));
      const ids = connection.prepare(messageId);
      for (const message of new Set([messages[0], messages.at(-1)])) {
        if (message !== undefined) message.id = ids.get(...place, message.version)?.[0] as string;
      }
      return messages;
    });
  }

  head(): Promise<number> {
    return this.#read(({ connection, file }) => {
      const position = Number(connection.prepare(head).get()?.[0] ?? 0);
      file.sawHead(position);
      return position;
    });
  }
}

/** One page of a stream. */
export function streamPage(session: Session, stream: StreamId, range: StreamRange): StoredMessage[] {
  const { connection, types } = session;
  const category = types.category(stream);
  if (category === undefined) return [];
  const backwards = range.direction === "backwards";
  const from = range.from ?? (backwards ? Number.MAX_SAFE_INTEGER : 0);
  const statement = connection.prepare(backwards ? readStreamBackwards : readStreamForwards);
  const rows = statement.all(stream.id, category.number, stream.tenant, from, range.limit);
  return rows.map((row) => storedMessageOf(row, types));
}
