import { NereusError } from "../../model/errors.ts";
import type { SqlResult } from "../../ports/store.ts";
import { type Control, controlIn, ownSavepoint } from "./transaction-control.ts";

/** Runs a statement as the driver takes it. */
export type RunStatement = (statement: string | object, values?: readonly unknown[]) => Promise<SqlResult<unknown>>;

interface Open {
  readonly savepoint: string;
  /** Who began it, and alone may use the transaction until it has ended it. */
  readonly connection: object;
}

const unknownConnection = {};

/**
 * The statements of a handler in a transaction that is not its own: what a query builder begins and ends is a savepoint, one
 * within another. What would end the transaction itself is refused before it is sent.
 */
export class Savepoints {
  readonly #store: string;
  readonly #run: RunStatement;
  readonly #open: Open[] = [];
  #count = 0;

  /** @param store for messages */
  constructor(store: string, run: RunStatement) {
    this.#store = store;
    this.#run = run;
  }

  /** @throws NereusError TRANSACTION_CONTROL_REFUSED */
  async query(
    statement: string | object,
    values?: readonly unknown[],
    connection: object = unknownConnection,
  ): Promise<SqlResult<unknown>> {
    const control = this.#controlOf(statement);
    if (control === "begin") return this.#begin(connection);
    const innermost = this.#open.at(-1);
    if (innermost !== undefined && innermost.connection !== connection) {
      throw this.#refusal("a transaction that was begun in it is open, and this is not part of that one", inTheOpenOne);
    }
    if (control === "none") return this.#run(statement, values);
    if (innermost === undefined) throw this.#refusal("it would end the transaction of the command", notAtAll);
    const { savepoint } = innermost;
    if (control === "rollback") await this.#run(`ROLLBACK TO SAVEPOINT ${savepoint}`);
    const released = await this.#run(`RELEASE SAVEPOINT ${savepoint}`);
    this.#open.pop();
    return released;
  }

  /** @throws NereusError TRANSACTION_CONTROL_REFUSED where something that was begun has not been ended */
  assertEnded(): void {
    if (this.#open.length > 0) throw this.#refusal("a transaction that was begun in it has not been ended", awaited);
  }

  async #begin(connection: object): Promise<SqlResult<unknown>> {
    if (this.#open.some((one) => one.connection === connection)) {
      throw this.#refusal("a transaction was begun on it already, and has not been ended", inTheOpenOne);
    }
    this.#count += 1;
    const opened = { savepoint: `${ownSavepoint}${this.#count}`, connection };
    this.#open.push(opened);
    try {
      return await this.#run(`SAVEPOINT ${opened.savepoint}`);
    } catch (error) {
      this.#open.splice(this.#open.indexOf(opened), 1);
      throw error;
    }
  }

  #controlOf(statement: string | object): Exclude<Control, "refused"> {
    const text = typeof statement === "string" ? statement : (statement as { readonly text?: unknown }).text;
    const control = typeof text === "string" ? controlIn(text) : "none";
    const isSubmitted = typeof (statement as { readonly submit?: unknown }).submit === "function";
    if (control === "refused") throw this.#refusal("it would end or replace the transaction of the command", notAtAll);
    if (isSubmitted)
      throw this.#refusal(
        "a cursor, or another object with a submit of its own, tells nobody when it is done",
        noCursor,
      );
    return control;
  }

  #refusal(why: string, fix: string): NereusError {
    const what = `A statement was refused in a transaction of ${this.#store}: ${why}`;
    return new NereusError("TRANSACTION_CONTROL_REFUSED", what, { element: this.#store, fix });
  }
}

const notAtAll =
  "The command commits it. For a part that may fail, use a builder's own transaction, or SAVEPOINT and ROLLBACK TO.";
const inTheOpenOne = "Use the one that is open, or await its end first.";
const noCursor = "Give its text and values to `transaction.query`, and await the answer.";
const awaited = "Await it before the handler returns, and end what you begin.";
