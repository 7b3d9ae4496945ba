import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { Condition, DocumentQuery, Inner, Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { numbersTo, people, put } from "./samples.ts";

type Where = readonly Condition[];

async function found(store: Store, query: DocumentQuery): Promise<string> {
  const documents = await store.documents.find("people", "", query);
  return documents.map(({ id }) => id).join(" ");
}

/** Five people: e has no field at all, d has them all as null. */
async function fill(store: Store): Promise<void> {
  await put(store, "a", { name: "Ada", age: 36, height: 1.65, active: true, savings: "100", extra: { x: [1] } });
  await put(store, "b", { name: "Bob", age: 7, height: 1.2, active: false, savings: "9", extra: "text" });
  await put(store, "c", { name: "adam", age: 36, height: 2, active: true, savings: "-5", extra: 5 });
  await put(store, "d", { name: null, age: null, height: null, active: null, savings: null, extra: null });
  await put(store, "e", {});
}

/** Each row: conditions, and the ids that they find. */
const expectations: readonly (readonly [Where, string])[] = [
  [[{ field: "name", op: "eq", value: "Ada" }], "a"],
  [[{ field: "name", op: "eq", value: "ada" }], ""],
  [[{ field: "name", op: "ne", value: "Ada" }], "b c d e"],
  [[{ field: "name", op: "eq", value: null }], "d e"],
  [[{ field: "name", op: "ne", value: null }], "a b c"],
  [[{ field: "name", op: "lt", value: "B" }], "a"],
  [[{ field: "name", op: "gte", value: "Bob" }], "b c"],
  [[{ field: "name", op: "lt", value: null }], ""],
  [[{ field: "name", op: "gte", value: null }], ""],
  [[{ field: "name", op: "contains", value: "da" }], "a c"],
  [[{ field: "name", op: "contains", value: "D" }], ""],
  [[{ field: "name", op: "contains", value: "" }], "a b c"],
  [[{ field: "name", op: "contains", value: "%" }], ""],
  [[{ field: "name", op: "in", value: ["Bob", "adam", "x"] }], "b c"],
  [[{ field: "name", op: "in", value: ["Bob", null] }], "b"],
  [[{ field: "name", op: "in", value: [] }], ""],
  [[{ field: "age", op: "eq", value: 36 }], "a c"],
  [[{ field: "age", op: "lt", value: 36 }], "b"],
  [[{ field: "age", op: "lte", value: 36 }], "a b c"],
  [[{ field: "age", op: "gt", value: 6.5 }], "a b c"],
  [[{ field: "age", op: "ne", value: 36 }], "b d e"],
  [[{ field: "age", op: "in", value: [7, 8] }], "b"],
  [[{ field: "age", op: "contains", value: "3" }], ""],
  [[{ field: "height", op: "gt", value: 1.2 }], "a c"],
  [[{ field: "height", op: "eq", value: 1.65 }], "a"],
  [[{ field: "height", op: "in", value: [1.2, 2] }], "b c"],
  [[{ field: "active", op: "eq", value: true }], "a c"],
  [[{ field: "active", op: "ne", value: true }], "b d e"],
  [[{ field: "active", op: "lt", value: true }], "b"],
  [[{ field: "active", op: "in", value: [false] }], "b"],
  [[{ field: "savings", op: "eq", value: "9" }], "b"],
  [[{ field: "savings", op: "gt", value: "9" }], "a"],
  [[{ field: "savings", op: "lt", value: "10" }], "b c"],
  [[{ field: "savings", op: "ne", value: "9" }], "a c d e"],
  [[{ field: "savings", op: "eq", value: null }], "d e"],
  [[{ field: "savings", op: "in", value: ["100", "-5", "98765432109876543210"] }], "a c"],
  [[{ field: "extra", op: "eq", value: "text" }], "b"],
  [[{ field: "extra", op: "eq", value: 5 }], "c"],
  [[{ field: "extra", op: "eq", value: null }], "d e"],
  [
    [
      { field: "age", op: "gt", value: 10 },
      { field: "name", op: "contains", value: "m" },
    ],
    "c",
  ],
];

const nines = "9".repeat(400);

/** Values in their order. */
const exactOrders: readonly (readonly [string, readonly string[]])[] = [
  [
    "savings",
    [
      `-1${nines}`,
      `-${nines}`,
      "-9223372036854775809",
      "-9223372036854775808",
      "-9223372036854775807",
      "-10",
      "-9",
      "0",
      "9",
      "10",
      "9007199254740992",
      "9007199254740993",
      "9223372036854775807",
      "9223372036854775808",
      nines,
      `1${nines}`,
    ],
  ],
  [
    "balance",
    [
      `-${nines}.01`,
      "-100",
      "-9.99",
      "-0.10",
      "-0.09",
      "0.00",
      "0.001",
      "0.01",
      "9.99",
      "10.5",
      "100",
      `${nines}.01`,
      `${nines}.02`,
    ],
  ],
  [
    "born",
    [
      "-271821-04-20T00:00:00.000Z",
      "-000044-12-31T00:00:00.000Z",
      "-000043-03-15T00:00:00.000Z",
      "-000043-03-16T00:00:00.000Z",
      "0000-01-01T00:00:00.000Z",
      "2026-03-15T00:00:00.000Z",
      "9999-12-31T23:59:59.999Z",
      "+010000-01-01T00:00:00.000Z",
      "+275760-09-13T00:00:00.000Z",
    ],
  ],
];

/** Conditions, orders and pages of documents. */
export const queryCases: readonly ConformanceCase[] = [
  ...expectations.map(([where, ids]): ConformanceCase => {
    const text = where.map(({ field, op, value }) => `${field} ${op} ${JSON.stringify(value)}`).join(" and ");
    return {
      name: `documents where ${text}`,
      async run({ create }) {
        const store = await create([people]);
        await fill(store);
        assert.equal(await found(store, { where }), ids);
        assert.equal(await store.documents.count("people", "", where), ids === "" ? 0 : ids.split(" ").length);
      },
    };
  }),
  {
    name: "an order puts null first ascending and last descending, and leaves ties by id",
    async run({ create }) {
      const store = await create([people]);
      await fill(store);
      const by = (field: string, direction: "asc" | "desc"): DocumentQuery => ({ orderBy: [{ field, direction }] });
      assert.equal(await found(store, by("age", "asc")), "d e b a c");
      assert.equal(await found(store, by("age", "desc")), "a c b d e");
      assert.equal(await found(store, by("name", "asc")), "d e a b c");
      assert.equal(await found(store, by("savings", "asc")), "d e c b a");
      assert.equal(await found(store, by("active", "desc")), "a c b d e");
      const two: DocumentQuery = {
        orderBy: [
          { field: "age", direction: "desc" },
          { field: "height", direction: "desc" },
        ],
      };
      assert.equal(await found(store, two), "c a b d e");
      assert.equal(await found(store, {}), "a b c d e");
    },
  },
  {
    name: "texts are ordered and compared by code point, also beyond U+FFFF",
    async run({ create }) {
      const store = await create([people]);
      const names = ["", "A", "a", "é", "\ud7ff", "\ue000", "\uffee", "😀", "😀a", "😁"];
      for (const name of [...names].reverse()) await put(store, `id ${name}`, { name });
      const ordered = await store.documents.find("people", "", { orderBy: [{ field: "name", direction: "asc" }] });
      assert.deepEqual(
        ordered.map(({ data }) => JSON.parse(data).name),
        names,
      );
      const byId = await store.documents.find("people", "", {});
      assert.deepEqual(
        byId.map(({ id }) => id),
        names.map((name) => `id ${name}`),
      );
      for (const [at, value] of names.entries()) {
        assert.equal(await store.documents.count("people", "", [{ field: "name", op: "lt", value }]), at);
        assert.equal(await store.documents.count("people", "", [{ field: "name", op: "lte", value }]), at + 1);
      }
    },
  },
  {
    name: "numbers come before texts, booleans count as 0 and 1, objects as their JSON text",
    async run({ create }) {
      const store = await create([people]);
      const values = [null, -1.5, false, true, 2, 1e300, "", '["a"]', { b: 1 }, "~"];
      for (const [at, extra] of values.entries()) await put(store, `${at}`, { extra });
      const ids = numbersTo(values.length).join(" ");
      assert.equal(await found(store, { orderBy: [{ field: "extra", direction: "asc" }] }), ids);
      assert.equal(await found(store, { where: [{ field: "extra", op: "lt", value: "" }] }), "1 2 3 4 5");
      assert.equal(await found(store, { where: [{ field: "extra", op: "eq", value: 1 }] }), "3");
      assert.equal(await found(store, { where: [{ field: "extra", op: "contains", value: '"b":1' }] }), "8");
    },
  },
  {
    name: "a text contains another by code point: half of a surrogate pair is in none that has both",
    async run({ create }) {
      const store = await create([people]);
      for (const [id, name] of Object.entries({ a: "x🦀y", b: "x\ud83e", c: "\udd80y", d: "\udd80\ud83e" })) {
        await put(store, id, { name });
      }
      const containing = (value: string): Promise<string> =>
        found(store, { where: [{ field: "name", op: "contains", value }] });
      assert.equal(await containing("🦀"), "a");
      assert.equal(await containing("\ud83e"), "b d");
      assert.equal(await containing("\udd80"), "c d");
      assert.equal(await containing("x\ud83e"), "b");
      assert.equal(await containing("\udd80y"), "c");
    },
  },
  ...exactOrders.map(
    ([field, values]): ConformanceCase => ({
      name: `values of ${field} are ordered, compared and told apart exactly, at all edges`,
      async run({ create }) {
        const store = await create([people]);
        const ids = numbersTo(values.length).map((at) => String(at).padStart(2, "0"));
        for (const [at, value] of values.entries()) await put(store, ids[at] ?? "", { [field]: value });
        assert.equal(await found(store, { orderBy: [{ field, direction: "asc" }] }), ids.join(" "));
        assert.equal(await found(store, { orderBy: [{ field, direction: "desc" }] }), ids.toReversed().join(" "));
        for (const [at, value] of values.entries()) {
          const where = (op: "eq" | "ne" | "lt" | "lte" | "gt" | "gte") => [{ field, op, value }] as const;
          assert.equal(await found(store, { where: where("eq") }), ids[at]);
          assert.equal(await found(store, { where: [{ field, op: "in", value: [value] }] }), ids[at]);
          assert.equal(await store.documents.count("people", "", where("ne")), values.length - 1);
          assert.equal(await store.documents.count("people", "", where("lt")), at);
          assert.equal(await store.documents.count("people", "", where("lte")), at + 1);
          assert.equal(await store.documents.count("people", "", where("gt")), values.length - 1 - at);
          assert.equal(await store.documents.count("people", "", where("gte")), values.length - at);
        }
      },
    }),
  ),
  {
    name: "a decimal is the same number with any zeros around it",
    async run({ create }) {
      const store = await create([{ ...people, unique: [["balance"]] }]);
      await put(store, "a", { balance: "1.50" });
      for (const value of ["1.5", "1.500", "01.5"]) {
        assert.equal(await found(store, { where: [{ field: "balance", op: "eq", value }] }), "a");
        const write = { collection: "people", tenant: "", id: "b", expectedVersion: "any" } as const;
        const outcome = await store.commit({ documents: [{ ...write, data: JSON.stringify({ balance: value }) }] });
        assert.equal(outcome.status, "conflict");
      }
      await put(store, "b", { balance: "-1.5" });
    },
  },
  {
    name: "a field of texts that becomes one of dates is ordered by them, with the index that it has",
    async run({ create }) {
      const text = people.fields.map((one) => (one.name === "born" ? { ...one, type: "text" as const } : one));
      const store = await create([{ ...people, fields: text }]);
      const dates = exactOrders.find(([field]) => field === "born")?.[1] ?? [];
      for (const [at, born] of dates.entries()) await put(store, `${at}`, { born });
      await store.open([people]);
      const ids = numbersTo(dates.length).join(" ");
      assert.equal(await found(store, { orderBy: [{ field: "born", direction: "asc" }] }), ids);
    },
  },
  {
    name: "a text starts with another by code point",
    async run({ create }) {
      const store = await create([people]);
      for (const [id, name] of Object.entries({ a: "🦀y", b: "\ud83e", c: "y🦀", d: "%y", e: "y\0z", f: "" })) {
        await put(store, id, { name });
      }
      const starting = (value: string): Promise<string> =>
        found(store, { where: [{ field: "name", op: "startsWith", value }] });
      assert.equal(await starting("🦀"), "a");
      assert.equal(await starting("\ud83e"), "b");
      assert.equal(await starting("y"), "c e");
      assert.equal(await starting("y\0"), "e");
      assert.equal(await starting("%"), "d");
      assert.equal(await starting(""), "a b c d e f");
      assert.equal(await starting("x"), "");
    },
  },
  {
    name: "characters that a condition folds count as others, one for one",
    async run({ create }) {
      const store = await create([people]);
      const names = ["Ada", "ADA", "ada", "adà", "ÀDA", "A'D\0A", "𐐀da", null];
      for (const [at, name] of names.entries()) await put(store, `${at}`, { name });
      const fold = { from: "ADÀ𐐀'", to: "adàa-" };
      const where = async (condition: Condition): Promise<string> => found(store, { where: [condition] });
      assert.equal(await where({ field: "name", op: "eq", value: "ada", fold }), "0 1 2 6");
      assert.equal(await where({ field: "name", op: "ne", value: "ada", fold }), "3 4 5 7");
      assert.equal(await where({ field: "name", op: "in", value: ["ada", "àda", null], fold }), "0 1 2 4 6");
      assert.equal(await where({ field: "name", op: "startsWith", value: "a", fold }), "0 1 2 3 5 6");
      assert.equal(await where({ field: "name", op: "contains", value: "-d\0a", fold }), "5");
      assert.equal(await where({ field: "name", op: "eq", value: null, fold }), "7");
    },
  },
  {
    name: "a list has an item where one is that very value; what is no list has none",
    async run({ create }) {
      const store = await create([people]);
      const extras = [["1", 1, true], [1.0, "true"], [null, [1], { a: 1 }], { a: 1 }, "1", 1, true, [], null, ["\0🦀"]];
      for (const [at, extra] of extras.entries()) await put(store, `${at}`, { extra: { list: extra } });
      const having = (value: string | number | boolean): Promise<string> => {
        const within: Inner = { path: ["list"], type: "json" };
        return found(store, { where: [{ field: "extra", within, op: "has", value }] });
      };
      assert.equal(await having("1"), "0");
      assert.equal(await having(1), "0 1");
      assert.equal(await having(true), "0");
      assert.equal(await having("true"), "1");
      assert.equal(await having(false), "");
      assert.equal(await having("\0🦀"), "9");
      assert.equal(await found(store, { where: [{ field: "extra", op: "has", value: 1 }] }), "");
    },
  },
  {
    name: "limit and offset page through an order without hidden limits",
    async run({ create }) {
      const store = await create([people]);
      const documents = numbersTo(3000).map((at) => ({
        collection: "people",
        tenant: "",
        id: String(at).padStart(5, "0"),
        expectedVersion: "none" as const,
        data: JSON.stringify({ age: (at * 7) % 100 }),
      }));
      await store.commit({ documents });
      const orderBy = [{ field: "age", direction: "desc" }] as const;
      const all = await store.documents.find("people", "", { orderBy });
      assert.equal(all.length, 3000);
      const paged = [];
      for (let offset = 0; offset < 3100; offset += 700) {
        paged.push(...(await store.documents.find("people", "", { orderBy, offset, limit: 700 })));
      }
      assert.deepEqual(paged, all);
      assert.equal((await store.documents.find("people", "", { offset: 2995 })).length, 5);
      assert.equal((await store.documents.find("people", "", { limit: 0 })).length, 0);
    },
  },
  {
    name: "a condition or order on an unknown field is refused as UNKNOWN_FIELD",
    async run({ create }) {
      const store = await create([people]);
      const refused = (error: unknown): boolean => isNereusError(error, "UNKNOWN_FIELD");
      for (const field of ["nme", "Name", "id", "_id", "", "toString", "__proto__", 'name" --']) {
        const where = [{ field, op: "eq", value: 1 }] as const;
        await assert.rejects(store.documents.find("people", "", { where }), refused);
        await assert.rejects(store.documents.count("people", "", where), refused);
        await assert.rejects(store.documents.find("people", "", { orderBy: [{ field, direction: "asc" }] }), refused);
      }
    },
  },
];
