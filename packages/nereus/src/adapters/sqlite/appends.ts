import type { StreamId } from "../../log/message.ts";
import type { Append, Conflict } from "../../ports/store.ts";
import { firstUnseen, holds } from "../expectation.ts";
import { repeatedAppend, type StoredPlace } from "../repeated-append.ts";
import { streamPage } from "./log.ts";
import { messageParameters } from "./message-rows.ts";
import type { Session } from "./session.ts";
import { appendMessage, lastPosition, messageById } from "./statements.ts";

/** Checks and writes appends in the transaction that is open. */
export class Appends {
  readonly #session: Session;
  #before = 0;
  #last = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** The last position given out. */
  get last(): number {
    return this.#last;
  }

  /** Whether the transaction has written messages. */
  get wrote(): boolean {
    return this.#last > this.#before;
  }

  /** To be called at the start of every transaction. */
  begin(): void {
    this.#before = Number(this.#session.connection.prepare(lastPosition).get()?.[0] ?? 0);
    this.#last = this.#before;
  }

  conflict(appends: readonly Append[]): Conflict | undefined {
    const { streams } = this.#session;
    for (const { stream, expectedVersion: expected } of appends) {
      if (expected === "any") continue;
      const actual = streams.versionOf(streams.numberOf(stream));
      if (holds(expected, actual)) continue;
      const from = firstUnseen(expected);
      const unseen = from === undefined ? [] : streamPage(this.#session, stream, { from, limit: -1 });
      return { on: "stream", stream: { ...stream }, expected, actual, unseen };
    }
    return undefined;
  }

  /** The position that a first commit of the same messages was answered with, if there was one. */
  firstResult(appends: readonly Append[]): number | undefined {
    const { connection, streams } = this.#session;
    return repeatedAppend(appends, (id, stream): StoredPlace | undefined => {
      const row = connection.prepare(messageById).get(id);
      if (row === undefined) return undefined;
      const [number, version, position] = row as readonly [number, number, number];
      return { inStream: streams.numberOf(stream) === number, version, position };
    });
  }

  append(appends: readonly Append[]): void {
    for (const append of appends) {
      if (append.messages.length > 0) this.#appendTo(append);
    }
  }

  #appendTo({ stream, messages }: Append): void {
    const { connection, streams, types } = this.#session;
    const insert = connection.prepare(appendMessage);
    const number = streams.numberOf(stream) ?? this.#start(stream);
    let version = streams.versionOf(number);
    for (const message of messages) {
      const type = types.numberFor(stream, message);
      this.#last++;
      version++;
      const place = {
        position: this.#last,
        stream: number,
        version,
        type,
        tenant: stream.tenant,
        streamId: stream.id,
      };
      insert.run(...messageParameters(place, message));
    }
  }

  #start(stream: StreamId): number {
    const number = this.#last + 1;
    this.#session.streams.start(stream, number);
    return number;
  }
}
