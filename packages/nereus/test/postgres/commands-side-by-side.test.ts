// Several commands in one transaction of a caller: what one is answered as stored is not undone with another.
import { Command, commandHandlers, Domain, Event, EventSourcedAggregate, identifier, type SqlClient } from "nereus";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

class Paid extends Event("Paid", { accountId: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Paid, (account, event) => {
  account.accountId = event.accountId;
}) {}
/** Reads, notes the account by SQL where it `notes`, waits where it is `held`, and pays unless it `fails`. */
class Pay extends Command("Pay", {
  accountId: identifier(),
  notes: z.boolean().default(false),
  held: z.boolean().default(false),
  fails: z.boolean().default(false),
}) {}

let hold: { readonly reached: () => void; readonly released: Promise<void> } | undefined;

const paying = commandHandlers(Account).on(Pay, async ({ accountId, ...how }, { repository, transaction }) => {
  if (how.notes) await transaction.query("INSERT INTO noted VALUES ($1)", [accountId]);
  if (how.held) {
    hold?.reached();
    await hold?.released;
  }
  if (how.fails) throw new Error("it fails");
  await repository(Account).add(Account.create((account) => account.raise(new Paid({ accountId }))));
});

/** In which ways the same connection may be given. */
const ways: Readonly<Record<string, (client: SqlClient) => SqlClient>> = {
  "as one client": (client) => client,
  "as another client each time": (client) => ({ query: (text, values) => client.query(text, values) }),
};

describe.skipIf(missingPostgres !== undefined)("commands in one transaction of a caller", () => {
  let database: TestDatabase;
  let schema = "";
  let bank: Domain;
  const refused = { code: "TRANSACTION_CONTROL_REFUSED", fix: expect.stringContaining("Await one command") };

  const start = async (of: string): Promise<Domain> => {
    const domain = new Domain("bank", { elements: [Account, paying], store: storeIn(database, { schema: of }) });
    await domain.start();
    return domain;
  };
  const stored = async (): Promise<{ readonly events: unknown; readonly noted: unknown }> => {
    const { rows: events } = await database.pool.query(
      `SELECT stream_id AS id FROM ${schema}.nereus_messages ORDER BY 1`,
    );
    const { rows: noted } = await database.pool.query("SELECT id FROM noted ORDER BY 1");
    return { events: events.map(({ id }) => id), noted: noted.map(({ id }) => id) };
  };
  const inTransaction = async (work: (client: SqlClient) => Promise<unknown>): Promise<void> => {
    const client = await database.pool.connect();
    try {
      await client.query("BEGIN");
      await work(client as unknown as SqlClient); // rows of pg are of any type
      await client.query("COMMIT");
    } finally {
      client.release(true);
    }
  };
  /** Runs a command, and something else while its handler is held. */
  const during = async (held: Promise<unknown>, beside: () => Promise<unknown>): Promise<unknown> => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      hold = { reached: resolve, released };
    });
    const answer = held.then(
      () => "stored",
      (error: Error) => error.message,
    );
    await reached;
    await beside();
    release();
    return answer;
  };

  beforeAll(async () => {
    database = await testDatabase({ max: 4 });
    await database.pool.query("CREATE TABLE noted (id text)");
  });
  afterAll(() => database.drop(), 60_000);
  beforeEach(async () => {
    schema = newSchema();
    await database.pool.query("TRUNCATE noted");
    bank = await start(schema);
  });
  afterEach(() => bank.stop());

  describe.each(Object.entries(ways))("%s", (_, given) => {
    test.each([
      { fails: true, notes: true },
      { fails: true, notes: false },
      { fails: false, notes: true },
      { fails: false, notes: false },
    ])("beside one with SQL of its own (it fails: $fails), another (with SQL: $notes) is refused", async (how) => {
      await inTransaction(async (client) => {
        const pay = (accountId: string, more: object): Promise<unknown> =>
          bank.process(new Pay({ accountId, ...more }), { transaction: given(client) });
        const first = pay("first", { notes: true, held: true, fails: how.fails });
        const answer = await during(first, () =>
          expect(pay("second", { notes: how.notes })).rejects.toMatchObject(refused),
        );
        expect(answer).toBe(how.fails ? "it fails" : "stored");
        await pay("second", { notes: how.notes });
        await pay("third", { notes: true });
      });
      const first = how.fails ? [] : ["first"];
      expect(await stored()).toEqual({
        events: [...first, "second", "third"],
        noted: [...first, ...(how.notes ? ["second"] : []), "third"],
      });
    });
  });

  test("of two domains, too", async () => {
    const other = await start(newSchema());
    await inTransaction(async (transaction) => {
      const first = bank.process(new Pay({ accountId: "first", notes: true, held: true }), { transaction });
      await during(first, () =>
        expect(other.process(new Pay({ accountId: "second" }), { transaction })).rejects.toMatchObject(refused),
      );
      await other.process(new Pay({ accountId: "second", notes: true }), { transaction });
    });
    expect(await stored()).toEqual({ events: ["first"], noted: ["first", "second"] });
    await other.stop();
  });

  test("those without SQL of their own are stored side by side", async () => {
    await inTransaction((transaction) =>
      Promise.all(["1", "2", "3"].map((accountId) => bank.process(new Pay({ accountId }), { transaction }))),
    );
    expect(await stored()).toEqual({ events: ["1", "2", "3"], noted: [] });
  });

  test("those of two transactions do not hold each other up", async () => {
    await inTransaction(async (transaction) => {
      const first = bank.process(new Pay({ accountId: "first", notes: true, held: true }), { transaction });
      const beside = (other: SqlClient) =>
        bank.process(new Pay({ accountId: "second", notes: true }), { transaction: other });
      expect(await during(first, () => inTransaction(beside))).toBe("stored");
    });
    expect(await stored()).toEqual({ events: ["first", "second"], noted: ["first", "second"] });
  });
});
