// docs/guides/transactions.md
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { Kysely, PostgresDialect } from "kysely";
import {
  Command,
  type CommandContext,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  type SqlClient,
} from "nereus";
import type { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { missingPostgres, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

class PaidOut extends Event("PaidOut", { accountId: identifier(), amount: z.number() }) {}
class PayOut extends Command("PayOut", { accountId: identifier(), amount: z.number() }) {}
class Note extends Command("Note", { accountId: identifier(), amount: z.number(), by: z.string() }) {}
class Open extends Command("Open", { accountId: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(
  PaidOut,
  (account, event) => {
    account.accountId = event.accountId;
  },
) {}

interface Tables {
  payouts: { account: string; amount: number };
}
const payouts = pgTable("payouts", { account: text(), amount: integer() });
type Transaction = CommandContext["transaction"];

async function byKysely(transaction: Transaction, accountId: string, amount: number): Promise<void> {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: transaction }) });
  await db.insertInto("payouts").values({ account: accountId, amount }).execute();
  await db.transaction().execute(async (tx) => {
    await tx.insertInto("payouts").values({ account: accountId, amount: -1 }).execute();
  });
}

async function byDrizzle(transaction: Transaction, accountId: string, amount: number): Promise<void> {
  const db = drizzle({ client: transaction as unknown as Pool });
  await db.insert(payouts).values({ account: accountId, amount });
}

async function withFee(transaction: Transaction, accountId: string): Promise<void> {
  await transaction.query("SAVEPOINT fee");
  try {
    await transaction.query("INSERT INTO fees (account, amount) VALUES ($1, 1)", [accountId]);
  } catch {
    await transaction.query("ROLLBACK TO SAVEPOINT fee");
  }
}

const opening = commandHandlers(Account).create(Open, ({ accountId }) =>
  Account.create((account) => account.raise(new PaidOut({ accountId, amount: 0 }))),
);
const noting = commandHandlers(Account).on(Note, async ({ accountId, amount, by }, { transaction }) => {
  if (by === "kysely") await byKysely(transaction, accountId, amount);
  else if (by === "drizzle") await byDrizzle(transaction, accountId, amount);
  else await withFee(transaction, accountId);
});

const payingOut = commandHandlers(Account).on(PayOut, async ({ accountId, amount }, { repository, transaction }) => {
  const account = await repository(Account).get(accountId);
  await transaction.query("INSERT INTO payouts (account, amount) VALUES ($1, $2)", [accountId, amount]);
  account.raise(new PaidOut({ accountId, amount }));
  await repository(Account).add(account);
});

/** As Prisma's client has it in `prisma.$transaction(async (tx) => …)`. */
interface Raw {
  $queryRawUnsafe(text: string, ...values: readonly unknown[]): Promise<object[]>;
}

describe.skipIf(missingPostgres !== undefined)("the guide to transactions", () => {
  let database: TestDatabase;
  let bank: Domain;
  const accountId = "1";
  const amounts = async (): Promise<readonly number[]> => {
    const { rows } = await database.pool.query("SELECT amount FROM payouts ORDER BY amount");
    await database.pool.query("TRUNCATE payouts");
    return rows.map((row: { amount: number }) => row.amount);
  };

  beforeAll(async () => {
    database = await testDatabase();
    await database.pool.query("CREATE TABLE payouts (account text, amount integer)");
    await database.pool.query("CREATE TABLE invoices (account text, paid boolean)");
    await database.pool.query("INSERT INTO invoices VALUES ('1', false)");
    bank = new Domain("bank", { elements: [Account, opening, noting, payingOut], store: storeIn(database) });
    await bank.start();
    await bank.process(new Open({ accountId }));
  });
  afterAll(async () => {
    await bank.stop();
    await database.drop();
  });

  test("SQL, Kysely and Drizzle in a handler, and a part that fails", async () => {
    await bank.process(new PayOut({ accountId, amount: 5 }));
    expect(await amounts()).toEqual([5]);
    for (const by of ["kysely", "drizzle", "a part that fails"])
      await bank.process(new Note({ accountId, amount: 7, by }));
    expect(await amounts()).toEqual([-1, 7, 7]);
  });

  test("a transaction that you have begun", async () => {
    const pooled = await database.pool.connect();
    const client: SqlClient = pooled as unknown as SqlClient;
    await client.query("BEGIN");
    await client.query("UPDATE invoices SET paid = true WHERE account = $1", [accountId]);
    await bank.process(new PayOut({ accountId, amount: 5 }), { transaction: client });
    await client.query("COMMIT");
    pooled.release();
    expect(await amounts()).toEqual([5]);
  });

  test("one that is reached by raw queries", async () => {
    const client = await database.pool.connect();
    const tx: Raw = { $queryRawUnsafe: async (sql, ...values) => (await client.query(sql, [...values])).rows };
    const amount = 3;
    await client.query("BEGIN");
    const transaction: SqlClient = {
      query: async (text, values = []) => ({ rows: await tx.$queryRawUnsafe(text, ...values) }),
    };
    await bank.process(new PayOut({ accountId, amount }), { transaction });
    await client.query("COMMIT");
    client.release();
    expect(await amounts()).toEqual([3]);
  });
});
