import type { MessageKind, StreamId } from "../../log/message.ts";
import type { Commit } from "../../ports/store.ts";
import { ownStatement, type PreparedStatement, type Row, type RowReader } from "./reads.ts";
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

/** Types by their numbers, and the other way round. */
class Numbers {
  readonly types: Map<number, MessageType> = new Map();
  readonly ofCategories: Map<string, number> = new Map();
  readonly ofTypes: Map<string, number> = new Map();
}

/** The table of message types, held whole in memory: a domain has as many as it has kinds of messages. */
export class MessageTypes {
  readonly #reads: RowReader;
  /** Those that are stored for sure, where these are of a transaction. */
  readonly #stored: MessageTypes | undefined;
  readonly #read: PreparedStatement;
  readonly #register: PreparedStatement;
  readonly #known: Numbers;
  #learning: Promise<void> | undefined;

  constructor(
    reads: RowReader,
    statements: { readonly read: PreparedStatement; readonly register: PreparedStatement },
    known: Numbers = new Numbers(),
    stored?: MessageTypes,
  ) {
    this.#reads = reads;
    this.#read = statements.read;
    this.#register = statements.register;
    this.#known = known;
    this.#stored = stored;
  }

  static of(reads: RowReader, schema: string): MessageTypes {
    const statements = { read: ownStatement(schema, messageTypes), register: ownStatement(schema, registerTypes) };
    return new MessageTypes(reads, statements);
  }

  /** The same, read and registered on another connection. */
  through(reads: RowReader): MessageTypes {
    return new MessageTypes(reads, { read: this.#read, register: this.#register }, this.#known);
  }

  /** As a transaction finds them: what it reads or registers itself may be undone, and counts nowhere else. */
  within(transaction: RowReader): MessageTypes {
    return new MessageTypes(transaction, { read: this.#read, register: this.#register }, new Numbers(), this);
  }

  /** @param number as a row holds it, after `know` */
  get(number: number): MessageType {
    const type = this.#find(number);
    if (type === undefined) throw new Error(`nereus_types has no number ${number}`);
    return type;
  }

  #find(number: number): MessageType | undefined {
    const own = this.#known.types.get(number);
    return own === undefined && this.#stored !== undefined ? this.#stored.#find(number) : own;
  }

  /** Makes sure that the types with these numbers are known: another process may have written them down. */
  async know(numbers: Iterable<number>): Promise<void> {
    for (const number of numbers) {
      if (this.#find(number) === undefined) {
        this.#stored?.learn();
        await this.#readAll();
        return;
      }
    }
  }

  /** The number of a stream's category, once `register` has had a commit on it. */
  category(stream: StreamId): number {
    return this.#known.ofCategories.get(categoryKey(stream)) ?? this.#stored?.category(stream) ?? 0;
  }

  typeOf(stream: StreamId, type: string, schemaVersion: number): number {
    const known = this.#known.ofTypes.get(typeKey(this.category(stream), type, schemaVersion));
    return known ?? this.#stored?.typeOf(stream, type, schemaVersion) ?? 0;
  }

  /** Whatever is known is read again when it is needed: it may be of another server. */
  forget(): void {
    this.#stored?.forget();
    this.#known.types.clear();
    this.#known.ofCategories.clear();
    this.#known.ofTypes.clear();
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

  /** Reads what a transaction may have registered: soon, and nobody waits for it. */
  learn(): void {
    this.#learning ??= this.#readAll()
      .catch(() => undefined) // whoever needs a number asks for it
      .finally(() => {
        this.#learning = undefined;
      });
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
    this.#known.ofCategories.set(categoryKey({ kind, category }), categoryNumber);
    if (number === null) return;
    const type = fromStored(storedType);
    this.#known.types.set(number, { kind, category, type, schemaVersion });
    this.#known.ofTypes.set(typeKey(categoryNumber, type, schemaVersion), number);
  }
}

function categoryKey({ kind, category }: Pick<StreamId, "kind" | "category">): string {
  return `${kind},${category}`;
}

function typeKey(category: number, type: string, schemaVersion: number): string {
  return `${category},${schemaVersion},${type}`;
}
