import type { DocumentReader, LogReader, RecordReader, Store, StoredDocument } from "../ports/store.ts";

/** What of a store a unit of work reads. */
export type Reads = Pick<Store, "log" | "documents" | "records">;

/** What is read from now: a promise where a transaction is about to begin. */
type Current = () => Reads | Promise<Reads>;

/**
 * Reads through what a unit of work has at the moment of each: the store, or the transaction that a handler has begun meanwhile. So nothing
 * that holds a connection waits for another one.
 */
export class UnitReads implements Reads {
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;

  constructor(current: Current) {
    this.log = new UnitLog(current);
    this.documents = new UnitDocuments(current);
    this.records = new UnitRecords(current);
  }
}

class UnitLog implements LogReader {
  readonly #current: Current;

  constructor(current: Current) {
    this.#current = current;
  }

  async readStream(...asked: Parameters<LogReader["readStream"]>): ReturnType<LogReader["readStream"]> {
    return (await this.#current()).log.readStream(...asked);
  }

  async readLog(...asked: Parameters<LogReader["readLog"]>): ReturnType<LogReader["readLog"]> {
    return (await this.#current()).log.readLog(...asked);
  }

  async replay(...asked: Parameters<LogReader["replay"]>): ReturnType<LogReader["replay"]> {
    return (await this.#current()).log.replay(...asked);
  }

  async head(): Promise<number> {
    return (await this.#current()).log.head();
  }

  async given(): Promise<number> {
    const { log } = await this.#current();
    return log.given?.() ?? log.head();
  }
}

class UnitDocuments implements DocumentReader {
  readonly #current: Current;

  constructor(current: Current) {
    this.#current = current;
  }

  async get(...asked: Parameters<DocumentReader["get"]>): Promise<ReadonlyMap<string, StoredDocument>> {
    return (await this.#current()).documents.get(...asked);
  }

  async find(...asked: Parameters<DocumentReader["find"]>): Promise<readonly StoredDocument[]> {
    return (await this.#current()).documents.find(...asked);
  }

  async count(...asked: Parameters<DocumentReader["count"]>): Promise<number> {
    return (await this.#current()).documents.count(...asked);
  }
}

class UnitRecords implements RecordReader {
  readonly #current: Current;

  constructor(current: Current) {
    this.#current = current;
  }

  async checkpoint(name: string): Promise<number> {
    return (await this.#current()).records.checkpoint(name);
  }

  async idempotency(...asked: Parameters<RecordReader["idempotency"]>): ReturnType<RecordReader["idempotency"]> {
    return (await this.#current()).records.idempotency(...asked);
  }

  async outbox(...asked: Parameters<RecordReader["outbox"]>): ReturnType<RecordReader["outbox"]> {
    return (await this.#current()).records.outbox(...asked);
  }

  async timers(...asked: Parameters<RecordReader["timers"]>): ReturnType<RecordReader["timers"]> {
    return (await this.#current()).records.timers(...asked);
  }

  async note(name: string): ReturnType<RecordReader["note"]> {
    return (await this.#current()).records.note(name);
  }

  async notes(prefix: string): ReturnType<RecordReader["notes"]> {
    return (await this.#current()).records.notes(prefix);
  }
}
