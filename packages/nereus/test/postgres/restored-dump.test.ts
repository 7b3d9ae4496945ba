// A dump that is put back into the same schema of the same server, under processes whose connections live on.
import { spawnSync } from "node:child_process";
import { Domain } from "nereus";
import { postgres } from "nereus/postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { NereusError } from "../../src/model/errors.ts";
import { Account, accountCommands, Close, Deposit, Open, Withdraw } from "../support/bank.ts";
import { RecordedLog } from "../support/places.ts";
import { missingPostgres, type TestDatabase, testDatabase } from "../support/postgres.ts";

const programs = ["pg_dump", "psql"];
const isMissing = programs.some((program) => spawnSync(program, ["--version"]).status !== 0);
const elements = [Account, accountCommands];
const one = { accountId: "1" };

function run(program: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", ...(input && { input }) });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return stdout;
}

async function start(database: TestDatabase) {
  const log = new RecordedLog();
  const store = postgres({ connectionString: database.url, setUp: true, patience: 5000 });
  const domain = new Domain("bank", { store, elements, log });
  await domain.start();
  onTestFinished(() => domain.stop());
  return { domain, log, store };
}

/** A running bank, and what puts a dump of its first events back. `between` runs while the schema is gone. */
async function bank() {
  const database = await testDatabase();
  onTestFinished(() => database.drop());
  const mine = await start(database);
  await mine.domain.process(new Open(one));
  const dump = run("pg_dump", ["--schema", "nereus", database.url]);
  const restore = async (between: () => Promise<void> = async () => undefined): Promise<void> => {
    run("psql", ["--quiet", "--command", "DROP SCHEMA nereus CASCADE", database.url]);
    await between();
    run("psql", ["--quiet", "--set", "ON_ERROR_STOP=1", database.url], dump);
  };
  return { ...mine, database, restore };
}

describe.skipIf(missingPostgres !== undefined || isMissing)("a dump that is restored under a running bank", () => {
  test("a withdrawal that a cached balance allowed is decided on what was restored", async () => {
    const { domain, restore, database } = await bank();
    await domain.process(new Deposit({ ...one, amount: 2000 }));
    await restore();
    const other = await start(database);
    await other.domain.process(new Deposit({ ...one, amount: 31 }));
    const withdrawal = domain.process(new Withdraw({ ...one, amount: 1500 }));
    await expect(withdrawal).rejects.toMatchObject({ code: "INVARIANT_FAILED" });
    expect(await domain.process(new Withdraw({ ...one, amount: 30 }))).toBe(1);
    expect(await other.domain.process(new Withdraw({ ...one, amount: 1 }))).toBe(0);
  });

  test("a type that was first stored after the dump is stored as itself", async () => {
    const { domain, restore, database, store } = await bank();
    await domain.process(new Deposit({ ...one, amount: 5 }));
    await domain.process(new Open({ accountId: "2" }));
    await restore();
    await domain.process(new Close(one));
    await domain.process(new Open({ accountId: "2" }));
    await domain.process(new Deposit({ accountId: "2", amount: 7 }));
    const types = (await store.log.readLog({ after: 0, limit: 100 })).messages.map(({ type }) => type);
    expect(types).toEqual(["Opened", "Closed", "Opened", "Deposited"]);
    const other = await start(database);
    expect(await other.domain.process(new Withdraw({ accountId: "2", amount: 7 }))).toBe(0);
  });

  test("commands while nothing is there are refused with a code; afterwards each that was answered is in the log", async () => {
    const { domain, restore, store } = await bank();
    const codes: string[] = [];
    const answered: number[] = [];
    const attempt = async (amount: number): Promise<void> => {
      await domain.process(new Deposit({ ...one, amount })).then(
        () => answered.push(amount),
        (error: unknown) => codes.push(error instanceof NereusError ? error.code : String(error)),
      );
    };
    await attempt(1);
    await restore(async () => {
      await Promise.all([2, 3, 4].map(attempt));
      await attempt(5);
    });
    expect(answered).toEqual([1]);
    expect(codes.every((code) => code.startsWith("STORE_"))).toBe(true);
    expect(codes).toHaveLength(4);
    for (const amount of [6, 7]) await attempt(amount);
    expect(answered).toEqual([1, 6, 7]);
    const { messages } = await store.log.readLog({ after: 0, limit: 100 });
    expect(messages.map(({ data }) => JSON.parse(data).amount)).toEqual([undefined, 6, 7]);
  });
});
