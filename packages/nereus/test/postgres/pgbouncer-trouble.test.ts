import { spawnSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { Command, commandHandlers, Domain, isNereusError, type Store } from "nereus";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { pgBouncer } from "../../../../scripts/pgbouncer.mjs";
import { type PostgresOptions, postgres } from "../../src/adapters/postgres/index.ts";
import { append, appendOf, idsOf, messageOf, wholeLog, wholeStream } from "../../src/conformance/samples.ts";
import { Account, Deposit, Open } from "../support/bank.ts";
import { missingPgBouncer, type PgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { answersOf, Balance, readSide } from "../support/read-side.ts";
import { until } from "../support/until.ts";

class Note extends Command("Note", {}) {}
/** Its transaction and what it reads are one session. */
const notes = commandHandlers(Account).on(Note, async (_, { repository, transaction }) => {
  await transaction.query("SELECT 1");
  const account = await repository(Account).get("1");
  account.deposit(1);
  await repository(Account).add(account);
});

/** A PgBouncer before a database, in transaction mode unless it is said otherwise. */
async function behind(settings: Readonly<Record<string, string>> = {}) {
  const database = await testDatabase();
  const bouncer = await startPgBouncer(database.url, {
    pool_mode: "transaction",
    admin_users: "postgres",
    ...settings,
  });
  const pools: pg.Pool[] = [];
  onTestFinished(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await bouncer.remove();
    await database.drop();
  });
  const pool = (url = database.url): pg.Pool => {
    const made = new pg.Pool({ connectionString: bouncer.through(url), max: 8 });
    made.on("error", () => undefined);
    pools.push(made);
    return made;
  };
  const store = (options: Partial<PostgresOptions> = {}): Store => {
    const made = postgres({ pool: pool(), schema: newSchema(), setUp: true, ...options });
    onTestFinished(() => made.close());
    return made;
  };
  return { database, bouncer, pool, store };
}

async function started(store: Store): Promise<Domain> {
  const bank = new Domain("bank", { elements: [...readSide, notes], store });
  await bank.start();
  onTestFinished(() => bank.stop());
  return bank;
}

/** Tells PgBouncer something, as its administrator. */
async function command(bouncer: PgBouncer, { url }: TestDatabase, text: string): Promise<void> {
  const way = new URL(bouncer.through(url));
  way.pathname = "/pgbouncer";
  const client = new pg.Client({ connectionString: way.href });
  await client.connect();
  await client.query(text);
  await client.end();
}

/** The bank's work of every kind, by two processes at once. */
async function worked(store: () => Store): Promise<void> {
  const [one, other] = [await started(store()), await started(store())];
  await one.process(new Open({ accountId: "1" }));
  await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? one : other).process(new Note({}))));
  await Promise.all(
    Array.from({ length: 20 }, (_, at) => (at % 2 ? one : other).process(new Deposit({ accountId: "1", amount: 1 }))),
  );
  await one.send(new Deposit({ accountId: "1", amount: 2 }));
  await one.settle();
  expect(await answersOf(other, "1")).toMatchObject({ row: 42, holder: "Ada", now: 42 });
}

const version = spawnSync(pgBouncer() ?? "", ["--version"], { encoding: "utf8" }).stdout ?? "";
const [, major = "0", minor = "0"] = /PgBouncer (\d+)\.(\d+)/.exec(version) ?? [];
/** It prepares statements itself, if it may. */
const prepares = Number(major) > 1 || Number(minor) >= 21;

describe.skipIf(missingPgBouncer !== undefined)("behind PgBouncer", () => {
  test.each([
    ["one session of the server for all", { default_pool_size: "1" }],
    [
      "sessions that are reset after each transaction",
      { server_reset_query_always: "1", server_reset_query: "DISCARD ALL" },
    ],
    ["sessions that are ended soon", { server_idle_timeout: "1", server_lifetime: "1" }],
    ...(prepares ? ([["statements that it prepares itself", { max_prepared_statements: "100" }]] as const) : []),
    ...(prepares ? ([["no statements that it prepares itself", { max_prepared_statements: "0" }]] as const) : []),
  ] as const)("with %s everything works", async (_, settings) => {
    const { store, database } = await behind(settings);
    const schema = newSchema();
    await worked(() => store({ schema }));
    // What the store locks it lets go of with its transaction.
    const locks = `SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
      WHERE locktype = 'advisory' AND datname = current_database()`;
    await until(async () => (await database.pool.query(locks)).rowCount === 0);
  });

  test("what others have left in the session that all share changes nothing", async () => {
    const { store, pool, database } = await behind({ default_pool_size: "1" });
    const schema = newSchema();
    await (await started(store({ schema }))).stop();
    const other = await pool().connect();
    onTestFinished(() => other.release(true));
    for (const left of [
      "CREATE SCHEMA evil",
      "CREATE FUNCTION evil.max(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 7::bigint'",
      `CREATE TEMP TABLE nereus_messages (LIKE ${schema}.nereus_messages)`,
      "SET search_path TO evil, pg_catalog",
      "SET default_transaction_isolation TO serializable",
      "SET bytea_output TO escape",
      "SET enable_indexscan TO off",
      "SELECT pg_advisory_lock(42)",
      "PREPARE nereus AS SELECT 1",
      "LISTEN something",
    ]) {
      await other.query(left);
    }
    await worked(() => store({ schema, setUp: false }));
    const { rows } = await database.pool.query(`SELECT count(*)::integer AS n FROM ${schema}.nereus_messages`);
    expect((rows[0] as { n: number }).n).toBeGreaterThan(40);
  });

  test("two databases with one schema name do not mix", async () => {
    const second = await testDatabase();
    onTestFinished(() => second.drop());
    const { store, pool } = await behind({ default_pool_size: "2" });
    const schema = newSchema();
    const stores = [store({ schema }), store({ schema, pool: pool(second.url) })];
    for (const one of stores) await one.open([]);
    const [one, other] = stores as [Store, Store];
    for (let at = 0; at < 10; at++) {
      await append(one, "a", at === 0 ? "none" : at - 1, messageOf());
      if (at % 2 === 0) await append(other, "a", at === 0 ? "none" : at / 2 - 1, messageOf());
    }
    expect(await wholeLog(one)).toHaveLength(10);
    expect(await wholeLog(other)).toHaveLength(5);
  });

  test("a command takes part in a transaction that its caller has begun through it, and is undone with it", async () => {
    const { store, pool } = await behind({ default_pool_size: "3" });
    const bank = await started(store());
    await bank.process(new Open({ accountId: "1" }));
    const client = await pool().connect();
    onTestFinished(() => client.release(true));
    for (const end of ["COMMIT", "ROLLBACK"]) {
      await client.query("BEGIN");
      await bank.process(new Deposit({ accountId: "1", amount: 10 }), { transaction: client });
      await client.query(end);
    }
    await bank.settle();
    expect(await answersOf(bank, "1")).toMatchObject({ row: 10, now: 10 });
  });

  test("who holds up the writers is named", async () => {
    const { store, database } = await behind({ default_pool_size: "3" });
    const schema = newSchema();
    const writing = store({ schema });
    await writing.open([]);
    await append(writing, "a", "none", messageOf());
    expect(await writing.heldUpBy?.()).toBeUndefined();
    const holder = new pg.Client({ connectionString: database.url, application_name: "month-end" });
    await holder.connect();
    onTestFinished(() => holder.end());
    await holder.query(`BEGIN; SELECT ${schema}.nereus_lock()`);
    const appended = append(writing, "a", 0, messageOf());
    let who: string | undefined;
    await until(async () => {
      who = await writing.heldUpBy?.();
      return who !== undefined;
    });
    expect(who).toMatch(/^the session \d+ of .*application month-end.*idle in transaction since/);
    await holder.query("COMMIT");
    expect(await appended).toBe(2);
  });

  test("commands wait while it is paused, and are answered when it is resumed", async () => {
    const { store, bouncer, database } = await behind({ default_pool_size: "3" });
    const bank = await started(store());
    await bank.process(new Open({ accountId: "1" }));
    await command(bouncer, database, "PAUSE");
    let answered = 0;
    const commands = [1, 2, 3].map(async (amount) => {
      await bank.process(new Deposit({ accountId: "1", amount }));
      answered++;
    });
    await setTimeout(300);
    expect(answered).toBe(0);
    await command(bouncer, database, "RESUME");
    await Promise.all(commands);
    await bank.settle();
    expect((await bank.view(Balance).get("1"))?.balance).toBe(6);
  });

  test("it is killed and begun anew under load: what was acknowledged is stored, and nothing twice", async () => {
    const { store, bouncer } = await behind({ default_pool_size: "3" });
    const writing = store();
    await writing.open([]);
    let over = false;
    const acknowledged = new Map<string, string[]>();
    const writers = Array.from({ length: 8 }, async (_, at) => {
      const stream = `s${at}`;
      const ids: string[] = [];
      acknowledged.set(stream, ids);
      while (!over) {
        const message = messageOf();
        const commit = { appends: [appendOf(stream, ids.length === 0 ? "none" : ids.length - 1, message)] };
        for (;;) {
          try {
            const outcome = await writing.commit(commit);
            expect(outcome.status).toBe("committed");
            break;
          } catch (error) {
            if (!isNereusError(error, "STORE_UNREACHABLE")) throw error; // as the error says: repeated with its id
          }
        }
        ids.push(message.id);
      }
    });
    const progress = (): number => [...acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0);
    for (let kill = 0; kill < 5; kill++) {
      const before = progress();
      await until(() => progress() > before + 20);
      await bouncer.stop();
      await bouncer.start();
    }
    over = true;
    await Promise.all(writers);
    for (const [stream, ids] of acknowledged) expect(idsOf(await wholeStream(writing, stream))).toEqual(ids);
  });
});
