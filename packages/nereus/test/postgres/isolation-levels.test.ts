import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  isNereusError,
  Projection,
  projector,
} from "nereus";
import { postgres } from "nereus/postgres";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";

class Paid extends Event("Paid", { id: identifier(), till: z.string() }) {}
class Account extends EventSourcedAggregate("Account", { id: identifier(), paid: z.number().int().default(0) }).applies(
  Paid,
  (account, { id }) => {
    account.id = id;
    account.paid += 1;
  },
) {}
class Holder extends Aggregate("Holder", { id: identifier(), visits: z.number().int().default(0) }) {}
class Seat extends Aggregate("Seat", { id: identifier(), number: z.number() }, { unique: [["number"]] }) {}
class Till extends Projection("Till", { id: identifier(), payments: z.number().int() }) {}
const tills = projector(Till, { run: "inline" }).upsert(
  Paid,
  ({ till }) => till,
  ({ till }) => ({ id: till, payments: 0 }),
  (row) => {
    row.payments += 1;
  },
);
class Pay extends Command("Pay", { id: identifier(), till: z.string() }).returns<number>() {}
class Register extends Command("Register", { id: identifier() }) {}
class Reserve extends Command("Reserve", { id: identifier(), number: z.number() }) {}
class Visit extends Command("Visit", { id: identifier() }).returns<number>() {}
const elements = [
  Account,
  Holder,
  Seat,
  Till,
  tills,
  commandHandlers(Account).on(Pay, async ({ id, till }, { repository }) => {
    const account = (await repository(Account).find(id)) ?? Account.create(() => undefined);
    account.raise(new Paid({ id, till }));
    await repository(Account).add(account);
    return account.paid;
  }),
  commandHandlers(Holder)
    .create(Register, (command) => new Holder({ ...command }))
    .update(Visit, (holder) => {
      holder.visits += 1;
      return holder.visits;
    }),
  commandHandlers(Seat).create(Reserve, (command) => new Seat({ ...command })),
];

interface Rivals {
  readonly before: readonly object[];
  readonly rival: object;
  readonly own: object;
  readonly key?: string;
  /** What the transaction that is repeated comes to. */
  readonly repeated: unknown;
}

const rivals: Readonly<Record<string, Rivals>> = {
  "an event-sourced aggregate": {
    before: [new Pay({ id: "1", till: "a" })],
    rival: new Pay({ id: "1", till: "b" }),
    own: new Pay({ id: "1", till: "c" }),
    repeated: 3,
  },
  "a new event-sourced aggregate": {
    before: [],
    rival: new Pay({ id: "1", till: "b" }),
    own: new Pay({ id: "1", till: "c" }),
    repeated: 2,
  },
  "a row of an inline projection": {
    before: [new Pay({ id: "1", till: "a" })],
    rival: new Pay({ id: "2", till: "a" }),
    own: new Pay({ id: "3", till: "a" }),
    repeated: 1,
  },
  "a new row of an inline projection": {
    before: [],
    rival: new Pay({ id: "2", till: "a" }),
    own: new Pay({ id: "3", till: "a" }),
    repeated: 1,
  },
  "a state-stored aggregate": {
    before: [new Register({ id: "1" })],
    rival: new Visit({ id: "1" }),
    own: new Visit({ id: "1" }),
    repeated: 2,
  },
  "an idempotency key": {
    before: [new Pay({ id: "1", till: "a" })],
    rival: new Pay({ id: "2", till: "b" }),
    own: new Pay({ id: "2", till: "b" }),
    key: "k",
    repeated: 1,
  },
};

describe.skipIf(missingPostgres !== undefined)("a command in a caller's transaction of another level", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase({ max: 12 });
  });
  afterAll(() => database.drop(), 120_000);

  const caught = async (attempt: Promise<unknown>): Promise<unknown> =>
    attempt.catch((error: unknown) => (isNereusError(error) ? error : Promise.reject(error)));

  describe.each(["REPEATABLE READ", "SERIALIZABLE"])("%s", (level) => {
    test.each(Object.entries(rivals))(
      "is told to repeat the whole where a rival has changed %s",
      async (_, rivalry) => {
        const store = postgres({ pool: database.anotherPool(), schema: newSchema(), setUp: true });
        const log = { warn: () => undefined, error: () => undefined };
        const domain = new Domain("bank", { elements, store, log });
        await domain.start();
        const client = await database.pool.connect();
        const attempt = async (meanwhile: () => Promise<unknown>): Promise<unknown> => {
          await client.query(`BEGIN ISOLATION LEVEL ${level}`);
          try {
            await client.query("SELECT 1 FROM pg_class LIMIT 1"); // from here on it sees nothing new
            await meanwhile();
            const { key } = rivalry;
            const options = key === undefined ? {} : { idempotencyKey: key };
            const transaction = client as pg.PoolClient;
            const result = await domain.process(rivalry.own as Pay, { ...options, transaction: transaction as never });
            await client.query("COMMIT");
            return result;
          } catch (error) {
            await client.query("ROLLBACK");
            throw error;
          }
        };
        try {
          for (const command of rivalry.before) await domain.process(command as Pay);
          const options = rivalry.key === undefined ? {} : { idempotencyKey: rivalry.key };
          const met = await caught(attempt(() => domain.process(rivalry.rival as Pay, options)));
          expect(met).toMatchObject({
            code: "CONCURRENCY_CONFLICT",
            name: "ConcurrencyError",
            fix: expect.stringContaining("repeat it as a whole"),
          });
          const again = await caught(attempt(async () => undefined));
          expect(isNereusError(again) ? again.code : again).toBe(rivalry.repeated);
        } finally {
          client.release();
          await domain.stop();
        }
      },
    );

    test("is refused where it writes unique values, of which it cannot see all", async () => {
      const store = postgres({ pool: database.anotherPool(), schema: newSchema(), setUp: true });
      const domain = new Domain("bank", { elements, store });
      await domain.start();
      const client = await database.pool.connect();
      try {
        await client.query(`BEGIN ISOLATION LEVEL ${level}`);
        await client.query("SELECT 1 FROM pg_class LIMIT 1");
        await domain.process(new Reserve({ id: "1", number: 7 }));
        const reserving = domain.process(new Reserve({ id: "2", number: 7 }), { transaction: client as never });
        await expect(reserving).rejects.toMatchObject({
          code: "TRANSACTION_LEVEL_UNSUITABLE",
          element: "Seat",
          fix: expect.stringContaining("READ COMMITTED"),
        });
        await client.query("ROLLBACK; BEGIN ISOLATION LEVEL READ COMMITTED");
        const again = domain.process(new Reserve({ id: "2", number: 7 }), { transaction: client as never });
        await expect(again).rejects.toMatchObject({ code: "UNIQUE_VIOLATED" });
        await client.query("ROLLBACK");
      } finally {
        client.release();
        await domain.stop();
      }
    });
  });
});
