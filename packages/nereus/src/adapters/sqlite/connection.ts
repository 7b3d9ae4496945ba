import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import type { Duration } from "../../model/duration.ts";

export interface SqliteOptions {
  /**
   * When a commit is answered. `"FULL"`, the default: when it is on the disk, so that it outlives a power cut.
   * `"NORMAL"`: several times faster for single commits, but a power cut may lose the last of them (never part of one).
   */
  readonly synchronous?: "FULL" | "NORMAL";
  /** How long to wait for another process that holds the file, Default: 5 seconds. */
  readonly busyTimeout?: Duration;
}

/** A row as its columns' values, in the order of the SELECT. */
export type Row = readonly SQLOutputValue[];

/** How long SQLite itself may wait for a lock, blocking this thread, in milliseconds; longer waits leave it free. */
const blockingWait = 10;

/** Memory for pages of the file, in KiB. */
const cacheSize = 16_384;

/** The most statements that are kept prepared; those of queries come in any number of forms. */
const preparedLimit = 256;

/** The longest statement that is kept, in characters: the filter of a query may have thousands of conditions. */
const preparedLength = 8192;

/** One prepared statement. */
export class Statement {
  readonly #statement: StatementSync;
  readonly #asArrays: boolean;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    // Node 22.13 gives objects only.
    this.#asArrays = typeof statement.setReturnArrays === "function";
    if (this.#asArrays) statement.setReturnArrays(true);
  }

  run(...parameters: SQLInputValue[]): void {
    this.#statement.run(...parameters);
  }

  get(...parameters: SQLInputValue[]): Row | undefined {
    const row = this.#statement.get(...parameters);
    return row === undefined ? undefined : this.#asArrays ? rowOf(row) : Object.values(row);
  }

  all(...parameters: SQLInputValue[]): Row[] {
    const rows = this.#statement.all(...parameters);
    return this.#asArrays ? rows.map(rowOf) : rows.map((row) => Object.values(row));
  }
}

/** The types of node:sqlite describe rows as objects, also after setReturnArrays. */
function rowOf(row: object): Row {
  return row as Row;
}

/** An open database file, its settings, and the statements prepared on it. */
export class Connection {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();

  constructor(path: string) {
    this.path = path;
    this.#database = new DatabaseSync(path);
    this.execute(`PRAGMA busy_timeout = ${blockingWait}`);
  }

  /** Settings of this connection, and the file's journal mode: to be called once the file is known to be a store. */
  configure({ synchronous = "FULL" }: SqliteOptions): void {
    this.execute(`PRAGMA cache_size = -${cacheSize}`);
    this.execute("PRAGMA journal_mode = WAL");
    this.execute(`PRAGMA synchronous = ${synchronous === "NORMAL" ? "NORMAL" : "FULL"}`);
    // Only macOS tells the two apart: there an ordinary fsync leaves the data in the disk's own memory.
    if (synchronous === "FULL") this.execute("PRAGMA fullfsync = ON");
  }

  /** Runs SQL text that is needed once. */
  execute(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = new Statement(this.#database.prepare(sql));
      if (sql.length > preparedLength) return statement;
      if (this.#statements.size >= preparedLimit) this.#statements.clear();
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Runs `work` in a transaction that takes the file's write lock at once; nothing of it stays if it throws. */
  transact<Result>(work: () => Result): Result {
    this.prepare("BEGIN IMMEDIATE").run();
    try {
      const answer = work();
      this.prepare("COMMIT").run();
      return answer;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  /** The same with foreign keys at rest: a table that is built anew must not take the rows along that point to its own. */
  transactWithoutForeignKeys<Result>(work: () => Result): Result {
    // SQLite ignores this inside a transaction. Node turns foreign keys on.
    this.execute("PRAGMA foreign_keys = OFF");
    try {
      return this.transact(work);
    } finally {
      this.execute("PRAGMA foreign_keys = ON");
    }
  }

  /** Ends a transaction that failed, if SQLite has not done so itself. */
  rollBack(): void {
    try {
      this.execute("ROLLBACK");
    } catch {
      // No transaction was active any more.
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}
