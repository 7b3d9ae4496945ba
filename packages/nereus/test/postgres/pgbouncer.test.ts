import { Command, commandHandlers, Domain, identifier, Projection, projector } from "nereus";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type PostgresOptions, postgres, setUp } from "../../src/adapters/postgres/index.ts";
import { conformanceCases, reasonToSkip } from "../../src/conformance/index.ts";
import { append, appendOf, committed, messageOf, wholeLog } from "../../src/conformance/samples.ts";
import type { Store } from "../../src/ports/store.ts";
import { postgresHarness } from "../stores/store-kinds.ts";
import { Account, accountCommands, Deposit, Deposited, Open, Opened, Withdraw } from "../support/bank.ts";
import { missingPgBouncer, type PgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { PostgresSchemas } from "../support/postgres-schemas.ts";
import { proxyTo } from "../support/proxy.ts";
import { until } from "../support/until.ts";

class Balance extends Projection("Balance", { accountId: identifier(), balance: z.number().int() }) {}
const balances = projector(Balance, { run: "async" })
  .create(Opened, ({ accountId }) => ({ accountId, balance: 0 }))
  .update(
    Deposited,
    ({ accountId }) => accountId,
    (row, { amount }) => {
      row.balance += amount;
    },
  );
const elements = [Account, accountCommands, Balance, balances];

/** One database and one PgBouncer before it, with a session or two of the server for all. */
class Behind {
  database!: TestDatabase;
  bouncer!: PgBouncer;
  readonly #pools: pg.Pool[] = [];

  async open(settings: Readonly<Record<string, string>>): Promise<void> {
    this.database = await testDatabase();
    this.bouncer = await startPgBouncer(this.database.url, { default_pool_size: "3", ...settings });
  }

  pool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.bouncer.through(this.database.url), max: 8, ...options });
    pool.on("error", () => undefined);
    this.#pools.push(pool);
    return pool;
  }

  store(options: Partial<PostgresOptions> = {}): Store {
    const store = postgres({ pool: this.pool(), schema: newSchema(), setUp: true, ...options });
    onTestFinished(() => store.close());
    return store;
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
    await this.bouncer?.remove();
    await this.database?.drop();
  }
}

async function started(store: Store): Promise<Domain> {
  const bank = new Domain("bank", { elements, store });
  await bank.start();
  onTestFinished(() => bank.stop());
  return bank;
}

describe.skipIf(missingPgBouncer !== undefined)("the contract of a store: postgres behind PgBouncer", () => {
  let behind: Promise<PgBouncer> | undefined;
  let pool: pg.Pool | undefined;
  const schemas = new PostgresSchemas(async ({ url }) => {
    behind ??= startPgBouncer(url, { pool_mode: "transaction", default_pool_size: "8" });
    pool = new pg.Pool({ connectionString: (await behind).through(url), max: 24 });
    return pool;
  });
  afterAll(async () => {
    await pool?.end();
    await (await behind)?.remove();
    await schemas.drop();
  });
  const hooks = ["another", "hold"] as const;
  for (const one of conformanceCases) {
    const reason = reasonToSkip(one, new Set(["transactional", "durable"] as const), hooks);
    test.skipIf(reason !== undefined)(one.name, async () => {
      const { dispose, ...harness } = postgresHarness(schemas);
      try {
        await one.run(harness);
      } finally {
        await dispose();
      }
    });
  }
});

describe.skipIf(missingPgBouncer !== undefined)("behind PgBouncer in transaction mode", () => {
  const behind = new Behind();
  beforeAll(() => behind.open({ pool_mode: "transaction" }));
  afterAll(() => behind.close());

  test("commands, queries and projections of two processes work by themselves, many at once", async () => {
    const schema = newSchema();
    const first = await started(behind.store({ schema }));
    const second = await started(behind.store({ schema }));
    const accounts = Array.from({ length: 10 }, (_, index) => `account-${index}`);
    await Promise.all(accounts.map((accountId) => first.process(new Open({ accountId }))));
    const deposits = accounts.flatMap((accountId) => [1, 2, 3].map((amount) => new Deposit({ accountId, amount })));
    await Promise.all(deposits.map((deposit, at) => [first, second][at % 2]?.process(deposit)));
    await second.settle();
    expect(await first.view(Balance).find({ where: { balance: 6 } })).toHaveLength(10);
    expect(await first.process(new Withdraw({ accountId: "account-0", amount: 6 }))).toBe(0);
  });

  test("nothing stays in the sessions of the server, which others get", async () => {
    const store = behind.store();
    const bank = await started(store);
    const stop = store.onCommit(() => undefined);
    await bank.process(new Open({ accountId: "1" }));
    await bank.settle();
    stop();
    const clients = await Promise.all([1, 2, 3].map(() => behind.pool().connect()));
    for (const client of clients) await client.query("BEGIN"); // each has a session of its own until it ends
    for (const client of clients) {
      const { rows } = await client.query(
        "SELECT (SELECT count(*)::integer FROM pg_prepared_statements WHERE name <> '') AS statements, " +
          "(SELECT count(*)::integer FROM pg_listening_channels()) AS channels, " +
          "(SELECT source FROM pg_settings WHERE name = 'default_transaction_isolation') AS level",
      );
      expect(rows).toEqual([{ statements: 0, channels: 0, level: "default" }]);
    }
    for (const client of clients) {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  test("a handler writes to a table of the user's own in the transaction of its command", async () => {
    class Note extends Command("Note", { accountId: identifier() }) {}
    await behind.database.pool.query("CREATE TABLE notes (account text)");
    const notes = commandHandlers(Account).on(Note, async ({ accountId }, { repository, transaction }) => {
      await repository(Account).add(Account.open(accountId, "Ada"));
      for (const name of ["note", "again"]) {
        await transaction.query({ name, text: "INSERT INTO notes VALUES ($1)", values: [accountId] });
      }
    });
    const bank = new Domain("notes", { elements: [Account, notes], store: behind.store() });
    await bank.start();
    onTestFinished(() => bank.stop());
    await bank.process(new Note({ accountId: "1" }));
    await Promise.all(["2", "3"].map((accountId) => bank.process(new Note({ accountId }))));
    const { rows } = await behind.database.pool.query("SELECT count(*)::integer AS n FROM notes");
    expect(rows).toEqual([{ n: 6 }]);
  });

  test("a role whose transactions are serializable by default gets read committed ones", async () => {
    const role = `odd_${newSchema()}`;
    const { pool, url } = behind.database;
    await pool.query(`CREATE ROLE ${role} LOGIN SUPERUSER`);
    await pool.query(`ALTER ROLE ${role} SET default_transaction_isolation TO 'serializable'`);
    const own = new URL(url);
    own.username = role;
    const bouncer = await startPgBouncer(own.href, { pool_mode: "transaction" });
    const odd = new pg.Pool({ connectionString: bouncer.through(own.href) });
    const schema = newSchema();
    await setUp({ pool, schema });
    const stores = [1, 2].map(() => postgres({ pool: odd, schema }));
    onTestFinished(async () => {
      for (const store of stores) await store.close();
      await odd.end();
      await bouncer.remove();
      await pool.query(`DROP ROLE ${role}`);
    });
    for (const store of stores) await store.open([]);
    const [one, other] = stores as [Store, Store];
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => append(at % 2 ? one : other, `s${at}`, "none", messageOf())),
    );
    expect(await wholeLog(one)).toHaveLength(20);
  });

  test("what other processes have written is found by looking, and heard at once past the pooler", async () => {
    const schema = newSchema();
    const looking = behind.store({ schema });
    const hearing = behind.store({ schema, listenConnectionString: behind.database.url });
    const writing = behind.store({ schema });
    const heard = new Map<Store, number>();
    for (const store of [looking, hearing, writing]) {
      await store.open([]);
      const stop = store.onCommit(() => heard.set(store, (heard.get(store) ?? 0) + 1));
      onTestFinished(stop);
    }
    const channels = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()";
    await until(async () => (await behind.database.pool.query(channels)).rows.length > 0);
    await append(writing, "a", "none", messageOf());
    await until(() => heard.has(hearing));
    await until(() => heard.has(looking));
  });

  test("a store that is told there is no pooler names the option, and works with it", async () => {
    const schema = newSchema();
    const wrong = behind.store({ schema, pooler: false });
    const failed = (async () => {
      await wrong.open([]);
      for (let round = 0; round < 50; round++) {
        await Promise.all(Array.from({ length: 6 }, () => append(wrong, crypto.randomUUID(), "none", messageOf())));
        await Promise.all(Array.from({ length: 6 }, () => wrong.log.head()));
      }
    })();
    await expect(failed).rejects.toMatchObject({
      code: "STORE_POOLER_UNSUITABLE",
      fix: expect.stringContaining("pooler: true"),
    });
    const right = behind.store({ schema, pooler: true });
    await right.open([]);
    await append(right, "a", "none", messageOf());
  });

  test("settings of the connections that PgBouncer does not know are refused at once, by name", async () => {
    const store = behind.store({ pool: behind.pool({ statement_timeout: 1000 }) });
    await expect(store.open([])).rejects.toMatchObject({
      code: "STORE_POOLER_UNSUITABLE",
      message: expect.stringContaining("statement_timeout"),
      fix: expect.stringContaining("ignore_startup_parameters"),
    });
  });

  test("a commit whose answer is lost between the process and PgBouncer is written once", async () => {
    const proxy = await proxyTo(behind.bouncer.port);
    onTestFinished(() => proxy.close());
    const url = new URL(behind.bouncer.through(behind.database.url));
    url.port = String(proxy.port);
    const store = behind.store({ pool: behind.pool({ connectionString: url.href }) });
    await store.open([]);
    await append(store, "before", "none", messageOf());
    let asked = false;
    let lost = 0;
    proxy.onRequest = (bytes) => {
      asked ||= bytes.includes("the lost one");
      return "pass";
    };
    proxy.onAnswer = () => (asked && lost++ === 0 ? "cut" : "pass");
    const lostOne = messageOf("Opened", { correlationId: "the lost one" });
    const outcome = await store.commit({ appends: [appendOf("a", "none", lostOne)] });
    expect(lost).toBeGreaterThan(0);
    expect(committed(outcome)).toBe(2);
    expect(await wholeLog(store)).toHaveLength(2);
  });

  test("a PgBouncer that begins anew is waited for", async () => {
    const store = behind.store();
    await store.open([]);
    await append(store, "a", "none", messageOf());
    await behind.bouncer.stop();
    const appended = append(store, "a", 0, messageOf());
    await behind.bouncer.start();
    expect(await appended).toBe(2);
  });
});

describe.skipIf(missingPgBouncer !== undefined)("behind PgBouncer", () => {
  const opened = async (settings: Readonly<Record<string, string>>): Promise<Behind> => {
    const behind = new Behind();
    await behind.open(settings);
    onTestFinished(() => behind.close());
    return behind;
  };

  test.each([undefined, true, false])("in session mode everything works, with pooler: %s", async (pooler) => {
    const behind = await opened({ pool_mode: "session", default_pool_size: "20" });
    const schema = newSchema();
    const options = { schema, ...(pooler === undefined ? {} : { pooler }) };
    const [first, second] = [await started(behind.store(options)), await started(behind.store(options))];
    await first.process(new Open({ accountId: "1" }));
    await second.process(new Deposit({ accountId: "1", amount: 5 }));
    await second.settle();
    expect((await first.view(Balance).get("1"))?.balance).toBe(5);
  });

  test("in statement mode it is refused with a code, before anything is written", async () => {
    const behind = await opened({ pool_mode: "statement" });
    const schema = newSchema();
    const fault = { code: "STORE_POOLER_UNSUITABLE", fix: expect.stringContaining("pool_mode") };
    await expect(behind.store({ schema }).open([])).rejects.toMatchObject(fault);
    await expect(setUp({ pool: behind.pool(), schema })).rejects.toMatchObject(fault);
    const { rows } = await behind.database.pool.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
    expect(rows).toEqual([]);
  });

  test("with a setting in ignore_startup_parameters the connections may have it", async () => {
    const behind = await opened({ pool_mode: "transaction", ignore_startup_parameters: "statement_timeout" });
    const store = behind.store({ pool: behind.pool({ statement_timeout: 60_000 }) });
    await store.open([]);
    expect(await append(store, "a", "none", messageOf())).toBe(1);
  });
});
