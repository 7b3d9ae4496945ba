import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { CollectionShape, DocumentWrite, ExpectedVersion, StoredDocument } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { committed, conflicted, numbersTo, people, put } from "./samples.ts";

function write(id: string, expectedVersion: ExpectedVersion, data: string | null): DocumentWrite {
  return { collection: "people", tenant: "", id, expectedVersion, data };
}

/** Writes of documents, and reads by id. */
export const documentCases: readonly ConformanceCase[] = [
  {
    name: "a document starts at version 0 and goes up by one with every write",
    async run({ create }) {
      const store = await create([people]);
      const current = async (): Promise<StoredDocument | undefined> =>
        (await store.documents.get("people", "", ["1"])).get("1");
      assert.equal(await current(), undefined);
      committed(await store.commit({ documents: [write("1", "none", '{"age":1}')] }));
      assert.deepEqual(await current(), { id: "1", version: 0, data: '{"age":1}' });
      committed(await store.commit({ documents: [write("1", 0, '{"age":2}')] }));
      committed(await store.commit({ documents: [write("1", "any", '{"age":3}')] }));
      committed(await store.commit({ documents: [write("1", "exists", '{"age":4}')] }));
      assert.deepEqual(await current(), { id: "1", version: 3, data: '{"age":4}' });
    },
  },
  {
    name: "a removed document is gone; one that is made again under its id goes on from its version, so that no writer takes it for the former",
    async run({ create }) {
      const store = await create([people, { ...people, name: "others" }]);
      const version = async (tenant = "", collection = "people"): Promise<number | undefined> =>
        (await store.documents.get(collection, tenant, ["1"])).get("1")?.version;
      await put(store, "1", { age: 1 });
      await put(store, "1", { age: 2 });
      committed(await store.commit({ documents: [write("1", 1, null)] }));
      assert.equal(await version(), undefined);
      assert.deepEqual(await store.documents.find("people", "", {}), []);
      assert.equal(await store.documents.count("people", "", []), 0);
      committed(await store.commit({ documents: [write("1", "any", null)] }));
      committed(await store.commit({ documents: [write("1", "none", "{}")] }));
      assert.equal(await version(), 2);
      conflicted(await store.commit({ documents: [write("1", 1, "{}")] }), "document");
      committed(await store.commit({ documents: [write("1", "exists", null), write("1", "any", '{"age":3}')] }));
      assert.equal(await version(), 3);
      committed(await store.commit({ documents: [{ ...write("1", "none", "{}"), tenant: "other" }] }));
      committed(await store.commit({ documents: [{ ...write("1", "none", "{}"), collection: "others" }] }));
      assert.deepEqual([await version("other"), await version("", "others")], [0, 0]);
    },
  },
  {
    name: "a removal that takes any version is forgotten",
    async run({ create }) {
      const store = await create([people]);
      await put(store, "1", { age: 1 });
      await put(store, "1", { age: 2 });
      committed(await store.commit({ documents: [write("1", "any", null)] }));
      committed(await store.commit({ documents: [write("1", "none", "{}")] }));
      assert.equal((await store.documents.get("people", "", ["1"])).get("1")?.version, 0);
    },
  },
  {
    name: "versions of removed documents are still known after a restart",
    requires: ["durable"],
    async run({ create, reopen }) {
      const store = await create([people]);
      await put(store, "1", { age: 1 });
      committed(await store.commit({ documents: [write("1", 0, null)] }));
      const again = await reopen(store, [people]);
      committed(await again.commit({ documents: [write("1", "none", "{}")] }));
      assert.equal((await again.documents.get("people", "", ["1"])).get("1")?.version, 1);
    },
  },
  {
    name: "an expected version that does not hold conflicts, with the document as it is",
    async run({ create }) {
      const store = await create([people]);
      await put(store, "1", { age: 1 });
      const current = { id: "1", version: 0, data: '{"age":1}' };
      for (const expected of ["none", 1, -1] as const) {
        for (const data of ["{}", null]) {
          const outcome = await store.commit({ documents: [write("1", expected, data)] });
          const conflict = conflicted(outcome, "document");
          assert.deepEqual(conflict, { on: "document", collection: "people", id: "1", expected, current });
        }
      }
      for (const expected of ["exists", 0] as const) {
        const outcome = await store.commit({ documents: [write("2", expected, "{}")] });
        assert.equal(conflicted(outcome, "document").current, undefined);
      }
      assert.deepEqual(await store.documents.find("people", "", {}), [current]);
    },
  },
  {
    name: "of 32 concurrent writers that expect the same version of a document one wins",
    async run({ create }) {
      const store = await create([people]);
      await put(store, "1", { age: 0 });
      const outcomes = await Promise.all(
        numbersTo(32).map((age) => store.commit({ documents: [write("1", 0, JSON.stringify({ age }))] })),
      );
      assert.equal(outcomes.filter(({ status }) => status === "committed").length, 1);
      assert.equal((await store.documents.get("people", "", ["1"])).get("1")?.version, 1);
    },
  },
  {
    name: "what is expected of a document is held against it before the commit; its writes go in order",
    async run({ create }) {
      const store = await create([people]);
      committed(await store.commit({ documents: [write("1", "none", '{"age":1}'), write("1", "any", '{"age":2}')] }));
      assert.deepEqual((await store.documents.get("people", "", ["1"])).get("1"), {
        id: "1",
        version: 1,
        data: '{"age":2}',
      });
      committed(await store.commit({ documents: [write("1", 1, null), write("1", "any", '{"age":3}')] }));
      assert.equal((await store.documents.get("people", "", ["1"])).get("1")?.version, 2);
    },
  },
  {
    name: "get finds those that are there, by id, however many are asked for",
    async run({ create }) {
      const store = await create([people]);
      const documents = numbersTo(3000).map((at) => write(`id-${at}`, "none", JSON.stringify({ age: at })));
      committed(await store.commit({ documents }));
      const ids = numbersTo(3010).map((at) => `id-${at}`);
      const found = await store.documents.get("people", "", [...ids, "id-1", "unknown"]);
      assert.equal(found.size, 3000);
      assert.equal(found.get("id-2999")?.data, '{"age":2999}');
      assert.equal((await store.documents.get("people", "", [])).size, 0);
      assert.equal((await store.documents.find("people", "", {})).length, 3000);
      assert.equal(await store.documents.count("people", "", []), 3000);
    },
  },
  {
    name: "collections are apart, whatever their names and their fields' names",
    async run({ create }) {
      const names = [
        "People",
        "PEOPLE",
        "messages",
        "sqlite_master",
        "nereus_messages",
        "select",
        'a"b',
        "a'b",
        "",
        "🦀",
        "a b",
      ];
      const fields = [
        "id",
        "data",
        "version",
        "tenant",
        "_id",
        "_data",
        "rowid",
        "Name",
        "name",
        'q"q',
        "q'q",
        "q\\q",
        "",
        "🦀",
        "a.b",
        "$",
        "[0]",
        "__proto__",
        "order",
      ];
      const shapes = names.map(
        (name): CollectionShape => ({
          name,
          fields: fields.map((field) => ({ name: field, type: "text", required: false })),
          indexes: [["Name", "name"], ['q"q'], [""], ["id"]],
          unique: [],
        }),
      );
      const store = await create(shapes);
      for (const [at, collection] of names.entries()) {
        const document = `{${fields.map((field, n) => `${JSON.stringify(field)}:"${at}-${n}"`).join(",")}}`;
        committed(
          await store.commit({
            documents: [{ collection, tenant: "", id: "1", expectedVersion: "none", data: document }],
          }),
        );
      }
      for (const [at, collection] of names.entries()) {
        for (const [n, field] of fields.entries()) {
          const hit = await store.documents.count(collection, "", [{ field, op: "eq", value: `${at}-${n}` }]);
          const miss = await store.documents.count(collection, "", [{ field, op: "eq", value: `${at}-${n + 1}` }]);
          assert.deepEqual([hit, miss], [1, 0], `field ${JSON.stringify(field)} of ${JSON.stringify(collection)}`);
        }
      }
    },
  },
  {
    name: "a collection that was not opened is refused",
    async run({ create }) {
      const store = await create();
      const refused = (error: unknown): boolean => isNereusError(error, "STORE_NOT_OPEN");
      await assert.rejects(store.documents.find("people", "", {}), refused);
      await assert.rejects(store.documents.get("people", "", ["1"]), refused);
      await assert.rejects(store.commit({ documents: [write("1", "any", "{}")] }), refused);
      await store.open([people]);
      assert.deepEqual(await store.documents.find("people", "", {}), []);
    },
  },
  {
    name: "a collection opened again with more fields and indexes has them for what is already stored",
    async run({ create }) {
      const narrow: CollectionShape = {
        name: "people",
        fields: [{ name: "name", type: "text", required: false }],
        indexes: [],
        unique: [],
      };
      const store = await create([narrow]);
      await put(store, "1", { name: "Ada", age: 36, savings: "12" });
      await assert.rejects(store.documents.count("people", "", [{ field: "age", op: "eq", value: 36 }]), (error) =>
        isNereusError(error, "UNKNOWN_FIELD"),
      );
      await store.open([people]);
      await store.open([people]);
      assert.equal(await store.documents.count("people", "", [{ field: "age", op: "eq", value: 36 }]), 1);
      assert.equal(await store.documents.count("people", "", [{ field: "savings", op: "gt", value: "9" }]), 1);
    },
  },
  {
    name: "a field whose type changed is compared by its new type",
    async run({ create }) {
      const shape = (type: "text" | "bigint"): CollectionShape => ({
        name: "people",
        fields: [{ name: "savings", type, required: false }],
        indexes: [["savings"]],
        unique: [],
      });
      const store = await create([shape("text")]);
      await put(store, "1", { savings: "9" });
      const atLeast10 = [{ field: "savings", op: "gte", value: "10" }] as const;
      assert.equal(await store.documents.count("people", "", atLeast10), 1);
      await store.open([shape("bigint")]);
      assert.equal(await store.documents.count("people", "", atLeast10), 0);
      await store.open([shape("text")]);
      assert.equal(await store.documents.count("people", "", atLeast10), 1);
    },
  },
];
