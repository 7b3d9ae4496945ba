import type { ExpectedVersion } from "../ports/store.ts";

/** Whether a stream or document at version `actual` (-1: there is none) is as its writer expects. */
export function holds(expected: ExpectedVersion, actual: number): boolean {
  if (expected === "any") return true;
  if (expected === "none") return actual === -1;
  if (expected === "exists") return actual !== -1;
  return actual === expected;
}

/**
 * Whether a stream has another message at the expected version than its writer knows.
 *
 * @param stored undefined where the stream is shorter, which its version tells
 */
export function hasDiverged(expectedId: string | undefined, stored: string | undefined): boolean {
  return expectedId !== undefined && stored !== undefined && stored !== expectedId;
}

/** The first version that a writer with this expectation has not seen, or undefined where it said nothing of versions. */
export function firstUnseen(expected: ExpectedVersion): number | undefined {
  if (expected === "none") return 0;
  return typeof expected === "number" ? expected + 1 : undefined;
}
