import type { MessageKind, StreamId } from "../../log/message.ts";
import type { Commit } from "../../ports/store.ts";
import { ownStatement, type PreparedStatement, type Reads, type Row } from "./reads.ts";
import { messageTypes, registerTypes } from "./statements.ts";
import { fromStored, toStored } from "./stored-text.ts";

/** What a message is, by the number that its row holds. */
export interface MessageType {
  readonly kind: MessageKind;
  readonly category: string;
  readonly type: string;
  readonly schemaVersion: number;
}

interface NewType {
  readonly kind: string;
  readonly category: string;
  readonly type?: string;
  readonly version?: number;
}

/** The table of message types, held whole in memory: a domain has as many as it has kinds of messages. */
export class MessageTypes {
  readonly #reads: Reads;
  readonly #read: PreparedStatement;
  readonly #register: PreparedStatement;
  readonly #byNumber = new Map<number, MessageType>();
  readonly #categories = new Map<string, number>();
  readonly #numbers = new Map<string, number>();

  constructor(reads: Reads, schema: string) {
    this.#reads = reads;
    this.#read = ownStatement(schema, messageTypes);
    this.#register = ownStatement(schema, registerTypes);
  }

  /** @param number as a row holds it, after `know` */
  get(number: number): MessageType {
    const type = this.#byNumber.get(number);
    if (type === undefined) throw new Error(`nereus_types has no number ${number}`);
    return type;
  }

  /** Makes sure that the types with these numbers are known: another process may have written them down. */
  async know(numbers: Iterable<number>): Promise<void> {
    for (const number of numbers) {
      if (!this.#byNumber.has(number)) {
        await this.#readAll();
        return;
      }
    }
  }

  /** The number of a stream's category, once `register` has had a commit on it. */
  category(stream: StreamId): number {
    return this.#categories.get(categoryKey(stream)) ?? 0;
  }

  typeOf(stream: StreamId, type: string, schemaVersion: number): number {
    return this.#numbers.get(typeKey(this.category(stream), type, schemaVersion)) ?? 0;
  }

  /** Whatever is known is read again when it is needed: it may be of another server. */
  forget(): void {
    this.#byNumber.clear();
    this.#categories.clear();
    this.#numbers.clear();
  }

  /** Whether all types and categories of a commit have their numbers. */
  covers({ appends = [] }: Commit): boolean {
    return appends.every(
      ({ stream, messages }) =>
        this.category(stream) !== 0 &&
        messages.every(({ type, schemaVersion }) => this.typeOf(stream, type, schemaVersion) !== 0),
    );
  }

  /** Writes down what is new in the commits. A type that no message follows does no harm. */
  async register(commits: readonly Commit[]): Promise<void> {
    const types: NewType[] = [];
    for (const { stream, messages } of commits.flatMap(({ appends = [] }) => appends)) {
      const category = { kind: stream.kind, category: toStored(stream.category) };
      types.push(category);
      for (const { type, schemaVersion } of messages) {
        if (this.typeOf(stream, type, schemaVersion) === 0) {
          types.push({ ...category, type: toStored(type), version: schemaVersion });
        }
      }
    }
    await this.#reads.rows(this.#register.with(JSON.stringify(types)));
    await this.#readAll();
  }

  async #readAll(): Promise<void> {
    for (const row of await this.#reads.rows(this.#read.with())) this.#remember(row);
  }

  #remember(row: Row): void {
    // The columns of message-types.sql; a category without types has null in the last three.
    const [categoryNumber, kind, storedCategory, number, storedType, schemaVersion] = row as readonly [
      number,
      MessageKind,
      string,
      number | null,
      string,
      number,
    ];
    const category = fromStored(storedCategory);
    this.#categories.set(categoryKey({ kind, category }), categoryNumber);
    if (number === null) return;
    const type = fromStored(storedType);
    this.#byNumber.set(number, { kind, category, type, schemaVersion });
    this.#numbers.set(typeKey(categoryNumber, type, schemaVersion), number);
  }
}

function categoryKey({ kind, category }: Pick<StreamId, "kind" | "category">): string {
  return `${kind},${category}`;
}

function typeKey(category: number, type: string, schemaVersion: number): string {
  return `${category},${schemaVersion},${type}`;
}
