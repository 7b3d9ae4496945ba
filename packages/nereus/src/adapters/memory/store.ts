import type {
  Capability,
  CollectionShape,
  Commit,
  CommitOutcome,
  Conflict,
  DocumentReader,
  LogReader,
  RecordReader,
  Store,
} from "../../ports/store.ts";
import { refuseDoubles } from "../repeated-append.ts";
import { notOpen } from "../store-errors.ts";
import { WakeUps } from "../wake-ups.ts";
import { MemoryDocuments } from "./documents.ts";
import { MemoryLog } from "./log.ts";
import { MemoryRecords } from "./records.ts";

/** The store behind `memory()`. A commit is checked and written within one synchronous call. */
export class MemoryStore implements Store {
  readonly name: string = "memory";
  readonly capabilities: ReadonlySet<Capability> = new Set<Capability>(["transactional"]);
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  readonly #log: MemoryLog;
  readonly #documents: MemoryDocuments;
  readonly #records: MemoryRecords;
  readonly #wakeUps = new WakeUps();
  #open = false;

  constructor() {
    const ensureOpen = (): void => this.#ensureOpen();
    this.log = this.#log = new MemoryLog(ensureOpen);
    this.documents = this.#documents = new MemoryDocuments(this.name, ensureOpen);
    this.records = this.#records = new MemoryRecords(ensureOpen);
  }

  async open(collections: readonly CollectionShape[]): Promise<void> {
    this.#documents.declare(collections);
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    try {
      return Promise.resolve(this.#write(commit));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  onCommit(listener: () => void): () => void {
    return this.#wakeUps.listen(listener);
  }

  #write(commit: Commit): CommitOutcome {
    this.#ensureOpen();
    const { appends = [], documents = [], idempotency } = commit;
    const record = idempotency && this.#records.remembered(idempotency.tenant, idempotency.key);
    if (record !== undefined) return { status: "duplicate", record };
    const streamConflict = this.#log.conflict(appends);
    const first = this.#log.firstResult(appends);
    if (first !== undefined) return { status: "committed", position: first };
    const conflict: Conflict | undefined =
      streamConflict ??
      this.#documents.conflict(documents) ??
      this.#records.conflict(commit) ??
      this.#documents.uniqueConflict(documents);
    if (conflict !== undefined) return { status: "conflict", conflict };
    refuseDoubles(appends);

    const before = this.#log.last;
    this.#log.append(appends);
    const position = this.#log.last;
    this.#documents.write(documents);
    this.#records.write(commit, idempotency && { ...idempotency, position });
    if (position > before) this.#wakeUps.ring();
    return { status: "committed", position };
  }

  #ensureOpen(): void {
    if (!this.#open) throw notOpen(this.name);
  }
}
