import { PrismaPg } from "@prisma/adapter-pg";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { Kysely, PostgresDialect } from "kysely";
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
  type SqlClient,
} from "nereus";
import type { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number() }) {}
class Deposit extends Command("Deposit", { accountId: identifier(), amount: z.number() }).returns<number>() {}
/** Writes to a table of the user's own as well, by raw SQL, Kysely or Drizzle. */
class Audited extends Command("Audited", { accountId: identifier(), amount: z.number(), by: z.string() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier(), balance: z.number().default(0) })
  .applies(Deposited, (account, event) => {
    account.accountId = event.accountId;
    account.balance += event.amount;
  })
  .invariant("positive", "No overdraft", ({ balance }) => balance >= 0) {}
class Row extends Projection("Row", { accountId: identifier(), balance: z.number() }) {}

const rows = projector(Row, { run: "inline" }).upsert(
  Deposited,
  ({ accountId }) => accountId,
  ({ accountId }) => ({ accountId, balance: 0 }),
  (row, { amount }) => {
    row.balance += amount;
  },
);
class Copy extends Projection("Copy", { accountId: identifier() }) {}
const copies = projector(Copy, { run: "async" }).on(Deposited, async ({ accountId, amount }, { transaction }) => {
  await transaction.query("INSERT INTO copies VALUES ($1, $2)", [accountId, amount]);
  if (amount === 13) throw new Error("unlucky");
});

interface Tables {
  audit: { account: string; amount: number };
}
const audit = pgTable("audit", { account: text(), amount: integer() });

let attempts = 0;
const handlers = commandHandlers(Account)
  .on(Deposit, async ({ accountId, amount }, { repository }) => {
    const account = (await repository(Account).find(accountId)) ?? Account.create(() => undefined);
    account.raise(new Deposited({ accountId, amount }));
    await repository(Account).add(account);
    return account.balance;
  })
  .on(Audited, async ({ accountId, amount, by }, { repository, transaction }) => {
    attempts += 1;
    const account = (await repository(Account).find(accountId)) ?? Account.create(() => undefined);
    if (by === "kysely") {
      const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: transaction }) });
      await db.insertInto("audit").values({ account: accountId, amount }).execute();
    } else if (by === "drizzle") {
      const db = drizzle({ client: transaction as unknown as Pool });
      await db.insert(audit).values({ account: accountId, amount });
      const written = await db.select().from(audit);
      expect(written.at(-1)).toEqual({ account: accountId, amount });
    } else if (by === "kysely's own transaction") {
      const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: transaction }) });
      await db.insertInto("audit").values({ account: accountId, amount }).execute();
      const optional = db.transaction().execute(async (tx) => {
        await tx.insertInto("audit").values({ account: accountId, amount: 99 }).execute();
      });
      await optional.catch(() => undefined);
      await db.transaction().execute((tx) => tx.insertInto("audit").values({ account: "tx", amount }).execute());
    } else if (by === "drizzle's own transaction") {
      const db = drizzle({ client: transaction as never });
      for (const account of [accountId, "tx"]) {
        await db.transaction(async (tx) => void (await tx.insert(audit).values({ account, amount })));
      }
    } else {
      await transaction.query("INSERT INTO audit VALUES ($1, $2)", [accountId, amount]);
      if (by !== "sql") await transaction.query(by);
    }
    account.raise(new Deposited({ accountId, amount }));
    await repository(Account).add(account);
  });

describe.skipIf(missingPostgres !== undefined)("transactions on PostgreSQL", () => {
  let database: TestDatabase;
  let bank: Domain;
  let schema = "";

  const start = async (elements: readonly Element[] = [Account, handlers, Row, rows]): Promise<Domain> => {
    const store = storeIn(database, { pool: database.anotherPool(), schema });
    const domain = new Domain("bank", { elements, store, log: { warn: () => undefined, error: () => undefined } });
    await domain.start();
    return domain;
  };
  const count = async (table: string): Promise<number> => {
    const { rows: found } = await database.pool.query(`SELECT count(*)::integer AS n FROM ${table}`);
    return found[0].n;
  };
  const messages = (): Promise<number> => count(`${schema}.nereus_messages`);

  beforeAll(async () => {
    database = await testDatabase({ max: 12 });
    await database.pool.query("CREATE TABLE audit (account text, amount integer CHECK (amount <> 99))");
    await database.pool.query("CREATE TABLE copies (account text, amount integer)");
  });
  afterAll(() => database.drop(), 120_000);
  beforeEach(async () => {
    attempts = 0;
    schema = newSchema();
    await database.pool.query("TRUNCATE audit, copies");
    bank = await start();
  });
  afterEach(() => bank.stop());

  test.each(["sql", "kysely", "drizzle"])("what a handler writes by %s is stored with its events", async (by) => {
    await bank.process(new Audited({ accountId: "1", amount: 5, by }));
    expect([await count("audit"), await messages()]).toEqual([1, 1]);
    expect(await bank.view(Row).get("1")).toMatchObject({ balance: 5 });
  });

  test.each(["sql", "kysely", "drizzle"])(
    "of a refused command nothing stays that it wrote by %s, and its connection serves again",
    async (by) => {
      for (let n = 0; n < 8; n++) {
        await expect(bank.process(new Audited({ accountId: "1", amount: -5, by }))).rejects.toThrow("No overdraft");
        await expect(bank.process(new Audited({ accountId: "1", amount: 99, by }))).rejects.toThrow(
          by === "drizzle" ? /Failed query/ : /check/,
        );
      }
      expect([await count("audit"), await messages()]).toEqual([0, 0]);
      await bank.process(new Audited({ accountId: "1", amount: 5, by }));
      expect([await count("audit"), await messages()]).toEqual([1, 1]);
    },
  );

  test("where the commit of a projection is refused, the error names the event and its position, and those before are kept", async () => {
    class Seen extends Projection("Seen", { accountId: identifier() }) {}
    await database.pool.query("CREATE TABLE seen (amount integer UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    const seen = projector(Seen, { run: "async" }).on(Deposited, async ({ amount }, { transaction }) => {
      await transaction.query("INSERT INTO seen VALUES ($1)", [amount]); // checked by the commit
    });
    const other = await start([Account, handlers, Row, rows, Seen, seen]);
    for (const amount of [1, 2, 3, 2, 4]) await other.process(new Deposit({ accountId: "1", amount }));
    const failure = await other.settle().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "PROJECTION_FAILED", element: "Seen", cause: { code: "STORE_FAILED" } });
    expect(String(failure)).toMatch(/Seen failed at Deposited, position \d+: .*seen_amount_key/);
    expect(await count("seen")).toBe(3);
    await other.stop();
  });

  test.each(["kysely's own transaction", "drizzle's own transaction"])(
    "%s is a savepoint: stored with the command, gone with it, and what it undoes takes nothing else along",
    async (by) => {
      await expect(bank.process(new Audited({ accountId: "1", amount: -5, by }))).rejects.toThrow("No overdraft");
      expect([await count("audit"), await messages()]).toEqual([0, 0]);
      await bank.process(new Audited({ accountId: "1", amount: 5, by }));
      expect([await count("audit"), await messages()]).toEqual([2, 1]);
    },
  );

  test.each([
    "COMMIT",
    "/* a note */ rollback",
    "SELECT 1; COMMIT",
    "COMMIT AND CHAIN",
    "PREPARE TRANSACTION 'x'",
    "begin isolation level serializable",
    "begin", // left open
  ])("a handler that sends %s is refused, and nothing of its command is stored", async (by) => {
    const refused = bank.process(new Audited({ accountId: "1", amount: 5, by }));
    await expect(refused).rejects.toMatchObject({ code: "TRANSACTION_CONTROL_REFUSED" });
    expect([await count("audit"), await messages()]).toEqual([0, 0]);
    await bank.process(new Audited({ accountId: "1", amount: 5, by: "SAVEPOINT mine" }));
    expect([await count("audit"), await messages()]).toEqual([1, 1]);
  });

  test("a client that is in no transaction is refused, and nothing is stored", async () => {
    const client = await database.pool.connect();
    const refused = bank.process(new Deposit({ accountId: "1", amount: 5 }), { transaction: client as never });
    await expect(refused).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
    client.release();
    expect(await messages()).toBe(0);
  });

  test("a handler that runs again after a conflict has written once", async () => {
    const rival = await start();
    await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        [bank, rival][n % 2]!.process(new Audited({ accountId: "1", amount: 1, by: "sql" })),
      ),
    );
    await rival.stop();
    expect(await count("audit")).toBe(12);
    expect(await bank.view(Row).get("1")).toMatchObject({ balance: 12 });
    expect(attempts).toBeGreaterThanOrEqual(12);
  });

  describe.each<[string, (client: SqlClient) => SqlClient]>([
    ["a pg client", (client) => client],
    [
      "a client that knows texts and values only",
      (client) => ({ query: (text, values = []) => client.query(text, [...values]) }),
    ],
  ])("in a transaction of the caller's, by %s", (_, clientOf) => {
    test("commands are stored when the caller commits, and see each other before", async () => {
      const client = await database.pool.connect();
      const transaction = clientOf(client as unknown as SqlClient);
      await client.query("BEGIN");
      await client.query("INSERT INTO audit VALUES ('1', 1)");
      expect(await bank.process(new Deposit({ accountId: "1", amount: 5 }), { transaction })).toBe(5);
      expect(await bank.process(new Deposit({ accountId: "1", amount: 6 }), { transaction })).toBe(11);
      await bank.process(new Audited({ accountId: "1", amount: 2, by: "sql" }), { transaction });
      expect([await messages(), await count("audit")]).toEqual([0, 0]);
      await client.query("COMMIT");
      client.release();
      expect([await messages(), await count("audit")]).toEqual([3, 2]);
      expect(await bank.view(Row).get("1")).toMatchObject({ balance: 13 });
      expect(await bank.process(new Deposit({ accountId: "1", amount: 1 }))).toBe(14);
    });

    test("what the caller rolls back never was, also for the next command", async () => {
      await bank.process(new Deposit({ accountId: "1", amount: 10 }));
      const client = await database.pool.connect();
      const transaction = clientOf(client as unknown as SqlClient);
      await client.query("BEGIN");
      await bank.process(new Deposit({ accountId: "1", amount: 5 }), { transaction, idempotencyKey: "k" });
      await client.query("ROLLBACK");
      client.release();
      expect(await messages()).toBe(1);
      expect(await bank.process(new Deposit({ accountId: "1", amount: 1 }))).toBe(11);
      expect(await bank.process(new Deposit({ accountId: "1", amount: 5 }), { idempotencyKey: "k" })).toBe(16);
    });

    test("a refused command leaves the caller's transaction as it was", async () => {
      const client = await database.pool.connect();
      const transaction = clientOf(client as unknown as SqlClient);
      await client.query("BEGIN");
      await client.query("INSERT INTO audit VALUES ('1', 1)");
      await expect(bank.process(new Deposit({ accountId: "1", amount: -5 }), { transaction })).rejects.toThrow(
        "No overdraft",
      );
      await bank.process(new Deposit({ accountId: "1", amount: 5 }), { transaction });
      await client.query("COMMIT");
      client.release();
      expect([await messages(), await count("audit")]).toEqual([1, 1]);
    });

    test("a command is sent with the caller's transaction, or not at all", async () => {
      const client = await database.pool.connect();
      const transaction = clientOf(client as unknown as SqlClient);
      for (const end of ["ROLLBACK", "COMMIT"]) {
        await client.query("BEGIN");
        await bank.send(new Deposit({ accountId: "1", amount: 5 }), { transaction });
        await client.query(end);
      }
      client.release();
      await bank.settle();
      expect(await bank.view(Row).get("1")).toMatchObject({ balance: 5 });
    });
  });

  test("commands join a transaction that Drizzle has begun", async () => {
    const client = await database.pool.connect();
    const db = drizzle({ client });
    const transaction = client as unknown as SqlClient;
    const booking = (amount: number, ends: () => void) =>
      db.transaction(async (tx) => {
        await tx.insert(audit).values({ account: "1", amount });
        expect(await bank.process(new Deposit({ accountId: "1", amount }), { transaction })).toBe(amount);
        ends();
      });
    const undone = () => {
      throw new Error("undone");
    };
    await expect(booking(7, undone)).rejects.toThrow("undone");
    expect([await messages(), await count("audit")]).toEqual([0, 0]);
    await booking(5, () => undefined);
    client.release();
    expect([await messages(), await count("audit")]).toEqual([1, 1]);
    expect(await bank.process(new Deposit({ accountId: "1", amount: 1 }))).toBe(6);
  });

  // Prisma's client needs an engine that is downloaded; this is its driver adapter, behind the raw queries that the client has.
  test.each(["commit", "rollback"] as const)("commands join a transaction that Prisma has begun: %s", async (end) => {
    const prisma = await new PrismaPg(database.anotherPool()).connect();
    const tx = await prisma.startTransaction();
    const raw = {
      async $queryRawUnsafe(sql: string, ...args: unknown[]): Promise<object[]> {
        const argTypes = args.map(() => ({ scalarType: "unknown", arity: "scalar" }) as const);
        const { columnNames, rows: found } = await tx.queryRaw({ sql, args, argTypes });
        return found.map((row) => Object.fromEntries(columnNames.map((name, at) => [name, row[at]])));
      },
    };
    const transaction: SqlClient = {
      query: async (sql, values = []) => ({ rows: await raw.$queryRawUnsafe(sql, ...values) }),
    };
    await raw.$queryRawUnsafe("INSERT INTO audit VALUES ($1, $2)", "1", 5);
    expect(await bank.process(new Deposit({ accountId: "1", amount: 5 }), { transaction })).toBe(5);
    await bank.process(new Audited({ accountId: "1", amount: 6, by: "sql" }), { transaction });
    await raw.$queryRawUnsafe(end); // as the engine does, which then has the connection given back
    await tx[end]();
    await prisma.dispose();
    const isCommitted = end === "commit";
    expect([await messages(), await count("audit")]).toEqual(isCommitted ? [2, 2] : [0, 0]);
    expect(await bank.process(new Deposit({ accountId: "1", amount: 1 }))).toBe(isCommitted ? 12 : 1);
  });

  test("callers side by side, one aggregate: every committed command counts once", async () => {
    const caller = async (n: number): Promise<void> => {
      const client = await database.pool.connect();
      try {
        await client.query("BEGIN");
        const transaction = client as unknown as SqlClient;
        await bank.process(new Deposit({ accountId: "1", amount: 1 }), { transaction });
        await client.query(n % 3 === 0 ? "ROLLBACK" : "COMMIT");
      } finally {
        client.release();
      }
    };
    const plain = Array.from({ length: 9 }, () => bank.process(new Deposit({ accountId: "1", amount: 1 })));
    await Promise.all([...plain, ...Array.from({ length: 9 }, (_, n) => caller(n))]);
    expect(await bank.view(Row).get("1")).toMatchObject({ balance: 15 });
    expect(await messages()).toBe(15);
  });

  test("an async projector's own tables change with its checkpoint, and stay as before an event that fails", async () => {
    const projecting = await start([Account, handlers, Row, rows, Copy, copies] as never);
    for (const amount of [1, 2, 13, 4]) await projecting.process(new Deposit({ accountId: "1", amount }));
    for (const _ of [1, 2]) await expect(projecting.settle()).rejects.toMatchObject({ code: "PROJECTION_FAILED" });
    expect(await count("copies")).toBe(2);
    await projecting.stop();
  });
});
