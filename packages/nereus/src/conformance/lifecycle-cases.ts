import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  append,
  appendOf,
  committed,
  conflicted,
  idsOf,
  messageOf,
  messagesOf,
  numbersTo,
  people,
  put,
  streamOf,
  versionsOf,
  wholeLog,
  wholeStream,
} from "./samples.ts";

async function rejectsAll(store: Store): Promise<void> {
  const notOpen = (error: unknown): boolean => isNereusError(error, "STORE_NOT_OPEN");
  await assert.rejects(store.commit({ appends: [appendOf("a", "any", messageOf())] }), notOpen);
  await assert.rejects(store.commit({}), notOpen);
  await assert.rejects(store.log.head(), notOpen);
  await assert.rejects(store.log.readLog({ after: 0, limit: 1 }), notOpen);
  await assert.rejects(store.log.readStream(streamOf("a"), { limit: 1 }), notOpen);
  await assert.rejects(store.log.replay(streamOf("a"), 0, 1), notOpen);
  await assert.rejects(store.documents.find("people", "", {}), notOpen);
  await assert.rejects(store.documents.get("people", "", ["1"]), notOpen);
  await assert.rejects(store.documents.count("people", "", []), notOpen);
  await assert.rejects(store.records.checkpoint("c"), notOpen);
  await assert.rejects(store.records.outbox(0, 1), notOpen);
  await assert.rejects(store.records.idempotency("", "k"), notOpen);
}

/** Lets everything run that a commit has set going. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** Opening, closing, restarts and wake-ups. */
export const lifecycleCases: readonly ConformanceCase[] = [
  {
    name: "after close everything is refused as STORE_NOT_OPEN, and closing again does nothing",
    async run({ create }) {
      const store = await create([people]);
      await append(store, "a", "none", messageOf());
      await store.close();
      await rejectsAll(store);
      await store.close();
    },
  },
  {
    name: "close waits for the commits that were made before it",
    async run({ create }) {
      const store = await create();
      const commits = numbersTo(20).map((at) => append(store, `s${at}`, "none", messageOf()));
      const closed = store.close();
      assert.equal((await Promise.all(commits)).length, 20);
      await closed;
      await rejectsAll(store);
    },
  },
  {
    name: "opening again, with the same collections or more, keeps everything",
    async run({ create }) {
      const store = await create([people]);
      await append(store, "a", "none", messageOf());
      await put(store, "1", { age: 1 });
      await store.open([people, { ...people, name: "others" }]);
      await Promise.all([store.open([people]), store.open([])]);
      assert.equal((await wholeLog(store)).length, 1);
      assert.equal(await store.documents.count("people", "", []), 1);
      assert.equal(await store.documents.count("others", "", []), 0);
    },
  },
  {
    name: "listeners are called after commits that wrote messages, and only then, until they are stopped",
    async run({ create }) {
      const store = await create([people]);
      let calls = 0;
      const stop = store.onCommit(() => {
        calls++;
      });
      const expectCall = async (expected: boolean, what: string): Promise<void> => {
        await settled();
        assert.equal(calls > 0, expected, what);
        calls = 0;
      };
      const messages = messagesOf(1);
      await append(store, "a", "none", ...messages);
      await expectCall(true, "after an append");
      await put(store, "1", {});
      await store.commit({});
      await expectCall(false, "after commits without messages");
      conflicted(await store.commit({ appends: [appendOf("a", "none", messageOf())] }), "stream");
      await append(store, "a", "any", ...messages);
      await expectCall(false, "after a conflict and a repetition");
      await Promise.all(numbersTo(5).map(() => append(store, "b", "any", messageOf())));
      await expectCall(true, "after concurrent appends");
      stop();
      await append(store, "a", "any", messageOf());
      await expectCall(false, "after it was stopped");
    },
  },
  {
    name: "what a listener reads holds the commit that woke it; one stopped listener leaves the others",
    async run({ create }) {
      const store = await create();
      let head: Promise<number> | undefined;
      const listener = (): void => {
        head ??= store.log.head();
      };
      const stopFirst = store.onCommit(listener);
      store.onCommit(listener);
      stopFirst();
      stopFirst();
      const position = await append(store, "a", "none", messageOf());
      await settled();
      assert.equal(await head, position);
    },
  },
  {
    name: "everything is there after a restart, and goes on from where it was",
    requires: ["durable"],
    async run({ create, reopen }) {
      const first = await create([people]);
      const messages = messagesOf(3);
      const position = committed(
        await first.commit({
          appends: [appendOf("a", "none", ...messages)],
          documents: [{ collection: "people", tenant: "", id: "1", expectedVersion: "none", data: '{"age":1}' }],
          outbox: [{ id: "o", destination: "d", data: "{}" }],
          checkpoint: { name: "c", expected: 0, position: 2 },
          idempotency: { tenant: "", key: "k", fingerprint: "f", result: "1" },
        }),
      );
      const store = await reopen(first, [people]);
      assert.deepEqual(idsOf(await wholeStream(store, "a")), idsOf(messages));
      assert.equal((await store.documents.get("people", "", ["1"])).get("1")?.version, 0);
      assert.equal((await store.records.outbox(0, 10)).length, 1);
      assert.equal(await store.records.checkpoint("c"), 2);
      assert.equal((await store.records.idempotency("", "k"))?.position, position);
      assert.equal(await append(store, "a", "none", ...messages), position);
      assert.ok((await append(store, "a", 2, messageOf())) > position);
      assert.deepEqual(versionsOf(await wholeStream(store, "a")), numbersTo(4));
      const { messages: events } = await store.log.readLog({ after: 0, limit: 10, categories: ["accounts"] });
      assert.equal(events.length, 4);
    },
  },
  {
    name: "a store reopened many times under load has each acknowledged message once",
    requires: ["durable"],
    async run({ create, reopen }) {
      let store = await create();
      const acknowledged: string[] = [];
      for (let round = 0; round < 5; round++) {
        await Promise.all(
          numbersTo(20).map(async (at) => {
            const message = messageOf();
            await append(store, `s${at}`, round - 1, message);
            acknowledged.push(message.id);
          }),
        );
        store = await reopen(store);
      }
      assert.deepEqual(new Set(idsOf(await wholeLog(store))), new Set(acknowledged));
      assert.equal((await wholeLog(store)).length, 100);
    },
  },
];
