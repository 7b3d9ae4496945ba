import fc from "fast-check";
import { isNereusError } from "nereus";
import { describe, expect, test } from "vitest";
import { everyStore } from "../support/every-store.ts";
import {
  type Attempt,
  longest,
  megabytes,
  type Outcome,
  outcomesOn,
  startOn,
  storable,
  tooLong,
  unstorable,
} from "../support/hostile.ts";
import { Inline, Keep, lookFor, Search } from "../support/keepsakes.ts";

const table: (readonly [Attempt, Outcome])[] = [];
const kept = (attempt: Attempt): void => void table.push([attempt, "kept"]);
const refused = (code: string, attempt: Attempt): void => void table.push([attempt, code]);
const textOptions = ["idempotencyKey", "tenant", "correlationId", "causationId", "traceparent"] as const;

for (const [what, text] of Object.entries({ ...storable, ...unstorable, nothing: "" })) {
  kept({ name: `${what} as text, unique`, fields: { text, code: text } });
  kept({
    name: `${what} in JSON and a map, key and value`,
    fields: { any: { [text]: [text] }, map: new Map([[text, text]]) },
  });
  const inRecord = { name: `${what} in a record, key and value`, fields: { keyed: { ["a"]: "a", [text]: text } } };
  if (text === "__proto__") refused("VALIDATION_FAILED", inRecord);
  else kept(inRecord);
  kept({ name: `${what} in extensions`, options: { extensions: { [text]: text } } });
}
for (const [what, text] of Object.entries(storable)) {
  kept({ name: `${what} as ids`, fields: { id: text, parts: [text] } });
  for (const option of textOptions) kept({ name: `${what} as ${option}`, options: { [option]: text } });
}
for (const [what, text] of Object.entries({ ...unstorable, ...tooLong, nothing: "" })) {
  refused("VALIDATION_FAILED", { name: `${what} as id`, fields: { id: text } });
  refused("VALIDATION_FAILED", { name: `${what} as entity's id`, fields: { parts: [text] } });
  for (const option of textOptions) {
    const attempt = { name: `${what} as ${option}`, options: { [option]: text } };
    if (option === "tenant" && text === "") kept(attempt);
    else refused("OPTION_INVALID", attempt);
  }
}
for (const [what, text] of Object.entries(longest)) {
  kept({ name: `${what} as id, of the longest tenant`, fields: { id: text, code: text }, options: { tenant: text } });
  for (const option of textOptions) kept({ name: `${what} as ${option}`, options: { [option]: text } });
}
for (const number of [2 ** 53, 2 ** 53 + 2, -(2 ** 53) - 2, 1e21, 1.7976931348623157e308, 5e-324, 0.1 + 0.2]) {
  kept({ name: `the number ${number}`, fields: { number, any: { n: [number] } } });
}
for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
  refused("VALIDATION_FAILED", { name: `the number ${number}`, fields: { number } });
  refused("PAYLOAD_NOT_SERIALISABLE", { name: `the number ${number} in JSON`, fields: { any: { n: [number] } } });
}
for (const big of [2n ** 53n + 1n, 2n ** 63n, -(2n ** 63n) - 1n, 10n ** 400n, -(10n ** 20_000n)]) {
  kept({ name: `the bigint ${String(big).slice(0, 30)}`, fields: { big } });
}
refused("PAYLOAD_NOT_SERIALISABLE", { name: "a bigint in JSON", fields: { any: { n: 1n } } });
const reservedKeys = '{"__proto__":{"a":1},"constructor":{"prototype":2},"toString":3}';
kept({ name: "__proto__ and constructor in JSON", fields: { any: JSON.parse(reservedKeys) } });
kept({ name: "keys that are numbers, in JSON", fields: { any: { b: 1, 2: 2, 1: 1, "01": 3 } } });
kept({ name: "JSON nested 500 deep", fields: { any: JSON.parse("[".repeat(500) + "]".repeat(500)) } });
kept({ name: "every character to U+07FF", fields: { text: String.fromCharCode(...Array(0x800).keys()) } });
kept({ name: "10 MB of text", fields: { text: megabytes, code: megabytes } });
kept({ name: "10 MB as a key", fields: { any: { [megabytes]: 1 } } });

const attempts = table.map(([attempt]) => attempt);
const expected = Object.fromEntries(table.map(([{ name }, outcome]) => [name, outcome]));

describe.each(everyStore())("on $name", (kind) => {
  test.skipIf(kind.missing !== undefined)(
    "hostile texts, keys, ids, options and numbers are kept exactly or refused with a code, nothing written",
    async () => {
      const outcomes = await outcomesOn(kind, attempts);
      expect(Object.fromEntries(attempts.map(({ name }, at) => [name, outcomes[at]]))).toEqual(expected);
    },
    120_000,
  );

  test.skipIf(kind.missing !== undefined)(
    "conditions with hostile values find what has them, and nothing else",
    async () => {
      const domain = await startOn((await kind.open())());
      const texts: Readonly<Record<string, string>> = { ...storable, ...unstorable, ...longest, nothing: "" };
      for (const [id, text] of Object.entries(texts)) await domain.process(new Keep({ id, text }));
      const holders = (holds: (text: string) => boolean): string[] =>
        Object.keys(texts)
          .filter((id) => holds(texts[id] ?? ""))
          .sort();
      for (const text of Object.values(texts)) {
        for (const [condition, wanted] of [
          [text, holders((other) => other === text)],
          [{ in: [text, "no such text"] }, holders((other) => other === text)],
          [{ ne: text }, holders((other) => other !== text)],
          [{ contains: text }, holders((other) => has([...other], [...text]))],
        ] as const) {
          const shown = JSON.stringify(condition);
          expect(await domain.process(new Search({ where: { text: condition } })), shown).toEqual(wanted);
          const rows = await domain.view(Inline).find({ where: { text: condition } as never });
          expect(rows.map(({ id }) => id).sort(), shown).toEqual(wanted);
        }
        expect(await domain.process(new Search({ where: { id: text } }))).toEqual([]);
        if (text !== "") expect(await lookFor(domain, text)).toMatchObject({ stored: undefined, inline: undefined });
      }
    },
    180_000,
  );

  test.skipIf(kind.missing !== undefined)(
    "conditions with what is no number are refused, and -0 is 0",
    async () => {
      const domain = await startOn((await kind.open())());
      await domain.process(new Keep({ id: "1", number: -0, big: 10n ** 400n, any: { n: -0 } }));
      await domain.settle();
      const found = await lookFor(domain, "1");
      for (const part of [found.sourced, found.stored, found.event, found.inline, found.async]) {
        expect(part).toMatchObject({
          number: expect.toSatisfy((n) => n === 0),
          any: { n: expect.toSatisfy((n) => n === 0) },
        });
      }
      const search = (where: object): Promise<unknown> =>
        domain.process(new Search({ where })).catch((error: unknown) => isNereusError(error) && error.code);
      expect(await search({ number: -0 })).toEqual(["1"]);
      expect(await search({ number: 0 })).toEqual(["1"]);
      expect(await search({ big: 10n ** 400n })).toEqual(["1"]);
      expect(await search({ big: 10n ** 400n + 1n })).toEqual([]);
      for (const number of [Number.NaN, Number.POSITIVE_INFINITY, {}, 1n, [], "1; DROP TABLE x"]) {
        expect(await search({ number }), String(number)).toBe("OPTION_INVALID");
      }
      expect(await search({ number: Symbol("x") })).toBe("OPTION_INVALID");
    },
    180_000,
  );

  test.skipIf(kind.missing !== undefined)(
    "whatever the texts, numbers and JSON: kept exactly or refused with the same code",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(hostileAttempt, { minLength: 15, maxLength: 15 }), async (drawn) => {
          const own = drawn.map(({ fields, ...rest }, at) => ({
            ...rest,
            fields: { ...fields, id: `${at}${fields.id}` },
          }));
          expect(await outcomesOn(kind, own)).toEqual(own.map(predicted));
        }),
        { numRuns: 3, seed: 20_261_124, endOnFailure: true },
      );
    },
    180_000,
  );
});

/** By code point, so that half of a surrogate pair is no part of a text that has both. */
function has(all: readonly string[], part: readonly string[]): boolean {
  const starts = [...all.keys(), all.length];
  return starts.some((start) => part.every((character, at) => all[start + at] === character));
}

/** Any sequence of UTF-16 units, half of them such as stores stumble over. */
const hostileUnit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.constantFrom(
    ...[..."\0\u0001'\"\\\ud83e\udd80\ue000\uffff%_-:$"].flatMap((c) =>
      [...Array(c.length).keys()].map((at) => c.charCodeAt(at)),
    ),
  ),
);
const hostileText = fc.array(hostileUnit, { maxLength: 12 }).map((units) => String.fromCharCode(...units));
const hostileAttempt = fc.record({
  name: fc.constant("drawn"),
  fields: fc.record({
    id: hostileText,
    text: hostileText,
    number: fc.double().map((number) => number + 0),
    big: fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
    any: fc.jsonValue().map((value) => JSON.parse(JSON.stringify({ value }))),
    keyed: fc
      .array(fc.tuple(hostileText, hostileText), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries.filter(([key]) => key !== "__proto__"))),
  }),
});

function predicted({ fields }: Attempt): Outcome {
  const { id = "", number = 0 } = fields ?? {};
  return id.isWellFormed() && !id.includes("\0") && Number.isFinite(number) ? "kept" : "VALIDATION_FAILED";
}
