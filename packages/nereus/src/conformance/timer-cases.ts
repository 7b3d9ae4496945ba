import assert from "node:assert/strict";
import type { Store, Timer, TimerWrite } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { appendOf, committed, conflicted, messageOf, numbersTo } from "./samples.ts";

const owner = "clock";
const always = { until: Number.MAX_SAFE_INTEGER, limit: 1000 };

function timer(id: string, at: number, data = `{"id":${JSON.stringify(id)}}`): TimerWrite & Timer {
  return { owner, id, at, data };
}

async function set(store: Store, ...timers: readonly TimerWrite[]): Promise<void> {
  committed(await store.commit({ timers }));
}

async function idsOf(store: Store, of = owner): Promise<string[]> {
  return (await store.records.timers(of, always)).map(({ id }) => id);
}

/** Timers: set, set again and taken back with commits, and read when they are due. */
export const timerCases: readonly ConformanceCase[] = [
  {
    name: "timers are read by their moment, then by id in the order of code points, those that are due only",
    async run({ create }) {
      const store = await create();
      // UTF-16 would have the last two the other way round
      const ids = ["a", "b", "c\u0000", "é", "\ufffd", "🙂"];
      await set(store, ...ids.toReversed().map((id) => timer(id, 5)), timer("late", 9), timer("soon", -7));
      assert.deepEqual(await idsOf(store), ["soon", ...ids, "late"]);
      const due = async (until: number) => (await store.records.timers(owner, { until, limit: 99 })).length;
      assert.deepEqual(
        [await due(-8), await due(-7), await due(4), await due(5), await due(8), await due(9)],
        [0, 1, 1, 7, 7, 8],
      );
      assert.deepEqual((await store.records.timers(owner, always))[0], { id: "soon", at: -7, data: '{"id":"soon"}' });
    },
  },
  {
    name: "timers are paged: each page goes on after the last of the one before",
    async run({ create }) {
      const store = await create();
      await set(store, ...numbersTo(100).map((n) => timer(String(n).padStart(3, "0"), Math.floor(n / 30))));
      const paged: string[] = [];
      for (let after: Timer | undefined; ; ) {
        const page = await store.records.timers(owner, {
          until: 2,
          limit: 7,
          ...(after === undefined ? {} : { after }),
        });
        paged.push(...page.map(({ id }) => id));
        after = page.at(-1);
        if (page.length < 7) break;
      }
      assert.deepEqual(
        paged,
        numbersTo(90).map((n) => String(n).padStart(3, "0")),
      );
      const [next] = await store.records.timers(owner, { after: { at: 3, id: "" }, until: 3, limit: 1 });
      assert.equal(next?.id, "090");
    },
  },
  {
    name: "a timer that is set again has the new moment and data; of several writes in one commit the last counts",
    async run({ create }) {
      const store = await create();
      await set(store, timer("a", 1), timer("b", 2));
      await set(store, timer("a", 3, '{"new":true}'));
      assert.deepEqual(await store.records.timers(owner, always), [
        { id: "b", at: 2, data: '{"id":"b"}' },
        { id: "a", at: 3, data: '{"new":true}' },
      ]);
      await set(store, timer("c", 4), { owner, id: "c", at: null }, timer("c", 5), timer("b", 9), timer("b", 1));
      await set(store, timer("d", 4), { owner, id: "d", at: null });
      const found = await store.records.timers(owner, always);
      assert.deepEqual(
        found.map(({ id, at }) => [id, at]),
        [
          ["b", 1],
          ["a", 3],
          ["c", 5],
        ],
      );
    },
  },
  {
    name: "a timer that is taken back is gone, and taking back what is not there does nothing",
    async run({ create }) {
      const store = await create();
      await set(store, timer("a", 1), timer("b", 1));
      await set(store, { owner, id: "a", at: null }, { owner, id: "nobody", at: null });
      await set(store, { owner, id: "a", at: null });
      assert.deepEqual(await idsOf(store), ["b"]);
    },
  },
  {
    name: "each owner has its own timers, and owners, ids and data hold any well-formed text",
    async run({ create }) {
      const store = await create();
      const texts = ["", "'; DROP TABLE x; --", "a\u0000b", "__proto__", "🙂"];
      const data = JSON.stringify({ text: "quote ' \" \\ \u0000 \ud800" });
      for (const of of texts) await set(store, ...texts.map((id) => ({ owner: of, id: `x${id}`, at: 1, data })));
      for (const of of texts) {
        const found = await store.records.timers(of, always);
        assert.deepEqual(new Set(found.map(({ id }) => id)), new Set(texts.map((id) => `x${id}`)));
        for (const one of found) assert.equal(one.data, data);
      }
      await set(store, { owner: texts[1] ?? "", id: `x${texts[2]}`, at: null });
      assert.equal((await idsOf(store, texts[1])).length, texts.length - 1);
      assert.equal((await idsOf(store, texts[2])).length, texts.length);
    },
  },
  {
    name: "a refused commit sets and takes back no timer",
    async run({ create }) {
      const store = await create();
      await set(store, timer("a", 1));
      const checkpoint = { name: "reader", expected: 7, position: 8 };
      const timers = [timer("b", 1), { owner, id: "a", at: null }] as const;
      conflicted(await store.commit({ checkpoint, timers }), "checkpoint");
      assert.deepEqual(await idsOf(store), ["a"]);
    },
  },
  {
    name: "timers commit with messages and documents, or none of them does",
    requires: ["transactional"],
    async run({ create }) {
      const store = await create();
      const one = appendOf("a", "none", messageOf());
      committed(await store.commit({ appends: [one], timers: [timer("a", 1)] }));
      const conflict = await store.commit({
        appends: [appendOf("a", "none", messageOf())],
        timers: [timer("b", 1), { owner, id: "a", at: null }],
      });
      conflicted(conflict, "stream");
      assert.deepEqual(await idsOf(store), ["a"]);
      await set(store, { owner, id: "a", at: null });
      committed(await store.commit({ appends: [one], timers: [timer("a", 1)] })); // repeated: writes nothing
      assert.deepEqual(await idsOf(store), []);
    },
  },
  {
    name: "of 64 concurrent commits each sets its own timer, and one of them the last of a shared one",
    async run({ create }) {
      const store = await create();
      await Promise.all(
        numbersTo(64).map((at) =>
          set(store, timer(`own ${at}`, at), timer("shared", at, String(at)), timer("other", at)),
        ),
      );
      const found = new Map((await store.records.timers(owner, always)).map((one) => [one.id, one]));
      assert.equal(found.size, 66);
      const shared = found.get("shared");
      assert.equal(shared?.data, String(shared?.at));
      for (const at of numbersTo(64)) assert.equal(found.get(`own ${at}`)?.at, at);
    },
  },
  {
    name: "timers are there after a restart",
    requires: ["durable"],
    async run({ create, reopen }) {
      const store = await create();
      await set(store, timer("a", 1), timer("b", 2));
      await set(store, { owner, id: "a", at: null });
      const again = await reopen(store);
      assert.deepEqual(await again.records.timers(owner, always), [{ id: "b", at: 2, data: '{"id":"b"}' }]);
    },
  },
];
