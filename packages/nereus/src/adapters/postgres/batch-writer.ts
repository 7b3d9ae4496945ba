import { randomUUID } from "node:crypto";
import { patiently } from "../patience.ts";
import { codeOf, isAnswer, outcomeUnknown } from "../server-answers.ts";
import type { LoneMessage } from "./batch.ts";
import { givenUp, storeFault } from "./faults.ts";
import { HeldClient } from "./held-client.ts";
import { type PostgresClient, type PostgresPool, type PostgresQuery, rowsOn } from "./pool.ts";
import { overtaken, ownStatement, type PreparedStatement, type Row, type RowReader } from "./reads.ts";
import { append, commit, settle } from "./statements.ts";
import { terminate } from "./terminate.ts";
import type { GroupAnswer } from "./verdicts.ts";
import type { WriteSession } from "./write-session.ts";

/** The answers of a batch, one for each of its groups. */
export type WrittenBatch = readonly GroupAnswer[];

/** How many answers that have arrived are deleted together. */
const answersKept = 32;

/** How often a batch is sent that was not written, each time because its connection was lost. */
const mostAttempts = 8;

export interface BatchWriterSettings {
  readonly pool: PostgresPool;
  readonly session: WriteSession;
  readonly schema: string;
  /** Of the store, for messages. */
  readonly name: string;
  /** How long a server that is away is waited for, in milliseconds. */
  readonly patience: number;
  /** Called where what is known of the server may not hold: a new connection, or types that are not registered any more. */
  readonly renewed: () => void;
}

/** What a server answers that has no longer the types of a batch: another one, or one with an earlier state of the data. */
export const unregistered = "unregistered";

/** A batch was not written, and has to be encoded anew: what it was encoded with does not hold any more. */
export class Renewed extends Error {}

/**
 * Sends batches on one connection, each with a number under which its answer is kept in its own transaction. Where a
 * connection is lost before the answer has come, the next one asks for it; a batch that was not written is first given
 * up, so that it cannot be written late, and then sent again.
 */
export class BatchWriter implements RowReader {
  /** In the database, and in the notifications of what it wrote. */
  readonly id: string = randomUUID();
  readonly #settings: BatchWriterSettings;
  readonly #held: HeldClient;
  readonly #commit: PreparedStatement;
  readonly #append: PreparedStatement;
  readonly #settle: PreparedStatement;
  #turn: Promise<void> = Promise.resolve();
  #number = 0;
  #connections = 0;
  #isCut = false;
  #answered: number[] = [];

  constructor(settings: BatchWriterSettings) {
    this.#settings = settings;
    this.#held = new HeldClient(settings.pool, {
      ...settings.session.purpose,
      prepare: (client) => this.#prepare(client),
    });
    this.#commit = ownStatement(settings.schema, commit);
    this.#append = ownStatement(settings.schema, append);
    this.#settle = ownStatement(settings.schema, settle);
  }

  /** @param groups and their messages: JSON, see `nereus_commit` */
  async write(
    groups: string,
    messages: string | null,
    careful: boolean,
    types: readonly number[],
  ): Promise<WrittenBatch> {
    const written = await this.#surely(this.#commit, [groups, messages, careful, types]);
    if (written === undefined) throw new Error("a batch has no answer");
    return written;
  }

  /** @returns undefined if its stream or note is not as expected */
  append({ message, rest }: LoneMessage): Promise<WrittenBatch | undefined> {
    return this.#surely(this.#append, message, rest);
  }

  /** Runs a statement that may run twice, in turn with the batches: it needs no other connection. */
  async rows(query: PostgresQuery): Promise<readonly Row[]> {
    for (let attempt = 1; ; attempt++) {
      let client: PostgresClient | undefined;
      try {
        return await this.#inTurn(async () => {
          client = await this.#connected();
          return rowsOn(client, query);
        });
      } catch (error) {
        const isOver = client === undefined || attempt === mostAttempts || this.#isCut;
        if (isOver || (isAnswer(error) && codeOf(error) !== overtaken)) throw error;
        if (!isAnswer(error)) this.#held.drop(client as PostgresClient);
      }
    }
  }

  /** @param values before those that say which batch it is, and after */
  async #surely(
    statement: PreparedStatement,
    values: readonly unknown[],
    after: readonly unknown[] = [],
  ): Promise<WrittenBatch | undefined> {
    const encodedFor = Math.max(1, this.#connections);
    for (let attempt = 1; ; attempt++) {
      const number = ++this.#number;
      let client: PostgresClient | undefined;
      try {
        const answer = await this.#inTurn(async () => {
          const connected = await this.#connected();
          if (this.#connections !== encodedFor) throw new Renewed();
          client = connected;
          return this.#send(client, number, (...batch) => statement.with(...values, ...batch, ...after));
        });
        return answer === null ? undefined : this.#parsed(number, answer);
      } catch (error) {
        if (client === undefined || error instanceof Renewed || !mayBeLost(error)) throw error;
        this.#held.drop(client);
        const answer = await this.#lostAnswer(number, error);
        if (answer !== null) return this.#parsed(number, answer);
        if (attempt === mostAttempts) throw storeFault(error, this.#settings.name);
      }
    }
  }

  async #prepare(client: PostgresClient): Promise<void> {
    await this.#settings.session.purpose.prepare(client);
    this.#connections += 1;
    if (this.#connections > 1) this.#settings.renewed();
  }

  /** Takes its connection, which it then has until it is closed: no commit waits for one behind the transactions of handlers. */
  async connect(): Promise<void> {
    await this.#connected();
  }

  close(): Promise<void> {
    return this.#held.close();
  }

  /** The server's process of the connection, where the driver tells it. */
  get backend(): number | undefined {
    if (!this.#settings.session.isOwn) return undefined; // what a pooler tells is no process of the server
    const { processID } = (this.#held.client ?? {}) as { readonly processID?: unknown }; // as clients of pg have it
    return typeof processID === "number" ? processID : undefined;
  }

  /** Waits for no answer any more: ends the connection, here and on the server. */
  cut(): void {
    this.#isCut = true;
    const { backend } = this;
    const { client } = this.#held;
    if (client === undefined) return;
    this.#held.drop(client);
    if (backend !== undefined) terminate(this.#settings.pool, client, backend);
  }

  /** One statement at a time: the next is sent when the one before it has its answer. */
  #inTurn<Result>(statement: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(statement);
    this.#turn = turn.then(ignore, ignore);
    return turn;
  }

  async #send(
    client: PostgresClient,
    number: number,
    query: (writer: string, number: number, answered: readonly number[]) => PostgresQuery,
  ): Promise<string | null> {
    const answered = this.#answered.length < answersKept ? [] : this.#answered;
    if (answered === this.#answered) this.#answered = [];
    try {
      const row = await this.#settings.session.run(client, query(this.id, number, answered));
      return row?.[0] as string | null;
    } catch (error) {
      this.#answered.push(...answered);
      throw error;
    }
  }

  #parsed(number: number, answer: string): WrittenBatch {
    if (answer === unregistered) {
      this.#settings.renewed();
      throw new Renewed();
    }
    this.#answered.push(number);
    return JSON.parse(answer) as WrittenBatch;
  }

  async #connected(): Promise<PostgresClient> {
    try {
      return await patiently(this.#settings.patience, () => this.#held.get());
    } catch (error) {
      throw storeFault(error, this.#settings.name);
    }
  }

  /** The answer of a batch, or null if it was not written and never will be. */
  async #lostAnswer(number: number, cause: unknown): Promise<string | null> {
    if (this.#isCut) throw outcomeUnknown(cause, this.#settings.name);
    try {
      return await patiently(
        this.#settings.patience,
        async () => {
          const client = await this.#held.get();
          try {
            const { session } = this.#settings;
            const row = await this.#inTurn(() => session.run(client, this.#settle.with(this.id, number)));
            return row?.[0] as string | null;
          } catch (error) {
            if (!isAnswer(error)) this.#held.drop(client);
            throw error;
          }
        },
        () => this.#isCut,
      );
    } catch (error) {
      throw outcomeUnknown(error ?? cause, this.#settings.name);
    }
  }
}

/** Whether the answer of a batch may have been lost; else the server has refused it. */
function mayBeLost(error: unknown): boolean {
  return !isAnswer(error) || codeOf(error) === givenUp;
}

function ignore(): void {}
