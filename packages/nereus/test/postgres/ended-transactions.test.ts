import { Kysely, PostgresDialect } from "kysely";
import {
  Command,
  type CommandContext,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  isNereusError,
  Projection,
  projector,
  type SqlClient,
  type SqlTransaction,
} from "nereus";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

class Paid extends Event("Paid", { accountId: identifier(), amount: z.number() }) {}
/** Reads the account, does what `how` says in the transaction, and pays. */
class Pay extends Command("Pay", { accountId: identifier(), amount: z.number(), how: z.string() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier(), balance: z.number().default(0) })
  .applies(Paid, (account, event) => {
    account.accountId = event.accountId;
    account.balance += event.amount;
  })
  .invariant("positive", "No overdraft", ({ balance }) => balance >= 0) {}
class Line extends Projection("Line", { accountId: identifier() }) {}

type Deed = (transaction: SqlTransaction, context: CommandContext) => unknown;
const insert = "INSERT INTO noted VALUES ('handler')";
const slow = "INSERT INTO noted SELECT 'handler' FROM pg_sleep(0.05)";
interface Tables {
  noted: { who: string };
}
const kysely = (transaction: SqlTransaction): Kysely<Tables> =>
  new Kysely<Tables>({ dialect: new PostgresDialect({ pool: transaction }) });
/** Comments of PostgreSQL nest: what looks like a text here is a statement. */
const hidden = (statement: string): string => `/* /* */ ' */ ${statement} --'`;

let later: Promise<unknown> = Promise.resolve();
let kept: SqlTransaction | undefined;
const floating: Record<string, Deed> = {
  "a statement": (transaction) => void transaction.query(slow),
  "a statement that fails": (transaction) => void transaction.query("SELECT pg_sleep(0.05), 1 / 0"),
  "a statement after one that was awaited": async (transaction) => {
    await transaction.query(insert);
    void transaction.query(slow);
  },
  "one statement after another": (transaction) => {
    const all = async (): Promise<void> => {
      for (let count = 0; count < 20; count++) await transaction.query(insert);
    };
    later = all().catch(codeOf);
  },
};
/** A builder sends its first statement a little later: when the handler has ended. */
const late: Record<string, Deed> = {
  "a builder's statement": (transaction) => {
    later = kysely(transaction).insertInto("noted").values({ who: "handler" }).execute().catch(codeOf);
  },
  "a builder's transaction": (transaction) => {
    const all = kysely(transaction)
      .transaction()
      .execute(async (tx) => {
        await tx.insertInto("noted").values({ who: "handler" }).execute();
        await tx.insertInto("noted").values({ who: "handler" }).execute();
      });
    later = all.catch(codeOf);
  },
};
const ending: Record<string, Deed> = {
  "a hidden COMMIT": (transaction) => transaction.query(hidden("COMMIT")),
  "a hidden ROLLBACK": (transaction) => transaction.query(hidden("ROLLBACK")),
  "a hidden COMMIT AND CHAIN": (transaction) => transaction.query(hidden("COMMIT AND CHAIN")),
  "a hidden ROLLBACK, and BEGIN": async (transaction) => {
    await transaction.query(hidden("ROLLBACK"));
    await transaction.query(hidden("BEGIN"));
    await transaction.query(insert);
  },
  "a COMMIT that was prepared by name": (transaction) => transaction.query({ name: "finish", values: [] }) as unknown,
};
const deeds: Record<string, Deed> = {
  ...floating,
  ...late,
  ...ending,
  nothing: () => undefined,
  insert: (transaction) => transaction.query(insert),
  "keep the transaction": async (transaction) => {
    await transaction.query(insert);
    kept = transaction;
  },
  "fail in a builder's transaction that is not awaited": (transaction) => {
    const all = kysely(transaction)
      .transaction()
      .execute(async () => {
        throw new Error("undone");
      });
    later = all.catch(codeOf);
    throw new Error("failed");
  },
};

function codeOf(error: unknown): string {
  return isNereusError(error) ? error.code : String(error);
}

const paying = commandHandlers(Account).on(Pay, async ({ accountId, amount, how }, context) => {
  const { repository, transaction } = context;
  const account = (await repository(Account).find(accountId)) ?? Account.create(() => undefined);
  const deed = deeds[how];
  await (deed === undefined ? transaction.query(how) : deed(transaction, context));
  account.raise(new Paid({ accountId, amount }));
  await repository(Account).add(account);
});

describe.skipIf(missingPostgres !== undefined)(
  "the transaction that a command commits in is the one that began",
  () => {
    let database: TestDatabase;
    let pool: TestDatabase["pool"];
    let bank: Domain;
    let schema = "";

    const start = async (...more: readonly Element[]): Promise<Domain> => {
      const store = storeIn(database, { pool, schema });
      const quiet = { warn: () => undefined, error: () => undefined };
      const domain = new Domain("bank", { elements: [Account, paying, ...more], store, log: quiet });
      await domain.start();
      return domain;
    };
    const count = async (table: string): Promise<number> => {
      const { rows } = await database.pool.query(`SELECT count(*)::integer AS n FROM ${table}`);
      return rows[0].n;
    };
    const stored = async (): Promise<readonly number[]> => [
      await count("noted"),
      await count(`${schema}.nereus_messages`),
    ];
    const pay = (how: string, transaction?: SqlClient, amount = 5): Promise<unknown> =>
      bank.process(new Pay({ accountId: "1", amount, how }), { transaction });
    const connected = async (work: (client: SqlClient) => Promise<unknown>): Promise<void> => {
      const client = await database.pool.connect();
      try {
        await work(client as unknown as SqlClient);
      } finally {
        client.release(true);
      }
    };
    const inTransaction = (work: (client: SqlClient) => Promise<unknown>): Promise<void> =>
      connected(async (client) => {
        await client.query("BEGIN");
        await work(client);
        await client.query("COMMIT");
      });

    beforeAll(async () => {
      database = await testDatabase({ max: 4 });
      pool = database.anotherPool();
      pool.on("connect", (client) => void client.query({ name: "finish", text: "COMMIT" }).catch(() => undefined));
      await database.pool.query("CREATE TABLE noted (who text)");
      await database.pool.query("CREATE PROCEDURE finishing() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$");
      await database.pool.query("CREATE ROLE nereus_reader").catch(() => undefined);
    });
    afterAll(() => database.drop(), 60_000);
    beforeEach(async () => {
      schema = newSchema();
      kept = undefined;
      later = Promise.resolve();
      await database.pool.query("TRUNCATE noted");
      bank = await start();
    });
    afterEach(() => bank.stop());

    describe("what a handler does not await", () => {
      test.each(Object.keys(floating))("%s: the command is refused, and nothing of it is stored", async (how) => {
        await expect(pay(how)).rejects.toMatchObject({ code: "STATEMENT_NOT_AWAITED" });
        await later;
        for (let n = 0; n < 6; n++) await pay("nothing"); // on all connections
        expect(await stored()).toEqual([0, 6]);
      });

      test.each(Object.keys(floating))("%s: nothing of it is in the transaction of a caller", async (how) => {
        await inTransaction(async (transaction) => {
          await pay("insert", transaction);
          await expect(pay(how, transaction)).rejects.toMatchObject({ code: "STATEMENT_NOT_AWAITED" });
          await later;
          await pay("nothing", transaction);
        });
        expect(await stored()).toEqual([1, 2]);
      });

      test.each(Object.keys(late))("%s: it is refused", async (how) => {
        await pay(how);
        expect(await later).toMatch(/UNIT_OF_WORK_CLOSED/);
        await inTransaction((transaction) => pay(how, transaction));
        expect(await later).toMatch(/UNIT_OF_WORK_CLOSED/);
        for (let n = 0; n < 6; n++) await pay("nothing"); // on all connections
        expect(await stored()).toEqual([0, 8]);
      });

      test("a transaction that is kept takes nothing after the command", async () => {
        await pay("keep the transaction");
        await expect(kept?.query(insert)).rejects.toMatchObject({ code: "UNIT_OF_WORK_CLOSED" });
        await expect(kept?.connect().then((again) => again.query(insert))).rejects.toMatchObject({
          code: "UNIT_OF_WORK_CLOSED",
        });
        expect(await stored()).toEqual([1, 1]);
      });

      test("what a builder undoes late touches no other command", async () => {
        for (let n = 0; n < 10; n++) {
          const failing = pay("fail in a builder's transaction that is not awaited");
          const others = Array.from({ length: 6 }, (_, m) =>
            bank.process(new Pay({ accountId: `${n}-${m}`, amount: 1, how: "insert" })),
          );
          await expect(failing).rejects.toThrow("failed");
          await Promise.all(others);
          await later;
        }
        expect(await stored()).toEqual([60, 60]);
      });

      test("by an inline handler of events", async () => {
        await bank.stop();
        const noting = eventHandlers("Noting", { run: "inline" }).on(
          Paid,
          async (_, { transaction }) => void transaction.query(slow),
        );
        bank = await start(noting);
        await expect(pay("nothing")).rejects.toMatchObject({ code: "STATEMENT_NOT_AWAITED" });
        expect(await stored()).toEqual([0, 0]);
      });

      test("by a step of an inline projector", async () => {
        await bank.stop();
        const lines = projector(Line, { run: "inline" }).on(
          Paid,
          async (_, { transaction }) => void transaction.query(slow),
        );
        bank = await start(Line, lines);
        await expect(pay("nothing")).rejects.toMatchObject({ code: "STATEMENT_NOT_AWAITED" });
        expect(await stored()).toEqual([0, 0]);
      });

      test("by a step of an async projector", async () => {
        await bank.stop();
        const lines = projector(Line, { run: "async" }).on(
          Paid,
          async (_, { transaction }) => void transaction.query(slow),
        );
        bank = await start(Line, lines);
        await pay("nothing");
        await expect(bank.settle()).rejects.toMatchObject({ cause: { code: "STATEMENT_NOT_AWAITED" } });
        expect(await stored()).toEqual([0, 1]);
      });
    });

    describe("what ends it is noticed where it cannot be refused", () => {
      test.each(Object.keys(ending))("%s: the command is refused, and none of its events is stored", async (how) => {
        await expect(pay(how)).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
        await pay("insert");
        expect(await stored()).toEqual([1, 1]);
      });

      test.each(Object.keys(ending).filter((how) => !how.includes("by name")))(
        "%s, in a transaction of a caller: refused, and no event is stored",
        async (how) => {
          await connected(async (transaction) => {
            await transaction.query("BEGIN");
            await expect(pay(how, transaction)).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
            await transaction.query("COMMIT");
          });
          expect(await count(`${schema}.nereus_messages`)).toBe(0);
        },
      );

      test.each(["COMMIT", "ROLLBACK"])(
        "a caller's own %s and BEGIN on the client, inside the handler",
        async (end) => {
          await connected(async (transaction) => {
            await transaction.query("BEGIN");
            deeds["the client's own"] = async () => {
              await transaction.query(end);
              await transaction.query("BEGIN");
            };
            const refused = pay("the client's own", transaction);
            await expect(refused).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
            await transaction.query("COMMIT");
          });
          expect(await stored()).toEqual([0, 0]);
        },
      );

      test.each(["DO $$ BEGIN COMMIT; END $$", "CALL finishing()", "SELECT 1 / 0"])(
        "an error that was caught aborts it: %s",
        async (statement) => {
          deeds["caught"] = async (transaction) => {
            await transaction.query(insert);
            await transaction.query(statement).catch(() => undefined);
          };
          await expect(pay("caught")).rejects.toMatchObject({ code: "TRANSACTION_ABORTED" });
          expect(await stored()).toEqual([0, 0]);
          await inTransaction(async (transaction) => {
            await expect(pay("caught", transaction)).rejects.toMatchObject({ code: "TRANSACTION_ABORTED" });
          });
          expect(await count(`${schema}.nereus_messages`)).toBe(0);
        },
      );

      test.each([
        "COMMIT",
        "-- a note\nCOMMIT",
        "/* a note */ END WORK",
        "SELECT 1; /* ; */ COMMIT; SELECT 'x'",
        "COMMIT AND CHAIN",
        "COMMIT PREPARED 'x'",
        "PREPARE TRANSACTION 'x'",
        "DISCARD ALL",
        "DEALLOCATE ALL",
        "SET SESSION AUTHORIZATION nereus_reader",
        "RESET SESSION AUTHORIZATION",
        "SET ROLE nereus_reader",
        "SET SESSION ROLE nereus_reader",
      ])("refused before it is sent: %s", async (statement) => {
        await expect(pay(statement)).rejects.toMatchObject({ code: "TRANSACTION_CONTROL_REFUSED" });
        deeds["as an object"] = (transaction) => transaction.query({ text: statement, name: "x" }) as unknown;
        await expect(pay("as an object")).rejects.toMatchObject({ code: "TRANSACTION_CONTROL_REFUSED" });
        await inTransaction(async (transaction) => {
          await expect(pay(statement, transaction)).rejects.toMatchObject({ code: "TRANSACTION_CONTROL_REFUSED" });
          await pay("insert", transaction);
        });
        expect(await stored()).toEqual([1, 1]);
      });

      test("an object that tells nobody when it is done is refused", async () => {
        deeds["submitted"] = (transaction) => transaction.query({ text: insert, submit: () => undefined }) as unknown;
        await expect(pay("submitted")).rejects.toMatchObject({ code: "TRANSACTION_CONTROL_REFUSED" });
        expect(await stored()).toEqual([0, 0]);
      });

      test.each(["RESET ALL", "SET CONSTRAINTS ALL IMMEDIATE", "SAVEPOINT mine", "SELECT 'COMMIT; ROLLBACK' AS role"])(
        "what does not end it is taken: %s",
        async (statement) => {
          await pay(statement);
          await inTransaction((transaction) => pay(statement, transaction));
          expect(await stored()).toEqual([0, 2]);
        },
      );

      test("a part that failed is undone to a savepoint", async () => {
        deeds["partly"] = async (transaction) => {
          await transaction.query(insert);
          await transaction.query("SAVEPOINT part");
          await transaction.query(insert);
          await transaction.query("SELECT 1 / 0").catch(() => undefined);
          await transaction.query("ROLLBACK TO SAVEPOINT part");
        };
        await pay("partly");
        await inTransaction((transaction) => pay("partly", transaction));
        expect(await stored()).toEqual([2, 2]);
      });
    });

    describe("in a transaction of a caller", () => {
      test("nothing of a refused command stays that its handler wrote, and the transaction goes on", async () => {
        deeds["failing"] = async (transaction) => {
          await transaction.query(insert);
          await transaction.query("SELECT 1 / 0");
        };
        await inTransaction(async (transaction) => {
          await transaction.query("INSERT INTO noted VALUES ('caller')");
          await expect(pay("insert", transaction, -1)).rejects.toThrow("No overdraft");
          await expect(pay("failing", transaction)).rejects.toThrow("division by zero");
          await pay("insert", transaction);
        });
        expect(await stored()).toEqual([2, 1]);
      });

      test("a handler that runs again after a conflict has written once", async () => {
        await pay("nothing");
        let attempts = 0;
        deeds["with a rival"] = async (transaction) => {
          await transaction.query(insert);
          if (++attempts === 1) await pay("nothing");
        };
        await inTransaction((transaction) => pay("with a rival", transaction));
        expect(attempts).toBe(2);
        expect(await stored()).toEqual([1, 3]);
      });

      test("savepoints of the caller's undo commands, and those after them are stored", async () => {
        await inTransaction(async (transaction) => {
          await pay("insert", transaction);
          await transaction.query("SAVEPOINT mine");
          await pay("insert", transaction);
          await pay("nothing", transaction);
          await transaction.query("ROLLBACK TO SAVEPOINT mine");
          await pay("insert", transaction);
          await transaction.query("RELEASE SAVEPOINT mine");
        });
        expect(await stored()).toEqual([2, 2]);
      });

      test("a handler that goes back behind its own begin is refused", async () => {
        await inTransaction(async (transaction) => {
          await transaction.query("SAVEPOINT mine");
          await expect(pay("ROLLBACK TO SAVEPOINT mine", transaction)).rejects.toMatchObject({
            code: "TRANSACTION_ENDED",
          });
        });
        expect(await stored()).toEqual([0, 0]);
      });

      test("it may be the transaction of a handler of another domain", async () => {
        const other = new Domain("bank", { elements: [Account, paying], store: storeIn(database, { pool, schema }) });
        await other.start();
        deeds["by another"] = async (transaction) => {
          await transaction.query(insert);
          const command = new Pay({ accountId: "2", amount: 1, how: "insert" });
          await other.process(command, { transaction: transaction as unknown as SqlClient });
        };
        await pay("by another");
        expect(await stored()).toEqual([2, 2]);
        await expect(pay("by another", undefined, -100)).rejects.toThrow("No overdraft");
        expect(await stored()).toEqual([2, 2]);
        await other.stop();
      });
    });
  },
);
