import { assertPart, failed, shortly } from "./assertion.ts";
import { differencesOf, partialDifferences } from "./comparison.ts";

/** How many identities a message lists. */
const shownIds = 5;

/** @throws AssertionError */
export function assertRow(projection: string, rows: ReadonlyMap<string, object>, id: string, expected: object): void {
  const row = rows.get(id);
  if (row !== undefined) {
    assertPart(`Row ${id} of ${projection}`, row, expected);
    return;
  }
  throw failed(`${projection} has no row ${shortly(id)}; ${idsOf([...rows.keys()])}`, undefined, { ...expected });
}

function idsOf(ids: readonly string[]): string {
  if (ids.length === 0) return "it has none at all";
  const more = ids.length > shownIds ? ` and ${ids.length - shownIds} more` : "";
  return `it has ${ids.slice(0, shownIds).map(shortly).join(", ")}${more}`;
}

/** @throws AssertionError */
export function assertNoRow(projection: string, rows: ReadonlyMap<string, object>, id: string): void {
  const row = rows.get(id);
  if (row !== undefined) throw failed(`${projection} has a row ${shortly(id)}\n  ${shortly(row)}`, row, undefined);
}

/** @throws AssertionError */
export function assertRows(projection: string, actual: readonly object[], expected: readonly object[]): void {
  const lines = Array.from({ length: Math.max(actual.length, expected.length) }, (_, at) =>
    lineOf(actual[at], expected[at]),
  );
  if (lines.every((line) => line === undefined)) return;
  const numbered = lines.map((line, at) => `  ${at + 1}. ${line ?? "as expected"}`);
  const parts = actual.map((row, at) => partLike(row, expected[at]));
  throw failed(`${projection} has other rows than expected\n${numbered.join("\n")}`, parts, [...expected]);
}

function lineOf(actual: object | undefined, expected: object | undefined): string | undefined {
  if (expected === undefined) return `not expected: ${shortly(actual)}`;
  if (actual === undefined) return `missing: ${shortly(expected)}`;
  const differences = partialDifferences(actual, expected);
  if (differences.length === 0) return undefined;
  const fields = differences.map(
    ({ path, actual: is, expected: wanted }) => `${path}: expected ${shortly(wanted)}, but it is ${shortly(is)}`,
  );
  return fields.join("; ");
}

/** The fields of a row that are expected; where nothing differs, in the words of the expectation. */
function partLike(row: object, expected: object | undefined): object {
  if (expected === undefined) return { ...row };
  const source = row as Record<string, unknown>;
  const entries = Object.entries(expected).map(([key, value]) => [
    key,
    differencesOf(source[key], value).length === 0 ? value : source[key],
  ]);
  return Object.fromEntries(entries);
}
