import type { AggregateRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { Conflict } from "../ports/store.ts";
import type { Tracked } from "./commit-of.ts";
import { fromDocument, replayOnto } from "./loading.ts";

export interface CarriedAggregate {
  readonly root: AggregateRoot;
  readonly verified: boolean;
}

/** Aggregates handed on from a refused attempt to the next one, so that it need not read them from their beginning. */
export interface Carried {
  readonly aggregates: ReadonlyMap<string, CarriedAggregate>;
  /** Whether the next attempt follows at once; after a wait rivals have moved on, and it asks for what is new. */
  readonly areCurrent: boolean;
}

/** One for all first attempts: nothing is ever put in. */
export const noneCarried: Map<string, CarriedAggregate> = new Map();

export const nothingCarried: Carried = { aggregates: noneCarried, areCurrent: true };

/**
 * A tracked aggregate for the next attempt; undefined if it has to be read again. One that the conflict was not about
 * may have moved on too: it counts as unverified.
 */
export function carriedFrom(
  { root, aggregate, id }: Tracked,
  conflict: Conflict | undefined,
): CarriedAggregate | undefined {
  const { name, eventSourced } = aggregate[definition];
  if (!eventSourced) {
    const isMet = conflict?.on === "document" && conflict.collection === name && conflict.id === id;
    if (!isMet || conflict.current === undefined) return undefined;
    return { root: fromDocument(aggregate, conflict.current), verified: true };
  }
  const isMet = conflict?.on === "stream" && conflict.stream.category === name && conflict.stream.id === id;
  if (isMet && hasDiverged(conflict)) return undefined;
  if (isMet) replayOnto(root, conflict.unseen);
  return { root, verified: isMet };
}

/** Whether the stream is not the one that was read, so that nothing can be replayed onto what was made of that. */
function hasDiverged({ diverged, expected, actual }: Extract<Conflict, { on: "stream" }>): boolean {
  return diverged === true || (typeof expected === "number" && actual < expected);
}
