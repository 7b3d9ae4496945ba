import { randomUUID } from "node:crypto";
import { NereusError } from "../../model/errors.ts";
import type {
  Commit,
  CommitOutcome,
  SqlClient,
  SqlResult,
  StoreTransaction,
  StoreTransactions,
} from "../../ports/store.ts";
import { isAnswer, outcomeUnknown } from "../server-answers.ts";
import { Group } from "./batch.ts";
import { unregistered } from "./batch-writer.ts";
import { storeFault } from "./faults.ts";
import { qualified } from "./identifiers.ts";
import { type PostgresClient, type PostgresQuery, rowsOn } from "./pool.ts";
import { ownStatement, type Row, unprepared } from "./reads.ts";
import { type RunStatement, Savepoints } from "./savepoints.ts";
import type { Session } from "./session.ts";
import { commitIn, settle } from "./statements.ts";
import { TransactionReads, type TransactionSource } from "./transaction-reads.ts";
import { answersOf, type GroupAnswer } from "./verdicts.ts";

/** Transactions with statements of the user's own. @param source throws where the store is not open */
export function postgresTransactions(source: () => TransactionSource): StoreTransactions {
  return {
    async begin() {
      const open = source();
      const client = await open.pool.connect().catch((error: unknown) => {
        throw storeFault(error, open.name);
      });
      return OwnTransaction.begin(open, client);
    },
    join: (client) => new JoinedTransaction(source, client),
  };
}

/** Under which answer a transaction's commit is kept, and what says that it is still the one that was begun. */
interface Fence {
  readonly writer: string | null;
  readonly number: number | null;
  readonly transaction: string;
}

/** What a commit comes to on one connection, whoever ends its transaction. */
async function write(
  { name, schema }: TransactionSource,
  session: Session,
  commit: Commit,
  { writer, number, transaction }: Fence,
): Promise<CommitOutcome> {
  const { types, tables, reads: reader } = session;
  for (const { collection } of commit.documents ?? []) tables.get(collection);
  const statement = ownStatement(schema, commitIn);
  for (let isFresh = false; ; isFresh = true) {
    if (!types.covers(commit)) await registerIn(session, schema, commit);
    const group = new Group(session, true);
    group.add(commit);
    const messages = group.messages.length === 0 ? null : JSON.stringify(group.messages);
    const known = isFresh ? [] : [...group.types];
    const batch = [JSON.stringify([group]), messages, true, known, writer, number, null];
    const [row] = await reader.rows(statement.with(...batch, transaction));
    if (row?.[0] === null) throw transactionEnded(name);
    if (row?.[0] !== unregistered) return outcomeOf(group, row?.[0], session, name);
    types.forget();
  }
}

async function outcomeOf(group: Group, answer: unknown, session: Session, store: string): Promise<CommitOutcome> {
  const [answered] = JSON.parse(String(answer)) as readonly GroupAnswer[];
  const [outcome] = answered === undefined ? [] : await answersOf(group.commits, answered, session);
  if (outcome === undefined) throw new Error(`${store} has not answered a commit`);
  if ("error" in outcome) throw outcome.error;
  return outcome.outcome;
}

/** On the connection at hand: another one may never come free while this one is held. Whoever registers has the lock first. */
async function registerIn({ types, reads }: Session, schema: string, commit: Commit): Promise<void> {
  await reads.rows(unprepared(qualified("SELECT nereus_lock()::text", schema)));
  await types.register([commit]);
}

/** On a connection of the store's own: the commit ends it. */
class OwnTransaction extends TransactionReads implements StoreTransaction {
  readonly #source: TransactionSource;
  readonly #client: PostgresClient;
  /** Under which the answer is kept, should the connection be lost before it has come. */
  readonly #fence = { writer: randomUUID(), number: 1, transaction: randomUUID() };
  readonly #savepoints: Savepoints;
  #ended = false;

  constructor(source: TransactionSource, client: PostgresClient) {
    super(() => source, { rows: (query) => this.inTurn(() => rowsOn(client, query)) });
    this.#source = source;
    this.#client = client;
    this.#savepoints = new Savepoints(source.name, (text, values) => this.#run(text, values));
  }

  static async begin(source: TransactionSource, client: PostgresClient): Promise<OwnTransaction> {
    client.on("error", ignore); // a lost connection fails the statement that is running
    const transaction = new OwnTransaction(source, client);
    try {
      const mark = `SET LOCAL nereus.transaction = '${transaction.#fence.transaction}'`;
      await client.query(unprepared(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${mark}`));
      return transaction;
    } catch (error) {
      transaction.#end(true);
      throw storeFault(error, source.name);
    }
  }

  query<Row>(text: string | object, values?: readonly unknown[], connection?: object): Promise<SqlResult<Row>> {
    return this.#savepoints.query(text, values, connection) as Promise<SqlResult<Row>>;
  }

  async #run(text: string | object, values?: readonly unknown[]): Promise<SqlResult<unknown>> {
    // a driver's client takes either; which rows come back only the caller knows
    const client = this.#client as unknown as { query(...all: unknown[]): Promise<SqlResult<unknown>> };
    return this.inTurn(async () => await (values === undefined ? client.query(text) : client.query(text, values)));
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    this.#savepoints.assertEnded();
    try {
      const isNew = !this.session.types.covers(commit);
      const outcome = await write(this.#source, this.session, commit, this.#fence);
      if (outcome.status === "committed") await this.#close(outcome);
      else await this.rollback();
      if (isNew) this.#source.session.types.learn();
      return outcome;
    } catch (error) {
      this.#end(true);
      throw storeFault(error, this.#source.name);
    }
  }

  async rollback(options?: { readonly atOnce: boolean }): Promise<void> {
    if (this.#ended) return;
    if (options?.atOnce === true && this.isRunning) {
      this.#terminate();
      return;
    }
    try {
      await this.inTurn(() => this.#client.query(unprepared("ROLLBACK")));
      this.#end(false);
    } catch {
      this.#end(true); // the connection ends, and what it had begun with it
    }
  }

  /** Ends the session on the server too, which would only miss its client when the statement is done. */
  #terminate(): void {
    const { processID } = this.#client as { readonly processID?: unknown }; // as clients of pg have it
    this.#end(true);
    if (typeof processID !== "number") return;
    const { pool } = this.#source;
    void pool.query(unprepared("SELECT pg_terminate_backend($1)", [processID])).catch(ignore);
  }

  /** Where the answer to COMMIT is lost, the books say whether it was made, and from then on it cannot be. */
  async #close(outcome: CommitOutcome): Promise<void> {
    const { schema, session, name } = this.#source;
    try {
      await this.inTurn(() => this.#client.query(unprepared("COMMIT")));
      this.#end(false);
    } catch (error) {
      this.#end(true);
      if (isAnswer(error)) throw error;
      const statement = ownStatement(schema, settle).with(this.#fence.writer, this.#fence.number);
      const [row] = await session.reads.rows(statement).catch(() => {
        throw outcomeUnknown(error, name);
      });
      if (row?.[0] === null || outcome.status !== "committed") throw error;
    }
  }

  #end(isLost: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!isLost) this.#client.removeListener("error", ignore);
    this.#client.release(isLost);
  }
}

/** In a transaction of the caller's: nothing here ends it. */
class JoinedTransaction extends TransactionReads implements StoreTransaction {
  readonly #source: () => TransactionSource;
  readonly #client: SqlClient;
  readonly #savepoints: Savepoints;

  constructor(source: () => TransactionSource, client: SqlClient) {
    super(source, { rows: (query) => this.inTurn(() => rowsThrough(client, query)) });
    this.#source = source;
    this.#client = client;
    // which rows come back only the caller knows
    const run = ((text: string, values) =>
      this.inTurn(
        async () => await (values === undefined ? client.query(text) : client.query(text, values)),
      )) as RunStatement;
    this.#savepoints = new Savepoints(source().name, run);
  }

  query<Row>(text: string | object, values?: readonly unknown[], connection?: object): Promise<SqlResult<Row>> {
    return this.#savepoints.query(text, values, connection) as Promise<SqlResult<Row>>;
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    const source = this.#source();
    this.#savepoints.assertEnded();
    try {
      const transaction = randomUUID();
      // Outside of a transaction it is forgotten at once.
      await this.#client.query("SELECT pg_catalog.set_config('nereus.transaction', $1, true)", [transaction]);
      if (!this.session.types.covers(commit)) source.session.types.learn();
      return await write(source, this.session, commit, { writer: null, number: null, transaction });
    } catch (error) {
      throw storeFault(error, source.name);
    }
  }

  async rollback(): Promise<void> {}
}

function transactionEnded(store: string): NereusError {
  const what = `The transaction that was to be written to ${store} has ended, or was never begun`;
  return new NereusError("TRANSACTION_ENDED", what, {
    element: store,
    fix: "Begin a transaction on the client before the command, and end none inside a handler.",
  });
}

/** Any client will do: what a row holds comes as one JSON text, whatever the client makes of the types of columns. */
async function rowsThrough(client: SqlClient, { text, values = [] }: PostgresQuery): Promise<readonly Row[]> {
  const wrapped = `SELECT coalesce(json_agg(nereus_row), '[]')::text AS nereus_rows FROM (${text}) AS nereus_row`;
  const { rows } = await client.query(wrapped, values);
  const json = (rows[0] as { readonly nereus_rows: string }).nereus_rows;
  return (JSON.parse(json) as object[]).map((row) => Object.values(row));
}

function ignore(): void {}
