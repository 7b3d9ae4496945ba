import { NereusError } from "../../model/errors.ts";
import type { DocumentReader, LogReader, RecordReader } from "../../ports/store.ts";
import { PostgresDocuments } from "./documents.ts";
import { storeFault } from "./faults.ts";
import { PostgresLog } from "./log.ts";
import type { RowReader } from "./reads.ts";
import { PostgresRecords } from "./records.ts";
import type { Read, Session } from "./session.ts";
import type { WatchedPool } from "./watched-pool.ts";

/** What the transactions of an open store need of it. */
export interface TransactionSource {
  readonly name: string;
  readonly schema: string;
  readonly pool: WatchedPool;
  readonly session: Session;
}

/** What is read through one connection, with faults translated. */
export class TransactionReads {
  /** One statement at a time: the next is sent when the one before it has its answer. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Statements that have no answer. */
  #running = 0;
  /** Its connection may be another's by now. */
  #isOver = false;
  readonly #source: () => TransactionSource;
  readonly #reader: RowReader;
  #session: Session | undefined;
  #log: LogReader | undefined;
  #documents: DocumentReader | undefined;
  #records: RecordReader | undefined;

  constructor(source: () => TransactionSource, reader: RowReader) {
    this.#source = source;
    this.#reader = reader;
  }

  protected get isRunning(): boolean {
    return this.#running > 0;
  }

  /** @throws NereusError UNIT_OF_WORK_CLOSED after the last one */
  protected inTurn<Result>(statement: () => Promise<Result>): Promise<Result> {
    if (this.#isOver) return Promise.reject(transactionOver(this.#source().name));
    this.#running++;
    const answer = this.#running === 1 ? statement() : this.#turn.then(statement);
    const done = (): void => void this.#running--;
    this.#turn = answer.then(done, done);
    return answer;
  }

  /** What comes after it is not sent: the connection serves others then. */
  protected lastInTurn<Result>(statement: () => Promise<Result>): Promise<Result> {
    const answer = this.inTurn(statement);
    this.close();
    return answer;
  }

  protected close(): void {
    this.#isOver = true;
  }

  /** @throws NereusError STORE_NOT_OPEN */
  get session(): Session {
    const { session } = this.#source();
    this.#session ??= { ...session, reads: this.#reader, types: session.types.within(this.#reader) };
    return this.#session;
  }

  get log(): LogReader {
    this.#log ??= new PostgresLog(this.#source().schema, this.#read);
    return this.#log;
  }

  get documents(): DocumentReader {
    this.#documents ??= new PostgresDocuments(this.#source().schema, this.#read);
    return this.#documents;
  }

  get records(): RecordReader {
    this.#records ??= new PostgresRecords(this.#source().schema, this.#read);
    return this.#records;
  }

  readonly #read: Read = async (work) => {
    const { session } = this;
    try {
      return await work(session);
    } catch (error) {
      throw this.fault(error);
    }
  };

  /** What users see of it. */
  protected fault(error: unknown): NereusError {
    return storeFault(error, this.#source().name);
  }
}

export function transactionOver(store: string): NereusError {
  return new NereusError("UNIT_OF_WORK_CLOSED", `A transaction of ${store} was used after it had ended`, {
    element: store,
    fix: "Await every statement before the handler returns.",
  });
}
