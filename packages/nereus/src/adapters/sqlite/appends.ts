import type { NewMessage, StreamId } from "../../log/message.ts";
import type { Append, Conflict } from "../../ports/store.ts";
import { firstUnseen, hasDiverged, holds } from "../expectation.ts";
import { repeatedAppend, type StoredPlace } from "../repeated-append.ts";
import { streamKey } from "../stream-key.ts";
import type { Connection, Statement } from "./connection.ts";
import { streamPage } from "./log.ts";
import { messageParameters, type RowParameters } from "./message-rows.ts";
import type { MessageTypes } from "./message-types.ts";
import type { Session } from "./session.ts";
import { appendMessage, lastPosition, messageById, streamHead } from "./statements.ts";

/** How many rows go into one statement: each costs less, the more there are. */
const rowsPerStatement = 16;

/** A stream as the open transaction has it. */
interface Head {
  version: number;
  /** Of the message with that version. */
  id: string | undefined;
}

/** Checks and writes appends in the transaction that is open. Its rows are collected, and inserted many at a time. */
export class Appends {
  readonly #session: Session;
  readonly #types: MessageTypes;
  readonly #lastPosition: Statement;
  readonly #streamHead: Statement;
  readonly #byId: Statement;
  readonly #insertOne: Statement;
  readonly #insertMany: Statement;
  #heads = new Map<string, Head>();
  #rows: RowParameters[] = [];
  #before = 0;
  #last = 0;
  #lastId = "";

  constructor(session: Session) {
    const { connection, types } = session;
    this.#session = session;
    this.#types = types;
    this.#lastPosition = connection.prepare(lastPosition);
    this.#streamHead = connection.prepare(streamHead);
    this.#byId = connection.prepare(messageById);
    this.#insertOne = connection.prepare(appendMessage);
    this.#insertMany = insertMany(connection);
  }

  /** The last position given out. */
  get last(): number {
    return this.#last;
  }

  /** The id of the message with it, where the transaction has written one. */
  get lastId(): string {
    return this.#lastId;
  }

  /** Whether the transaction has written messages. */
  get wrote(): boolean {
    return this.#last > this.#before;
  }

  /** To be called at the start of every transaction. */
  begin(): void {
    this.#before = Number(this.#lastPosition.get()?.[0] ?? 0);
    this.#session.file.sawGiven(this.#before);
    this.#last = this.#before;
    this.#heads = new Map();
    this.#rows = [];
  }

  conflict(appends: readonly Append[]): Conflict | undefined {
    for (const append of appends) {
      const { stream, expectedVersion: expected, expectedId } = append;
      if (expected === "any") continue;
      const { version: actual, id } = this.#head(stream);
      if (!holds(expected, actual)) return this.#conflictOn(append, actual);
      if (hasDiverged(expectedId, id)) {
        return { on: "stream", stream: { ...stream }, expected, actual, unseen: [], diverged: true };
      }
    }
    return undefined;
  }

  #conflictOn({ stream, expectedVersion: expected, expectedId }: Append, actual: number): Conflict {
    const conflict = { on: "stream", stream: { ...stream }, expected, actual } as const;
    const from = firstUnseen(expected);
    if (from === undefined) return { ...conflict, unseen: [] };
    this.flush();
    if (expectedId === undefined)
      return { ...conflict, unseen: streamPage(this.#session, stream, { from, limit: -1 }) };
    const [last, ...unseen] = streamPage(this.#session, stream, { from: from - 1, limit: -1 });
    return hasDiverged(expectedId, last?.id) ? { ...conflict, unseen: [], diverged: true } : { ...conflict, unseen };
  }

  /** The position that a first commit of the same messages was answered with, if there was one. */
  firstResult(appends: readonly Append[]): number | undefined {
    this.flush();
    return repeatedAppend(appends, (id, stream): StoredPlace | undefined => {
      const row = this.#byId.get(id);
      if (row === undefined) return undefined;
      const [category, tenant, streamId, version, position] = row as readonly [number, string, string, number, number];
      const inStream =
        streamId === stream.id && tenant === stream.tenant && category === this.#types.category(stream)?.number;
      return { inStream, version, position };
    });
  }

  append(appends: readonly Append[]): void {
    for (const { stream, messages } of appends) {
      if (messages.length === 0) continue;
      const head = this.#head(stream);
      for (const message of messages) this.#add(stream, head, message);
    }
  }

  /** Inserts the rows collected so far. */
  flush(): void {
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    let at = 0;
    for (; at + rowsPerStatement <= rows.length; at += rowsPerStatement) {
      this.#insertMany.run(...rows.slice(at, at + rowsPerStatement).flat());
    }
    for (; at < rows.length; at++) this.#insertOne.run(...(rows[at] ?? []));
  }

  #add(stream: StreamId, head: Head, message: NewMessage): void {
    const type = this.#types.typeFor(stream, message);
    const category = this.#types.get(type).category.number;
    this.#last++;
    head.version++;
    head.id = message.id;
    this.#lastId = message.id;
    this.#rows.push(
      messageParameters({ position: this.#last, category, type, version: head.version }, stream, message),
    );
  }

  #head(stream: StreamId): Head {
    const key = streamKey(stream);
    let head = this.#heads.get(key);
    if (head === undefined) {
      head = this.#storedHead(stream);
      this.#heads.set(key, head);
    }
    return head;
  }

  #storedHead(stream: StreamId): Head {
    const category = this.#types.category(stream);
    const row = category && this.#streamHead.get(stream.id, category.number, stream.tenant);
    if (row === undefined) return { version: -1, id: undefined };
    const [version, id] = row as readonly [number, string]; // the statement's columns
    return { version, id };
  }
}

function insertMany(connection: Connection): Statement {
  const row = appendMessage.slice(appendMessage.lastIndexOf("("));
  return connection.prepare(appendMessage + `, ${row}`.repeat(rowsPerStatement - 1));
}
