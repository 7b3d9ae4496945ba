import assert from "node:assert/strict";
import { isNereusError } from "../model/errors.ts";
import type { Commit, CommitOutcome, Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { append, appendOf, committed, idsOf, messageOf, numbersTo, wholeLog } from "./samples.ts";

/** A commit of one message, and what came of it. */
interface Made {
  readonly id: string;
  readonly commit: Commit;
  readonly answer: Promise<CommitOutcome | { readonly refused: unknown }>;
}

function made(store: Store, stream: string): Made {
  const message = messageOf();
  const commit: Commit = { appends: [appendOf(stream, "any", message)] };
  const answer = store.commit(commit).catch((refused: unknown) => ({ refused }));
  return { id: message.id, commit, answer };
}

/** Closes a store at once while commits are on their way: each is stored if it was acknowledged, and not if it says so. */
async function cut(store: Store, reopened: () => Promise<Store>, close: () => Promise<unknown>): Promise<void> {
  const all = numbersTo(50).map((at) => made(store, `s${at % 5}`));
  await close();
  const answers = await Promise.all(all.map(({ answer }) => answer));
  await assert.rejects(store.log.head(), (error) => isNereusError(error, "STORE_NOT_OPEN"));
  const stored = new Set(idsOf(await wholeLog(await reopened())));
  for (const [at, answer] of answers.entries()) {
    const { id } = all[at] as Made;
    if (!("refused" in answer)) assert.ok(stored.has(id), "an acknowledged commit is stored");
    else if (isNereusError(answer.refused, "STORE_NOT_OPEN"))
      assert.ok(!stored.has(id), "a refused commit is not stored");
    else assert.ok(isNereusError(answer.refused), "what is not known is told by a code");
  }
}

/** What a time limit and a stop that waits no longer ask of a store. */
export const withdrawalCases: readonly ConformanceCase[] = [
  {
    name: "a commit that is taken back is refused and not stored, and one that cannot be taken back is answered",
    async run({ create }) {
      const store = await create();
      const all = numbersTo(100).map((at) => made(store, `s${at % 7}`));
      const back = all.map(({ commit }, at) => at % 2 === 0 && store.withdraw?.(commit) === true);
      const answers = await Promise.all(all.map(({ answer }) => answer));
      const stored = new Set(idsOf(await wholeLog(store)));
      for (const [at, { id }] of all.entries()) {
        assert.equal("refused" in (answers[at] as object), back[at], "who is told true gets no answer, all others do");
        assert.equal(stored.has(id), !back[at]);
      }
      await append(store, "s0", "any", messageOf());
    },
  },
  {
    name: "a commit that is answered, or was never made, is not taken back",
    async run({ create }) {
      const store = await create();
      const { id, commit, answer } = made(store, "a");
      const outcome = await answer;
      assert.ok(!("refused" in outcome) && committed(outcome) > 0);
      assert.notEqual(store.withdraw?.(commit), true);
      assert.notEqual(store.withdraw?.({ appends: [appendOf("a", "any", messageOf())] }), true);
      assert.deepEqual(idsOf(await wholeLog(store)), [id]);
    },
  },
  {
    name: "close at once leaves no commit without an answer, and what it acknowledged is stored",
    requires: ["durable"],
    async run({ create, reopen }) {
      const store = await create();
      await cut(
        store,
        () => reopen(store),
        () => store.close({ atOnce: true }),
      );
    },
  },
  {
    name: "close at once ends also what a close that waits already has to answer",
    requires: ["durable"],
    async run({ create, reopen }) {
      const store = await create();
      await cut(
        store,
        () => reopen(store),
        () => Promise.all([store.close(), store.close({ atOnce: true })]),
      );
    },
  },
];
