import assert from "node:assert/strict";
import { isNereusError, type NereusError } from "../model/errors.ts";
import type { CollectionShape, FieldShape, FieldType, Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { append, conflicted, messageOf, put } from "./samples.ts";

function shapeOf(fields: readonly FieldShape[], more: Partial<CollectionShape> = {}): CollectionShape {
  return { name: "people", fields, indexes: [], unique: [], ...more };
}

function field(name: string, type: FieldType = "text", required = false): FieldShape {
  return { name, type, required };
}

async function refusal(opening: Promise<void>): Promise<NereusError> {
  const error: unknown = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isNereusError(error, "STORE_MIGRATION_REFUSED")) throw new Error(`expected a refusal, but: ${String(error)}`);
  return error;
}

/** Values that fit a type, and values that do not. */
const fits: Readonly<Record<FieldType, readonly [fitting: readonly unknown[], other: readonly unknown[]]>> = {
  text: [
    ["", "5", "é"],
    [5, true, {}, []],
  ],
  integer: [
    [0, -5, 2 ** 53],
    [1.5, "5", true, {}],
  ],
  real: [
    [0, 1.5, -1e300],
    ["1.5", false, []],
  ],
  boolean: [
    [true, false],
    [0, 1, "true"],
  ],
  bigint: [
    ["0", "-5", "123456789012345678901234567890"],
    ["", "-", "1.5", "5n", "+5", " 5", "--5", "5-", "5\u0000", 5, true],
  ],
  decimal: [
    ["0", "-5", "1.50", "-0.00", "007", "123456789012345678901234567890.123456789012345678901234567890"],
    ["", "-", ".5", "5.", "1.5.0", "1e3", "+5", " 5", "--5", "5\u0000", "NaN", 5, 1.5, true],
  ],
  date: [
    ["2026-03-15T12:34:56.789Z", "+275760-09-13T00:00:00.000Z", "-000043-03-15T00:00:00.000Z"],
    ["", "2026-03-15", "2026-03-15T12:34:56Z", "2026-03-15T12:34:56.789+01:00", "12026-03-15T12:34:56.789Z", 5, true],
  ],
  json: [["", 5, true, {}, [1]], []],
};

const other: Readonly<Record<FieldType, FieldType>> = {
  text: "json",
  integer: "json",
  real: "json",
  boolean: "json",
  bigint: "json",
  decimal: "json",
  date: "json",
  json: "text",
};

/** A collection whose shape changes while it holds documents. */
export const migrationCases: readonly ConformanceCase[] = [
  {
    name: "new collections, optional fields, indexes and unique lists that hold are taken over, and fields may go",
    async run({ create }) {
      const store = await create([shapeOf([field("name"), field("gone")])]);
      await put(store, "1", { name: "Ada", gone: "x", age: 36 });
      await put(store, "2", { name: "Bob", gone: "x" });
      const wide = shapeOf([field("name", "text", true), field("age", "integer"), field("note")], {
        indexes: [["age"], ["name", "age"]],
        unique: [["name"], ["age"]],
      });
      await store.open([wide, { ...wide, name: "others" }]);
      await store.open([wide]);
      assert.equal(await store.documents.count("people", "", [{ field: "age", op: "eq", value: 36 }]), 1);
      await put(store, "1", { name: "Ada", age: 36 }, { collection: "others" });
      const write = {
        collection: "people",
        tenant: "",
        id: "3",
        expectedVersion: "any",
        data: '{"name":"Bob"}',
      } as const;
      assert.equal(conflicted(await store.commit({ documents: [write] }), "unique").holder, "2");
    },
  },
  ...Object.entries(fits).map(([key, [fitting, misfits]]): ConformanceCase => {
    const type = key as FieldType;
    return {
      name: `a field becomes ${type} where what is stored fits, and else is refused, saying how much does not`,
      async run({ create }) {
        const before = shapeOf([field("value", other[type]), field("same")], { indexes: [["value", "same"]] });
        const after = shapeOf([field("value", type), field("same")], { indexes: [["value", "same"]] });
        const good = await create([before]);
        for (const [at, value] of [...fitting, null].entries()) await put(good, `${at}`, { value, same: "s" });
        await put(good, "absent", {});
        await good.open([after]);
        assert.equal(
          await good.documents.count("people", "", [{ field: "same", op: "eq", value: "s" }]),
          fitting.length + 1,
        );
        if (misfits.length === 0) return;
        const bad = await create([before]);
        for (const [at, value] of [...fitting, null, ...misfits].entries()) {
          await put(bad, `${at}`, { value }, at % 2 === 0 ? {} : { tenant: "north" });
        }
        const error = await refusal(bad.open([after]));
        assert.equal(error.element, "people");
        assert.match(error.message, new RegExp(`\\b${misfits.length} documents? of people .*\\bvalue\\b`));
      },
    };
  }),
  {
    name: "a new required field, or one that becomes required, is refused while documents lack it",
    async run({ create }) {
      const store = await create([shapeOf([field("name")])]);
      await put(store, "1", { name: "Ada", age: 1 });
      await put(store, "2", { name: "Bob" });
      await put(store, "3", { age: null }, { tenant: "north" });
      const added = await refusal(store.open([shapeOf([field("name"), field("age", "integer", true)])]));
      assert.match(added.message, /\b1 document of people .*\bage\b/);
      const became = await refusal(store.open([shapeOf([field("name", "text", true)])]));
      assert.match(became.message, /\b1 document of people .*\bname\b/);
      await put(store, "2", { name: "Bob", age: 7 });
      await store.open([shapeOf([field("name"), field("age", "integer", true)])]);
    },
  },
  {
    name: "a required field that was left out of the shape for a while is looked at again",
    async run({ create }) {
      const store = await create([shapeOf([field("name", "text", true)])]);
      await store.open([shapeOf([])]);
      await put(store, "1", {});
      await refusal(store.open([shapeOf([field("name", "text", true)])]));
    },
  },
  {
    name: "a unique list that stored documents break is refused, saying how many do",
    async run({ create }) {
      const store = await create([shapeOf([field("name"), field("age", "integer")])]);
      for (const [id, name, age] of [
        ["1", "Ada", 1],
        ["2", "Ada", 1],
        ["3", "Ada", null],
        ["4", "Ada", null],
        ["5", "Bob", 2],
        ["6", "Bob", 2],
        ["7", "Bob", 2],
      ] as const) {
        await put(store, id, { name, age });
      }
      await put(store, "1", { name: "Cy", age: 3 }, { tenant: "north" });
      await put(store, "2", { name: "Bob", age: 2 }, { tenant: "north" });
      const unique = shapeOf([field("name"), field("age", "integer")], { unique: [["name", "age"]] });
      const error = await refusal(store.open([unique]));
      assert.match(error.message, /\b5 documents of people .*\bname, age\b/);
      for (const id of ["2", "6", "7"]) await put(store, id, { name: id, age: 1 });
      await store.open([unique]);
    },
  },
  {
    name: "all reasons of one open are in one error, and nothing of it is done",
    async run({ create }) {
      const others = shapeOf([field("name")], { name: "others" });
      const store = await create([shapeOf([field("name"), field("age")]), others]);
      await put(store, "1", { name: "Ada", age: "x" });
      await put(store, "1", {}, { collection: "others" });
      const wanted = [
        { ...others, name: "third" },
        shapeOf([field("name"), field("age", "integer"), field("email", "text", true), field("note")]),
        shapeOf([field("name", "text", true), field("note")], { name: "others" }),
      ];
      const error = await refusal(store.open(wanted));
      assert.equal(error.element, "people, others");
      for (const part of [/\bage\b/, /\bemail\b/, /1 document of others .*\bname\b/]) assert.match(error.message, part);
      await assertUnchanged(store);
      assert.equal((await refusal(store.open(wanted))).message, error.message);
      await put(store, "1", { name: "Ada", age: 1, email: "a" });
      await put(store, "1", { name: "Bob" }, { collection: "others" });
      await store.open(wanted);
    },
  },
  {
    name: "a store that was refused at a restart is not open, and opens with its former shapes",
    requires: ["durable"],
    async run({ create, reopen }) {
      const shape = shapeOf([field("name")]);
      const store = await create([shape]);
      await put(store, "1", { name: "Ada" });
      await append(store, "a", "none", messageOf());
      const wanted = shapeOf([field("name", "integer")]);
      await refusal(reopen(store, [wanted]).then(() => undefined));
      const again = await reopen(store, [shape]);
      assert.equal(await again.log.head(), 1);
      await again.close();
      await refusal(again.open([wanted]));
      await assert.rejects(again.log.head(), (error) => isNereusError(error, "STORE_NOT_OPEN"));
      await assert.rejects(again.commit({}), (error) => isNereusError(error, "STORE_NOT_OPEN"));
      await again.open([shape]);
      assert.equal(await again.log.head(), 1);
    },
  },
];

/** The fields are those from before, the new collection is not there, and commits go on. */
async function assertUnchanged(store: Store): Promise<void> {
  const unknown = (error: unknown): boolean => isNereusError(error, "UNKNOWN_FIELD");
  for (const name of ["note", "email"]) {
    await assert.rejects(store.documents.count("people", "", [{ field: name, op: "eq", value: 1 }]), unknown);
  }
  await assert.rejects(store.documents.count("third", "", []), (error) => isNereusError(error, "STORE_NOT_OPEN"));
  await put(store, "2", { age: "y" });
  assert.equal(await store.documents.count("people", "", [{ field: "age", op: "gte", value: "x" }]), 2);
  await store.commit({
    documents: [{ collection: "people", tenant: "", id: "2", expectedVersion: "any", data: null }],
  });
}
