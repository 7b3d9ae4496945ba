import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
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
  streamOf,
  versionsOf,
  wholeStream,
} from "./samples.ts";

/** Expected versions, conflicts, and what an append stores. */
export const appendCases: readonly ConformanceCase[] = [
  {
    name: "a stored message comes back with everything that was given, its place and its position",
    async run({ create }) {
      const store = await create();
      const message = messageOf("Opened", {
        schemaVersion: 3,
        occurredAt: 1_600_000_000_001,
        recordedAt: 1_700_000_000_002,
        causationId: "cause",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        extensions: '{"ip":"::1"}',
        checksum: 4_294_967_295,
      });
      const stream = streamOf("a-1", { tenant: "north", kind: "process", category: "transfers" });
      const position = await append(store, stream, "none", message);
      const [stored] = await store.log.readStream(stream, { limit: 10 });
      assert.deepEqual({ ...stored }, { ...message, stream, version: 0, position });
      assert.equal(position > 0, true);
    },
  },
  {
    name: "versions of a stream are gapless from 0, over several appends",
    async run({ create }) {
      const store = await create();
      await append(store, "a", "none", ...messagesOf(3));
      await append(store, "a", 2, ...messagesOf(2));
      await append(store, "a", "exists", ...messagesOf(1));
      await append(store, "a", "any", ...messagesOf(1));
      assert.deepEqual(versionsOf(await wholeStream(store, "a")), numbersTo(7));
    },
  },
  {
    name: "an exact expected version that is behind conflicts with exactly the unseen messages",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(5);
      await append(store, "a", "none", ...messages);
      const conflict = conflicted(await store.commit({ appends: [appendOf("a", 1, messageOf())] }), "stream");
      assert.deepEqual(
        { ...conflict, unseen: idsOf(conflict.unseen) },
        { on: "stream", stream: streamOf("a"), expected: 1, actual: 4, unseen: idsOf(messages.slice(2)) },
      );
      assert.deepEqual(versionsOf(conflict.unseen), [2, 3, 4]);
      const stored = await wholeStream(store, "a");
      assert.deepEqual(conflict.unseen, stored.slice(2));
    },
  },
  {
    name: "an exact expected version that is ahead conflicts, with nothing unseen",
    async run({ create }) {
      const store = await create();
      await append(store, "a", "none", messageOf());
      const conflict = conflicted(await store.commit({ appends: [appendOf("a", 7, messageOf())] }), "stream");
      assert.deepEqual([conflict.actual, conflict.unseen], [0, []]);
      const missing = conflicted(await store.commit({ appends: [appendOf("b", 0, messageOf())] }), "stream");
      assert.deepEqual([missing.actual, missing.unseen], [-1, []]);
    },
  },
  {
    name: "an expected id is held against the message at the expected version: another one is a conflict that says so",
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(3);
      await append(store, "a", "none", ...messages);
      const diverged = async (id: string, version: number, known: string, count = 1) => {
        const appends = [{ ...appendOf(id, version, ...messagesOf(count)), expectedId: known }];
        return conflicted(await store.commit({ appends }), "stream");
      };
      for (const count of [0, 1, 2]) {
        const conflict = await diverged("a", 2, randomUUID(), count);
        const stream = streamOf("a");
        assert.deepEqual(conflict, { on: "stream", stream, expected: 2, actual: 2, unseen: [], diverged: true });
      }
      // nor may what came after it be taken for what came after the known one
      const behind = await diverged("a", 1, randomUUID());
      assert.deepEqual([behind.actual, behind.unseen, behind.diverged], [2, [], true]);
      const grown = await diverged("a", 1, messages[1]?.id ?? "");
      assert.deepEqual([grown.actual, idsOf(grown.unseen), grown.diverged], [2, idsOf(messages.slice(2)), undefined]);
      const ahead = await diverged("a", 7, randomUUID());
      assert.deepEqual([ahead.actual, ahead.unseen], [2, []]);
      const missing = await diverged("b", 0, randomUUID());
      assert.deepEqual([missing.actual, missing.unseen], [-1, []]);
      assert.deepEqual(idsOf(await wholeStream(store, "a")), idsOf(messages));

      const next = messageOf();
      committed(await store.commit({ appends: [{ ...appendOf("a", 2, next), expectedId: messages[2]?.id }] }));
      committed(await store.commit({ appends: [{ ...appendOf("a", 3), expectedId: next.id }] }));
      committed(await store.commit({ appends: [{ ...appendOf("a", 3, ...messagesOf(2)), expectedId: next.id }] }));
      assert.deepEqual(versionsOf(await wholeStream(store, "a")), numbersTo(6));
    },
  },
  {
    name: "an expected id is held against every stream of a commit, and for those that are made at the same time by itself",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      const firsts = messagesOf(20);
      for (const [at, first] of firsts.entries()) await append(store, `s${at}`, "none", first);
      const writing = firsts.map((first, at) =>
        store.commit({
          appends: [
            { ...appendOf(`s${at}`, 0, messageOf()), expectedId: at % 3 === 0 ? randomUUID() : first.id },
            appendOf(`t${at}`, "none", messageOf()),
          ],
        }),
      );
      for (const [at, outcome] of (await Promise.all(writing)).entries()) {
        if (at % 3 === 0) assert.equal(conflicted(outcome, "stream").diverged, true);
        else committed(outcome);
        assert.equal((await wholeStream(store, `s${at}`)).length, at % 3 === 0 ? 1 : 2);
        assert.equal((await wholeStream(store, `t${at}`)).length, at % 3 === 0 ? 0 : 1);
      }
    },
  },
  {
    name: "`none` and -1 mean a stream that is not there; a conflict carries all of its messages",
    async run({ create }) {
      const store = await create();
      await append(store, "a", "none", ...messagesOf(2));
      await append(store, "b", -1, messageOf());
      const expectations = ["none", -1] as const;
      for (const expected of expectations) {
        const conflict = conflicted(await store.commit({ appends: [appendOf("a", expected, messageOf())] }), "stream");
        assert.deepEqual([conflict.expected, conflict.actual, conflict.unseen.length], [expected, 1, 2]);
      }
    },
  },
  {
    name: "`exists` means a stream that is there; its conflict carries no messages",
    async run({ create }) {
      const store = await create();
      const conflict = conflicted(await store.commit({ appends: [appendOf("a", "exists", messageOf())] }), "stream");
      assert.deepEqual([conflict.actual, conflict.unseen], [-1, []]);
      await append(store, "a", "any", messageOf());
      await append(store, "a", "exists", messageOf());
    },
  },
  {
    name: "an append without messages only checks its version, and starts no stream",
    async run({ create }) {
      const store = await create();
      await append(store, "a", "none");
      await append(store, "a", "none", messageOf());
      const position = await append(store, "a", 0);
      assert.equal(position, await store.log.head());
      const conflict = conflicted(await store.commit({ appends: [appendOf("a", "none")] }), "stream");
      assert.equal(conflict.actual, 0);
    },
  },
  {
    name: "a commit that writes nothing is answered with the head of the log",
    async run({ create }) {
      const store = await create();
      assert.equal(committed(await store.commit({})), 0);
      const position = await append(store, "a", "none", ...messagesOf(3));
      assert.equal(committed(await store.commit({})), position);
      assert.equal(await store.log.head(), position);
    },
  },
  {
    name: "several streams commit together, each checked",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      await append(store, "b", "none", messageOf());
      const refused = await store.commit({
        appends: [appendOf("a", "none", messageOf()), appendOf("b", "none", messageOf())],
      });
      assert.deepEqual(conflicted(refused, "stream").stream, streamOf("b"));
      assert.deepEqual(await wholeStream(store, "a"), []);
      committed(await store.commit({ appends: [appendOf("a", "none", messageOf()), appendOf("b", 0, messageOf())] }));
      assert.equal((await wholeStream(store, "a")).length, 1);
      assert.equal((await wholeStream(store, "b")).length, 2);
    },
  },
  {
    name: "messages that alternate between streams keep their order in the log",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      const messages = messagesOf(6);
      const appends = messages.map((message, at) =>
        appendOf(at % 2 === 0 ? "a" : "b", at < 2 ? "none" : "any", message),
      );
      const position = committed(await store.commit({ appends }));
      const { messages: stored } = await store.log.readLog({ after: 0, limit: 100 });
      assert.deepEqual(idsOf(stored), idsOf(messages));
      assert.deepEqual(versionsOf(stored), [0, 0, 1, 1, 2, 2]);
      assert.equal(stored.at(-1)?.position, position);
    },
  },
  {
    name: "what is expected of a stream is held against its version before the commit",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      const twice = [appendOf("a", "none", messageOf()), appendOf("a", "none", messageOf())];
      committed(await store.commit({ appends: twice }));
      assert.deepEqual(versionsOf(await wholeStream(store, "a")), [0, 1]);
    },
  },
];
