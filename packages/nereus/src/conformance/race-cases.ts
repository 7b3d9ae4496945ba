import assert from "node:assert/strict";
import type { CommitOutcome, Store } from "../ports/store.ts";
import type { ConformanceCase, ConformanceHarness } from "./conformance-case.ts";
import {
  append,
  appendOf,
  committed,
  idsOf,
  messageOf,
  messagesOf,
  numbersTo,
  people,
  streamOf,
  versionsOf,
  wholeLog,
  wholeStream,
} from "./samples.ts";

/** Follows `through`, and fails as soon as it sees a position below one that it has passed. */
class Follower {
  readonly seen: string[] = [];
  readonly #store: Store;
  #after = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** One page more; pages are read one after the other. */
  read(): Promise<void> {
    this.#last = this.#last.then(() => this.#readPage());
    return this.#last;
  }

  async #readPage(): Promise<void> {
    const { messages, through } = await this.#store.log.readLog({ after: this.#after, limit: 7 });
    for (const { id, position } of messages) {
      assert.ok(position > this.#after && position <= through, `position ${position} after ${this.#after}`);
      this.#after = position;
      this.seen.push(id);
    }
    assert.ok(through >= this.#after, "`through` went backwards");
    this.#after = through;
  }
}

function hookOf<Hook extends "another" | "hold" | "crash">(
  harness: ConformanceHarness,
  hook: Hook,
): NonNullable<ConformanceHarness[Hook]> {
  const own = harness[hook];
  if (own === undefined) throw new Error(`this case needs ${hook} of the harness`);
  return own.bind(harness) as NonNullable<ConformanceHarness[Hook]>;
}

function winnersOf(outcomes: readonly CommitOutcome[]): number {
  return outcomes.filter(({ status }) => status === "committed").length;
}

/** Transactions that end late, and several processes on the same data. */
export const raceCases: readonly ConformanceCase[] = [
  {
    name: "a reader skips nothing that transactions commit late, and sees nothing that they roll back",
    needs: ["hold"],
    async run(harness) {
      const hold = hookOf(harness, "hold");
      const store = await harness.create();
      await append(store, "first", "none", messageOf());
      const reader = new Follower(store);
      const prompt = numbersTo(8).map(async (at) => {
        const stream = streamOf("1", { category: `prompt ${at}` });
        for (const version of numbersTo(5)) await append(store, stream, version - 1, messageOf());
      });
      const late = numbersTo(6).map(async (at) => {
        const message = messageOf();
        const held = await hold(store, appendOf(streamOf("1", { category: `late ${at}` }), "any", message));
        for (const _ of numbersTo(5)) await reader.read();
        assert.ok(!reader.seen.includes(message.id), "a message was seen before its transaction has committed");
        if (at % 3 === 2) await held.rollback();
        else await held.commit();
        return at % 3 === 2 ? [] : [message.id];
      });
      const ids = (await Promise.all(late)).flat();
      await Promise.all(prompt);
      while (reader.seen.length < 1 + 8 * 5 + ids.length) await reader.read();
      const log = idsOf(await wholeLog(store));
      assert.deepEqual(reader.seen, log);
      for (const id of ids) assert.ok(log.includes(id), "what was committed late is missing");
    },
  },
  {
    name: "of 64 writers in two processes that expect the same version exactly one wins",
    needs: ["another"],
    async run(harness) {
      const store = await harness.create();
      const stores = [store, await hookOf(harness, "another")(store)];
      for (const round of numbersTo(3)) {
        const outcomes = await Promise.all(
          numbersTo(32).flatMap(() =>
            stores.map((one) => one.commit({ appends: [appendOf("a", round - 1, messageOf())] })),
          ),
        );
        assert.equal(winnersOf(outcomes), 1);
        for (const one of stores) assert.deepEqual(versionsOf(await wholeStream(one, "a")), numbersTo(round + 1));
      }
    },
  },
  {
    name: "64 unconditional appends of two processes are each there once, and both read them in one order",
    needs: ["another"],
    async run(harness) {
      const store = await harness.create();
      const stores = [store, await hookOf(harness, "another")(store)];
      const messages = messagesOf(64);
      const readers = stores.map((one) => new Follower(one));
      const writing = Promise.all(
        messages.map((message, at) => append(stores[at % 2] ?? store, `s${at % 4}`, "any", message)),
      );
      for (const _ of numbersTo(5)) await Promise.all(readers.map((reader) => reader.read()));
      await writing;
      for (const reader of readers) while (reader.seen.length < 64) await reader.read();
      assert.deepEqual(new Set(readers[0]?.seen), new Set(idsOf(messages)));
      assert.deepEqual(readers[0]?.seen, readers[1]?.seen);
      for (const at of numbersTo(4)) assert.deepEqual(versionsOf(await wholeStream(store, `s${at}`)), numbersTo(16));
    },
  },
  {
    name: "of two runners of one subscription each step is taken by one, and the other is told where it stands",
    async run(harness) {
      const store = await harness.create([people]);
      const runners = [store, (await harness.another?.(store, [people])) ?? store];
      await append(store, "a", "none", ...messagesOf(12));
      const moves: number[] = [];
      for (let expected = 0; moves.length < 4; ) {
        // Both have read the same page before either of them commits.
        const pages = await Promise.all(runners.map((one) => one.log.readLog({ after: expected, limit: 3 })));
        const outcomes = await Promise.all(
          pages.map(({ through }, at) =>
            (runners[at] ?? store).commit({
              documents: [
                {
                  collection: "people",
                  tenant: "",
                  id: `step ${through} of ${at}`,
                  expectedVersion: "none",
                  data: `{"age":${at}}`,
                },
              ],
              checkpoint: { name: "subscription", expected, position: through },
            }),
          ),
        );
        assert.equal(winnersOf(outcomes), 1);
        const position = pages[0]?.through ?? 0;
        const [loser] = outcomes.filter(({ status }) => status !== "committed");
        assert.deepEqual(loser, {
          status: "conflict",
          conflict: { on: "checkpoint", name: "subscription", actual: position },
        });
        moves.push(position);
        expected = position;
      }
      assert.equal(await store.records.checkpoint("subscription"), moves.at(-1));
      assert.equal(await store.documents.count("people", "", []), moves.length);
    },
  },
  {
    name: "a server that crashes while 16 writers commit keeps what it has acknowledged, once, and all go on",
    requires: ["transactional", "durable"],
    needs: ["crash"],
    async run(harness) {
      const crash = hookOf(harness, "crash");
      const store = await harness.create([people]);
      const acknowledged: string[] = [];
      const crashes: Promise<void>[] = [];
      await Promise.all(
        numbersTo(16).map(async (writer) => {
          for (const round of numbersTo(20)) {
            const message = messageOf();
            await persistently(async () => {
              committed(
                await store.commit({
                  appends: [appendOf(`s${writer}`, round - 1, message)],
                  documents: [
                    {
                      collection: "people",
                      tenant: "",
                      id: `${writer}`,
                      expectedVersion: round === 0 ? "none" : round - 1,
                      data: JSON.stringify({ age: round + 1 }),
                    },
                  ],
                }),
              );
            });
            acknowledged.push(message.id);
            if (acknowledged.length === 60 || acknowledged.length === 180) crashes.push(crash(store));
          }
        }),
      );
      await Promise.all(crashes);
      const stored = idsOf(await wholeLog(store));
      assert.equal(stored.length, 16 * 20);
      assert.deepEqual(new Set(stored), new Set(acknowledged));
      const counted = await store.documents.find("people", "", {});
      assert.deepEqual(
        counted.map(({ data }) => data),
        numbersTo(16).map(() => '{"age":20}'),
      );
    },
  },
];

/** Asks again where a store could not say what became of a commit: it is known by its message ids. */
async function persistently(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== "STORE_UNREACHABLE") throw error;
    }
  }
}
