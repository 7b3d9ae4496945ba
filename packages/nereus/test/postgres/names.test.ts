import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  type SqlClient,
} from "nereus";
import { setUp } from "nereus/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

class Stock extends Command("Stock", { productId: identifier(), amount: z.number() }) {}
class Product extends Aggregate("product", { productId: identifier(), amount: z.number() }, { unique: [["amount"]] }) {}
class Opened extends Event("Opened", { accountId: identifier() }) {}
class Open extends Command("Open", { accountId: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Opened, (it, event) => {
  it.accountId = event.accountId;
}) {}
const stocking = commandHandlers(Product).create(Stock, (command) => new Product({ ...command }));
const opening = commandHandlers(Account).on(Open, async ({ accountId }, { repository, transaction }) => {
  await transaction.query("CREATE TEMP TABLE IF NOT EXISTS nereus_messages (LIKE pg_catalog.pg_class)");
  await repository(Account).add(Account.create((it) => it.raise(new Opened({ accountId }))));
});

describe.skipIf(missingPostgres !== undefined)(
  "names on PostgreSQL mean one thing, whatever the session has done",
  () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await testDatabase({ max: 8 });
    });
    afterAll(() => database.drop(), 60_000);

    const rows = async (sql: string): Promise<readonly Record<string, unknown>[]> =>
      (await database.pool.query(sql)).rows;

    test.each([
      "product",
      "nereus_messages",
      "nereus_outcomes",
      "nereus_collections",
      "nereus_batches",
      "nereus_types",
    ])("a temporary table named %s takes nothing of a command in the caller's transaction", async (name) => {
      const schema = newSchema();
      const store = storeIn(database, { schema });
      const shop = new Domain("shop", { elements: [Product, stocking, Account, opening], store });
      await shop.start();
      const client = await database.pool.connect();
      await client.query("BEGIN");
      await client.query(`CREATE TEMP TABLE ${name} (LIKE ${schema}.${name} INCLUDING ALL) ON COMMIT DROP`);
      const transaction = client as unknown as SqlClient;
      await shop.process(new Stock({ productId: "1", amount: 5 }), { transaction, idempotencyKey: "1" });
      await shop.process(new Open({ accountId: "1" }), { transaction, idempotencyKey: "2" });
      await client.query("COMMIT");
      client.release(true);
      expect(await rows(`SELECT _id FROM ${schema}.product`)).toEqual([{ _id: "1" }]);
      expect(await rows(`SELECT stream_id FROM ${schema}.nereus_messages`)).toEqual([{ stream_id: "1" }]);
      expect(await rows(`SELECT key FROM ${schema}.nereus_outcomes ORDER BY key`)).toHaveLength(2);
      await shop.stop();
    });

    test("a temporary table that a handler makes takes nothing of its own command", async () => {
      const schema = newSchema();
      const shop = new Domain("shop", { elements: [Account, opening], store: storeIn(database, { schema }) });
      await shop.start();
      for (const accountId of ["1", "2"]) await shop.process(new Open({ accountId }));
      expect(await rows(`SELECT stream_id FROM ${schema}.nereus_messages`)).toHaveLength(2);
      await shop.stop();
    });

    test.each(["pg_settings", "pg_class", "text", "jsonb"])("an aggregate may be named %s", async (name) => {
      class Make extends Command("Make", { thingId: identifier(), value: z.string() }) {}
      class Thing extends Aggregate(name, { thingId: identifier(), value: z.string() }, { unique: [["value"]] }) {}
      const making = commandHandlers(Thing).create(Make, (command) => new Thing({ ...command }));
      const shop = new Domain("shop", { elements: [Thing, making], store: storeIn(database) });
      await shop.start();
      expect(await shop.process(new Make({ thingId: "1", value: "a" }))).toBe("1");
      await expect(shop.process(new Make({ thingId: "2", value: "a" }))).rejects.toMatchObject({
        code: "UNIQUE_VIOLATED",
      });
      await shop.stop();
    });

    test("functions of another schema of the search path are not taken for PostgreSQL's own in set-up and in commits", async () => {
      await database.pool.query("CREATE SCHEMA evil");
      const refuse = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$";
      for (const signature of [
        "pg_advisory_xact_lock(bigint) RETURNS void",
        "hashtextextended(text, bigint) RETURNS bigint",
        "pg_notify(text, text) RETURNS void",
        "setval(regclass, bigint) RETURNS bigint",
        "max(bigint) RETURNS bigint",
        "max(integer) RETURNS integer",
        "now() RETURNS timestamptz",
      ]) {
        await database.pool.query(`CREATE FUNCTION evil.${signature} ${refuse}`);
      }
      const pool = database.anotherPool({ options: "-c search_path=evil,pg_catalog" });
      const schema = newSchema();
      await setUp({ pool, schema });
      const shop = new Domain("shop", { elements: [Product, stocking], store: storeIn(database, { pool, schema }) });
      await shop.start();
      expect(await shop.process(new Stock({ productId: "1", amount: 5 }))).toBe("1");
      await shop.settle();
      await shop.stop();
    });
  },
);
