import assert from "node:assert/strict";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  append,
  idsOf,
  messageOf,
  messagesOf,
  numbersTo,
  streamOf,
  versionsOf,
  wholeLog,
  wholeStream,
} from "./samples.ts";

/** Reads of one stream, and of the log without a filter. */
export const readCases: readonly ConformanceCase[] = [
  {
    name: "a stream that is not there reads as empty",
    async run({ create }) {
      const store = await create();
      assert.deepEqual(await store.log.readStream(streamOf("a"), { limit: 10 }), []);
      assert.deepEqual(await store.log.readStream(streamOf("a"), { limit: 10, direction: "backwards" }), []);
      assert.deepEqual(await store.log.replay(streamOf("a"), 0, 10), []);
    },
  },
  {
    name: "a stream reads forwards from a version, inclusive, up to a limit",
    async run({ create }) {
      const store = await create();
      await append(store, "a", "none", ...messagesOf(10));
      const read = async (range: { from?: number; limit: number }) =>
        versionsOf(await store.log.readStream(streamOf("a"), range));
      assert.deepEqual(await read({ limit: 3 }), [0, 1, 2]);
      assert.deepEqual(await read({ from: 4, limit: 3 }), [4, 5, 6]);
      assert.deepEqual(await read({ from: 8, limit: 100 }), [8, 9]);
      assert.deepEqual(await read({ from: 10, limit: 100 }), []);
    },
  },
  {
    name: "a stream reads backwards from a version, inclusive, or from its end",
    async run({ create }) {
      const store = await create();
      await append(store, "a", "none", ...messagesOf(10));
      const read = async (range: { from?: number; limit: number }) =>
        versionsOf(await store.log.readStream(streamOf("a"), { ...range, direction: "backwards" }));
      assert.deepEqual(await read({ limit: 3 }), [9, 8, 7]);
      assert.deepEqual(await read({ from: 4, limit: 3 }), [4, 3, 2]);
      assert.deepEqual(await read({ from: 1, limit: 100 }), [1, 0]);
      assert.deepEqual(await read({ from: 99, limit: 2 }), [9, 8]);
    },
  },
  {
    name: "a replay gives version, type, schema version, payload and checksum",
    async run({ create }) {
      const store = await create();
      const messages = [messageOf("Opened", { schemaVersion: 2 }), messageOf("Deposited"), messageOf("Closed")];
      await append(store, "a", "none", ...messages);
      const rows = await store.log.replay(streamOf("a"), 1, 10);
      assert.deepEqual(
        rows.map(({ version, type, schemaVersion, data, checksum }) => [version, type, schemaVersion, data, checksum]),
        messages.slice(1).map((one, at) => [at + 1, one.type, one.schemaVersion, one.data, one.checksum]),
      );
      assert.deepEqual(versionsOf(await store.log.replay(streamOf("a"), 0, 2)), [0, 1]);
    },
  },
  {
    name: "the first and the last row of a replay have the ids of their messages",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(200);
      await append(store, "other", "none", ...messagesOf(3));
      await append(store, "a", "none", ...messages);
      for (const [from, limit] of [
        [0, 1000],
        [0, 200],
        [0, 64],
        [63, 66],
        [150, 1000],
        [199, 10],
        [7, 1],
      ] as const) {
        const rows = await store.log.replay(streamOf("a"), from, limit);
        const wanted = messages.slice(from, from + limit);
        assert.equal(rows.length, wanted.length);
        assert.deepEqual([rows[0]?.id, rows.at(-1)?.id], [wanted[0]?.id, wanted.at(-1)?.id]);
      }
      assert.deepEqual(await store.log.replay(streamOf("a"), 200, 10), []);
    },
  },
  {
    name: "2,500 messages of one stream are all there, in one page or in many",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(2500);
      await append(store, "a", "none", ...messages);
      assert.deepEqual(idsOf(await wholeStream(store, "a", 5000)), idsOf(messages));
      assert.deepEqual(idsOf(await wholeStream(store, "a", 333)), idsOf(messages));
      assert.deepEqual(versionsOf(await store.log.replay(streamOf("a"), 0, 5000)), numbersTo(2500));
      assert.deepEqual(idsOf(await wholeLog(store, 5000)), idsOf(messages));
      assert.deepEqual(idsOf(await wholeLog(store, 333)), idsOf(messages));
      const backwards = await store.log.readStream(streamOf("a"), { limit: 5000, direction: "backwards" });
      assert.deepEqual(idsOf(backwards).reverse(), idsOf(messages));
    },
  },
  {
    name: "a conflict carries 2,500 unseen messages without leaving one out",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(2500);
      await append(store, "a", "none", ...messages);
      const outcome = await store.commit({
        appends: [{ stream: streamOf("a"), expectedVersion: "none", messages: [messageOf()] }],
      });
      assert.ok(outcome.status === "conflict" && outcome.conflict.on === "stream");
      assert.deepEqual(idsOf(outcome.conflict.unseen), idsOf(messages));
    },
  },
  {
    name: "what a reader does to what it read, or a writer to what it wrote, changes nothing stored",
    async run({ create }) {
      const store = await create();
      const stream = { ...streamOf("a") };
      const message = { ...messageOf() };
      const messages = [message];
      const id = message.id;
      await append(store, stream, "none", ...messages);
      Object.assign(message, { type: "Changed", data: "{}" });
      Object.assign(stream, { id: "b" });
      const reads = [
        async () => (await store.log.readStream(streamOf("a"), { limit: 1 }))[0],
        async () => (await store.log.readLog({ after: 0, limit: 1 })).messages[0],
      ];
      for (const read of [...reads, ...reads]) {
        const stored = await read();
        assert.ok(stored);
        assert.deepEqual([stored.id, stored.type, stored.stream.id], [id, "Deposited", "a"]);
        Object.assign(stored, { type: "Changed" });
        Object.assign(stored.stream, { id: "c", category: "changed" });
      }
    },
  },
];
