import { NereusError } from "../model/errors.ts";
import type { Commit, CommitOutcome, SqlClient, SqlResult, Store, StoreTransaction } from "../ports/store.ts";
import { type Reads, UnitReads } from "./unit-reads.ts";

/**
 * The database's own transaction, in which a unit of work or a batch of a projection commits: for SQL of your own that is to be
 * stored with it, or not at all. It begins with the first statement, and ends with the handler: await every one. It is a pool of one connection as well, so that query builders
 * take it as theirs; what they return to it or end stays as it is, and a transaction that they begin is a savepoint. See the guide, docs/guides/transactions.md.
 *
 * Statements throw the driver's errors, and NereusError TRANSACTION_CONTROL_REFUSED for what would end it, UNIT_OF_WORK_CLOSED after the end. The command is refused as
 * TRANSACTION_ABORTED after an error that was caught, as STATEMENT_NOT_AWAITED, or as TRANSACTION_ENDED.
 *
 * @example await transaction.query("INSERT INTO audit (account, amount) VALUES ($1, $2)", [accountId, amount]);
 * @example const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: transaction }) });
 */
export interface SqlTransaction {
  query<Row>(text: string, values?: readonly unknown[]): Promise<SqlResult<Row>>;
  /** For query builders; not for a cursor. */
  query<Statement extends object>(statement: Statement): Statement;
  connect(): Promise<SqlTransaction>;
  release(): void;
  end(): Promise<void>;
  /** None of its own; query builders look for it. */
  readonly options: object;
}

/** How a unit of work writes: by itself, with statements of the handler's, or in a transaction that its caller has begun. */
export class UnitTransaction {
  readonly #store: Store;
  readonly #subject: string;
  readonly #given: SqlClient | undefined;
  readonly #joined: StoreTransaction | undefined;
  /** There once a handler has run SQL of its own. */
  #begun: Promise<StoreTransaction> | undefined;
  #ended = false;
  /** How often it was handed over: the statements of a handler that has ended are not taken. */
  #turn = 0;
  /** Statements that have no answer. */
  readonly #running = new Set<Promise<unknown>>();
  #reads: Reads | undefined;

  /** @param subject what it is for, in reports */
  constructor(store: Store, given: SqlClient | undefined, subject: string = store.name) {
    this.#subject = subject;
    this.#store = store;
    this.#given = given;
    this.#joined = given === undefined ? undefined : transactionsOf(store).join(given);
  }

  /** One that writes in the same way, for another commit. */
  another(): UnitTransaction {
    return new UnitTransaction(this.#store, this.#given, this.#subject);
  }

  /** Whether the caller began the transaction: what is committed is not stored yet, and may never be. */
  get isJoined(): boolean {
    return this.#joined !== undefined;
  }

  /** What it reads at any time of its life: through the connection that it has, if it has one. */
  get reads(): Reads {
    if (this.#joined !== undefined) return this.#joined;
    if (this.#store.transactions === undefined) return this.#store;
    this.#reads ??= new UnitReads(() => (this.#ended ? undefined : this.#begun) ?? this.#store);
    return this.#reads;
  }

  /** Whether all that it reads now is stored, and stays: in a transaction it need not be. */
  get readsCommitted(): boolean {
    return !this.isJoined && !this.isBegun;
  }

  /** Whether a handler has asked for a transaction, so that there is something to end. */
  get isBegun(): boolean {
    return this.#begun !== undefined;
  }

  /** A store without SQL refuses its first statement: a handler may take it out of its context and not need it. */
  get handle(): SqlTransaction {
    return this.#connection(this.#turn);
  }

  /** Builders are told apart by the connection that each has asked for. */
  #connection(turn: number): SqlTransaction {
    const connection = {};
    const query = (statement: string | object, values?: readonly unknown[]): Promise<SqlResult<unknown>> =>
      turn === this.#turn ? this.#counted(this.#query(statement, values, connection)) : Promise.reject(ended());
    return {
      query: query as SqlTransaction["query"], // one function serves both forms
      connect: async () => this.#connection(turn),
      release: () => undefined,
      end: async () => undefined,
      options: {},
    };
  }

  /** Takes back a commit that has no answer yet: whether that is certain. */
  withdraw(commit: Commit): boolean {
    return !this.isJoined && !this.isBegun && this.#store.withdraw?.(commit) === true;
  }

  /**
   * Takes nothing more from who has had it so far: a handler, or a step of a projection, which has ended.
   *
   * @throws NereusError STATEMENT_NOT_AWAITED
   */
  handOver(): void {
    this.#turn += 1;
    if (this.#running.size === 0) return;
    for (const statement of this.#running) statement.catch(() => undefined); // the error that comes now says more
    throw notAwaited(this.#store.name);
  }

  commit(commit: Commit): Promise<CommitOutcome> {
    this.handOver();
    this.#ended = true;
    if (this.#joined !== undefined) return this.#joined.commit(commit);
    return this.#begun === undefined
      ? this.#store.commit(commit)
      : this.#begun.then((transaction) => transaction.commit(commit));
  }

  /** Leaves nothing of the handler's statements, unless they were committed. A transaction that was joined is its owner's. */
  rollback(options?: { readonly atOnce: boolean }): Promise<void> | undefined {
    this.#ended = true;
    return this.#begun?.then(
      (begun) => begun.rollback(options),
      () => undefined, // whoever asked for it was told
    );
  }

  async #query(
    statement: string | object,
    values: readonly unknown[] | undefined,
    connection: object,
  ): Promise<SqlResult<unknown>> {
    if (this.#ended) throw ended();
    this.#begun ??=
      this.#joined === undefined ? transactionsOf(this.#store).begin(this.#subject) : Promise.resolve(this.#joined);
    const transaction = await this.#begun;
    if (this.#ended) throw ended();
    return transaction.query(statement, values, connection);
  }

  /** It is answered before whoever awaits it goes on. */
  #counted<Result>(statement: Promise<Result>): Promise<Result> {
    const counted = statement.finally(() => this.#running.delete(counted));
    this.#running.add(counted);
    return counted;
  }
}

function transactionsOf(store: Store): NonNullable<Store["transactions"]> {
  if (store.transactions !== undefined) return store.transactions;
  throw transactionUnsupported(
    store.name,
    "Use the postgres store, or keep what you need in a projection or a state-stored aggregate.",
  );
}

export function transactionUnsupported(store: string, fix: string): NereusError {
  const what = `The store ${store} takes no SQL into its transactions`;
  return new NereusError("TRANSACTION_UNSUPPORTED", what, { element: store, fix });
}

function notAwaited(store: string): NereusError {
  const what = `A handler has ended before a statement that it had sent in a transaction of ${store}`;
  return new NereusError("STATEMENT_NOT_AWAITED", what, {
    element: store,
    fix: "Await every statement before the handler returns.",
  });
}

function ended(): NereusError {
  return new NereusError("UNIT_OF_WORK_CLOSED", "A transaction was used after its unit of work had ended", {
    fix: "Await every statement before the handler returns.",
  });
}
