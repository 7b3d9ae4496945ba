import assert from "node:assert/strict";
import type { ConformanceCase } from "./conformance-case.ts";
import { appendOf, committed, conflicted, messageOf, numbersTo } from "./samples.ts";

/** Checkpoints, the outbox, and remembered outcomes. */
export const recordCases: readonly ConformanceCase[] = [
  {
    name: "a checkpoint moves only from where its owner believes it to be",
    async run({ create }) {
      const store = await create();
      const move = (expected: number, position: number) =>
        store.commit({ checkpoint: { name: "reader", expected, position } });
      assert.equal(await store.records.checkpoint("reader"), 0);
      committed(await move(0, 10));
      committed(await move(10, 20));
      assert.equal(conflicted(await move(10, 30), "checkpoint").actual, 20);
      assert.equal(conflicted(await move(0, 30), "checkpoint").actual, 20);
      committed(await move(20, 5));
      assert.equal(await store.records.checkpoint("reader"), 5);
      assert.equal(await store.records.checkpoint("other"), 0);
    },
  },
  {
    name: "of 16 owners that move a checkpoint from the same place one wins",
    async run({ create }) {
      const store = await create();
      const outcomes = await Promise.all(
        numbersTo(16).map((at) => store.commit({ checkpoint: { name: "reader", expected: 0, position: at + 1 } })),
      );
      assert.equal(outcomes.filter(({ status }) => status === "committed").length, 1);
    },
  },
  {
    name: "outbox entries come in the order of their commits, paged by sequence number",
    async run({ create }) {
      const store = await create();
      await Promise.all(
        numbersTo(30).map((at) =>
          store.commit({
            outbox: [
              { id: `${at}-0`, destination: "d", data: "{}" },
              { id: `${at}-1`, destination: "e", data: `{"at":${at}}` },
            ],
          }),
        ),
      );
      const expected = numbersTo(60).map((at) => `${Math.floor(at / 2)}-${at % 2}`);
      const all = await store.records.outbox(0, 1000);
      assert.deepEqual(
        all.map(({ id }) => id),
        expected,
      );
      assert.deepEqual([all[59]?.destination, all[59]?.data], ["e", '{"at":29}']);
      const paged: string[] = [];
      for (let after = 0; ; ) {
        const page = await store.records.outbox(after, 7);
        paged.push(...page.map(({ id }) => id));
        if (page.length < 7) break;
        assert.ok((page[0]?.sequence ?? 0) > after);
        after = page.at(-1)?.sequence ?? 0;
      }
      assert.deepEqual(paged, expected);
    },
  },
  {
    name: "an idempotency key commits once; later and concurrent commits get the first record",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      const attempt = (at: number) =>
        store.commit({
          appends: [appendOf(`s${at}`, "none", messageOf())],
          idempotency: { tenant: "t", key: "k", fingerprint: `f${at}`, result: `${at}` },
        });
      const outcomes = await Promise.all(numbersTo(16).map(attempt));
      const position = committed(outcomes[0] ?? { status: "committed", position: -1 });
      const record = { tenant: "t", key: "k", fingerprint: "f0", result: "0", position };
      for (const outcome of [...outcomes.slice(1), await attempt(99)]) {
        assert.deepEqual(outcome, { status: "duplicate", record });
      }
      assert.deepEqual(await store.records.idempotency("t", "k"), record);
      assert.equal((await store.log.readLog({ after: 0, limit: 100 })).messages.length, 1);
      assert.equal(await store.records.idempotency("t", "other"), undefined);
      assert.equal(await store.records.idempotency("other", "k"), undefined);
    },
  },
  {
    name: "the record of a command without a result or messages keeps null and the head",
    async run({ create }) {
      const store = await create();
      const position = committed(await store.commit({ appends: [appendOf("a", "none", messageOf())] }));
      await store.commit({ idempotency: { tenant: "", key: "k", fingerprint: "f", result: null } });
      const record = await store.records.idempotency("", "k");
      assert.deepEqual(record, { tenant: "", key: "k", fingerprint: "f", result: null, position });
    },
  },
];
