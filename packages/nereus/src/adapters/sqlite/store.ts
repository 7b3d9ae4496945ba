import { millisecondsOf } from "../../model/duration.ts";
import type {
  Capability,
  CollectionShape,
  Commit,
  CommitOutcome,
  DocumentReader,
  LogReader,
  RecordReader,
  Store,
} from "../../ports/store.ts";
import { notOpen } from "../store-errors.ts";
import { WakeUps } from "../wake-ups.ts";
import { CollectionTables } from "./collection-tables.ts";
import { CommitWriter } from "./commit-writer.ts";
import { Connection, type SqliteOptions } from "./connection.ts";
import { SqliteDocuments } from "./documents.ts";
import { isBusy, storeFault } from "./faults.ts";
import { GroupCommit } from "./group-commit.ts";
import { SqliteLog } from "./log.ts";
import { MessageTypes } from "./message-types.ts";
import { OpenedFile } from "./opened-file.ts";
import { patiently } from "./patience.ts";
import { SqliteRecords } from "./records.ts";
import { migrate, schemaVersion } from "./schema.ts";
import type { Session } from "./session.ts";

/** The store behind `sqlite(path)`. */
export class SqliteStore implements Store {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  readonly #path: string;
  readonly #options: SqliteOptions;
  readonly #busyTimeout: number;
  readonly #wakeUps = new WakeUps();
  #session: Session | undefined;
  #commits: GroupCommit | undefined;
  /** Those that are written to the end while it closes. */
  #closing: GroupCommit | undefined;
  /** Opening and closing follow one another, in the order in which they were called. */
  #transition: Promise<void> = Promise.resolve();

  constructor(path: string, options: SqliteOptions) {
    this.#path = path;
    this.#options = options;
    this.#busyTimeout = millisecondsOf(options.busyTimeout ?? 5000);
    this.name = `sqlite ${path}`;
    this.capabilities = new Set<Capability>(path === ":memory:" ? ["transactional"] : ["transactional", "durable"]);
    const read = <Result>(work: (session: Session) => Result): Promise<Result> => this.#read(work);
    this.log = new SqliteLog(read);
    this.documents = new SqliteDocuments(read);
    this.records = new SqliteRecords(read);
  }

  open(collections: readonly CollectionShape[]): Promise<void> {
    return this.#next(async () => {
      const opened = this.#session;
      const session = opened ?? (await this.#connect());
      try {
        await this.#try(() => session.tables.declare(collections));
      } catch (error) {
        if (opened === undefined) await this.#letGo();
        throw error;
      }
    });
  }

  close(options?: { readonly atOnce: boolean }): Promise<void> {
    const commits = this.#commits ?? this.#closing;
    if (options?.atOnce === true) commits?.cut();
    this.#closing = commits;
    this.#commits = undefined;
    return this.#next(() => this.#letGo(commits));
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    return this.#commits?.commit(commit) ?? Promise.reject(notOpen(this.name));
  }

  withdraw(commit: Commit): boolean {
    return this.#commits?.withdraw(commit) ?? false;
  }

  async heldUpBy(): Promise<string | undefined> {
    const since = this.#commits?.heldSince;
    if (since === undefined) return undefined;
    return `another process or connection, which has held the file ${this.#path} for ${Math.round(performance.now() - since)} ms`;
  }

  onCommit(listener: () => void): () => void {
    return this.#wakeUps.listen(listener);
  }

  async #letGo(commits = this.#commits): Promise<void> {
    this.#commits = undefined;
    await commits?.drained();
    this.#closing = undefined;
    const session = this.#session;
    this.#session = undefined;
    session?.connection.close();
    session?.file.setLogAside();
  }

  async #connect(): Promise<Session> {
    const connection = await this.#try(() => new Connection(this.#path));
    try {
      await this.#try(() => {
        // Before anything is set: a file of somebody else's stays as it is.
        schemaVersion(connection);
        connection.configure(this.#options);
        migrate(connection);
      });
    } catch (error) {
      connection.close();
      throw error;
    }
    const session: Session = {
      connection,
      types: new MessageTypes(connection),
      tables: new CollectionTables(connection),
      file: new OpenedFile(connection),
    };
    this.#session = session;
    this.#commits = new GroupCommit({
      writer: new CommitWriter(session, () => this.#wakeUps.ring()),
      path: this.#path,
      busyTimeout: this.#busyTimeout,
    });
    return session;
  }

  /** Reads at once, with one promise; only a file that is held makes the read wait. */
  #read<Result>(work: (session: Session) => Result): Promise<Result> {
    const read = (): Result => {
      // Between close and its end the last commits are written, but nothing more is read.
      if (this.#session === undefined || this.#commits === undefined) throw notOpen(this.name);
      this.#session.file.check();
      return work(this.#session);
    };
    try {
      return Promise.resolve(read());
    } catch (error) {
      return isBusy(error) ? this.#try(read) : Promise.reject(storeFault(error, this.#path));
    }
  }

  async #try<Result>(work: () => Result): Promise<Result> {
    try {
      return await patiently(this.#busyTimeout, work);
    } catch (error) {
      throw storeFault(error, this.#path);
    }
  }

  #next(step: () => Promise<void>): Promise<void> {
    const done = this.#transition.then(step);
    this.#transition = done.catch(() => undefined);
    return done;
  }
}
