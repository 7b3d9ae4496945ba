// Releases that differ in an inline projection, where callers have transactions of their own and projectors run SQL.
import { setTimeout } from "node:timers/promises";
import {
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
} from "nereus";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { RecordedLog } from "../support/places.ts";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

class Added extends Event("Added", { id: identifier(), n: z.number() }) {}
class Add extends Command("Add", { id: identifier(), n: z.number() }) {}
class Account extends EventSourcedAggregate("Account", { id: identifier(), n: z.number().default(0) }).applies(
  Added,
  (account, { id, n }) => {
    account.id = id;
    account.n += n;
  },
) {}
const commands = commandHandlers(Account).on(Add, async ({ id, n }, { repository }) => {
  const account = (await repository(Account).find(id)) ?? Account.create(() => undefined);
  account.raise(new Added({ id, n }));
  await repository(Account).add(account);
});
class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
const rows = projector(Row, { run: "inline" }).upsert(
  Added,
  ({ id }) => id,
  ({ id }) => ({ id, n: 0 }),
  (row, { n }) => {
    row.n += n;
  },
);
const none: readonly Element[] = [Account, commands];
const inline: readonly Element[] = [...none, Row, rows];

describe.skipIf(missingPostgres !== undefined)("releases side by side on PostgreSQL", () => {
  let database: TestDatabase;
  let schema = "";
  beforeAll(async () => {
    database = await testDatabase({ max: 12 });
  });
  afterAll(() => database.drop());
  beforeEach(() => {
    schema = newSchema();
  });

  async function start(elements: readonly Element[], log = new RecordedLog()): Promise<Domain> {
    const domain = new Domain("bank", { elements, store: storeIn(database, { schema }), log });
    await domain.start();
    onTestFinished(() => domain.stop());
    return domain;
  }

  /** A release with the projection, and events that another one has committed without it. */
  async function behind(): Promise<{ readonly domain: Domain; readonly other: Domain }> {
    const [domain, other] = [await start(inline), await start(none)];
    await domain.process(new Add({ id: "1", n: 1 }));
    for (let n = 0; n < 3; n++) await other.process(new Add({ id: "1", n: 1 }));
    return { domain, other };
  }

  async function inTransaction<Result>(end: string, work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const client = await database.pool.connect();
    await client.query("BEGIN");
    try {
      return await work(client);
    } finally {
      await client.query(end);
      client.release();
    }
  }

  test.each(["COMMIT", "ROLLBACK"])("a caller's transaction catches up by itself, and its %s counts", async (end) => {
    const { domain } = await behind();
    await inTransaction(end, async (transaction) => {
      await domain.process(new Add({ id: "1", n: 10 }), { transaction });
      await domain.process(new Add({ id: "1", n: 10 }), { transaction });
    });
    expect(await domain.view(Row).get("1")).toMatchObject({ n: end === "COMMIT" ? 24 : 4 });
    await domain.process(new Add({ id: "1", n: 1 }));
    expect(await domain.view(Row).get("1")).toMatchObject({ n: end === "COMMIT" ? 25 : 5 });
  });

  test("a caller's transaction that runs while others catch up and leave out again waits for none of them", async () => {
    const { domain, other } = await behind();
    let isDone = false;
    const writers = [domain, other].map(async (writer) => {
      while (!isDone) await writer.process(new Add({ id: "2", n: 1 }));
    });
    for (let at = 0; at < 10; at++) {
      await inTransaction("COMMIT", (transaction) => domain.process(new Add({ id: "1", n: 1 }), { transaction }));
      await setTimeout(5);
    }
    isDone = true;
    await Promise.all(writers);
    expect(await domain.view(Row).get("1")).toMatchObject({ n: 14 });
    const { rows: found } = await database.pool.query(
      `SELECT count(*)::integer AS n FROM ${schema}.nereus_messages WHERE stream_id = '2'`,
    );
    expect(await domain.view(Row).get("2")).toMatchObject({ n: found[0].n });
  });

  test("a view that a caller reads beside its own open transaction does not wait for it without end", async () => {
    const { domain } = await behind();
    await inTransaction("ROLLBACK", async (transaction) => {
      await domain.process(new Add({ id: "1", n: 10 }), { transaction });
      const read = domain.view(Row).get("1");
      const answer = await Promise.race([read.catch((error: unknown) => error), setTimeout(30_000, "hangs")]);
      expect(answer).not.toBe("hangs");
      read.catch(() => undefined);
      expect(answer).toMatchObject({ code: "STORE_LOCKED" });
    });
    expect(await domain.view(Row).get("1")).toMatchObject({ n: 4 });
  });

  test("a projector's own SQL runs once for each event, whichever release committed it", async () => {
    await database.pool.query(`CREATE TABLE IF NOT EXISTS copies (of text, n integer)`);
    await database.pool.query(`DELETE FROM copies`);
    class Copy extends Projection("Copy", { id: identifier() }) {}
    const copies = projector(Copy, { run: "inline" }).on(Added, async ({ id, n }, { transaction }) => {
      await transaction.query("INSERT INTO copies VALUES ($1, $2)", [id, n]);
    });
    const [domain, other] = [await start([...none, Copy, copies]), await start(none)];
    for (let n = 0; n < 12; n++) await (n % 3 === 0 ? domain : other).process(new Add({ id: "1", n }));
    await inTransaction("COMMIT", (transaction) => domain.process(new Add({ id: "1", n: 12 }), { transaction }));
    await other.process(new Add({ id: "1", n: 13 }));
    await domain.view(Copy).count();
    const { rows: found } = await database.pool.query("SELECT n FROM copies ORDER BY n");
    expect(found.map(({ n }: { n: number }) => n)).toEqual(Array.from({ length: 14 }, (_, n) => n));
  });
});
