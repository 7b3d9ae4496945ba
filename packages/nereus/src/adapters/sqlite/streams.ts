import type { StreamId } from "../../log/message.ts";
import { streamKey } from "../stream-key.ts";
import type { Connection } from "./connection.ts";
import { startStream, streamNumber, streamVersion } from "./statements.ts";

/** How many numbers each half of the memory holds. */
const halfSize = 50_000;

/** The numbers of streams. They never change, so those used lately are remembered. */
export class Streams {
  readonly #connection: Connection;
  #recent = new Map<string, number>();
  #older = new Map<string, number>();
  /** Remembered in the transaction that is open, and forgotten if it fails. */
  #unsure: string[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  numberOf(stream: StreamId): number | undefined {
    const key = streamKey(stream);
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const number = this.#older.get(key) ?? this.#stored(stream);
    if (number !== undefined) this.#remember(key, number);
    return number;
  }

  /** The version of a stream by its number; -1 where it has none. */
  versionOf(number: number | undefined): number {
    if (number === undefined) return -1;
    const version = this.#connection.prepare(streamVersion).get(number)?.[0];
    return typeof version === "number" ? version : -1;
  }

  /** Gives a new stream its number: the position of its first message. */
  start(stream: StreamId, number: number): void {
    const { tenant, kind, category, id } = stream;
    this.#connection.prepare(startStream).run(tenant, kind, category, id, number);
    const key = streamKey(stream);
    this.#unsure.push(key);
    this.#remember(key, number);
  }

  committed(): void {
    if (this.#unsure.length > 0) this.#unsure = [];
  }

  rolledBack(): void {
    for (const key of this.#unsure) {
      this.#recent.delete(key);
      this.#older.delete(key);
    }
    this.#unsure = [];
  }

  #stored({ tenant, kind, category, id }: StreamId): number | undefined {
    const number = this.#connection.prepare(streamNumber).get(tenant, kind, category, id)?.[0];
    return typeof number === "number" ? number : undefined;
  }

  #remember(key: string, number: number): void {
    if (this.#recent.size >= halfSize) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, number);
  }
}
