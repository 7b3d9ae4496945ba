import assert from "node:assert/strict";
import type { NoteWrite, Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { append, appendOf, committed, conflicted, messageOf, numbersTo, people } from "./samples.ts";

async function write(store: Store, ...notes: readonly NoteWrite[]): Promise<void> {
  committed(await store.commit({ notes }));
}

async function revisionOf(store: Store, name: string): Promise<number> {
  return (await store.records.note(name))?.revision ?? 0;
}

/** Notes: made, changed and held still with commits. */
export const noteCases: readonly ConformanceCase[] = [
  {
    name: "a note is made, then changed only from the revision it is at; a refusal carries it as it is",
    async run({ create }) {
      const store = await create();
      assert.equal(await store.records.note("a"), undefined);
      await write(store, { name: "a", expected: 0, data: "1" });
      assert.deepEqual(await store.records.note("a"), { name: "a", revision: 1, data: "1" });
      await write(store, { name: "a", expected: 1, data: "2" });
      const current = { name: "a", revision: 2, data: "2" };
      assert.deepEqual(await store.records.note("a"), current);
      for (const expected of [0, 1, 3]) {
        const conflict = conflicted(await store.commit({ notes: [{ name: "a", expected, data: "3" }] }), "note");
        assert.deepEqual(conflict, { on: "note", name: "a", expected, actual: 2, current });
      }
      const absent = conflicted(await store.commit({ notes: [{ name: "b", expected: 1, data: "3" }] }), "note");
      assert.deepEqual(absent, { on: "note", name: "b", expected: 1, actual: 0, current: undefined });
      assert.deepEqual(await store.records.note("a"), current);
      assert.equal(await store.records.note("b"), undefined);
    },
  },
  {
    name: "a commit that expects a revision of a note is refused when it has another, and changes nothing of it",
    async run({ create }) {
      const store = await create();
      await write(store, { name: "a", expected: 0, data: "1" });
      const append = (...notes: readonly NoteWrite[]) =>
        store.commit({ appends: [appendOf("s", "any", messageOf())], notes });
      committed(await append({ name: "a", expected: 1 }));
      committed(await append({ name: "a", expected: 1 }, { name: "b", expected: 0 }));
      const current = { name: "a", revision: 1, data: "1" };
      const conflict = conflicted(await append({ name: "b", expected: 0 }, { name: "a", expected: 0 }), "note");
      assert.deepEqual(conflict, { on: "note", name: "a", expected: 0, actual: 1, current });
      assert.equal(conflicted(await append({ name: "b", expected: 1 }), "note").current, undefined);
      assert.deepEqual(await store.records.note("a"), current);
      assert.equal((await store.log.readStream(appendOf("s", "any").stream, { limit: 10 })).length, 2);
    },
  },
  {
    name: "one message at a known version commits with a note that has not changed, and only then",
    async run({ create }) {
      const store = await create();
      await write(store, { name: "a", expected: 0, data: "1" });
      const one = (expectedVersion: number | "none", expected: number, name = "a") =>
        store.commit({ appends: [appendOf("s", expectedVersion, messageOf())], notes: [{ name, expected }] });
      committed(await one("none", 1));
      assert.equal(conflicted(await one(0, 0), "note").actual, 1);
      assert.equal(conflicted(await one(0, 2), "note").current?.data, "1");
      committed(await one(0, 0, "absent"));
      assert.equal(conflicted(await one(0, 1), "stream").actual, 1);
      assert.equal(conflicted(await one(0, 7), "stream").actual, 1);
      committed(await one(1, 1));
    },
  },
  {
    name: "of several writes of one note in a commit each must hold, and the last data counts",
    async run({ create }) {
      const store = await create();
      await write(
        store,
        { name: "a", expected: 0, data: "1" },
        { name: "a", expected: 0 },
        { name: "a", expected: 0, data: "2" },
      );
      assert.deepEqual(await store.records.note("a"), { name: "a", revision: 1, data: "2" });
      const two = [
        { name: "a", expected: 1, data: "3" },
        { name: "a", expected: 2 },
      ];
      assert.equal(conflicted(await store.commit({ notes: two }), "note").expected, 2);
      assert.equal(await revisionOf(store, "a"), 1);
    },
  },
  {
    name: "of 16 commits that change a note from the same revision one wins",
    async run({ create }) {
      const store = await create();
      for (const expected of [0, 1]) {
        const outcomes = await Promise.all(
          numbersTo(16).map((at) => store.commit({ notes: [{ name: "a", expected, data: String(at) }] })),
        );
        assert.equal(outcomes.filter(({ status }) => status === "committed").length, 1);
        assert.equal(await revisionOf(store, "a"), expected + 1);
        const data = (await store.records.note("a"))?.data;
        for (const outcome of outcomes) {
          if (outcome.status !== "committed") assert.equal(conflicted(outcome, "note").current?.data, data);
        }
      }
    },
  },
  {
    name: "concurrent commits that expect a note to stay all pass before one that changes it, and none after",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      const guarded = (at: number) =>
        store.commit({ appends: [appendOf(`s${at}`, "none", messageOf())], notes: [{ name: "a", expected: 0 }] });
      const before = numbersTo(40).map(guarded);
      const change = store.commit({ notes: [{ name: "a", expected: 0, data: "1" }] });
      const after = numbersTo(40).map((at) => guarded(100 + at));
      for (const outcome of await Promise.all(before)) committed(outcome);
      committed(await change);
      for (const outcome of await Promise.all(after)) assert.equal(conflicted(outcome, "note").actual, 1);
    },
  },
  {
    name: "a refused commit changes no note, and a repeated one is answered before notes are compared",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([people]);
      const first = {
        appends: [appendOf("s", "none", messageOf())],
        notes: [{ name: "a", expected: 0, data: "1" }],
        idempotency: { tenant: "", key: "k", fingerprint: "f", result: null },
      };
      const position = committed(await store.commit(first));
      const again = await store.commit(first);
      assert.equal(again.status, "duplicate");
      const { idempotency: _, ...repeated } = first;
      assert.equal(committed(await store.commit(repeated)), position);
      const notes = [{ name: "a", expected: 1, data: "2" }];
      conflicted(await store.commit({ appends: [appendOf("s", "none", messageOf())], notes }), "stream");
      const write = { collection: "people", tenant: "", id: "1", expectedVersion: 4, data: "{}" };
      conflicted(await store.commit({ documents: [write], notes: [{ name: "a", expected: 7 }] }), "document");
      conflicted(await store.commit({ checkpoint: { name: "c", expected: 1, position: 2 }, notes }), "checkpoint");
      assert.equal(await revisionOf(store, "a"), 1);
    },
  },
  {
    name: "notes are read by what their names begin with, in the order of code points, and hold any well-formed text",
    async run({ create }) {
      const store = await create();
      const names = ["x%", "x'; DROP TABLE x; --", "xa\u0000b", "xb_", "xé", "x\ufffd", "x🙂", "x🙂y"].toSorted();
      const ordered = ["x%", "x'; DROP TABLE x; --", "xa\u0000b", "xb_", "xé", "x\ufffd", "x🙂", "x🙂y"];
      const data = JSON.stringify({ text: "quote ' \" \\ \u0000 \ud800" });
      await write(store, ...names.map((name) => ({ name, expected: 0, data })), { name: "y", expected: 0, data });
      const found = async (prefix: string) => (await store.records.notes(prefix)).map(({ name }) => name);
      assert.deepEqual(await found("x"), ordered);
      assert.deepEqual(await found(""), [...ordered, "y"]);
      assert.deepEqual(await found("xa\u0000"), ["xa\u0000b"]);
      assert.deepEqual(await found("x%"), ["x%"]);
      assert.deepEqual(await found("x_"), []);
      assert.deepEqual(await found("x🙂"), ["x🙂", "x🙂y"]);
      for (const one of await store.records.notes("")) assert.deepEqual([one.revision, one.data], [1, data]);
      assert.equal((await store.records.note("xa\u0000b"))?.data, data);
    },
  },
  {
    name: "notes are there after a restart",
    requires: ["durable"],
    async run({ create, reopen }) {
      const store = await create();
      await write(store, { name: "a", expected: 0, data: "1" });
      await append(store, "s", "none", messageOf());
      const again = await reopen(store);
      assert.deepEqual(await again.records.note("a"), { name: "a", revision: 1, data: "1" });
      conflicted(await again.commit({ notes: [{ name: "a", expected: 0 }] }), "note");
    },
  },
];
