import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { Condition, DocumentQuery, FieldType, Filter, Inner, Store, StoredScalar } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { numbersTo, people, put } from "./samples.ts";

async function found(store: Store, query: DocumentQuery): Promise<string> {
  const documents = await store.documents.find("people", "", query);
  return documents.map(({ id }) => id).join(" ");
}

const ada: Condition = { field: "name", op: "eq", value: "Ada" };
const young: Condition = { field: "age", op: "lt", value: 18 };
const old: Condition = { field: "age", op: "gte", value: 18 };

async function fill(store: Store): Promise<void> {
  await put(store, "a", { name: "Ada", age: 36 });
  await put(store, "b", { name: "Bob", age: 7 });
  await put(store, "c", { name: "Cy", age: null });
  await put(store, "d", {});
}

/** Each row: a sentence, filters, and the ids that they find. */
const expectations: readonly (readonly [string, readonly Filter[], string])[] = [
  ["or is either", [{ op: "or", of: [ada, young] }], "a b"],
  ["and is both", [{ op: "and", of: [ada, old] }], "a"],
  ["and within or", [{ op: "or", of: [{ op: "and", of: [ada, young] }, young] }], "b"],
  ["or within and, beside another filter", [{ op: "and", of: [{ op: "or", of: [ada, young] }] }, old], "a"],
  ["an empty and is true", [{ op: "and", of: [] }], "a b c d"],
  ["an empty or is false", [{ op: "or", of: [] }], ""],
  ["not of an empty and is false", [{ op: "not", of: { op: "and", of: [] } }], ""],
  ["not of an empty or is true", [{ op: "not", of: { op: "or", of: [] } }], "a b c d"],
  ["not of a comparison is true of null", [{ op: "not", of: young }], "a c d"],
  ["not of not is the same", [{ op: "not", of: { op: "not", of: young } }], "b"],
  ["not of either comparison is true of null", [{ op: "not", of: { op: "or", of: [young, old] } }], "c d"],
  ["not of both", [{ op: "not", of: { op: "and", of: [ada, young] } }], "a b c d"],
  ["a comparison or its opposite", [{ op: "or", of: [young, { op: "not", of: young }] }], "a b c d"],
  ["not of in is true of null", [{ op: "not", of: { field: "name", op: "in", value: ["Ada", null] } }], "b c d"],
  ["not of contains is true of null", [{ op: "not", of: { field: "name", op: "contains", value: "y" } }], "a b d"],
  ["not of a comparison with null", [{ op: "not", of: { field: "age", op: "lt", value: null } }], "a b c d"],
  ["not of eq null", [{ op: "not", of: { field: "age", op: "eq", value: null } }], "a b"],
];

/** A filter of so many levels that is true exactly where the condition is. */
function nested(levels: number, condition: Filter): Filter {
  let filter = condition;
  for (let level = 1; level < levels; level++) {
    if (level % 4 === 0) filter = { op: "not", of: { op: "or", of: [{ op: "not", of: filter }] } };
    else if (level % 4 === 1) filter = { op: "and", of: [{ op: "not", of: { op: "or", of: [] } }, filter, alwaysTrue] };
    else filter = { op: "or", of: [filter, { op: "and", of: [ada, young] }] };
  }
  return filter;
}

const alwaysTrue: Filter = { op: "or", of: [ada, young, { op: "and", of: [] }] };

/** Only nots and lists of one, each level within the other. */
function plainlyNested(levels: number, op: "and" | "or" | "not", condition: Filter): Filter {
  let filter = condition;
  for (let level = 0; level < levels; level++) filter = op === "not" ? { op, of: filter } : { op, of: [filter, ada] };
  return filter;
}

const hostileKeys: readonly string[] = [
  "a.b",
  'q"q',
  "q'q",
  "q\\q",
  "$",
  "$.x",
  "[0]",
  "#-1",
  "*",
  "",
  " ",
  "__proto__",
  "constructor",
  "length",
  "0",
  "é",
  "e\u0301",
  "🦀",
  "\ue000",
  "\n",
];

/** The same value, as text with its keys as they stand. */
function wrapped(path: readonly string[], value: unknown): unknown {
  return JSON.parse(path.reduceRight((inner, key) => `{${JSON.stringify(key)}:${inner}}`, JSON.stringify(value)));
}

/** Values of each type that stand in this order, null first. */
const ordered: readonly (readonly [FieldType, readonly StoredScalar[]])[] = [
  ["text", [null, "", "A", "a", "é", "\ue000", "😀"]],
  ["integer", [null, -5, 0, 1, 9, 10, 2 ** 53 - 1]],
  ["real", [null, -1.5, 0.1, 0.30000000000000004, 1, 1e300]],
  ["boolean", [null, false, true]],
  ["bigint", [null, "-12", "9", "10", "9007199254740992", "9007199254740993", "9223372036854775807"]],
  ["decimal", [null, "-1.50", "-0.05", "0.00", "0.5", "9.99", "50", "100", "100.01", "~"]],
  [
    "date",
    [
      null,
      "-000043-03-15T00:00:00.000Z",
      "0000-01-01T00:00:00.000Z",
      "2026-03-15T12:34:56.789Z",
      "+010000-01-01T00:00:00.000Z",
    ],
  ],
  ["json", [null, -1.5, true, 2, "", '["a"]', "~"]],
];

/** Filters made of filters, and what is within a field. */
export const nestedCases: readonly ConformanceCase[] = [
  ...expectations.map(
    ([sentence, where, ids]): ConformanceCase => ({
      name: `filters: ${sentence}`,
      async run({ create }) {
        const store = await create([people]);
        await fill(store);
        assert.equal(await found(store, { where }), ids);
        assert.equal(await store.documents.count("people", "", where), ids === "" ? 0 : ids.split(" ").length);
      },
    }),
  ),
  ...ordered.map(
    ([type, values]): ConformanceCase => ({
      name: `values within a field compare as ${type}`,
      async run({ create }) {
        const store = await create([people]);
        for (const [at, value] of values.entries()) await put(store, `${at}`, { extra: { in: { value } } });
        const at = { field: "extra", within: { path: ["in", "value"], type } } as const;
        const all = numbersTo(values.length).map(String);
        assert.equal(await found(store, { orderBy: [{ ...at, direction: "asc" }] }), all.join(" "));
        assert.equal(await found(store, { orderBy: [{ ...at, direction: "desc" }] }), all.toReversed().join(" "));
        for (const [place, value] of values.entries()) {
          const where = (op: "eq" | "ne" | "lt" | "gte") => [{ ...at, op, value }];
          assert.equal(await found(store, { where: where("eq") }), `${place}`);
          assert.equal(await found(store, { where: where("ne") }), all.filter((id) => id !== `${place}`).join(" "));
          if (value === null) continue;
          assert.equal(await found(store, { where: where("lt") }), all.slice(1, place).join(" "));
          assert.equal(await found(store, { where: where("gte") }), all.slice(place).join(" "));
          assert.equal(await found(store, { where: [{ ...at, op: "in", value: [value, null] }] }), `${place}`);
          const not: Filter = { op: "not", of: { ...at, op: "lt", value } };
          assert.equal(await store.documents.count("people", "", [not]), values.length - place + 1);
        }
      },
    }),
  ),
  {
    name: "what is within null, an absent field, a text, a number or an array is null",
    async run({ create }) {
      const store = await create([people]);
      const extras = [
        null,
        "text",
        '{"x":1}',
        5,
        true,
        [],
        [{ x: 1 }],
        { y: 1 },
        { x: null },
        { x: { x: 1 } },
        { x: 1 },
      ];
      for (const [at, extra] of extras.entries()) await put(store, String(at).padStart(2, "0"), { extra });
      await put(store, "none", {});
      const at = (...path: readonly string[]): { field: string; within: Inner } => ({
        field: "extra",
        within: { path, type: "integer" },
      });
      assert.equal(await found(store, { where: [{ ...at("x"), op: "ne", value: null }] }), "09 10");
      assert.equal(await store.documents.count("people", "", [{ ...at("x"), op: "eq", value: null }]), 10);
      for (const path of [
        ["0"],
        ["length"],
        ["0", "x"],
        ["x", "x", "x"],
        ["toString"],
        ["__proto__"],
        ["[0]"],
        ["#"],
      ]) {
        assert.equal(await found(store, { where: [{ ...at(...path), op: "ne", value: null }] }), "", path.join());
      }
      assert.equal(await found(store, { where: [{ ...at("x", "x"), op: "eq", value: 1 }] }), "09");
      assert.equal(await found(store, { where: [{ ...at(), op: "eq", value: 5 }] }), "03");
    },
  },
  {
    name: "keys within a field may be any text",
    async run({ create }) {
      const store = await create([people]);
      for (const key of hostileKeys) await put(store, `1 ${key}`, { extra: wrapped([key], "one") });
      for (const key of hostileKeys) await put(store, `2 ${key}`, { extra: wrapped([key, key], "two") });
      for (const key of hostileKeys) {
        const one = { field: "extra", within: { path: [key], type: "text" } } as const;
        const two = { field: "extra", within: { path: [key, key], type: "text" } } as const;
        assert.equal(await found(store, { where: [{ ...one, op: "eq", value: "one" }] }), `1 ${key}`);
        assert.equal(await found(store, { where: [{ ...two, op: "in", value: ["two"] }] }), `2 ${key}`);
        assert.equal(await found(store, { where: [{ ...two, op: "contains", value: "tw" }] }), `2 ${key}`);
        const [first] = await store.documents.find("people", "", {
          orderBy: [{ ...two, direction: "desc" }],
          limit: 1,
        });
        assert.equal(first?.id, `2 ${key}`);
      }
    },
  },
  {
    name: "an unknown field is refused wherever it stands in a filter, also with a path",
    async run({ create }) {
      const store = await create([people]);
      const refused = (error: unknown): boolean => isNereusError(error, "UNKNOWN_FIELD");
      const unknown: Condition = { field: "nme", op: "eq", value: 1 };
      const within: Inner = { path: ["x"], type: "text" };
      for (const filter of [
        { op: "not", of: unknown },
        { op: "or", of: [ada, { op: "and", of: [unknown] }] },
        { ...unknown, within },
      ] satisfies Filter[]) {
        await assert.rejects(store.documents.find("people", "", { where: [filter] }), refused);
        await assert.rejects(store.documents.count("people", "", [filter]), refused);
      }
      const orderBy = [{ field: "nme", within, direction: "asc" }] as const;
      await assert.rejects(store.documents.find("people", "", { orderBy }), refused);
    },
  },
  {
    name: "filters may be nested 200 levels deep, and have 2,000 branches",
    async run({ create }) {
      const store = await create([people]);
      await fill(store);
      assert.equal(await found(store, { where: [nested(100, young)] }), "b");
      assert.equal(await found(store, { where: [plainlyNested(200, "not", young)] }), "b");
      assert.equal(await found(store, { where: [plainlyNested(201, "not", young)] }), "a c d");
      assert.equal(await found(store, { where: [plainlyNested(256, "not", young)] }), "b");
      assert.equal(await found(store, { where: [plainlyNested(256, "or", young)] }), "a b");
      assert.equal(await found(store, { where: [plainlyNested(200, "and", { op: "or", of: [young, old] })] }), "a");
      const branches = numbersTo(2000).map((age): Filter => ({ field: "age", op: "eq", value: age + 7 }));
      assert.equal(await found(store, { where: [{ op: "or", of: branches }] }), "a b");
      assert.equal(await found(store, { where: [{ op: "not", of: { op: "or", of: branches } }] }), "c d");
      const nots = branches.slice(1).map((of): Filter => ({ op: "not", of }));
      assert.equal(await found(store, { where: [{ op: "and", of: nots }] }), "b c d");
      assert.equal(await found(store, { where: nots }), "b c d");
      const deepAndWide: Filter = { op: "and", of: [...nots, plainlyNested(200, "or", young)] };
      assert.equal(await found(store, { where: [deepAndWide] }), "b");
    },
  },
  {
    name: "a filter beyond what can be answered is refused as OPTION_INVALID, however large it is",
    async run({ create }) {
      const store = await create([people]);
      await fill(store);
      const refused = (error: unknown): boolean => isNereusError(error, "OPTION_INVALID");
      const branches = numbersTo(50_000).map((value): Filter => ({ field: "age", op: "eq", value }));
      for (const filter of [
        plainlyNested(100_000, "not", young),
        plainlyNested(100_000, "and", young),
        { op: "or", of: branches } as const,
      ]) {
        await assert.rejects(store.documents.find("people", "", { where: [filter] }), refused);
        await assert.rejects(store.documents.count("people", "", [filter]), refused);
      }
      const value = numbersTo(50_000);
      assert.equal(await found(store, { where: [{ field: "age", op: "in", value }] }), "a b");
    },
  },
];
