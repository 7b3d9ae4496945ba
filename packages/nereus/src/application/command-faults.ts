import { ConcurrencyError, NereusError } from "../model/errors.ts";
import type { Conflict } from "../ports/store.ts";

/**
 * A command that makes what exists already, or takes a value that only one may have, is a mistake or a repetition, not a
 * race to win.
 *
 * @throws ConcurrencyError AGGREGATE_EXISTS, NereusError UNIQUE_VIOLATED
 */
export function refuseExisting(conflict: Conflict): void {
  if (conflict.on === "unique") throw taken(conflict);
  if (conflict.on === "checkpoint" || conflict.on === "note" || conflict.expected !== "none") return;
  const name = conflict.on === "stream" ? conflict.stream.category : conflict.collection;
  const id = conflict.on === "stream" ? conflict.stream.id : conflict.id;
  throw new ConcurrencyError("AGGREGATE_EXISTS", `${name} ${id} exists already`, {
    element: name,
    fix: "Use another identity, or change the one that exists.",
  });
}

function taken({ collection, id, fields, holder }: Extract<Conflict, { on: "unique" }>): NereusError {
  const what = `${collection} ${id} has the same ${fields.join(" and ")} as ${holder}, and only one may have it`;
  return new NereusError("UNIQUE_VIOLATED", what, {
    element: collection,
    fix: "Use another value, or change the one that has it.",
  });
}

export function outOfRetries(
  name: string,
  id: string | undefined,
  attempt: number,
  conflict: Conflict | undefined,
): NereusError {
  const where = conflict === undefined ? "" : ` on ${describeConflict(conflict)}`;
  const who = id === undefined ? name : `${name} ${id}`;
  const what = `${who}: ${attempt + 1} attempts met conflicts${where}`;
  return new ConcurrencyError("CONCURRENCY_CONFLICT", what, {
    element: name,
    fix: "Try again later; if it happens often, split the aggregate or raise the domain's retries.",
  });
}

/** Which stream or document a conflict was about. */
export function metAt(conflict: Conflict): { readonly name: string; readonly id: string } | undefined {
  if (conflict.on === "stream") return { name: conflict.stream.category, id: conflict.stream.id };
  return "collection" in conflict ? { name: conflict.collection, id: conflict.id } : undefined;
}

function describeConflict(conflict: Conflict): string {
  if (conflict.on === "stream") return `${conflict.stream.category} ${conflict.stream.id}`;
  return "collection" in conflict ? `${conflict.collection} ${conflict.id}` : conflict.name;
}
