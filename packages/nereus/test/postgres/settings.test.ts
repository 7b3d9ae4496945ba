import { setTimeout } from "node:timers/promises";
import { Command, commandHandlers, Domain, type Element, type Store } from "nereus";
import { memory } from "nereus/memory";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { postgres, setUp } from "../../src/adapters/postgres/index.ts";
import { conformanceCases, reasonToSkip } from "../../src/conformance/index.ts";
import { append, messageOf, wholeLog } from "../../src/conformance/samples.ts";
import { postgresHarness } from "../stores/store-kinds.ts";
import { Account, Deposit, Open, OpenBranch, RenameBranch } from "../support/bank.ts";
import { Item, items, Owner } from "../support/catalogue.ts";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { PostgresSchemas } from "../support/postgres-schemas.ts";
import { answersOf, Balance, readSide } from "../support/read-side.ts";
import { workbench } from "../support/workbench.ts";

type Settings = Readonly<Record<string, string>>;

/** What a role may have, and the store goes on as if it had not. */
const harmless: Readonly<Record<string, Settings>> = {
  "other forms of values": {
    client_encoding: "LATIN1", // pg asks for UTF8 itself
    DateStyle: "SQL, DMY",
    IntervalStyle: "sql_standard",
    TimeZone: "Asia/Kathmandu",
    bytea_output: "escape",
    extra_float_digits: "-15",
    xmloption: "document",
    quote_all_identifiers: "on",
    backslash_quote: "off",
    transform_null_equals: "on",
    array_nulls: "off",
  },
  "other dates": { DateStyle: "German", TimeZone: "America/St_Johns", IntervalStyle: "iso_8601", bytea_output: "hex" },
  "limits that are not reached": {
    statement_timeout: "60s",
    lock_timeout: "60s",
    idle_in_transaction_session_timeout: "60s",
  },
  "sessions that end when they idle": { idle_session_timeout: "60ms" },
  "serializable transactions": {
    default_transaction_isolation: "serializable",
    default_transaction_deferrable: "on",
  },
  "repeatable reads": { default_transaction_isolation: "repeatable read" },
  "no search path": { search_path: "" },
  "triggers of a replica, no row security, no wait for the disk": {
    session_replication_role: "replica",
    row_security: "off",
    synchronous_commit: "off",
  },
  "all checks of PL/pgSQL": {
    "plpgsql.extra_errors": "all",
    "plpgsql.variable_conflict": "use_variable",
    check_function_bodies: "off",
    client_min_messages: "debug1",
  },
  "compiled expressions": { jit: "on", jit_above_cost: "0" },
  "no index": { enable_indexscan: "off", enable_indexonlyscan: "off", enable_bitmapscan: "off", jit: "off" },
  "no scan": { enable_seqscan: "off", enable_sort: "off", enable_hashagg: "off", jit: "off" },
  "no joins": {
    enable_nestloop: "off",
    enable_hashjoin: "off",
    enable_mergejoin: "off",
    join_collapse_limit: "1",
    from_collapse_limit: "1",
    geqo_threshold: "2",
    work_mem: "64kB",
    jit: "off",
  },
  "other plans": {
    plan_cache_mode: "force_custom_plan",
    force_parallel_mode: "on",
    parallel_setup_cost: "0",
    parallel_tuple_cost: "0",
    min_parallel_table_scan_size: "0",
    min_parallel_index_scan_size: "0",
  },
};

const bench = workbench(Item);
class Note extends Command("Note", {}) {}
const notes = commandHandlers(Account).on(Note, async (_, { repository, transaction }) => {
  await transaction.query("SELECT now()");
  await repository(Account).add(Account.open("noted", "Ada \\ ' \" \0 \ud800 😀"));
});
const elements: readonly Element[] = [...readSide, Item, Owner, bench.handlers];

/** What a domain does, and all that it then answers. */
async function storyOf(store: Store, more: readonly Element[] = []): Promise<unknown> {
  const shop = new Domain("shop", { elements: [...elements, ...more], store });
  await shop.start();
  try {
    await bench.run(shop, async ({ repository }) => {
      for (const one of items(60)) await repository(Item).add(new Item(one as never));
    });
    const accounts = ["1", "ä\\'", "😀"];
    await Promise.all(
      accounts.map((accountId) => shop.process(new Open({ accountId, holder: `${accountId} \\ ' \ud800` }))),
    );
    for (const accountId of accounts) {
      const deposit = new Deposit({ accountId, amount: 5 });
      for (let time = 0; time < 2; time++) await shop.process(deposit, { idempotencyKey: `deposit ${accountId}` });
    }
    await shop.send(new Deposit({ accountId: "1", amount: 7 }));
    await shop.process(new OpenBranch({ branchId: "b", name: "\\u0041 \\ '' \u{10ffff}" }));
    await shop.settle();
    await shop.process(new RenameBranch({ branchId: "b", name: "B\\'" }));
    const asked = await bench.run(shop, async ({ repository }) => {
      const found: unknown[] = [];
      for (const field of ["name", "stock", "weight", "big", "since", "active"] as const) {
        found.push(
          (await repository(Item).query({ orderBy: { [field]: "desc", itemId: "asc" } as never })).map((item) =>
            item.toJSON(),
          ),
        );
      }
      for (const where of [
        { name: "'" },
        { since: { lt: new Date(0) } },
        { big: { gte: 2n ** 53n } },
        { weight: { gt: 0.1 } },
      ]) {
        found.push(
          (await repository(Item).query({ where: where as never, orderBy: { itemId: "asc" } })).map(
            ({ itemId }) => itemId,
          ),
        );
      }
      return found;
    });
    const answers = await Promise.all(accounts.map((accountId) => answersOf(shop, accountId)));
    return { asked, answers };
  } finally {
    await shop.stop();
  }
}

function urlOf(url: string, parts: { username?: string; pathname?: string }): string {
  return Object.assign(new URL(url), parts).href;
}

describe.skipIf(missingPostgres !== undefined)("settings of PostgreSQL", () => {
  let database: TestDatabase;
  const role = `odd_${newSchema()}`;
  const run = (sql: string): Promise<pg.QueryResult> => database.pool.query(sql);
  /** A pool of the role, whose sessions have these settings from their beginning. */
  const poolWith = async (settings: Settings): Promise<pg.Pool> => {
    await run(`ALTER ROLE ${role} RESET ALL`);
    for (const [name, value] of Object.entries(settings)) {
      if (await isKnown(name)) await run(`ALTER ROLE ${role} SET ${name} TO '${value}'`);
    }
    const pool = new pg.Pool({ connectionString: urlOf(database.url, { username: role }), max: 8 });
    pool.on("error", () => undefined);
    onTestFinished(() => pool.end());
    return pool;
  };
  /** Not every version has every setting. */
  const isKnown = async (name: string): Promise<boolean> =>
    name.includes(".") || (await run(`SELECT FROM pg_settings WHERE name ILIKE '${name}'`)).rowCount === 1;
  const storeWith = (pool: pg.Pool, schema = newSchema()): Store => {
    const store = postgres({ pool, schema, setUp: true });
    onTestFinished(() => store.close());
    return store;
  };

  beforeAll(async () => {
    database = await testDatabase();
    await run(`CREATE ROLE ${role} LOGIN SUPERUSER`);
  });
  afterAll(async () => {
    const { url } = database;
    await database.drop();
    const client = new pg.Client({ connectionString: urlOf(url, { pathname: "/postgres" }) });
    await client.connect();
    await client.query(`DROP ROLE ${role}`);
    await client.end();
  });

  describe("that change nothing of what is stored and answered", () => {
    let plain: unknown;
    beforeAll(async () => {
      plain = await storyOf(memory());
    });

    test("(there are none)", async () => {
      expect(await storyOf(storeWith(database.pool))).toEqual(plain);
    });

    test("a database whose locale orders and folds texts in its own way", async () => {
      const { rows } = await run("SELECT current_setting('server_version_num')::integer >= 150000 AS knows");
      // Before version 15 a database has no such locale that every machine has.
      const locale = (rows[0] as { knows: boolean }).knows
        ? "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C.UTF-8'"
        : "";
      const name = `odd_${newSchema()}`;
      await run(`CREATE DATABASE ${name} ENCODING 'UTF8' ${locale} TEMPLATE template0`);
      onTestFinished(() => run(`DROP DATABASE ${name} WITH (FORCE)`).then(() => undefined));
      const pool = new pg.Pool({ connectionString: urlOf(database.url, { pathname: `/${name}` }), max: 8 });
      pool.on("error", () => undefined);
      onTestFinished(() => pool.end());
      expect(await storyOf(storeWith(pool))).toEqual(plain);
    });

    test.each(Object.entries(harmless))("%s", async (_, settings) => {
      const pool = await poolWith(settings);
      expect(await storyOf(storeWith(pool))).toEqual(plain);
      await inTransactions(pool);
    });

    /** A handler writes through its transaction, and a caller hands its own in. */
    async function inTransactions(pool: pg.Pool): Promise<void> {
      const bank = new Domain("bank", { elements: [...readSide, notes], store: storeWith(pool) });
      await bank.start();
      onTestFinished(() => bank.stop());
      await bank.process(new Note({}));
      const client = await pool.connect();
      await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
      await bank.process(new Deposit({ accountId: "noted", amount: 9 }), { transaction: client });
      await client.query("COMMIT");
      client.release();
      await bank.settle();
      expect(await answersOf(bank, "noted")).toMatchObject({ row: 9, holder: "Ada \\ ' \" \0 \ud800 😀", now: 9 });
    }
  });

  describe("that would change what is stored are refused at the start, before anything is written", () => {
    const refusedBy = async (pool: pg.Pool, about: string, code = "STORE_DATABASE_UNSUITABLE"): Promise<void> => {
      const schema = newSchema();
      const refused = { code, message: expect.stringContaining(about), fix: expect.stringMatching(/.{20}/) };
      await expect(storeWith(pool, schema).open([])).rejects.toMatchObject(refused);
      await expect(setUp({ pool, schema })).rejects.toMatchObject(refused);
      const { rows } = await pool.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
      expect(rows).toEqual([]);
    };

    test.each(["SQL_ASCII", "LATIN1"])("a database with the encoding %s", async (encoding) => {
      const name = `odd_${newSchema()}`;
      await run(`CREATE DATABASE ${name} ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
      const pool = new pg.Pool({ connectionString: urlOf(database.url, { pathname: `/${name}` }) });
      pool.on("error", () => undefined);
      onTestFinished(async () => {
        await pool.end();
        await run(`DROP DATABASE ${name} WITH (FORCE)`);
      });
      await refusedBy(pool, encoding);
    });

    test("standard_conforming_strings = off, of the role", async () => {
      await refusedBy(await poolWith({ standard_conforming_strings: "off" }), "standard_conforming_strings");
    });

    test("standard_conforming_strings = off, of the database", async () => {
      const other = await testDatabase();
      onTestFinished(() => other.drop());
      const name = new URL(other.url).pathname.slice(1);
      await run(`ALTER DATABASE ${name} SET standard_conforming_strings TO off`);
      await refusedBy(other.pool, "standard_conforming_strings");
    });

    test("a client_encoding that the connections get when they are made", async () => {
      const pool = database.anotherPool();
      pool.on("connect", (client) => void client.query("SET client_encoding TO LATIN1"));
      await refusedBy(pool, "client_encoding LATIN1");
    });

    test("default_transaction_read_only = on", async () => {
      const settings = { default_transaction_read_only: "on" };
      await refusedBy(await poolWith(settings), "default_transaction_read_only", "STORE_READ_ONLY");
    });
  });

  test("a store for reading only takes default_transaction_read_only = on", async () => {
    const schema = newSchema();
    const bank = new Domain("bank", { elements: readSide, store: storeWith(database.pool, schema) });
    await bank.start();
    onTestFinished(() => bank.stop());
    await bank.process(new Open({ accountId: "1" }), { visibleIn: [Balance] });
    const pool = await poolWith({ default_transaction_read_only: "on" });
    const reading = new Domain("bank", { elements: readSide, store: postgres({ pool, schema, readOnly: true }) });
    await reading.start();
    onTestFinished(() => reading.stop());
    expect(await answersOf(reading, "1")).toMatchObject({ row: 0, holder: "Ada", now: 0 });
  });

  describe("limits that are reached", () => {
    test.each([{ statement_timeout: "1s" }, { lock_timeout: "1s" }])(
      "%j: a commit that is held up is STORE_LOCKED, and the next one is written",
      async (settings) => {
        const schema = newSchema();
        await setUp({ pool: database.pool, schema });
        const store = storeWith(await poolWith(settings), schema);
        await store.open([]);
        await append(store, "a", "none", messageOf());
        const holder = await database.pool.connect();
        onTestFinished(() => holder.release(true));
        await holder.query(`BEGIN; SELECT ${schema}.nereus_lock()`);
        const [name = ""] = Object.keys(settings);
        const refused = { code: "STORE_LOCKED", fix: expect.stringContaining(name) };
        await expect(append(store, "a", 0, messageOf())).rejects.toMatchObject(refused);
        await holder.query("ROLLBACK");
        expect(await append(store, "a", 0, messageOf())).toBe(2);
        expect(await wholeLog(store)).toHaveLength(2);
      },
    );

    test("idle_in_transaction_session_timeout: a handler that leaves its transaction idle fails, and the next one does not", async () => {
      const schema = newSchema();
      await setUp({ pool: database.pool, schema });
      const pool = await poolWith({ idle_in_transaction_session_timeout: "100ms" });
      let pause = 400;
      const slow = commandHandlers(Account).on(Note, async (_, { repository, transaction }) => {
        await transaction.query("SELECT 1");
        await setTimeout(pause);
        await repository(Account).add(Account.open("noted", "Ada"));
      });
      const bank = new Domain("bank", { elements: [...readSide, slow], store: storeWith(pool, schema) });
      await bank.start();
      onTestFinished(() => bank.stop());
      const error: unknown = await bank.process(new Note({})).catch((fault: unknown) => fault);
      expect(error).toMatchObject({
        code: "TRANSACTION_ENDED",
        fix: expect.stringContaining("idle_in_transaction_session_timeout"),
      });
      pause = 0;
      await bank.process(new Note({}));
      await bank.settle();
      expect(await answersOf(bank, "noted")).toMatchObject({ holder: "Ada", now: 0 });
    });
  });
});

/** Those that could change an answer, at once; what only changes plans is slow. */
const odd: Settings = {
  ...harmless["other forms of values"],
  ...harmless["serializable transactions"],
  ...harmless["no search path"],
  ...harmless["triggers of a replica, no row security, no wait for the disk"],
  ...harmless["all checks of PL/pgSQL"],
};

describe.skipIf(missingPostgres !== undefined)("the contract of a store: postgres with odd settings", () => {
  const role = `odd_${newSchema()}`;
  const schemas = new PostgresSchemas(async ({ pool, url, anotherPool }) => {
    await pool.query(`CREATE ROLE ${role} LOGIN SUPERUSER`);
    for (const [name, value] of Object.entries(odd)) await pool.query(`ALTER ROLE ${role} SET ${name} TO '${value}'`);
    return anotherPool({ connectionString: urlOf(url, { username: role }), max: 24 });
  });
  afterAll(() => schemas.drop());
  for (const one of conformanceCases) {
    const reason = reasonToSkip(one, new Set(["transactional", "durable"] as const), ["another", "hold"]);
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
