import { memory } from "nereus/memory";
import { messageDb } from "nereus/message-db";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { appendOf, messageOf, streamOf, wholeLog, wholeStream } from "../../src/conformance/samples.ts";
import { messageDbDatabase } from "../support/message-db.ts";
import { missingPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";

describe.skipIf(missingPgBouncer !== undefined)("Message DB behind PgBouncer in transaction mode", () => {
  test("sessions that change with each statement know none that was prepared: everything works without", async () => {
    const database = await messageDbDatabase();
    onTestFinished(() => database.drop());
    const bouncer = await startPgBouncer(database.url, { pool_mode: "transaction", default_pool_size: "3" });
    onTestFinished(() => bouncer.remove());
    const pool = new pg.Pool({ connectionString: bouncer.through(database.url), max: 8 });
    onTestFinished(() => pool.end());
    const store = messageDb({ pool, documents: memory() });
    await store.open([]);
    onTestFinished(() => store.close());
    await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const stream = streamOf(`${at % 20}`, { category: `c${at % 7}` });
        const outcome = await store.commit({ appends: [appendOf(stream, "any", messageOf("Deposited"))] });
        expect(outcome.status).toBe("committed");
        await wholeStream(store, stream);
      }),
    );
    expect(await wholeLog(store)).toHaveLength(200);
    expect(await store.log.head()).toBe(200);
  });
});
