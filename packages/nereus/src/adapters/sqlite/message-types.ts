import type { MessageKind, NewMessage, StreamId } from "../../log/message.ts";
import type { LogFilter } from "../../ports/store.ts";
import type { Connection } from "./connection.ts";
import { addMessageType, messageTypes } from "./statements.ts";

/** What a message is, by the number that its row holds. */
export interface MessageType {
  readonly kind: MessageKind;
  readonly category: string;
  readonly type: string;
  readonly schemaVersion: number;
}

/** The table of message types, held whole in memory: a domain has as many as it has kinds of messages. */
export class MessageTypes {
  readonly #connection: Connection;
  #byNumber: MessageType[] = [];
  readonly #numbers = new Map<string, number>();
  /** How many were known before the transaction that is open. */
  #sure = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @param number as a row holds it, from 1 */
  get(number: number): MessageType {
    if (number > this.#byNumber.length) this.#readNew();
    const type = this.#byNumber[number - 1];
    if (type === undefined) throw new Error(`nereus_types has no number ${number}`);
    return type;
  }

  /** The number of a message's type, written down if it is a new one. Needs an open transaction. */
  numberFor({ kind, category }: StreamId, { type, schemaVersion }: NewMessage): number {
    const entry = { kind, category, type, schemaVersion };
    const key = keyOf(entry);
    return this.#numbers.get(key) ?? this.#readNew().#numbers.get(key) ?? this.#add(entry, key);
  }

  /** The numbers of all types that a filter lets through. */
  matching(filter: LogFilter): readonly number[] {
    this.#readNew();
    const { kinds = ["event"], categories, types } = filter;
    const numbers: number[] = [];
    for (const [at, { kind, category, type }] of this.#byNumber.entries()) {
      if (!kinds.includes(kind)) continue;
      if (categories !== undefined && !categories.includes(category)) continue;
      if (types === undefined || types.includes(type)) numbers.push(at + 1);
    }
    return numbers;
  }

  committed(): void {
    this.#sure = this.#byNumber.length;
  }

  rolledBack(): void {
    for (const entry of this.#byNumber.splice(this.#sure)) this.#numbers.delete(keyOf(entry));
  }

  #add(entry: MessageType, key: string): number {
    const number = this.#byNumber.length + 1;
    this.#connection.prepare(addMessageType).run(number, entry.kind, entry.category, entry.type, entry.schemaVersion);
    this.#byNumber.push(entry);
    this.#numbers.set(key, number);
    return number;
  }

  #readNew(): this {
    for (const row of this.#connection.prepare(messageTypes).all(this.#byNumber.length)) {
      const [number, kind, category, type, schemaVersion] = row as [number, MessageKind, string, string, number];
      const entry = { kind, category, type, schemaVersion };
      this.#byNumber[number - 1] = entry;
      this.#numbers.set(keyOf(entry), number);
    }
    return this;
  }
}

function keyOf({ kind, category, type, schemaVersion }: MessageType): string {
  return `${kind},${schemaVersion},${category.length},${category}${type}`;
}
