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
import { notOpen, readOnlyStore } from "../store-errors.ts";
import { WakeUps } from "../wake-ups.ts";
import { BatchWriter } from "./batch-writer.ts";
import { CollectionTables } from "./collection-tables.ts";
import { PostgresDocuments } from "./documents.ts";
import { storeFault } from "./faults.ts";
import { GroupCommit } from "./group-commit.ts";
import { PostgresLog } from "./log.ts";
import { MessageTypes } from "./message-types.ts";
import { namelessPool } from "./nameless-pool.ts";
import { Notifications } from "./notifications.ts";
import type { OpenPool } from "./open-pool.ts";
import { type PostgresPool, rowsOn } from "./pool.ts";
import { ownStatement, Reads } from "./reads.ts";
import { PostgresRecords } from "./records.ts";
import { refuseMissingRights } from "./rights.ts";
import { checkSchema, setUp, storeName } from "./schema.ts";
import type { Session } from "./session.ts";
import { blockers, forgetBatches } from "./statements.ts";
import { type Surroundings, survey, type Use } from "./surroundings.ts";
import type { TransactionSource } from "./transaction-reads.ts";
import { postgresTransactions } from "./transactions.ts";
import { WatchedPool } from "./watched-pool.ts";
import { ownSession, PooledSession } from "./write-session.ts";

export interface StoreSettings {
  readonly schema: string;
  readonly setUp: boolean;
  /** In milliseconds. */
  readonly patience: number;
  readonly pool: () => Promise<OpenPool>;
  /** For notifications, where they do not come through the pool. */
  readonly listeners: (() => Promise<OpenPool>) | undefined;
  /** Undefined: found out. */
  readonly pooler: boolean | undefined;
  readonly readOnly: boolean;
}

/** What an open store holds besides its session. */
interface Running {
  readonly session: Session;
  readonly pool: WatchedPool;
  readonly writer: BatchWriter;
  readonly commits: GroupCommit;
  readonly notifications: Notifications;
  /** Lets go of the pools. */
  readonly release: () => Promise<void>;
}

/** How an open store reaches its database. */
interface Connections {
  readonly pool: WatchedPool;
  readonly listeners: PostgresPool | undefined;
  readonly isPooled: boolean;
  readonly release: () => Promise<void>;
}

/** The store behind `postgres(…)`. */
export class PostgresStore implements Store {
  readonly name: string;
  readonly readOnly: boolean;
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
    this.readOnly = settings.readOnly;
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
        const tables = await session.tables.declare(pool, collections, this.readOnly);
        if (tables.length > 0) await refuseMissingRights(pool, this.#settings.schema, this.#use, tables);
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
    if (this.readOnly) throw readOnlyStore(this.name);
    const { session, commits } = this.#running;
    for (const { collection } of commit.documents ?? []) session.tables.get(collection);
    return commits.commit(commit);
  }

  withdraw(commit: Commit): boolean {
    return this.#running?.commits.withdraw(commit) ?? false;
  }

  /** The sessions that hold what the connection of the commits waits for; behind a pooler, where nobody knows its session, what any waits for. */
  async heldUpBy(): Promise<string | undefined> {
    const { pool, writer } = this.#running ?? {};
    if (pool === undefined || writer === undefined) return undefined;
    const { schema } = this.#settings;
    const rows = await rowsOn(pool, ownStatement(schema, blockers).with(writer.backend ?? null, schema));
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
    const { pool, listeners, isPooled, release } = await this.#connect();
    const reads = new Reads(pool, patience);
    const session: Session = {
      reads,
      types: MessageTypes.of(reads, schema),
      tables: new CollectionTables(this.name, schema),
      length: { isLong: false, reads: 0 },
    };
    const renewed = (): void => session.types.forget();
    const writes = isPooled ? new PooledSession() : ownSession;
    const writer = new BatchWriter({ pool, schema, name: this.name, patience, session: writes, renewed });
    const ring = (): void => this.#wakeUps.ring();
    const notifications = new Notifications({ pool, listeners, schema, writer: writer.id, ring });
    const onMessages = (position: number): void => {
      notifications.passed(position);
      ring();
    };
    const encoding = { ...session, types: session.types.through(writer) };
    const commits = new GroupCommit({ name: this.name, writer, encoding, onMessages });
    this.#running = { session, pool, writer, commits, notifications, release };
    if (!this.readOnly) await writer.connect();
    this.#startListening();
    return this.#running;
  }

  /** The pools, once they are known to reach a schema that is as it has to be. */
  async #connect(): Promise<Connections> {
    const given = await this.#settings.pool();
    const opened = [given];
    const release = async (): Promise<void> => {
      for (const one of opened) await one.close();
    };
    try {
      const { isPooled, isStandby } = await patiently(this.#settings.patience, () => this.#prepare(given.pool));
      const pool = this.#watched(isPooled ? namelessPool(given.pool) : given.pool);
      const direct = await this.#settings.listeners?.();
      if (direct !== undefined) opened.push(direct);
      return { pool, listeners: direct?.pool ?? (isPooled || isStandby ? undefined : pool), isPooled, release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  #watched(pool: PostgresPool): WatchedPool {
    return new WatchedPool(pool, this.name, this.#settings.patience);
  }

  async #prepare(given: PostgresPool): Promise<Surroundings> {
    const { schema, pooler } = this.#settings;
    const found = await survey(this.#watched(given), this.#use, pooler);
    const pool = this.#watched(found.isPooled ? namelessPool(given) : given);
    if (this.#settings.setUp) await setUp({ pool, schema });
    await refuseMissingRights(pool, schema, this.#use, []);
    await checkSchema(pool, schema);
    if (!this.readOnly) await pool.query(ownStatement(schema, forgetBatches).with());
    return found;
  }

  get #use(): Use {
    return { store: this.name, readOnly: this.readOnly };
  }

  async #letGo(): Promise<void> {
    const running = this.#running;
    this.#accepting = false;
    if (running === undefined) return;
    await running.commits.drained();
    this.#running = undefined;
    await running.notifications.close();
    await running.writer.close();
    await running.release();
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
    if (this.readOnly) throw readOnlyStore(this.name);
    const { pool, session } = this.#running;
    return { name: this.name, schema: this.#settings.schema, pool, session };
  }

  #next(step: () => Promise<void>): Promise<void> {
    const done = this.#transition.then(step);
    this.#transition = done.catch(() => undefined);
    return done;
  }
}
