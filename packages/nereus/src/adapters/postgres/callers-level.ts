import { ConcurrencyError, NereusError } from "../../model/errors.ts";
import type { Commit } from "../../ports/store.ts";
import { codeOf, reasonOf } from "../server-answers.ts";
import { qualified } from "./identifiers.ts";
import { unprepared } from "./reads.ts";
import type { Session } from "./session.ts";
import { toStored } from "./stored-text.ts";
import type { TransactionSource } from "./transaction-reads.ts";

/** The level at which each statement sees all that was committed before it. */
const ownLevel = "read committed";

/**
 * Whether others have committed what a caller's transaction rests on. One with a snapshot of its own (REPEATABLE READ, SERIALIZABLE) does not see
 * what came after it, and meets that as a value that is there already.
 */
export function isConflict(error: unknown, level: string | undefined): boolean {
  const code = codeOf(error);
  return code === "40001" || code === "40P01" || (code === "23505" && level !== ownLevel);
}

/** Of a transaction that only its caller can begin anew. */
export function overtakenCaller(cause: unknown, store: string): NereusError {
  const what = `The transaction that a command of ${store} takes part in was overtaken by another one: ${reasonOf(cause)}`;
  return new ConcurrencyError("CONCURRENCY_CONFLICT", what, {
    element: store,
    fix: "Roll it back and repeat it as a whole, from its BEGIN on. With READ COMMITTED the store's own parts of it would not conflict.",
    cause,
  });
}

/**
 * What a commit rests on without writing it over: a snapshot of the caller's own must not be older than that. Notes are locked, which fails where
 * one was changed meanwhile; values that only one may have cannot be looked for at such a level.
 *
 * @throws NereusError TRANSACTION_LEVEL_UNSUITABLE
 */
export async function assertSeen(
  { name, schema }: TransactionSource,
  { tables, reads }: Session,
  { documents = [], notes = [] }: Commit,
  level: string | undefined,
): Promise<void> {
  if (level === ownLevel) return;
  const unique = documents.find(({ collection, data }) => data !== null && tables.get(collection).isUnique);
  if (unique !== undefined) throw levelUnsuitable(name, unique.collection, String(level));
  if (notes.length === 0) return;
  await reads.rows(unprepared(qualified("SELECT nereus_lock()::pg_catalog.text", schema)));
  const names = notes.map((note) => toStored(note.name));
  const locked =
    "SELECT revision FROM nereus_notes WHERE name OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[]) FOR SHARE";
  await reads.rows(unprepared(qualified(locked, schema), [names]));
}

function levelUnsuitable(store: string, collection: string, level: string): NereusError {
  const what = `A caller's transaction of the level ${level.toUpperCase()} cannot write ${collection} to ${store}: it does not see which unique values others have taken meanwhile`;
  const fix = "Begin the transaction with ISOLATION LEVEL READ COMMITTED.";
  return new NereusError("TRANSACTION_LEVEL_UNSUITABLE", what, { element: collection, fix });
}
