import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { append, appendOf, committed, idsOf, messageOf, messagesOf, people, wholeLog, wholeStream } from "./samples.ts";

function isReused(error: unknown): boolean {
  return isNereusError(error, "EVENT_ID_REUSED");
}

/** The same message ids again: answered with the first result, or refused. */
export const repetitionCases: readonly ConformanceCase[] = [
  {
    name: "the same append again is answered with its first position and writes nothing, whatever it expects",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(3);
      const first = await append(store, "a", "none", ...messages);
      await append(store, "a", "any", messageOf());
      for (const expected of ["none", "any", "exists", 3, 17] as const) {
        assert.equal(await append(store, "a", expected, ...messages), first, `expecting ${expected}`);
      }
      assert.equal((await wholeStream(store, "a")).length, 4);
    },
  },
  {
    name: "the same commit of several streams again is answered with its first position",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      const appends = [appendOf("a", "none", ...messagesOf(2)), appendOf("b", "none", ...messagesOf(2))];
      const first = committed(await store.commit({ appends }));
      assert.equal(committed(await store.commit({ appends })), first);
      assert.equal((await wholeLog(store)).length, 4);
    },
  },
  {
    name: "nothing else of a repeated commit is written either",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([people]);
      const messages = messagesOf(1);
      const first = await append(store, "a", "none", ...messages);
      const again = await store.commit({
        appends: [appendOf("a", "any", ...messages)],
        documents: [{ collection: "people", tenant: "", id: "1", expectedVersion: "any", data: "{}" }],
        outbox: [{ id: "o", destination: "d", data: "{}" }],
        checkpoint: { name: "c", expected: 0, position: 1 },
        idempotency: { tenant: "", key: "k", fingerprint: "f", result: null },
      });
      assert.equal(committed(again), first);
      assert.equal((await store.documents.get("people", "", ["1"])).size, 0);
      assert.deepEqual(await store.records.outbox(0, 10), []);
      assert.equal(await store.records.checkpoint("c"), 0);
      assert.equal(await store.records.idempotency("", "k"), undefined);
    },
  },
  {
    name: "an id stored in another stream is refused as EVENT_ID_REUSED",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(2);
      await append(store, "a", "none", ...messages);
      await append(store, "b", "none", messageOf());
      for (const [stream, expected] of [
        ["b", "any"],
        ["b", "none"],
        ["c", "none"],
        ["c", 4],
      ] as const) {
        await assert.rejects(store.commit({ appends: [appendOf(stream, expected, ...messages)] }), isReused);
      }
      assert.deepEqual(idsOf(await wholeStream(store, "a")), idsOf(messages));
      assert.equal((await wholeLog(store)).length, 3);
    },
  },
  {
    name: "ids of which some are stored, or in another order, are refused as EVENT_ID_REUSED",
    async run({ create }) {
      const store = await create();
      const [one, two, three] = [messageOf(), messageOf(), messageOf()];
      await append(store, "a", "none", one, two, three);
      for (const messages of [
        [two, one],
        [one, three],
        [one, messageOf()],
        [messageOf(), two],
        [one, one],
      ]) {
        for (const expected of ["any", "none", 2] as const) {
          await assert.rejects(store.commit({ appends: [appendOf("a", expected, ...messages)] }), isReused);
        }
      }
      assert.deepEqual(idsOf(await wholeStream(store, "a")), idsOf([one, two, three]));
    },
  },
  {
    name: "an id twice in one commit is refused as EVENT_ID_REUSED",
    async run({ create }) {
      const store = await create();
      const message = messageOf();
      await assert.rejects(store.commit({ appends: [appendOf("a", "none", message, message)] }), isReused);
      const apart = [appendOf("a", "any", message), appendOf("b", "any", message)];
      await assert.rejects(store.commit({ appends: apart }), isReused);
      assert.deepEqual(await wholeLog(store), []);
      await append(store, "a", "none", message);
    },
  },
  {
    name: "the same append by 16 writers at once is stored once, and all get the same position",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(2);
      const positions = await Promise.all(
        Array.from({ length: 16 }, (_, at) => append(store, "a", at % 2 === 0 ? "none" : "any", ...messages)),
      );
      assert.deepEqual(new Set(positions), new Set([positions[0]]));
      assert.deepEqual(idsOf(await wholeLog(store)), idsOf(messages));
    },
  },
  {
    name: "a reused id fails its own commit, and none that travels with it",
    async run({ create }) {
      const store = await create();
      const taken = messageOf();
      await append(store, "a", "none", taken);
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, at) =>
          append(store, `s${at}`, "none", ...(at === 7 ? [messageOf(), taken] : [messageOf()])),
        ),
      );
      assert.deepEqual(
        results.flatMap(({ status }, at) => (status === "rejected" ? [at] : [])),
        [7],
      );
      assert.equal((await wholeLog(store)).length, 20);
    },
  },
];
