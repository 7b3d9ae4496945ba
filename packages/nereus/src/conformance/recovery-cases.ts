import assert from "node:assert/strict";
import type { StoredMessage } from "../log/message.ts";
import type { CheckpointMove, CommitOutcome, Store } from "../ports/store.ts";
import type { ConformanceCase, ConformanceHarness } from "./conformance-case.ts";
import { append, appendOf, committed, messageOf, messagesOf, numbersTo, people, wholeStream } from "./samples.ts";

const name = "subscription";
/** When a subscriber dies: with its effect not made, on its way, or made and not yet known to it. */
const deaths = ["before its commit", "in its commit", "after its commit"] as const;

/** The number that a message carries. */
function numberOf({ data }: StoredMessage): number {
  return (JSON.parse(data) as { readonly at: number }).at;
}

/**
 * Follows twelve messages with a subscriber that dies three times in all, each time at another moment, and begins again from the stored
 * checkpoint. Returns how often each message was delivered, and the store that is open in the end.
 */
async function followed(
  { create, reopen }: ConformanceHarness,
  handle: (store: Store, message: StoredMessage, checkpoint: CheckpointMove) => Promise<() => Promise<CommitOutcome>>,
): Promise<{ readonly store: Store; readonly deliveries: readonly number[] }> {
  let store = await create([people]);
  const head = await append(store, "source", "none", ...messagesOf(12));
  const deliveries = numbersTo(12).map(() => 0);
  const dying = new Map(deaths.map((death, at) => [2 + 4 * at, death]));
  const restart = async (): Promise<void> => {
    if (store.capabilities.has("durable")) store = await reopen(store, [people]);
  };
  for (let at = 0; at < head; ) {
    at = await store.records.checkpoint(name);
    const { messages } = await store.log.readLog({
      after: at,
      limit: 5,
      categories: ["accounts"],
      types: ["Deposited"],
    });
    for (const message of messages) {
      const number = numberOf(message);
      deliveries[number] = (deliveries[number] ?? 0) + 1;
      const death = dying.get(number);
      dying.delete(number);
      const commit = await handle(store, message, { name, expected: at, position: message.position });
      if (death === "before its commit") {
        await restart();
        break;
      }
      const answer = commit();
      if (death === "in its commit") {
        await restart();
        await answer;
        break;
      }
      committed(await answer);
      if (death === "after its commit") {
        await restart();
        break;
      }
      at = message.position;
    }
    at = await store.records.checkpoint(name);
  }
  return { store, deliveries };
}

/** What a subscriber does takes effect once, wherever it dies. */
export const recoveryCases: readonly ConformanceCase[] = [
  {
    name: "a subscriber that dies around a commit of documents and checkpoint makes every step once",
    async run(harness) {
      const { store, deliveries } = await followed(harness, async (open, message, checkpoint) => {
        const id = `${numberOf(message)}`;
        const stored = (await open.documents.get("people", "", [id])).get(id);
        const age = stored === undefined ? 1 : Number(JSON.parse(stored.data).age) + 1;
        const documents = [
          { collection: "people", tenant: "", id, expectedVersion: "any", data: JSON.stringify({ age }) } as const,
        ];
        return () => open.commit({ documents, checkpoint });
      });
      assert.ok(deliveries.every((count) => count >= 1));
      assert.ok(
        deliveries.some((count) => count > 1),
        "nothing was delivered again",
      );
      const documents = await store.documents.find("people", "", {});
      assert.deepEqual(
        documents.map(({ data }) => data),
        numbersTo(12).map(() => '{"age":1}'),
      );
    },
  },
  {
    name: "a subscriber that dies around a commit of messages and checkpoint makes every step once",
    async run(harness) {
      const { store, deliveries } = await followed(harness, async (open, message, checkpoint) => {
        const made = messageOf("Noted", { data: JSON.stringify({ of: numberOf(message) }) });
        return () => open.commit({ appends: [appendOf("effects", "any", made)], checkpoint });
      });
      assert.ok(
        deliveries.some((count) => count > 1),
        "nothing was delivered again",
      );
      const effects = (await wholeStream(store, "effects")).map(({ data }) => data);
      assert.deepEqual(
        effects,
        numbersTo(12).map((of) => JSON.stringify({ of })),
      );
    },
  },
  {
    name: "where the checkpoint is committed after the effect, a message id of its own makes a repeated effect one",
    async run(harness) {
      const made = numbersTo(12).map((of) => messageOf("Noted", { data: JSON.stringify({ of }) }));
      const { store, deliveries } = await followed(harness, async (open, message, checkpoint) => {
        const effect = appendOf("effects", "any", made[numberOf(message)] ?? messageOf());
        committed(await open.commit({ appends: [effect] }));
        return () => open.commit({ checkpoint });
      });
      assert.ok(
        deliveries.some((count) => count > 1),
        "nothing was delivered again",
      );
      const effects = await wholeStream(store, "effects");
      assert.deepEqual(
        effects.map(({ id }) => id),
        made.map(({ id }) => id),
      );
    },
  },
];
