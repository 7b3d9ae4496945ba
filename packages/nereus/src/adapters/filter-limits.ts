import { NereusError } from "../model/errors.ts";
import type { Filter } from "../ports/store.ts";

/** The most levels of `and`, `or` and `not` inside one another: well below where SQLite's parser ends. */
export const nestingLimit = 256;

/** The most conditions in one query, with what joins them. */
export const filterLimit = 10_000;

/**
 * Refuses a filter that is nested too deeply or has too many conditions, before anything walks it.
 *
 * @throws NereusError `OPTION_INVALID`
 */
export function refuseOversized(collection: string, where: readonly Filter[]): void {
  let filters = 0;
  // A list instead of recursion, so that the depth of what is refused does not matter.
  const left = where.map((filter) => ({ filter, level: 0 }));
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (++filters > filterLimit) throw tooMany(collection);
    if (next.level > nestingLimit) throw tooDeep(collection);
    for (const filter of partsOf(next.filter)) left.push({ filter, level: next.level + 1 });
  }
}

function partsOf(filter: Filter): readonly Filter[] {
  if ("field" in filter) return [];
  return filter.op === "not" ? [filter.of] : filter.of;
}

function tooDeep(collection: string): NereusError {
  return new NereusError(
    "OPTION_INVALID",
    `A filter of ${collection} is nested more than ${nestingLimit} levels deep.`,
    {
      element: collection,
      fix: "Put conditions that are joined alike into one list of and, or or.",
    },
  );
}

function tooMany(collection: string): NereusError {
  return new NereusError("OPTION_INVALID", `A filter of ${collection} has more than ${filterLimit} parts.`, {
    element: collection,
    fix: "Ask with the operator in, which takes a list of any length, or in several queries.",
  });
}
