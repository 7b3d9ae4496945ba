import assert from "node:assert/strict";
import type { ConformanceCase } from "./conformance-case.ts";
import {
  append,
  appendOf,
  committed,
  idsOf,
  messageOf,
  numbersTo,
  people,
  streamOf,
  versionsOf,
  wholeLog,
  wholeStream,
} from "./samples.ts";

/** Writers and readers at the same time. */
export const concurrencyCases: readonly ConformanceCase[] = [
  {
    name: "64 concurrent unconditional appends to one stream all succeed",
    async run({ create }) {
      const store = await create();
      const positions = await Promise.all(numbersTo(64).map(() => append(store, "a", "any", messageOf())));
      assert.equal(new Set(positions).size, 64);
      assert.deepEqual(versionsOf(await wholeStream(store, "a")), numbersTo(64));
    },
  },
  {
    name: "of 64 writers that expect the same version exactly one wins, and the rest see its message",
    async run({ create }) {
      const store = await create();
      for (let round = 0; round < 3; round++) {
        const commits = numbersTo(64).map(() => store.commit({ appends: [appendOf("a", round - 1, messageOf())] }));
        const outcomes = await Promise.all(commits);
        assert.equal(outcomes.filter(({ status }) => status === "committed").length, 1);
        const stored = await wholeStream(store, "a");
        assert.equal(stored.length, round + 1);
        for (const outcome of outcomes) {
          if (outcome.status === "committed") continue;
          assert.ok(outcome.status === "conflict" && outcome.conflict.on === "stream");
          assert.deepEqual(idsOf(outcome.conflict.unseen), idsOf(stored.slice(round)));
        }
      }
    },
  },
  {
    name: "64 writers, eight of each stream, that retry on conflict all get in, with gapless versions and nothing lost",
    async run({ create }) {
      const store = await create();
      const messages = numbersTo(64).map(() => messageOf());
      await Promise.all(
        messages.map(async (message, at) => {
          for (let expected = -1; ; ) {
            const outcome = await store.commit({ appends: [appendOf(`s${at % 8}`, expected, message)] });
            if (outcome.status === "committed") return;
            assert.ok(outcome.status === "conflict" && outcome.conflict.on === "stream");
            assert.equal(outcome.conflict.unseen.length, outcome.conflict.actual - expected);
            expected = outcome.conflict.actual;
          }
        }),
      );
      for (const at of numbersTo(8)) assert.deepEqual(versionsOf(await wholeStream(store, `s${at}`)), numbersTo(8));
      assert.deepEqual(new Set(idsOf(await wholeLog(store))), new Set(idsOf(messages)));
    },
  },
  {
    name: "positions rise with the order in which commits are answered, and in each stream with its versions",
    async run({ create }) {
      const store = await create();
      const answered: number[] = [];
      await Promise.all(
        numbersTo(40).map(async (at) => {
          for (let round = 0; round < 5; round++) {
            answered.push(await append(store, `s${at % 10}`, "any", messageOf()));
          }
        }),
      );
      assert.deepEqual(
        answered,
        [...answered].sort((a, b) => a - b),
      );
      const positions = (await wholeLog(store)).map(({ position }) => position);
      assert.deepEqual(positions, answered);
      const ofStream = (await wholeStream(store, "s3")).map(({ position }) => position);
      assert.deepEqual(
        ofStream,
        [...ofStream].sort((a, b) => a - b),
      );
    },
  },
  {
    name: "a reader that follows `through` while 32 writers append sees every message once, in order",
    async run({ create }) {
      const store = await create();
      let isWritten = false;
      const writing = Promise.all(
        numbersTo(32).map(async (at) => {
          for (let round = 0; round < 20; round++) await append(store, `s${at}`, round - 1, messageOf());
        }),
      ).finally(() => {
        isWritten = true;
      });
      const seen: number[] = [];
      for (let after = 0, isLast = false; !isLast; ) {
        const wasWritten = isWritten;
        const page = await store.log.readLog({ after, limit: 7 });
        for (const { position } of page.messages) {
          assert.ok(position > (seen.at(-1) ?? 0), "a position below one that was read");
          seen.push(position);
        }
        assert.ok(page.through >= after, "`through` went backwards");
        after = page.through;
        isLast = wasWritten && page.messages.length === 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writing;
      assert.equal(seen.length, 32 * 20);
      assert.deepEqual(
        seen,
        (await wholeLog(store)).map(({ position }) => position),
      );
    },
  },
  {
    name: "a commit is seen by whoever reads after its answer",
    async run({ create }) {
      const store = await create([people]);
      for (let round = 0; round < 20; round++) {
        const document = { collection: "people", tenant: "", id: "1", expectedVersion: "any", data: `{"n":${round}}` };
        const position = committed(
          await store.commit({
            appends: [appendOf("a", round - 1, messageOf())],
            documents: [{ ...document, expectedVersion: "any" }],
          }),
        );
        assert.equal(await store.log.head(), position);
        assert.equal((await store.log.replay(streamOf("a"), round, 10)).length, 1);
        assert.equal((await store.documents.get("people", "", ["1"])).get("1")?.version, round);
      }
    },
  },
  {
    name: "a refused commit fails none of those that were made at the same time",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([people]);
      await append(store, "taken", "none", messageOf());
      const outcomes = await Promise.all(
        numbersTo(60).map((at) =>
          store.commit({
            appends: [appendOf(at % 3 === 0 ? "taken" : `s${at}`, "none", messageOf())],
            checkpoint: { name: `c${at}`, expected: at % 5 === 0 ? 99 : 0, position: 1 },
          }),
        ),
      );
      for (const [at, { status }] of outcomes.entries()) {
        assert.equal(status, at % 3 === 0 || at % 5 === 0 ? "conflict" : "committed", `commit ${at}`);
        assert.equal(await store.records.checkpoint(`c${at}`), status === "committed" ? 1 : 0);
      }
      const written = outcomes.filter(({ status }) => status === "committed").length;
      assert.equal((await wholeLog(store)).length, 1 + written);
    },
  },
  {
    name: "commits made at the same time see those before them",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create([people]);
      const outcomes = await Promise.all(
        numbersTo(30).map((at) =>
          store.commit({
            appends: [appendOf("a", at - 1, messageOf())],
            documents: [
              { collection: "people", tenant: "", id: "1", expectedVersion: at - 1, data: JSON.stringify({ age: at }) },
            ],
            checkpoint: { name: "c", expected: at, position: at + 1 },
          }),
        ),
      );
      assert.ok(outcomes.every(({ status }) => status === "committed"));
      assert.deepEqual((await store.documents.get("people", "", ["1"])).get("1"), {
        id: "1",
        version: 29,
        data: '{"age":29}',
      });
    },
  },
];
