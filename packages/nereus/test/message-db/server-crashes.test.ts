import { randomUUID } from "node:crypto";
import type { Store } from "nereus";
import { memory } from "nereus/memory";
import { messageDb, setUp } from "nereus/message-db";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeCluster, type PostgresCluster, whyNoCluster } from "../support/postgres-cluster.ts";

// A server that crashes may give positions out again that transactions took which never ended: no message has them.
describe.skipIf(whyNoCluster() !== undefined)("a follower that lives through a crash of the server", () => {
  let cluster: PostgresCluster;
  let pool: pg.Pool;
  let store: Store;
  let through = 0;
  const seen: string[] = [];

  beforeEach(async () => {
    cluster = await makeCluster();
    pool = poolOf(cluster);
    await setUp({ pool });
    store = messageDb({ pool, documents: memory() });
    await store.open([]);
    through = 0;
    seen.length = 0;
  });

  afterEach(async () => {
    await store.close();
    await pool.end();
    cluster.remove();
  });

  /** Reads what is new. */
  async function look(): Promise<void> {
    const page = await store.log.readLog({ after: through, limit: 100 });
    through = page.through;
    seen.push(...page.messages.map(({ type }) => type));
  }

  test.each(["was rolled back", "is open at the crash"])("takes no position of what %s as settled", async (how) => {
    await write(pool, "a-1", "First");
    await look();
    const lost = await pool.connect();
    lost.on("error", () => undefined);
    await lost.query("BEGIN");
    for (let at = 0; at < 200; at++) await write(lost, "a-2", "Lost");
    if (how === "was rolled back") {
      await lost.query("ROLLBACK");
      lost.release();
    }
    expect(await store.log.head()).toBe(1);
    cluster.stop("immediate");
    cluster.start();
    if (how !== "was rolled back") lost.release(true);
    const slow = new pg.Client({ connectionString: cluster.url });
    await slow.connect();
    await slow.query("BEGIN");
    const slowPosition = await write(slow, "x-1", "Slow");
    const quickPosition = await write(pool, "y-1", "Quick");
    expect(slowPosition).toBeLessThan(quickPosition);
    for (let at = 0; at < 3; at++) await look();
    await slow.query("COMMIT");
    await slow.end();
    await expect.poll(async () => look().then(() => seen)).toEqual(["First", "Slow", "Quick"]);
    expect(through).toBe(quickPosition);
    expect(await store.log.head()).toBe(quickPosition);
  });
});

function poolOf({ url }: PostgresCluster): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on("error", () => undefined); // a crash ends its connections
  return pool;
}

/** As any client of Message DB does, after a crash as well. */
async function write(on: Pick<pg.Pool, "query">, stream: string, type: string): Promise<number> {
  const text = `WITH path AS MATERIALIZED (SELECT set_config('search_path', 'message_store', true) AS path)
    SELECT message_store.write_message($1, $2, CASE WHEN path.path IS NOT NULL THEN $3 END, '{}'::jsonb) AS written,
      currval('message_store.messages_global_position_seq')::int AS position FROM path`;
  for (let attempt = 0; ; attempt++) {
    try {
      const { rows } = await on.query<{ position: number }>(text, [randomUUID(), stream, type]);
      return rows[0]?.position ?? 0;
    } catch (error) {
      if (attempt >= 8) throw error;
    }
  }
}
