import type { MessageKind, NewMessage, StreamId } from "../../log/message.ts";
import type { LogFilter } from "../../ports/store.ts";
import type { Connection, Statement } from "./connection.ts";
import { addMessageType, messageTypes } from "./statements.ts";

/** What a message is, by the number that its row holds. */
export interface MessageType {
  readonly category: Category;
  readonly type: string;
  readonly schemaVersion: number;
}

/** The types of messages that the streams of one kind and category hold. */
export interface Category {
  /** As rows hold it: that of its first type. */
  readonly number: number;
  readonly kind: MessageKind;
  readonly name: string;
  /** The numbers of its types, by name and then schema version. */
  readonly numbers: Map<string, number[]>;
}

/** The table of message types, held whole in memory: a domain has as many as it has kinds of messages. */
export class MessageTypes {
  readonly #readNewer: Statement;
  readonly #insert: Statement;
  #byNumber: MessageType[] = [];
  /** By kind, then name. */
  readonly #categories = new Map<MessageKind, Map<string, Category>>();
  /** How many of them no transaction can take back. */
  #sure = 0;

  constructor(connection: Connection) {
    this.#readNewer = connection.prepare(messageTypes);
    this.#insert = connection.prepare(addMessageType);
  }

  /** @param number as a row holds it, from 1 */
  get(number: number): MessageType {
    if (number > this.#byNumber.length) this.#readNew();
    const type = this.#byNumber[number - 1];
    if (type === undefined) throw new Error(`nereus_types has no number ${number}`);
    return type;
  }

  /** The category of a stream, or undefined where no message of it was ever stored. */
  category(stream: StreamId): Category | undefined {
    return this.#known(stream) ?? this.#readNew().#known(stream);
  }

  /** The type of a message, written down if it is a new one. Needs an open transaction. */
  typeFor(stream: StreamId, message: NewMessage): number {
    const { type, schemaVersion } = message;
    return this.category(stream)?.numbers.get(type)?.[schemaVersion] ?? this.#write(stream, message);
  }

  /** The numbers of all types that a filter lets through. */
  matching(filter: LogFilter): readonly number[] {
    this.#readNew();
    const { kinds = ["event"], categories, types } = filter;
    const numbers: number[] = [];
    for (const [at, { category, type }] of this.#byNumber.entries()) {
      if (!kinds.includes(category.kind)) continue;
      if (categories !== undefined && !categories.includes(category.name)) continue;
      if (types === undefined || types.includes(type)) numbers.push(at + 1);
    }
    return numbers;
  }

  committed(): void {
    this.#sure = this.#byNumber.length;
  }

  /** Forgets what the transaction may have written; what others wrote is read again. */
  rolledBack(): void {
    for (const { category, type, schemaVersion } of this.#byNumber.splice(this.#sure)) {
      delete category.numbers.get(type)?.[schemaVersion];
      if (category.number > this.#sure) this.#categories.get(category.kind)?.delete(category.name);
    }
  }

  #known({ kind, category }: StreamId): Category | undefined {
    return this.#categories.get(kind)?.get(category);
  }

  #write(stream: StreamId, { type, schemaVersion }: NewMessage): number {
    this.#readNew();
    const known = this.#known(stream);
    const stored = known?.numbers.get(type)?.[schemaVersion];
    if (stored !== undefined) return stored;
    const number = this.#byNumber.length + 1;
    const category = known?.number ?? number;
    this.#insert.run(number, category, stream.kind, stream.category, type, schemaVersion);
    this.#remember(number, category, stream.kind, stream.category, type, schemaVersion);
    return number;
  }

  #readNew(): this {
    for (const row of this.#readNewer.all(this.#byNumber.length)) {
      // The statement's columns, in their order.
      this.#remember(...(row as unknown as readonly [number, number, MessageKind, string, string, number]));
    }
    return this;
  }

  #remember(
    number: number,
    categoryNumber: number,
    kind: MessageKind,
    name: string,
    type: string,
    schemaVersion: number,
  ): void {
    const ofKind = this.#categories.get(kind) ?? new Map<string, Category>();
    this.#categories.set(kind, ofKind);
    const category = ofKind.get(name) ?? { number: categoryNumber, kind, name, numbers: new Map() };
    ofKind.set(name, category);
    const numbers = category.numbers.get(type) ?? [];
    category.numbers.set(type, numbers);
    numbers[schemaVersion] = number;
    this.#byNumber[number - 1] = { category, type, schemaVersion };
  }
}
