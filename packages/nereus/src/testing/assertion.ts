import { AssertionError } from "node:assert";
import { inspect } from "node:util";
import { definition, type Element } from "../model/element.ts";
import { messageDefinition } from "../model/message.ts";
import { compared, comparedInPart, type Difference, missing } from "./comparison.ts";
import { misuse } from "./misuse.ts";
import { readable, shapeOf } from "./readable.ts";

/** A failed expectation, in the form of which Vitest, Jest and node:test show the differences. */
export function failed(message: string, actual: unknown, expected: unknown, cause?: unknown): AssertionError {
  // of its operators, Node adds a second diff to the message of "deepStrictEqual"
  const error = new AssertionError({ message, actual, expected, operator: "deepEqual" });
  Reflect.deleteProperty(error, "diff"); // Node's own setting, which Vitest would print as a diff
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** @throws AssertionError naming every place in which the values differ */
export function assertSame(what: string, actual: unknown, expected: unknown): void {
  const { differences, ...shown } = compared(actual, expected);
  if (differences.length === 0) return;
  throw failed(`${what} is not as expected\n${listed(differences)}`, shown.actual, shown.expected);
}

/** @throws AssertionError naming every expected field that differs */
export function assertPart(what: string, actual: object, expected: object): void {
  const { differences, ...shown } = comparedInPart(actual, expected);
  if (differences.length === 0) return;
  throw failed(`${what} is not as expected\n${listed(differences)}`, shown.actual, shown.expected);
}

/** @throws AssertionError naming, event by event, what differs */
export function assertEvents(
  actual: readonly object[],
  expected: readonly object[],
  what = "Other events than expected",
): void {
  assertMessages("event", actual, expected, what);
}

export function assertMessages(
  kind: "event" | "command",
  actual: readonly object[],
  expected: readonly object[],
  what: string,
): void {
  for (const one of expected) if (messageDefinition(one, kind) === undefined) throw misuse("then", one, `${kind}s`);
  const length = Math.max(actual.length, expected.length);
  const places = Array.from({ length }, (_, at) => placeOf(actual[at], expected[at]));
  if (places.every(({ isSame }) => isSame)) return;
  const lines = places.map(({ text }, at) => `  ${at + 1}. ${text}`);
  const shown = (side: "actual" | "expected"): object[] => places.flatMap((place) => place[side] ?? []);
  throw failed([what, ...lines].join("\n"), shown("actual"), shown("expected"));
}

/** What came in a place, and what was expected in it. */
interface Place {
  readonly isSame: boolean;
  readonly text: string;
  /** Both for a diff, in the same form. */
  readonly actual?: object;
  readonly expected?: object;
}

function placeOf(actual: object | undefined, expected: object | undefined): Place {
  if (expected === undefined) return unexpected(actual as object);
  const name = nameOf(expected);
  if (actual === undefined)
    return { isSame: false, text: `${name}: missing\n       ${shortly(expected)}`, expected: named(expected) };
  if (shapeOf(actual) !== shapeOf(expected)) {
    const text = `${name}: another one\n       expected: ${shortly(expected)}\n       actual:   ${shortly(actual)}`;
    return { isSame: false, text, actual: named(actual), expected: named(expected) };
  }
  const { differences, ...shown } = compared(actual, expected);
  const isSame = differences.length === 0;
  const text = isSame ? `${name}: as expected` : `${name}\n${listed(differences, "       ")}`;
  return { isSame, text, actual: { [name]: shown.actual }, expected: { [name]: shown.expected } };
}

function unexpected(actual: object): Place {
  return { isSame: false, text: `${nameOf(actual)}: not expected\n       ${shortly(actual)}`, actual: named(actual) };
}

function nameOf(message: object): string {
  return (message.constructor as unknown as Element)[definition].name;
}

/** A message by its name, as a diff shows it. */
function named(message: object): object {
  return { [nameOf(message)]: readable(message) };
}

/** One difference a line; two where the values are long. */
export function listed(differences: readonly Difference[], indent = "  "): string {
  return differences
    .map(({ path, actual, expected }) => {
      const [left, right] = [shortly(expected), shortly(actual)];
      const place = path === "" ? "" : `${path}: `;
      if (left.length + right.length <= 80 && !`${left}${right}`.includes("\n")) {
        return `${indent}${place}expected ${left}, but it is ${right}`;
      }
      const deep = (text: string): string => text.replaceAll("\n", `\n${indent}    `);
      return `${indent}${place}\n${indent}  expected: ${deep(left)}\n${indent}  actual:   ${deep(right)}`;
    })
    .join("\n");
}

/** A value for people. */
export function shortly(value: unknown): string {
  return value === missing ? "missing" : inspect(value, { depth: 6, breakLength: 100 });
}
