import { NereusError, type Store } from "nereus";
import type {
  Capability,
  CollectionShape,
  Commit,
  CommitOutcome,
  DocumentReader,
  IdempotencyRecord,
  LogReader,
  RecordReader,
} from "nereus/conformance";
import { ArrayLog, readerOf } from "./array-log.ts";

/** The store that docs/guides/adapters.md builds: a log in an array, and documents, checkpoints, the outbox, timers and notes in another store. */
export class ArrayStore implements Store {
  readonly name = "array";
  readonly capabilities: ReadonlySet<Capability> = new Set(["transactional"]);
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  readonly #log: ArrayLog;
  readonly #rest: Store;
  readonly #outcomes: IdempotencyRecord[] = [];
  readonly #listeners = new Set<() => void>();
  #last: Promise<unknown> = Promise.resolve();
  #isOpen = false;

  constructor(rest: Store, log = new ArrayLog()) {
    this.#rest = rest;
    this.#log = log;
    const inTurn = <T>(work: () => T | Promise<T>): Promise<T> => this.#inTurn(work);
    this.log = readerOf(log, inTurn);
    this.documents = {
      get: (...request) => inTurn(() => rest.documents.get(...request)),
      find: (...request) => inTurn(() => rest.documents.find(...request)),
      count: (...request) => inTurn(() => rest.documents.count(...request)),
    };
    this.records = {
      checkpoint: (name) => inTurn(() => rest.records.checkpoint(name)),
      outbox: (...request) => inTurn(() => rest.records.outbox(...request)),
      timers: (...request) => inTurn(() => rest.records.timers(...request)),
      note: (name) => inTurn(() => rest.records.note(name)),
      notes: (prefix) => inTurn(() => rest.records.notes(prefix)),
      idempotency: (tenant, key) => inTurn(() => this.#outcome(tenant, key)),
    };
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    return this.#inTurn(() => this.#write(commit));
  }

  onCommit(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  open(collections: readonly CollectionShape[]): Promise<void> {
    return this.#after(async () => {
      await this.#rest.open(collections);
      this.#isOpen = true;
    });
  }

  close(): Promise<void> {
    return this.#after(async () => {
      this.#isOpen = false;
      await this.#rest.close();
    });
  }

  async #write({ appends = [], idempotency, ...rest }: Commit): Promise<CommitOutcome> {
    const record = idempotency && this.#outcome(idempotency.tenant, idempotency.key);
    if (record !== undefined) return { status: "duplicate", record };
    const first = this.#log.repeated(appends);
    if (first !== undefined) return { status: "committed", position: first };
    const conflict = this.#log.conflict(appends);
    if (conflict !== undefined) return { status: "conflict", conflict };
    const outcome = await this.#rest.commit(rest);
    if (outcome.status !== "committed") return outcome;

    this.#log.append(appends);
    const position = this.#log.head;
    if (idempotency !== undefined) this.#outcomes.push({ ...idempotency, position });
    if (appends.some(({ messages }) => messages.length > 0)) for (const listener of this.#listeners) listener();
    return { status: "committed", position };
  }

  #outcome(tenant: string, key: string): IdempotencyRecord | undefined {
    const record = this.#outcomes.find((one) => one.tenant === tenant && one.key === key);
    return record && { ...record };
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#after(() => {
      if (this.#isOpen) return work();
      throw new NereusError("STORE_NOT_OPEN", `The store ${this.name} is not open.`);
    });
  }

  /** One thing after the other: nobody sees the half of a commit. */
  #after<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
