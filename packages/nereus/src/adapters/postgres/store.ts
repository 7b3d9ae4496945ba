import type {
  Capability,
  CollectionShape,
  Commit,
  CommitOutcome,
  DocumentReader,
  LogReader,
  RecordReader,
  Store,
  StoreTransactions,
} from "../../ports/store.ts";
import { patiently } from "../patience.ts";
import { notOpen } from "../store-errors.ts";
import { WakeUps } from "../wake-ups.ts";
import { BatchWriter } from "./batch-writer.ts";
import { CollectionTables } from "./collection-tables.ts";
import { PostgresDocuments } from "./documents.ts";
import { storeFault } from "./faults.ts";
import { GroupCommit } from "./group-commit.ts";
import { PostgresLog } from "./log.ts";
import { MessageTypes } from "./message-types.ts";
import { Notifications } from "./notifications.ts";
import type { OpenPool } from "./open-pool.ts";
import { rowsOn } from "./pool.ts";
import { ownStatement, Reads } from "./reads.ts";
import { PostgresRecords } from "./records.ts";
import { checkSchema, setUp, storeName } from "./schema.ts";
import type { Session } from "./session.ts";
import { blockers, forgetBatches } from "./statements.ts";
import { postgresTransactions, type TransactionSource } from "./transactions.ts";

export interface StoreSettings {
  readonly schema: string;
  readonly setUp: boolean;
  /** In milliseconds. */
  readonly patience: number;
  readonly pool: () => Promise<OpenPool>;
}

/** What an open store holds besides its session. */
interface Running {
  readonly session: Session;
  readonly pool: OpenPool;
  readonly writer: BatchWriter;
  readonly commits: GroupCommit;
  readonly notifications: Notifications;
}

/** The store behind `postgres(…)`. */
export class PostgresStore implements Store {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability> = new Set<Capability>(["transactional", "durable"]);
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  readonly transactions: StoreTransactions;
  readonly #settings: StoreSettings;
  readonly #wakeUps = new WakeUps();
  #running: Running | undefined;
  /** Between close and its end the last commits are written, but nothing more is taken or read. */
  #accepting = false;
  #listeners = 0;
  /** Opening and closing follow one another, in the order in which they were called. */
  #transition: Promise<void> = Promise.resolve();

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.name = storeName(settings.schema);
    const read = <Result>(work: (session: Session) => Promise<Result>): Promise<Result> => this.#read(work);
    this.log = new PostgresLog(settings.schema, read);
    this.documents = new PostgresDocuments(settings.schema, read);
    this.records = new PostgresRecords(settings.schema, read);
    this.transactions = postgresTransactions(() => this.#source());
  }

  open(collections: readonly CollectionShape[]): Promise<void> {
    return this.#next(async () => {
      const opened = this.#running;
      try {
        const { session, pool } = opened ?? (await this.#start());
        await session.tables.declare(pool.pool, collections);
        this.#accepting = true;
      } catch (error) {
        if (opened === undefined) await this.#letGo();
        throw storeFault(error, this.name);
      }
    });
  }

  close(options?: { readonly atOnce: boolean }): Promise<void> {
    this.#accepting = false;
    if (options?.atOnce === true) {
      this.#running?.commits.cut();
      this.#running?.writer.cut();
    }
    return this.#next(() => this.#letGo());
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    if (this.#running === undefined || !this.#accepting) throw notOpen(this.name);
    const { session, commits } = this.#running;
    for (const { collection } of commit.documents ?? []) session.tables.get(collection);
    return commits.commit(commit);
  }

  withdraw(commit: Commit): boolean {
    return this.#running?.commits.withdraw(commit) ?? false;
  }

  /** The sessions that hold what the connection of the commits waits for. */
  async heldUpBy(): Promise<string | undefined> {
    const { pool, writer } = this.#running ?? {};
    if (pool === undefined || writer?.backend === undefined) return undefined;
    const rows = await rowsOn(pool.pool, ownStatement(this.#settings.schema, blockers).with(writer.backend));
    return rows.length === 0 ? undefined : rows.map(([who]) => String(who)).join("; ");
  }

  onCommit(listener: () => void): () => void {
    const stop = this.#wakeUps.listen(listener);
    this.#listeners++;
    this.#startListening();
    let stopped = false;
    return () => {
      if (!stopped) this.#listeners--;
      stopped = true;
      stop();
    };
  }

  #startListening(): void {
    if (this.#listeners === 0 || this.#running === undefined) return;
    const { notifications } = this.#running;
    this.log.head().then(
      (head) => notifications.start(head),
      () => notifications.start(0),
    );
  }

  async #start(): Promise<Running> {
    const { schema, patience } = this.#settings;
    const pool = await this.#settings.pool();
    try {
      await patiently(patience, async () => {
        if (this.#settings.setUp) await setUp({ pool: pool.pool, schema });
        await checkSchema(pool.pool, schema);
        await pool.pool.query(ownStatement(schema, forgetBatches).with());
      });
    } catch (error) {
      await pool.close();
      throw error;
    }
    const reads = new Reads(pool.pool, patience);
    const session: Session = {
      reads,
      types: new MessageTypes(reads, schema),
      tables: new CollectionTables(this.name, schema),
      length: { isLong: false, reads: 0 },
    };
    const renewed = (): void => session.types.forget();
    const writer = new BatchWriter({ pool: pool.pool, schema, name: this.name, patience, renewed });
    const ring = (): void => this.#wakeUps.ring();
    const notifications = new Notifications({ pool: pool.pool, schema, writer: writer.id, ring });
    const onMessages = (position: number): void => {
      notifications.passed(position);
      ring();
    };
    const commits = new GroupCommit({ name: this.name, writer, encoding: session, onMessages });
    this.#running = { session, pool, writer, commits, notifications };
    this.#startListening();
    return this.#running;
  }

  async #letGo(): Promise<void> {
    const running = this.#running;
    this.#accepting = false;
    if (running === undefined) return;
    await running.commits.drained();
    this.#running = undefined;
    await running.notifications.close();
    await running.writer.close();
    await running.pool.close();
  }

  async #read<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
    if (this.#running === undefined || !this.#accepting) throw notOpen(this.name);
    try {
      return await work(this.#running.session);
    } catch (error) {
      throw storeFault(error, this.name);
    }
  }

  #source(): TransactionSource {
    if (this.#running === undefined || !this.#accepting) throw notOpen(this.name);
    const { pool, session } = this.#running;
    return { name: this.name, schema: this.#settings.schema, pool: pool.pool, session };
  }

  #next(step: () => Promise<void>): Promise<void> {
    const done = this.#transition.then(step);
    this.#transition = done.catch(() => undefined);
    return done;
  }
}
