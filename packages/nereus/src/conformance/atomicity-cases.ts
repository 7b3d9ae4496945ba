import assert from "node:assert/strict";
import type { Commit, Store } from "../ports/store.ts";
import type { ConformanceCase, ConformanceHarness } from "./conformance-case.ts";
import { append, appendOf, committed, conflicted, messageOf, people, wholeLog } from "./samples.ts";

/** A commit that writes one thing of each kind. */
function fullCommit(): Required<Commit> {
  return {
    appends: [appendOf("new", "none", messageOf()), appendOf("other", "none", messageOf())],
    documents: [{ collection: "people", tenant: "", id: "new", expectedVersion: "none", data: '{"age":1}' }],
    outbox: [{ id: "o-1", destination: "payments", data: "{}" }],
    timers: [{ owner: "clock", id: "t-1", at: 7, data: "{}" }],
    notes: [{ name: "note", expected: 0, data: '{"made":1}' }],
    checkpoint: { name: "reader", expected: 0, position: 5 },
    idempotency: { tenant: "", key: "key", fingerprint: "print", result: '{"ok":true}' },
  };
}

async function assertNothingWritten(store: Store): Promise<void> {
  assert.deepEqual(
    (await wholeLog(store)).filter(({ stream }) => stream.id === "new" || stream.id === "other"),
    [],
  );
  assert.equal((await store.documents.get("people", "", ["new"])).size, 0);
  assert.deepEqual(await store.records.outbox(0, 100), []);
  assert.deepEqual(await store.records.timers("clock", { until: 7, limit: 100 }), []);
  assert.equal(await store.records.note("note"), undefined);
  assert.equal(await store.records.checkpoint("reader"), 0);
  assert.equal(await store.records.idempotency("", "key"), undefined);
}

async function prepared({ create }: ConformanceHarness): Promise<Store> {
  const store = await create([people]);
  await append(store, "taken", "none", messageOf());
  committed(
    await store.commit({
      documents: [{ collection: "people", tenant: "", id: "taken", expectedVersion: "none", data: "{}" }],
      checkpoint: { name: "moved", expected: 0, position: 3 },
      idempotency: { tenant: "", key: "taken", fingerprint: "first", result: null },
    }),
  );
  return store;
}

/** All of a commit, or nothing. */
export const atomicityCases: readonly ConformanceCase[] = [
  {
    name: "messages, documents, outbox, timers, notes, checkpoint and idempotency record of a commit are all there after it",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([people]);
      const position = committed(await store.commit(fullCommit()));
      assert.equal((await wholeLog(store)).length, 2);
      assert.equal((await store.documents.get("people", "", ["new"])).get("new")?.data, '{"age":1}');
      assert.deepEqual(
        (await store.records.outbox(0, 100)).map(({ sequence, ...entry }) => entry),
        [{ id: "o-1", destination: "payments", data: "{}" }],
      );
      const timers = await store.records.timers("clock", { until: 7, limit: 100 });
      assert.deepEqual(timers, [{ id: "t-1", at: 7, data: "{}" }]);
      assert.deepEqual(await store.records.note("note"), { name: "note", revision: 1, data: '{"made":1}' });
      assert.equal(await store.records.checkpoint("reader"), 5);
      assert.deepEqual(await store.records.idempotency("", "key"), {
        tenant: "",
        key: "key",
        fingerprint: "print",
        result: '{"ok":true}',
        position,
      });
    },
  },
  {
    name: "a conflict on the last of several streams leaves nothing",
    requires: ["transactional"],
    async run(harness) {
      const store = await prepared(harness);
      const commit = fullCommit();
      const appends = [...commit.appends, appendOf("taken", "none", messageOf())];
      conflicted(await store.commit({ ...commit, appends }), "stream");
      await assertNothingWritten(store);
    },
  },
  {
    name: "a conflict on a document leaves nothing",
    requires: ["transactional"],
    async run(harness) {
      const store = await prepared(harness);
      const commit = fullCommit();
      const taken = { collection: "people", tenant: "", id: "taken", expectedVersion: "none", data: "{}" } as const;
      conflicted(await store.commit({ ...commit, documents: [...commit.documents, taken] }), "document");
      await assertNothingWritten(store);
    },
  },
  {
    name: "a conflict on the checkpoint leaves nothing",
    requires: ["transactional"],
    async run(harness) {
      const store = await prepared(harness);
      const checkpoint = { name: "moved", expected: 2, position: 9 };
      const conflict = conflicted(await store.commit({ ...fullCommit(), checkpoint }), "checkpoint");
      assert.deepEqual(conflict, { on: "checkpoint", name: "moved", actual: 3 });
      await assertNothingWritten(store);
      assert.equal(await store.records.checkpoint("moved"), 3);
    },
  },
  {
    name: "a taken idempotency key leaves nothing and answers with the first record, before any conflict",
    requires: ["transactional"],
    async run(harness) {
      const store = await prepared(harness);
      const commit = fullCommit();
      const outcome = await store.commit({
        ...commit,
        appends: [...commit.appends, appendOf("taken", "none", messageOf())],
        idempotency: { tenant: "", key: "taken", fingerprint: "second", result: "1" },
      });
      assert.deepEqual(outcome, {
        status: "duplicate",
        record: { tenant: "", key: "taken", fingerprint: "first", result: null, position: 1 },
      });
      await assertNothingWritten(store);
    },
  },
  {
    name: "a reused message id leaves nothing",
    requires: ["transactional"],
    async run(harness) {
      const store = await prepared(harness);
      const [stored] = await wholeLog(store);
      assert.ok(stored);
      const commit = fullCommit();
      const appends = [...commit.appends, appendOf("elsewhere", "any", messageOf("Deposited", { id: stored.id }))];
      await assert.rejects(store.commit({ ...commit, appends }));
      await assertNothingWritten(store);
      committed(await store.commit(commit));
    },
  },
];
