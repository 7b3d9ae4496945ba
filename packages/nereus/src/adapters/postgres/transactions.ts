import { randomUUID } from "node:crypto";
import { NereusError } from "../../model/errors.ts";
import type {
  Commit,
  CommitOutcome,
  DocumentReader,
  LogReader,
  RecordReader,
  SqlClient,
  SqlResult,
  StoreTransaction,
  StoreTransactions,
} from "../../ports/store.ts";
import { isAnswer, outcomeUnknown } from "../server-answers.ts";
import { groupsOf } from "./batch.ts";
import { PostgresDocuments } from "./documents.ts";
import { storeFault } from "./faults.ts";
import { PostgresLog } from "./log.ts";
import type { PostgresClient, PostgresPool, PostgresQuery } from "./pool.ts";
import { ownStatement, type Row, type RowReader, unprepared } from "./reads.ts";
import { PostgresRecords } from "./records.ts";
import { type RunStatement, Savepoints } from "./savepoints.ts";
import type { Session } from "./session.ts";
import { commitIn, settle } from "./statements.ts";
import { answersOf, type GroupAnswer } from "./verdicts.ts";

/** What the transactions of an open store need of it. */
export interface TransactionSource {
  readonly name: string;
  readonly schema: string;
  readonly pool: PostgresPool;
  readonly session: Session;
}

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

/** What a commit comes to on one connection, whoever ends its transaction. */
async function write(
  { name, schema, session }: TransactionSource,
  reader: RowReader,
  commit: Commit,
  fence: { readonly writer: string | null; readonly number: number | null; readonly transaction: string },
): Promise<CommitOutcome> {
  const { types, tables } = session;
  for (const { collection } of commit.documents ?? []) tables.get(collection);
  if (!types.covers(commit)) await types.register([commit]);
  const [group] = groupsOf([commit], session, true);
  const statement = ownStatement(schema, commitIn);
  const json = JSON.stringify(group === undefined ? [] : [group]);
  const messages = group === undefined || group.messages.length === 0 ? null : JSON.stringify(group.messages);
  const [row] = await reader.rows(
    statement.with(json, messages, true, fence.writer, fence.number, null, fence.transaction),
  );
  if (row?.[0] === null) throw transactionEnded(name);
  const [answered] = JSON.parse(String(row?.[0])) as readonly GroupAnswer[];
  if (group === undefined || answered === undefined) throw new Error(`${name} has not answered a commit`);
  const [answer] = await answersOf(group.commits, answered, session);
  if (answer === undefined) throw new Error(`${name} has not answered a commit`);
  if ("error" in answer) throw answer.error;
  return answer.outcome;
}

/** Reads through one connection, with faults translated. */
function readersOn(
  source: () => TransactionSource,
  reader: RowReader,
): Pick<StoreTransaction, "log" | "documents" | "records"> {
  const read = async <Result>(work: (session: Session) => Promise<Result>): Promise<Result> => {
    const { session, name } = source();
    try {
      return await work({ ...session, reads: reader });
    } catch (error) {
      throw storeFault(error, name);
    }
  };
  const { schema } = source();
  return {
    log: new PostgresLog(schema, read),
    documents: new PostgresDocuments(schema, read),
    records: new PostgresRecords(schema, read),
  };
}

/** On a connection of the store's own: the commit ends it. */
class OwnTransaction implements StoreTransaction {
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  readonly #source: TransactionSource;
  readonly #client: PostgresClient;
  /** Under which the answer is kept, should the connection be lost before it has come. */
  readonly #fence = { writer: randomUUID(), number: 1, transaction: randomUUID() };
  readonly #savepoints: Savepoints;
  readonly #reader: RowReader;
  #ended = false;
  /** Statements of the handler's own that have no answer. */
  #running = 0;

  constructor(source: TransactionSource, client: PostgresClient) {
    this.#source = source;
    this.#client = client;
    this.#reader = { rows: async (query) => (await client.query(query)).rows as readonly Row[] };
    const { log, documents, records } = readersOn(() => source, this.#reader);
    this.#savepoints = new Savepoints(source.name, (text, values) => this.#run(text, values));
    this.log = log;
    this.documents = documents;
    this.records = records;
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
    this.#running++;
    try {
      return await (values === undefined ? client.query(text) : client.query(text, values));
    } finally {
      this.#running--;
    }
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    this.#savepoints.assertEnded();
    try {
      const outcome = await write(this.#source, this.#reader, commit, this.#fence);
      if (outcome.status === "committed") await this.#close(outcome);
      else await this.rollback();
      return outcome;
    } catch (error) {
      this.#end(true);
      throw storeFault(error, this.#source.name);
    }
  }

  async rollback(options?: { readonly atOnce: boolean }): Promise<void> {
    if (this.#ended) return;
    if (options?.atOnce === true && this.#running > 0) {
      this.#terminate();
      return;
    }
    try {
      await this.#client.query(unprepared("ROLLBACK"));
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
      await this.#client.query(unprepared("COMMIT"));
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
class JoinedTransaction implements StoreTransaction {
  readonly log: LogReader;
  readonly documents: DocumentReader;
  readonly records: RecordReader;
  readonly #source: () => TransactionSource;
  readonly #client: SqlClient;
  readonly #reader: RowReader;
  readonly #savepoints: Savepoints;

  constructor(source: () => TransactionSource, client: SqlClient) {
    this.#source = source;
    this.#client = client;
    this.#reader = { rows: (query) => rowsThrough(client, query) };
    const { log, documents, records } = readersOn(source, this.#reader);
    // which rows come back only the caller knows
    const run = ((text: string, values) =>
      values === undefined ? client.query(text) : client.query(text, values)) as RunStatement;
    this.#savepoints = new Savepoints(source().name, run);
    this.log = log;
    this.documents = documents;
    this.records = records;
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
      return await write(source, this.#reader, commit, { writer: null, number: null, transaction });
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
