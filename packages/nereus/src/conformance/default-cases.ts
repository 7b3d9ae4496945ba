import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { CollectionShape, FieldShape, Filter, Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { conflicted, put } from "./samples.ts";

const name: FieldShape = { name: "name", type: "text", required: true };

function shapeOf(fields: readonly FieldShape[], more: Partial<CollectionShape> = {}): CollectionShape {
  return { name: "people", fields: [name, ...fields], indexes: [], unique: [], ...more };
}

function filled(field: string, type: FieldShape["type"], value: unknown): FieldShape {
  return { name: field, type, required: false, default: JSON.stringify(value) };
}

async function found(store: Store, ...where: Filter[]): Promise<string[]> {
  return (await store.documents.find("people", "", { where })).map(({ id }) => id);
}

/** What a document counts as in a field that it was stored without. */
export const defaultCases: readonly ConformanceCase[] = [
  {
    name: "a document stored before a field was added counts as one that holds its default; one that holds null does not",
    async run({ create }) {
      const store = await create([shapeOf([])]);
      await put(store, "1", { name: "Ada" });
      await put(store, "2", { name: "Bob", rank: 7 });
      await put(store, "3", { name: "Cy", rank: null });
      await store.open([shapeOf([filled("rank", "integer", 3)], { indexes: [["rank"]] })]);
      await put(store, "4", { name: "Di" });
      assert.deepEqual(await found(store, { field: "rank", op: "eq", value: 3 }), ["1", "4"]);
      assert.deepEqual(await found(store, { field: "rank", op: "gte", value: 3 }), ["1", "2", "4"]);
      assert.deepEqual(await found(store, { field: "rank", op: "eq", value: null }), ["3"]);
      assert.deepEqual(await found(store, { op: "not", of: { field: "rank", op: "in", value: [3] } }), ["2", "3"]);
      assert.equal(await store.documents.count("people", "", [{ field: "rank", op: "lt", value: 7 }]), 2);
      const order = await store.documents.find("people", "", { orderBy: [{ field: "rank", direction: "desc" }] });
      assert.deepEqual(
        order.map(({ id }) => id),
        ["2", "1", "4", "3"],
      );
    },
  },
  {
    name: "what is stored stays as it was stored, with its version, when a field with a default is added",
    async run({ create }) {
      const store = await create([shapeOf([])]);
      await put(store, "1", { name: "Ada" });
      await store.open([shapeOf([filled("rank", "integer", 3)])]);
      const document = (await store.documents.get("people", "", ["1"])).get("1");
      assert.deepEqual(document, { id: "1", version: 0, data: '{"name":"Ada"}' });
    },
  },
  {
    name: "defaults of every type count, also those that hold quotes, digits, nothing and objects",
    async run({ create }) {
      const store = await create([shapeOf([])]);
      await put(store, "1", { name: "Ada" });
      const hostile = `O'Neil "\\" \u0000 ?1 $1 %s`;
      await store.open([
        shapeOf([
          filled("text", "text", hostile),
          filled("empty", "text", ""),
          filled("real", "real", -0.5),
          filled("flag", "boolean", false),
          filled("big", "bigint", "123456789012345678901234567890"),
          filled("place", "json", { city: "Åbo", at: [1, 2] }),
          filled("it's", "text", "x"),
        ]),
      ]);
      const holds: Filter[] = [
        { field: "text", op: "eq", value: hostile },
        { field: "text", op: "contains", value: "O'N" },
        { field: "empty", op: "eq", value: "" },
        { field: "real", op: "lt", value: 0 },
        { field: "flag", op: "eq", value: false },
        { field: "big", op: "eq", value: "123456789012345678901234567890" },
        { field: "place", within: { path: ["city"], type: "text" }, op: "eq", value: "Åbo" },
        { field: "place", within: { path: ["town"], type: "text" }, op: "eq", value: null },
        { field: "it's", op: "in", value: ["x"] },
      ];
      for (const filter of holds) {
        assert.deepEqual(await found(store, filter), ["1"], JSON.stringify(filter));
        assert.deepEqual(await found(store, { op: "not", of: filter }), [], JSON.stringify(filter));
      }
    },
  },
  {
    name: "the default of the latest shape counts, and a field that is not declared any more keeps its own",
    async run({ create }) {
      const store = await create([shapeOf([filled("rank", "integer", 3)], { indexes: [["rank"]] })]);
      await put(store, "1", { name: "Ada" });
      await put(store, "2", { name: "Bob", rank: 3 });
      await store.open([shapeOf([filled("rank", "integer", 5)], { indexes: [["rank"]] })]);
      assert.deepEqual(await found(store, { field: "rank", op: "eq", value: 5 }), ["1"]);
      assert.deepEqual(await found(store, { field: "rank", op: "eq", value: 3 }), ["2"]);
      await store.open([shapeOf([])]);
      assert.deepEqual(await found(store, { field: "rank", op: "eq", value: 5 }), ["1"]);
      await store.open([shapeOf([{ name: "rank", type: "integer", required: false }])]);
      assert.deepEqual(await found(store, { field: "rank", op: "eq", value: null }), ["1"]);
    },
  },
  {
    name: "defaults are still there after a restart",
    requires: ["durable"],
    async run({ create, reopen }) {
      const shape = shapeOf([filled("rank", "integer", 3)]);
      const store = await create([shapeOf([])]);
      await put(store, "1", { name: "Ada" });
      await store.open([shape]);
      const again = await reopen(store, [shape]);
      assert.deepEqual(await found(again, { field: "rank", op: "eq", value: 3 }), ["1"]);
    },
  },
  {
    name: "a default is a value like any other for lists of unique fields, also when it changes",
    async run({ create }) {
      const unique = { unique: [["code"]] };
      const store = await create([shapeOf([filled("code", "text", "none")], unique)]);
      await put(store, "1", { name: "Ada" });
      const write = (id: string, document: object): Parameters<Store["commit"]>[0] => ({
        documents: [{ collection: "people", tenant: "", id, expectedVersion: "any", data: JSON.stringify(document) }],
      });
      assert.equal(conflicted(await store.commit(write("2", { name: "Bob" })), "unique").holder, "1");
      assert.equal(conflicted(await store.commit(write("2", { name: "Bob", code: "none" })), "unique").holder, "1");
      await put(store, "2", { name: "Bob", code: "other" });
      const refused = store.open([shapeOf([filled("code", "text", "other")], unique)]);
      await assert.rejects(refused, (error) => isNereusError(error, "STORE_MIGRATION_REFUSED"));
      await store.open([shapeOf([filled("code", "text", "third")], unique)]);
      assert.equal(conflicted(await store.commit(write("3", { name: "Cy", code: "third" })), "unique").holder, "1");
      await put(store, "3", { name: "Cy", code: "none" });
    },
  },
  {
    name: "a list of unique fields is refused where the documents would share a default",
    async run({ create }) {
      const store = await create([shapeOf([])]);
      await put(store, "1", { name: "Ada" });
      await put(store, "2", { name: "Bob" });
      const refused = store.open([shapeOf([filled("code", "text", "none")], { unique: [["code"]] })]);
      await assert.rejects(refused, (error) => isNereusError(error, "STORE_MIGRATION_REFUSED"));
      await store.open([shapeOf([filled("code", "text", "none")], { unique: [["code", "name"]] })]);
    },
  },
];
