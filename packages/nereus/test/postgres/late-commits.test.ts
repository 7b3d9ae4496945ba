import { setTimeout } from "node:timers/promises";
import { Command, commandHandlers, Domain, Event, EventSourcedAggregate, eventHandlers, identifier } from "nereus";
import { postgres } from "nereus/postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { makeCluster, type PostgresCluster, whyNoCluster } from "../support/postgres-cluster.ts";

/** How long the writers write. */
const seconds = Number(process.env["NEREUS_TEST_SECONDS"] ?? 3);
const writers = 64;
const streams = 48;

class Counted extends Event("Counted", { counterId: identifier(), by: z.number() }) {}
class Counter extends EventSourcedAggregate("Counter", {
  counterId: identifier(),
  count: z.number().default(0),
}).applies(Counted, (counter, { counterId }) => {
  counter.counterId = counterId;
  counter.count += 1;
}) {}
/** Answers the number of the event in its stream. */
class Count extends Command("Count", { counterId: identifier(), by: z.number() }).returns<number>() {}
const counting = commandHandlers(Counter).on(Count, async ({ counterId, by }, { repository }) => {
  const counter = (await repository(Counter).find(counterId)) ?? Counter.create(() => undefined);
  counter.raise(new Counted({ counterId, by }));
  await repository(Counter).add(counter);
  return counter.count - 1;
});

describe.skipIf(whyNoCluster() !== undefined)("64 writers that pause between insert and commit, on PostgreSQL", () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await makeCluster();
  });
  afterAll(() => cluster?.remove());

  test(
    `a subscriber sees every event once and in the order of its stream, and no position below one that it has passed (${seconds} s)`,
    async () => {
      const pool = new pg.Pool({ connectionString: cluster.url, max: writers + 8 });
      const writing = new Domain("counters", { elements: [Counter, counting], store: postgres({ pool, setUp: true }) });
      await writing.start();

      const seen = new Map<string, number[]>();
      const follower = eventHandlers("Follower").on(Counted, ({ counterId }, { metadata }) => {
        seen.set(counterId, [...(seen.get(counterId) ?? []), metadata.version]);
      });
      const store = postgres(cluster.url);
      const following = new Domain("counters", { elements: [Counter, follower], store });
      await following.start();
      await following.engine().start();

      const end = Date.now() + seconds * 1000;
      let isOver = false;
      const positions = followLog(store, () => isOver);
      const committed = new Map<string, number[]>();
      const outcomes = { committed: 0, "rolled back": 0 };
      const write = async (writer: number): Promise<void> => {
        const client = await pool.connect();
        for (let n = writer; Date.now() < end; n++) {
          const counterId = String(n % streams);
          await client.query("BEGIN");
          const version = await writing.process(new Count({ counterId, by: writer }), { transaction: client });
          await setTimeout(Math.random() * 20);
          const isCommitted = Math.random() < 0.9;
          await client.query(isCommitted ? "COMMIT" : "ROLLBACK");
          outcomes[isCommitted ? "committed" : "rolled back"] += 1;
          if (isCommitted) committed.set(counterId, [...(committed.get(counterId) ?? []), version]);
        }
        client.release();
      };
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
      isOver = true;

      await following.settle();
      const read = await positions;
      console.log(`${writers} writers, ${seconds} s: ${JSON.stringify(outcomes)}; ${read.length} positions read`);
      expect(outcomes.committed).toBeGreaterThan(writers / 2);
      expect(outcomes["rolled back"]).toBeGreaterThan(0);
      expect(read).toHaveLength(outcomes.committed);
      expect(read.every((position, at) => at === 0 || position > (read[at - 1] as number))).toBe(true);
      for (const [counterId, versions] of committed) {
        const inOrder = versions.toSorted((a, b) => a - b);
        expect(inOrder).toEqual(versions.map((_, at) => at));
        expect(seen.get(counterId)).toEqual(inOrder);
      }
      expect(seen.size).toBe(committed.size);
      await following.stop();
      await writing.stop();
      await pool.end();
    },
    (seconds + 60) * 1000,
  );
});

/** Reads on until it is over and nothing new has come; answers the positions as they came. */
async function followLog(store: ReturnType<typeof postgres>, isOver: () => boolean): Promise<number[]> {
  const positions: number[] = [];
  for (let after = 0; ; ) {
    const over = isOver();
    const { messages, through } = await store.log.readLog({ after, limit: 50 });
    positions.push(...messages.map(({ position }) => position));
    after = Math.max(after, through);
    if (messages.length > 0) continue;
    if (over && after === (await store.log.head())) return positions;
    await setTimeout(1);
  }
}
