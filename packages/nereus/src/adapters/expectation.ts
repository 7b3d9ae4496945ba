import type { ExpectedVersion } from "../ports/store.ts";

/** Whether a stream or document at version `actual` (-1: there is none) is as its writer expects. */
export function holds(expected: ExpectedVersion, actual: number): boolean {
  if (expected === "any") return true;
  if (expected === "none") return actual === -1;
  if (expected === "exists") return actual !== -1;
  return actual === expected;
}

/** The first version that a writer with this expectation has not seen, or undefined where it said nothing of versions. */
export function firstUnseen(expected: ExpectedVersion): number | undefined {
  if (expected === "none") return 0;
  return typeof expected === "number" ? expected + 1 : undefined;
}
