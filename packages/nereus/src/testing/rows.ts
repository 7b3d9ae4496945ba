import { assertPart, failed, shortly } from "./assertion.ts";
import { type Comparison, comparedInPart } from "./comparison.ts";
import { readable } from "./readable.ts";

/** How many identities a message lists. */
const shownIds = 5;

/** @throws AssertionError */
export function assertRow(projection: string, rows: ReadonlyMap<string, object>, id: string, expected: object): void {
  const row = rows.get(id);
  if (row !== undefined) {
    assertPart(`Row ${id} of ${projection}`, row, expected);
    return;
  }
  throw failed(`${projection} has no row ${shortly(id)}; ${idsOf([...rows.keys()])}`, undefined, readable(expected));
}

function idsOf(ids: readonly string[]): string {
  if (ids.length === 0) return "it has none at all";
  const more = ids.length > shownIds ? ` and ${ids.length - shownIds} more` : "";
  return `it has ${ids.slice(0, shownIds).map(shortly).join(", ")}${more}`;
}

/** @throws AssertionError */
export function assertNoRow(projection: string, rows: ReadonlyMap<string, object>, id: string): void {
  const row = rows.get(id);
  if (row !== undefined)
    throw failed(`${projection} has a row ${shortly(id)}\n  ${shortly(row)}`, readable(row), undefined);
}

/** @throws AssertionError */
export function assertRows(projection: string, actual: readonly object[], expected: readonly object[]): void {
  const lines = Array.from({ length: Math.max(actual.length, expected.length) }, (_, at) =>
    lineOf(actual[at], expected[at]),
  );
  if (lines.every(({ text }) => text === undefined)) return;
  const numbered = lines.map(({ text = "as expected" }, at) => `  ${at + 1}. ${text}`);
  const shown = (side: "actual" | "expected"): unknown[] => lines.flatMap((line) => line[side] ?? []);
  const message = `${projection} has other rows than expected\n${numbered.join("\n")}`;
  throw failed(message, shown("actual"), shown("expected"));
}

/** A row and what was expected in its place, as a diff shows them; no text where nothing differs. */
interface Line extends Partial<Omit<Comparison, "differences">> {
  readonly text: string | undefined;
}

function lineOf(actual: object | undefined, expected: object | undefined): Line {
  if (expected === undefined) return { text: `not expected: ${shortly(actual)}`, actual: readable(actual) };
  if (actual === undefined) return { text: `missing: ${shortly(expected)}`, expected: readable(expected) };
  const { differences, ...shown } = comparedInPart(actual, expected);
  const fields = differences.map(
    ({ path, actual: is, expected: wanted }) => `${path}: expected ${shortly(wanted)}, but it is ${shortly(is)}`,
  );
  return { text: fields.length === 0 ? undefined : fields.join("; "), ...shown };
}
