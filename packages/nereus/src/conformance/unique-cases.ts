import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { CollectionShape, Commit, DocumentWrite, Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { append, appendOf, committed, conflicted, messageOf, numbersTo, people, put, wholeLog } from "./samples.ts";

/** Members have an email of their own, and a number of their own in each club. */
export const members: CollectionShape = {
  name: "members",
  fields: [
    { name: "email", type: "text", required: false },
    { name: "club", type: "text", required: false },
    { name: "number", type: "bigint", required: false },
    { name: "extra", type: "json", required: false },
  ],
  indexes: [["club"]],
  unique: [["email"], ["club", "number"], ["extra"]],
};

function write(id: string, data: unknown, more: Partial<DocumentWrite> = {}): DocumentWrite {
  const text = data === null ? null : JSON.stringify(data);
  return { collection: "members", tenant: "", id, expectedVersion: "any", data: text, ...more };
}

async function commit(store: Store, ...documents: readonly DocumentWrite[]): Promise<void> {
  committed(await store.commit({ documents }));
}

/** Expects a refusal, and answers it in short: who was to be written, for which fields, and who holds the values. */
async function refused(store: Store, ...documents: readonly DocumentWrite[]): Promise<string> {
  const { collection, id, fields, holder } = conflicted(await store.commit({ documents }), "unique");
  assert.equal(collection, "members");
  return `${id}: ${fields.join("+")} of ${holder}`;
}

async function contents(store: Store, tenant = ""): Promise<Record<string, unknown>> {
  const documents = await store.documents.find("members", tenant, {});
  return Object.fromEntries(documents.map(({ id, version, data }) => [`${id} v${version}`, JSON.parse(data)]));
}

/** Texts that look alike to a careless comparison, in groups of which no two are equal. */
const distinct: readonly unknown[] = [
  "a",
  "A",
  "a ",
  "é",
  "e\u0301",
  "",
  "null",
  "0",
  0,
  1,
  "1",
  "01",
  "1.0",
  0.1,
  "true",
  "a'b",
  'a"b',
  "a\\b",
  "__proto__",
  "🦀",
  "\uffff",
  "x".repeat(1_000_000),
  `${"x".repeat(999_999)}y`,
  [],
  {},
  [1],
  { a: 1 },
];

const bigNumbers = ["9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808"];
const hugeNumbers = ["123456789012345678901234567890", "123456789012345678901234567891", "-1", "1"];

/** Values that only one document of a tenant may have. */
export const uniqueCases: readonly ConformanceCase[] = [
  {
    name: "values that another document has are refused, with its id; the same document may keep them",
    async run({ create }) {
      const store = await create([members]);
      await commit(store, write("1", { email: "a", club: "x", number: "1" }));
      await commit(store, write("1", { email: "a", club: "x", number: "1" }));
      assert.equal(await refused(store, write("2", { email: "a" })), "2: email of 1");
      assert.equal(await refused(store, write("2", { club: "x", number: "1" })), "2: club+number of 1");
      await commit(store, write("2", { email: "b", club: "y", number: "1" }), write("3", { club: "x", number: "2" }));
      assert.equal(await refused(store, write("3", { email: "b" })), "3: email of 2");
      assert.equal((await store.documents.get("members", "", ["3"])).get("3")?.version, 0);
    },
  },
  {
    name: "where one of the values is null or absent, any number of documents may have the rest",
    async run({ create }) {
      const store = await create([members]);
      const rest = [
        {},
        {},
        { email: null },
        { club: "x" },
        { club: "x", number: null },
        { number: "1" },
        { number: "1" },
      ];
      await commit(store, ...rest.map((data, at) => write(`${at}`, data)));
      for (const [at, data] of rest.entries()) await commit(store, write(`${at} again`, data));
      assert.equal(await store.documents.count("members", "", []), rest.length * 2);
    },
  },
  {
    name: "each tenant has values of its own",
    async run({ create }) {
      const store = await create([members]);
      for (const tenant of ["", "north", "south"]) await commit(store, write("1", { email: "a" }, { tenant }));
      const outcome = await store.commit({ documents: [write("2", { email: "a" }, { tenant: "south" })] });
      assert.equal(conflicted(outcome, "unique").holder, "1");
      await commit(store, write("2", { email: "a" }, { tenant: "west" }));
    },
  },
  {
    name: "two documents may exchange their values in one commit, and more may pass them round",
    async run({ create }) {
      const store = await create([members]);
      await commit(store, write("1", { email: "a" }), write("2", { email: "b" }), write("3", { email: "c" }));
      await commit(store, write("1", { email: "b" }), write("2", { email: "a" }));
      await commit(store, write("3", { email: "b" }), write("1", { email: "a" }), write("2", { email: "c" }));
      assert.deepEqual(await contents(store), {
        "1 v2": { email: "a" },
        "2 v2": { email: "c" },
        "3 v1": { email: "b" },
      });
      assert.equal(await refused(store, write("4", { email: "c" })), "4: email of 2");
      await commit(store, write("4", { email: "d" }));
    },
  },
  {
    name: "a removed document gives its values up, to another of the same commit and to later ones",
    async run({ create }) {
      const store = await create([members]);
      await commit(store, write("1", { email: "a" }), write("2", { email: "b" }));
      await commit(store, write("3", { email: "a" }), write("1", null));
      await commit(store, write("2", null), write("4", { email: "b" }));
      await commit(store, write("3", null));
      await commit(store, write("5", { email: "a" }));
      assert.deepEqual(await contents(store), { "4 v0": { email: "b" }, "5 v0": { email: "a" } });
    },
  },
  {
    name: "two documents of one commit with the same values are refused, unless only one has them in the end",
    async run({ create }) {
      const store = await create([members]);
      assert.equal(await refused(store, write("1", { email: "a" }), write("2", { email: "a" })), "2: email of 1");
      await commit(store, write("1", { email: "a" }), write("2", { email: "a" }), write("1", { email: "b" }));
      await commit(store, write("3", { email: "b" }), write("1", null), write("1", { email: "c" }));
      assert.deepEqual(await contents(store), {
        "1 v0": { email: "c" },
        "2 v0": { email: "a" },
        "3 v0": { email: "b" },
      });
      assert.equal(
        await refused(store, write("9", { email: "z" }), write("8", { email: "a" }), write("9", { email: "a" })),
        "8: email of 2",
      );
      assert.equal((await store.documents.get("members", "", ["8", "9"])).size, 0);
    },
  },
  {
    name: "values differ as they do in JSON: texts by every character, whole numbers by every digit",
    async run({ create }) {
      const store = await create([members]);
      await commit(store, ...distinct.map((extra, at) => write(`extra ${at}`, { extra })));
      const numbers = [...bigNumbers, ...hugeNumbers];
      await commit(store, ...numbers.map((number) => write(number, { club: "x", number })));
      for (const [at, extra] of distinct.entries()) {
        assert.equal(await refused(store, write("new", { extra })), `new: extra of extra ${at}`);
      }
      for (const number of numbers) {
        assert.equal(await refused(store, write("new", { number, club: "x" })), `new: club+number of ${number}`);
      }
      assert.equal(await refused(store, write("new", { extra: true })), `new: extra of extra ${distinct.indexOf(1)}`);
    },
  },
  {
    name: "fields of any name can be unique",
    async run({ create }) {
      const names = ["a.b", 'q"q', "q'q", "q\\q", "$", "[0]", "#", "", "🦀", "__proto__", "name", "Name", "_id"];
      const shape: CollectionShape = {
        name: "members",
        fields: names.map((name) => ({ name, type: "text", required: false })),
        indexes: [],
        unique: [...names.map((name) => [name]), ["a.b", "name"]],
      };
      const store = await create([shape]);
      const data = (name: string): unknown => JSON.parse(`{${JSON.stringify(name)}:"v"}`);
      for (const [at, name] of names.entries()) await commit(store, write(`${at}`, data(name)));
      for (const [at, name] of names.entries()) {
        assert.equal(await refused(store, write("new", data(name))), `new: ${name} of ${at}`);
      }
    },
  },
  {
    name: "a conflict on unique values leaves nothing of its commit",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([members, people]);
      await append(store, "a", "none", messageOf());
      await commit(store, write("1", { email: "a" }), write("2", { email: "b" }), write("3", { email: "c" }));
      const before = await contents(store);
      const outcome = await store.commit({
        appends: [appendOf("b", "none", messageOf("Never")), appendOf("a", 0, messageOf())],
        documents: [
          write("1", { email: "b" }),
          write("2", { email: "a" }),
          write("3", null),
          { ...write("p", {}), collection: "people" },
          write("4", { email: "c" }),
          write("5", { email: "c" }),
        ],
        outbox: [{ id: "o", destination: "d", data: "{}" }],
        checkpoint: { name: "c", expected: 0, position: 1 },
        idempotency: { tenant: "", key: "k", fingerprint: "f", result: null },
      });
      assert.deepEqual(conflicted(outcome, "unique"), {
        on: "unique",
        collection: "members",
        id: "5",
        fields: ["email"],
        holder: "4",
      });
      assert.deepEqual(await contents(store), before);
      assert.equal(await store.documents.count("people", "", []), 0);
      assert.equal((await wholeLog(store)).length, 1);
      assert.deepEqual(await store.records.outbox(0, 10), []);
      assert.equal(await store.records.checkpoint("c"), 0);
      assert.equal(await store.records.idempotency("", "k"), undefined);
      await append(store, "b", "none", messageOf("Never"));
    },
  },
  {
    name: "a fault in a commit that exchanges values leaves everything as it was",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([members]);
      const taken = messageOf();
      await append(store, "a", "none", taken);
      await commit(store, write("1", { email: "a" }), write("2", { email: "b" }));
      const before = await contents(store);
      const swap = [write("1", { email: "b" }), write("2", { email: "a" })];
      const reused = store.commit({ appends: [appendOf("b", "any", messageOf(), taken)], documents: swap });
      const unknown = store.commit({ documents: [...swap, { ...write("1", {}), collection: "unknown" }] });
      const [first, second] = await Promise.allSettled([reused, unknown]);
      assert.ok(first.status === "rejected" && isNereusError(first.reason, "EVENT_ID_REUSED"));
      assert.ok(second.status === "rejected" && isNereusError(second.reason, "STORE_NOT_OPEN"));
      assert.deepEqual(await contents(store), before);
      await commit(store, ...swap);
    },
  },
  {
    name: "other conflicts come before unique values, and a taken idempotency key before all",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([members]);
      await append(store, "a", "none", messageOf());
      const idempotency = { tenant: "", key: "k", fingerprint: "f", result: null };
      committed(await store.commit({ documents: [write("1", { email: "a" })], idempotency }));
      const documents = [write("2", { email: "a" })];
      const attempt = (more: Commit) => store.commit({ documents, ...more });
      conflicted(await attempt({ appends: [appendOf("a", "none", messageOf())] }), "stream");
      conflicted(await attempt({ documents: [...documents, write("1", {}, { expectedVersion: 7 })] }), "document");
      conflicted(await attempt({ checkpoint: { name: "c", expected: 3, position: 4 } }), "checkpoint");
      assert.equal((await attempt({ idempotency })).status, "duplicate");
      conflicted(await attempt({}), "unique");
    },
  },
  {
    name: "a repeated commit gets its first result, also where its values are another document's by now",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([members]);
      const first: Commit = {
        appends: [appendOf("a", "any", messageOf(), messageOf())],
        documents: [write("1", { email: "a" })],
      };
      const position = committed(await store.commit(first));
      await commit(store, write("1", { email: "b" }), write("2", { email: "a" }));
      await append(store, "b", "none", messageOf());
      const before = await contents(store);
      assert.equal(committed(await store.commit(first)), position);
      const [again, other] = await Promise.all([store.commit(first), store.commit({ documents: [write("3", {})] })]);
      assert.equal(committed(again), position);
      committed(other);
      assert.deepEqual(await contents(store), { ...before, "3 v0": {} });
    },
  },
  {
    name: "of 64 concurrent commits for one value exactly one wins, and the rest learn who",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([members]);
      for (const email of ["a", "b", "c"]) {
        const outcomes = await Promise.all(
          numbersTo(64).map((at) =>
            store.commit({
              appends: [appendOf(`${email}-${at}`, "none", messageOf())],
              documents: [write(`${email}-${at}`, { email })],
            }),
          ),
        );
        const winners = outcomes.flatMap(({ status }, at) => (status === "committed" ? [`${email}-${at}`] : []));
        assert.equal(winners.length, 1);
        for (const outcome of outcomes) {
          if (outcome.status !== "committed") assert.equal(conflicted(outcome, "unique").holder, winners[0]);
        }
      }
      assert.equal(await store.documents.count("members", "", []), 3);
      assert.equal((await wholeLog(store)).length, 3);
    },
  },
  {
    name: "a refused value fails none of the commits that were made at the same time",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([members]);
      await put(store, "holder", { email: "taken" }, { collection: "members" });
      const outcomes = await Promise.all(
        numbersTo(60).map((at) =>
          store.commit({
            appends: [appendOf(`s${at}`, "none", messageOf())],
            documents: [write(`${at}`, { email: at % 3 === 0 ? "taken" : `mail ${at}` })],
          }),
        ),
      );
      for (const [at, { status }] of outcomes.entries()) assert.equal(status, at % 3 === 0 ? "conflict" : "committed");
      assert.equal((await wholeLog(store)).length, 40);
      assert.equal(await store.documents.count("members", "", []), 41);
    },
  },
  {
    name: "a list of unique fields that is not declared any more is not held any more",
    async run({ create }) {
      const store = await create([members]);
      await commit(store, write("1", { email: "a" }));
      await refused(store, write("2", { email: "a" }));
      await store.open([{ ...members, unique: [["club"]] }]);
      await commit(store, write("2", { email: "a", club: "x" }));
      assert.equal(await refused(store, write("3", { club: "x" })), "3: club of 2");
    },
  },
  {
    name: "unique values are held after a restart",
    requires: ["durable"],
    async run({ create, reopen }) {
      const store = await create([members]);
      await commit(store, write("1", { email: "a" }));
      const again = await reopen(store, [members]);
      assert.equal(await refused(again, write("2", { email: "a" })), "2: email of 1");
    },
  },
];
