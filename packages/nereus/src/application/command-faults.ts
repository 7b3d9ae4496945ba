import { ConcurrencyError, type NereusError } from "../model/errors.ts";
import type { Conflict } from "../ports/store.ts";

/** The aggregate that a command was for. */
export interface Attempted {
  readonly name: string;
  readonly id: string | undefined;
  readonly expectsVersion: boolean;
}

/** A `create` that finds the aggregate there already is a mistake or a repetition, not a race to win. */
export function refuseExisting(name: string, conflict: Conflict): void {
  const isStream = conflict.on === "stream" && conflict.expected === "none";
  const isDocument = conflict.on === "document" && conflict.expected === "none" && conflict.current !== undefined;
  if (!isStream && !isDocument) return;
  const category = conflict.on === "stream" ? conflict.stream.category : conflict.collection;
  const id = conflict.on === "stream" ? conflict.stream.id : conflict.id;
  if (isDocument && category !== name) return; // an inline projection's row: another command was faster
  throw new ConcurrencyError("AGGREGATE_EXISTS", `${category} ${id} exists already`, {
    element: category,
    fix: "Use another identity, or change the one that exists.",
  });
}

export function outOfRetries(what: Attempted, attempt: number, conflict: Conflict | undefined): NereusError {
  const { name, id, expectsVersion } = what;
  if (expectsVersion) {
    return new ConcurrencyError("EXPECTED_VERSION_MISMATCH", `${name} ${id ?? ""} changed meanwhile`, {
      element: name,
      fix: "Read it again, decide again, and give the version that you read.",
    });
  }
  const where = conflict === undefined ? "" : ` on ${describeConflict(conflict)}`;
  return new ConcurrencyError(
    "CONCURRENCY_CONFLICT",
    `${name} ${id ?? ""}: ${attempt + 1} attempts met conflicts${where}`,
    {
      element: name,
      fix: "Try again later; if it happens often, split the aggregate or raise the domain's retries.",
    },
  );
}

/** Which stream or document a conflict was about. */
export function metAt(conflict: Conflict): { readonly name: string; readonly id: string } | undefined {
  if (conflict.on === "stream") return { name: conflict.stream.category, id: conflict.stream.id };
  return conflict.on === "document" ? { name: conflict.collection, id: conflict.id } : undefined;
}

function describeConflict(conflict: Conflict): string {
  if (conflict.on === "stream") return `${conflict.stream.category} ${conflict.stream.id}`;
  return conflict.on === "document" ? `${conflict.collection} ${conflict.id}` : conflict.name;
}
