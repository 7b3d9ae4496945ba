import { AssertionError } from "node:assert";
import { inspect } from "node:util";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { messageDefinition } from "../model/message.ts";
import { type Difference, differencesOf, missing, partialDifferences, shapeOf } from "./comparison.ts";
import { misuse } from "./misuse.ts";

/** A failed expectation, in the form of which Vitest, Jest and node:test show the differences. */
export function failed(message: string, actual: unknown, expected: unknown, cause?: unknown): AssertionError {
  const error = new AssertionError({ message, actual, expected, operator: "deepStrictEqual" });
  if (cause !== undefined) error.cause = cause;
  return error;
}

/** @throws AssertionError naming every place in which the values differ */
export function assertSame(what: string, actual: unknown, expected: unknown): void {
  const differences = differencesOf(actual, expected);
  if (differences.length > 0) throw failed(`${what} is not as expected\n${listed(differences)}`, actual, expected);
}

/** @throws AssertionError naming every expected field that differs */
export function assertPart(what: string, actual: object, expected: object): void {
  const differences = partialDifferences(actual, expected);
  if (differences.length === 0) return;
  const shown = partOf(actual, expected, differences);
  throw failed(`${what} is not as expected\n${listed(differences)}`, shown, { ...expected });
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
  const places = Array.from({ length: Math.max(actual.length, expected.length) }, (_, at) =>
    compare(actual[at], expected[at]),
  );
  if (places.every(({ lines }) => lines === undefined)) return;
  const lines = places.map(
    ({ name, lines: own }, at) => `  ${at + 1}. ${name}${own === undefined ? ": as expected" : own}`,
  );
  const shown = places.flatMap(({ shown: one }) => (one === undefined ? [] : [one]));
  throw failed(`${what}\n${lines.join("\n")}`, shown, expected.map(readable));
}

interface Place {
  readonly name: string;
  /** What differs; undefined if nothing does. */
  readonly lines: string | undefined;
  /** The actual message for a diff, where it is the same as expected in the expected one's form. */
  readonly shown: object | undefined;
}

function compare(actual: object | undefined, expected: object | undefined): Place {
  if (expected === undefined)
    return {
      name: nameOf(actual),
      lines: `: not expected\n       ${shortly(actual)}`,
      shown: readable(actual as object),
    };
  if (actual === undefined)
    return { name: nameOf(expected), lines: `: missing\n       ${shortly(expected)}`, shown: undefined };
  if (shapeOf(actual) !== shapeOf(expected)) {
    const lines = `: another one\n       expected: ${shortly(expected)}\n       actual:   ${shortly(actual)}`;
    return { name: nameOf(expected), lines, shown: readable(actual) };
  }
  const differences = differencesOf(actual, expected);
  if (differences.length === 0) return { name: nameOf(expected), lines: undefined, shown: readable(expected) };
  return {
    name: nameOf(expected),
    lines: `\n${listed(differences, "       ")}`,
    shown: { ...readable(expected), ...partOf(actual, { ...expected }, differences) },
  };
}

function nameOf(message: object): string {
  return (message.constructor as unknown as AggregateClass)[definition].name;
}

/** An event as a plain object that a diff shows well. */
function readable(message: object): object {
  return {
    [`${messageDefinition(message, "command") === undefined ? "event" : "command"}`]: nameOf(message),
    ...message,
  };
}

/** Of the actual value, what was expected; where nothing differs, in the words of the expectation. */
function partOf(actual: object, expected: object, differences: readonly Difference[]): Record<string, unknown> {
  const differing = new Set(differences.map(({ path }) => path.split(/[.[{]/, 1)[0]));
  const source = actual as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => [key, differing.has(key) ? source[key] : value]),
  );
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
