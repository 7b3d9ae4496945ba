import { Command, commandHandlers, Domain, identifier } from "nereus";
import { postgres } from "nereus/postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Account, bank, Deposit, Open, Withdraw } from "../support/bank.ts";
import { RecordedLog } from "../support/places.ts";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { until } from "../support/until.ts";

class Sleep extends Command("Sleep", { accountId: identifier() }) {}

describe.skipIf(missingPostgres !== undefined)("where a caller's open transaction holds up those that write", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop(), 120_000);

  async function started() {
    const log = new RecordedLog();
    const sleeper = commandHandlers(Account).update(Sleep, async (account, _, { transaction }) => {
      account.deposit(100);
      await transaction.query("SELECT pg_sleep(600)");
    });
    const pool = new pg.Pool({ connectionString: database.url, max: 8 });
    onTestFinished(() => pool.end());
    const store = postgres({ pool, schema: newSchema(), setUp: true });
    const domain = new Domain("bank", { elements: [...bank, sleeper], store, log });
    await domain.start();
    for (const accountId of ["1", "2", "3", "4"]) await domain.process(new Open({ accountId }));
    await domain.process(new Deposit({ accountId: "1", amount: 1 }));
    const holder = new pg.Client({ connectionString: database.url, application_name: "month-end" });
    await holder.connect();
    onTestFinished(() => holder.end());
    const hold = async () => {
      await holder.query("BEGIN");
      await domain.process(new Deposit({ accountId: "4", amount: 1 }), { transaction: holder as never });
    };
    return { domain, log, holder, hold, pool };
  }

  const balanceOf = (domain: Domain, accountId: string) => domain.process(new Withdraw({ accountId, amount: 0 }));
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => "done",
      (error) => error.code as string,
    );

  test("every caller is answered in time, what is certain is told as certain, and the log names the holder", async () => {
    const { domain, log, holder, hold } = await started();
    await hold();
    const deposit = (accountId: string, n: number) =>
      codeOf(
        domain.process(new Deposit({ accountId, amount: 10 ** n }), {
          timeout: 400,
          idempotencyKey: `${accountId}-${n}`,
        }),
      );
    const codes = await Promise.all(
      ["1", "2", "3"].flatMap((accountId) => [deposit(accountId, 1), deposit(accountId, 2), deposit(accountId, 3)]),
    );
    for (const code of codes) expect(["DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN"]).toContain(code);
    expect(codes).toContain("DEADLINE_EXCEEDED");
    expect(codes).toContain("OUTCOME_UNKNOWN");
    await until(() => log.warnings.length > 0);
    expect(log.warnings[0]?.message).toMatch(
      /^Deposit with Account \d: .*the session \d+ .*application month-end.*idle in transaction since 20.*holds up/,
    );
    await holder.query("COMMIT");
    let certain = 0;
    for (const [at, accountId] of ["1", "2", "3"].entries()) {
      const before = await balanceOf(domain, accountId);
      for (const n of [1, 2, 3]) {
        const isDone = String(before - (accountId === "1" ? 1 : 0)).at(-n - 1) === "1";
        if (codes[at * 3 + n - 1] === "DEADLINE_EXCEEDED") {
          certain += 1;
          expect(isDone).toBe(false);
        }
        // asked again with its key it has one effect, whatever became of it
        await domain.process(new Deposit({ accountId, amount: 10 ** n }), { idempotencyKey: `${accountId}-${n}` });
      }
      expect(await balanceOf(domain, accountId)).toBe(1110 + (accountId === "1" ? 1 : 0));
    }
    expect(certain).toBeGreaterThan(0);
    await domain.stop();
  });

  test("a stop ends in time, names what waits, and tells callers what is known", async () => {
    const { domain, holder, hold } = await started();
    await hold();
    const waiting = ["1", "2", "3"].map((accountId) => codeOf(domain.process(new Deposit({ accountId, amount: 5 }))));
    await expect(domain.stop({ within: 200 })).rejects.toMatchObject({
      code: "STOP_FORCED",
      message: expect.stringContaining("for the store to write its commit"),
    });
    for (const code of await Promise.all(waiting)) expect(["STOP_FORCED", "OUTCOME_UNKNOWN"]).toContain(code);
    await holder.query("ROLLBACK");
    await domain.start();
    expect(await balanceOf(domain, "4")).toBe(0);
    await domain.stop();
  });

  test("a statement of a handler that does not end: its transaction is rolled back and its connection given back", async () => {
    const { domain, pool } = await started();
    await expect(domain.process(new Sleep({ accountId: "2" }), { timeout: 300 })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    const sleeping = `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() AND state = 'active'`;
    await until(async () => (await database.pool.query(sleeping)).rows.length === 0);
    await until(() => pool.waitingCount === 0);
    expect(await balanceOf(domain, "2")).toBe(0);
    await domain.stop();
  });
});
