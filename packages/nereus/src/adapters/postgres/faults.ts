import { type ErrorCode, isNereusError, NereusError } from "../../model/errors.ts";
import { codeOf, isOutOfReach, isPoolerRefusal, reasonOf, unreachable } from "../server-answers.ts";

/** What `nereus_commit` raises for a batch that `nereus_settle` gave up. */
export const givenUp = "NER01";
/** What it raises for a group of commits that depend on each other. */
export const entangled = "NER02";

/** PostgreSQL's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const missing: ReadonlySet<string> = new Set(["3F000", "42P01", "42883", "42704"]);
/** The role may not do it. */
export const rightMissing = "42501";
/** A statement that was prepared by name is not there, or there already: the session is not the one it was. */
const otherSession: ReadonlySet<string> = new Set(["26000", "42P05"]);
/** Another transaction was in the way; and what else may help. */
const locked: ReadonlyMap<string, string> = new Map([
  ["55P03", "let the role have a longer lock_timeout"],
  ["57014", "let the role have a longer statement_timeout"],
  ["40P01", "let all transactions take what they lock in one order"],
  ["40001", "let a standby have a longer max_standby_streaming_delay"],
]);
/** The server has ended a session whose transaction was idle for longer than it may be. */
const idleInTransaction = "25P03";

/** Turns what the driver threw into the error that users see; errors of Nereus pass unchanged. */
export function storeFault(error: unknown, store: string): NereusError {
  if (isNereusError(error)) return error;
  if (codeOf(error) === idleInTransaction) {
    const message = `The transaction that was to be written to ${store} has ended: ${reasonOf(error)}.`;
    const fix =
      "Await nothing slow between its statements, or let the role have a longer idle_in_transaction_session_timeout.";
    return new NereusError("TRANSACTION_ENDED", message, { element: store, fix, cause: error });
  }
  if (isOutOfReach(error)) return unreachable(error, store);
  const [code, message, fix] = described(codeOf(error), store, error);
  return new NereusError(code, message, { element: store, fix, cause: error });
}

function described(code: string, store: string, error: unknown): readonly [ErrorCode, string, string] {
  const because = reasonOf(error);
  if (missing.has(code)) return ["STORE_NOT_SET_UP", `The store ${store} lacks a part: ${because}.`, setUpFix];
  if (code === "25P02") {
    const fix = "Run what may fail in a builder's own transaction, or behind a SAVEPOINT, and roll back to it.";
    return ["TRANSACTION_ABORTED", `A statement has failed in a transaction of the store ${store}: ${because}.`, fix];
  }
  if (code === rightMissing) {
    const fix =
      "Grant the role of the connections the rights that the guide to PostgreSQL lists for what it does: to set up, to run, or to read only.";
    return ["STORE_RIGHT_MISSING", `The role of the store ${store} lacks a right: ${because}.`, fix];
  }
  if (code === "25006") {
    const fix =
      "Connect it to a server that is no standby; or open the store with `readOnly: true`, for queries and views.";
    return ["STORE_READ_ONLY", `The store ${store} cannot be written: ${because}.`, fix];
  }
  if (otherSession.has(code)) {
    const fix = "A pooler gives each transaction another session: give the store `pooler: true`.";
    return ["STORE_POOLER_UNSUITABLE", `The store ${store} has lost its prepared statements: ${because}.`, fix];
  }
  if (isPoolerRefusal(error))
    return ["STORE_POOLER_UNSUITABLE", `The store ${store} was refused: ${because}.`, poolerFix];
  const limit = locked.get(code);
  if (limit !== undefined) {
    const fix = `Try again when the transaction that holds it up has ended, or ${limit}; nothing was written.`;
    return ["STORE_LOCKED", `Another connection holds up the store ${store}: ${because}.`, fix];
  }
  if (code === "53100") {
    return ["STORE_FULL", `No space is left for the store ${store}.`, "Free space; the store then goes on."];
  }
  if (code === "54000") {
    const fix = "Use a shorter id, tenant, category, type or key: an entry of an index takes about 2,700 bytes.";
    return ["STORE_FAILED", `A name is too long for the store ${store}: ${because}.`, fix];
  }
  return ["STORE_FAILED", `The store ${store} failed: ${because}.`, "See the cause; nothing was written."];
}

const poolerFix =
  "Let PgBouncer have pool_mode transaction or session, and list in its ignore_startup_parameters what the connections set, or do " +
  "not set it there.";

export const setUpFix = 'Run `await setUp({ pool })` of "nereus/postgres" once, or give the store `setUp: true`.';
