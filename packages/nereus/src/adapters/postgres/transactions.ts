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
import { codeOf, isAnswer, outcomeUnknown } from "../server-answers.ts";
import { Group } from "./batch.ts";
import { unregistered } from "./batch-writer.ts";
import { assertSeen, isConflict, overtakenCaller } from "./callers-level.ts";
import { type CommandOfCaller, CommandsOfCallers } from "./commands-of-callers.ts";
import { storeFault } from "./faults.ts";
import { qualified } from "./identifiers.ts";
import { type PostgresClient, type PostgresQuery, type PostgresResult, rowsOn } from "./pool.ts";
import { ownStatement, type Row, unprepared } from "./reads.ts";
import { Savepoints } from "./savepoints.ts";
import type { Session } from "./session.ts";
import { commitIn, settle } from "./statements.ts";
import { terminate } from "./terminate.ts";
import { TransactionReads, type TransactionSource, transactionOver } from "./transaction-reads.ts";
import { answersOf, type GroupAnswer } from "./verdicts.ts";

/** Transactions with statements of the user's own. @param source throws where the store is not open */
export function postgresTransactions(source: () => TransactionSource): StoreTransactions {
  return {
    async begin(subject) {
      const open = source();
      const client = await open.pool.connect().catch((error: unknown) => {
        throw storeFault(error, open.name);
      });
      return OwnTransaction.begin(open, client, open.pool.hold(subject));
    },
    join: (client) => new JoinedTransaction(source, client),
  };
}

/** Under which answer a transaction's commit is kept, and what says that it is still the one that was begun. */
interface Fence {
  readonly writer: string | null;
  readonly number: number | null;
  readonly transaction: string | undefined;
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
  await reads.rows(unprepared(qualified("SELECT nereus_lock()::pg_catalog.text", schema)));
  await types.register([commit]);
}

/** On a connection of the store's own: the commit ends it. */
class OwnTransaction extends TransactionReads implements StoreTransaction {
  readonly #source: TransactionSource;
  readonly #client: PostgresClient;
  /** Under which the answer is kept, should the connection be lost before it has come. */
  readonly #fence = { writer: randomUUID(), number: 1 };
  /** The server's number of it. */
  #number: string | undefined;
  readonly #savepoints: Savepoints;
  readonly #givenBack: () => void;
  #ended = false;
  /** Why the connection was lost: what fails after that only says that it was. */
  #lost: unknown;
  readonly #hear = (error: unknown): void => {
    this.#lost ??= error;
  };

  constructor(source: TransactionSource, client: PostgresClient, givenBack: () => void) {
    super(() => source, { rows: (query) => this.#told(this.inTurn(() => rowsOn(client, query))) });
    this.#source = source;
    this.#client = client;
    this.#givenBack = givenBack;
    this.#savepoints = new Savepoints(source.name, (text, values) => this.#run(text, values));
  }

  static async begin(
    source: TransactionSource,
    client: PostgresClient,
    givenBack: () => void,
  ): Promise<OwnTransaction> {
    const transaction = new OwnTransaction(source, client, givenBack);
    client.on("error", transaction.#hear);
    try {
      const begun = await client.query(
        unprepared(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT ${itsNumber}`),
      );
      transaction.#number = lastRowOf(begun)?.[0];
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
    return this.#told(
      this.inTurn(async () => await (values === undefined ? client.query(text) : client.query(text, values))),
    );
  }

  async #told<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      throw isAnswer(error) ? error : (this.#lost ?? error);
    }
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    this.#savepoints.assertEnded();
    try {
      const isNew = !this.session.types.covers(commit);
      const fence = { ...this.#fence, transaction: this.#number };
      const outcome = await write(this.#source, this.session, commit, fence);
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
      await this.lastInTurn(() => this.#client.query(unprepared("ROLLBACK")));
      this.#end(false);
    } catch {
      this.#end(true); // the connection ends, and what it had begun with it
    }
  }

  /** Ends the session on the server too, which would only miss its client when the statement is done. */
  #terminate(): void {
    const { processID } = this.#client as { readonly processID?: unknown }; // as clients of pg have it
    this.#end(true);
    if (typeof processID === "number") terminate(this.#source.pool, this.#client, processID);
  }

  /** Where the answer to COMMIT is lost, the books say whether it was made, and from then on it cannot be. */
  async #close(outcome: CommitOutcome): Promise<void> {
    const { schema, session, name } = this.#source;
    try {
      await this.lastInTurn(() => this.#client.query(unprepared("COMMIT")));
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
    this.close();
    this.#givenBack();
    if (!isLost) this.#client.removeListener("error", this.#hear);
    this.#client.release(isLost);
  }
}

/**
 * In a transaction of the caller's: nothing here ends it. The server's number of the transaction, which comes with whatever is read in it, and the
 * savepoint before the handler's own statements tell it from another one.
 */
class JoinedTransaction extends TransactionReads implements StoreTransaction, CommandOfCaller {
  readonly #source: () => TransactionSource;
  readonly client: SqlClient;
  readonly #savepoints: Savepoints;
  readonly #savepoint = `nereus_command_${++joined}`;
  #number: string | undefined;
  #isolation: string | undefined;
  /** Settled when the savepoint is set. */
  #started: Promise<void> | undefined;
  /** Whether there is one to go back to. */
  #hasSavepoint = false;
  #ended = false;

  constructor(source: () => TransactionSource, client: SqlClient) {
    super(source, { rows: (query) => this.#rows(query) });
    this.#source = source;
    this.client = client;
    this.#savepoints = new Savepoints(source().name, (text, values) => this.#run(text, values));
  }

  get store(): object {
    return this.#source;
  }

  get number(): string | undefined {
    return this.#number;
  }

  query<Row>(text: string | object, values?: readonly unknown[], connection?: object): Promise<SqlResult<Row>> {
    return this.#savepoints.query(text, values, connection) as Promise<SqlResult<Row>>;
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    const source = this.#source();
    this.#savepoints.assertEnded();
    this.#ended = true;
    try {
      if (this.#number === undefined) await this.#rows(unprepared("SELECT"));
      if (!this.session.types.covers(commit)) source.session.types.learn();
      commandsOfCallers.enter(this, "commit", source.name);
      await assertSeen(source, this.session, commit, this.#isolation);
      const outcome = await write(source, this.session, commit, { ...noFence, transaction: this.#number });
      if (outcome.status !== "committed") await this.#undo();
      else if (this.#hasSavepoint) await this.#control("RELEASE SAVEPOINT");
      return outcome;
    } catch (error) {
      throw lacksOwn(error) ? transactionEnded(source.name, error) : this.fault(error);
    } finally {
      commandsOfCallers.leave(this);
    }
  }

  /** Only the caller can begin anew, with what others have committed meanwhile. */
  protected override fault(error: unknown): NereusError {
    return isConflict(error, this.#isolation) ? overtakenCaller(error, this.#source().name) : super.fault(error);
  }

  /** Of what a handler has written by itself; what fails here has ended the transaction, or spoilt it. */
  async rollback(options?: { readonly atOnce: boolean }): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    try {
      if (options?.atOnce !== true) return await this.#undo().catch(ignore);
      // The caller is not waited for, and may have ended the transaction before a second statement.
      if (this.#hasSavepoint && !this.isRunning) await this.#control("ROLLBACK TO SAVEPOINT").catch(ignore);
    } finally {
      commandsOfCallers.leave(this);
    }
  }

  async #undo(): Promise<void> {
    if (!this.#hasSavepoint) return;
    await this.#control("ROLLBACK TO SAVEPOINT");
    await this.#control("RELEASE SAVEPOINT");
  }

  #control(what: string): Promise<unknown> {
    return this.inTurn(async () => await this.client.query(`${what} ${this.#savepoint}`));
  }

  async #run(text: string | object, values?: readonly unknown[]): Promise<SqlResult<unknown>> {
    if (this.#ended) throw transactionOver(this.#source().name);
    this.#started ??= this.#start();
    await this.#started;
    if (this.#ended) throw transactionOver(this.#source().name); // what has followed is not to be undone any more
    // a driver's client takes either; which rows come back only the caller knows
    const client = this.client as unknown as { query(...all: unknown[]): Promise<SqlResult<unknown>> };
    return this.inTurn(async () => await (values === undefined ? client.query(text) : client.query(text, values)));
  }

  async #start(): Promise<void> {
    const { name } = this.#source();
    try {
      if (this.#number === undefined) await this.#rows(unprepared("SELECT"));
      if (this.#ended) throw transactionOver(name);
      commandsOfCallers.enter(this, "ownSql", name);
      this.#hasSavepoint = true;
      await this.#control("SAVEPOINT");
    } catch (error) {
      throw lacksOwn(error) ? transactionEnded(name, error) : storeFault(error, name);
    }
  }

  /** Any client will do: what a row holds comes as one JSON text, whatever the client makes of the types of columns. */
  #rows({ text, values = [] }: PostgresQuery): Promise<readonly Row[]> {
    return this.inTurn(async () => {
      const { rows } = await this.client.query(rowsAsJson(text), values);
      const { nereus_rows: json, nereus_transaction: number, nereus_isolation } = rows[0] as Record<string, string>;
      this.#isolation = nereus_isolation;
      this.#number ??= number;
      if (this.#number !== number) throw transactionEnded(this.#source().name);
      return (JSON.parse(json ?? "[]") as object[]).map((row) => Object.values(row));
    });
  }
}

const commandsOfCallers = new CommandsOfCallers();

/** How many transactions of callers were joined: their savepoints have names of their own. */
let joined = 0;
const noFence = { writer: null, number: null };

/** Gives the transaction a number, if it has none, that no other has. Outside of one, each statement has another. */
const itsNumber = "pg_catalog.pg_current_xact_id()::pg_catalog.text";

function rowsAsJson(text: string): string {
  return `SELECT coalesce(pg_catalog.json_agg(nereus_row), '[]')::pg_catalog.text AS nereus_rows, ${itsNumber} AS nereus_transaction,
      pg_catalog.current_setting('transaction_isolation') AS nereus_isolation
    FROM (${text}) AS nereus_row`;
}

/** A text of several statements has a result for each. */
function lastRowOf(answer: PostgresResult | readonly PostgresResult[]): readonly string[] | undefined {
  const result = [answer].flat().at(-1) as PostgresResult | undefined;
  return result?.rows[0] as readonly string[] | undefined;
}

/** No transaction is open, or not the one in which the savepoint was set. */
function lacksOwn(error: unknown): boolean {
  return ["25P01", "3B001"].includes(codeOf(error));
}

function transactionEnded(store: string, cause?: unknown): NereusError {
  const what = `The transaction that was to be written to ${store} has ended, or was never begun`;
  return new NereusError("TRANSACTION_ENDED", what, {
    element: store,
    fix: "Begin a transaction on the client before the command, and end none inside a handler.",
    ...(cause === undefined ? {} : { cause }),
  });
}

function ignore(): void {}
