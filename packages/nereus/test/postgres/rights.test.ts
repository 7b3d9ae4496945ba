import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Domain, type Element, identifier, Projection, projector, type Store } from "nereus";
import type pg from "pg";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type PostgresOptions, postgres, setUp } from "../../src/adapters/postgres/index.ts";
import { rightsToRead, rightsToRun } from "../../src/adapters/postgres/rights.ts";
import { appendOf, committed, messageOf, people, put, streamOf } from "../../src/conformance/samples.ts";
import { Deposit, Open, OpenBranch, Opened } from "../support/bank.ts";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { answersOf, Balance, BalanceOf, Holder, readSide } from "../support/read-side.ts";

const guide = readFileSync(new URL("../../../../docs/guides/poolers.md", import.meta.url), "utf8");

/** The SQL under a heading of the guide. */
function sqlOf(heading: string): string {
  const [, section = ""] = guide.split(`\n### ${heading}\n`);
  const sql = /^```sql\n(.*?)^```$/ms.exec(section.split("\n## ")[0] ?? "")?.[1];
  if (sql === undefined) throw new Error(`the guide has no SQL under ${heading}`);
  return sql;
}

const everyRight = Object.entries(rightsToRun).flatMap(([table, rights]) => rights.map((right) => ({ table, right })));

describe.skipIf(missingPostgres !== undefined)("rights of the roles of PostgreSQL", () => {
  let database: TestDatabase;
  /** The names that the guide has, and those of this test. */
  const roles = new Map(
    ["deployer", "app", "reports"].map((name) => [name, `${name}_${randomBytes(4).toString("hex")}`]),
  );
  const role = (name: string): string => roles.get(name) ?? name;
  const run = (sql: string): Promise<pg.QueryResult> => database.pool.query(sql);
  const asInGuide = (schema: string, heading: string): Promise<unknown> => {
    let sql = sqlOf(heading).replace(/\bnereus\b/g, schema);
    for (const [name, own] of roles) sql = sql.replaceAll(new RegExp(`\\b${name}\\b`, "g"), own);
    return run(sql);
  };

  beforeAll(async () => {
    database = await testDatabase({ max: 8 });
    for (const own of roles.values()) await run(`CREATE ROLE ${own}`);
  });
  afterAll(async () => {
    for (const own of roles.values()) await run(`DROP OWNED BY ${own} CASCADE; DROP ROLE ${own}`);
    await database.drop();
  });

  /** Connections of a role, until the test ends. */
  const poolOf = (name: string): pg.Pool => {
    const pool = new Pool({ connectionString: database.url, options: `-c role=${role(name)}`, max: 5 });
    onTestFinished(() => pool.end());
    return pool;
  };
  const storeOf = (name: string, options: Partial<PostgresOptions>): Store => {
    const pool = poolOf(name);
    const store = postgres({ pool, ...options });
    onTestFinished(() => store.close());
    return store;
  };
  const start = async (name: string, options: Partial<PostgresOptions>, elements: readonly Element[] = readSide) => {
    const bank = new Domain("bank", { elements, store: storeOf(name, options) });
    await bank.start();
    onTestFinished(() => bank.stop());
    return bank;
  };
  /** A schema that the deployer owns and has started a domain in. */
  const deployed = async (elements: readonly Element[] = readSide): Promise<string> => {
    const schema = newSchema();
    await asInGuide(schema, "To set up");
    await (await start("deployer", { schema, setUp: true }, elements)).stop();
    return schema;
  };

  test("those of the guide do: one role sets up, one runs the bank, one reads", async () => {
    const schema = await deployed();
    await asInGuide(schema, "To run");
    await asInGuide(schema, "To read only");
    const bank = await start("app", { schema });
    await bank.process(new Open({ accountId: "1" }), { idempotencyKey: "open" });
    await bank.process(new Deposit({ accountId: "1", amount: 60 }), { visibleIn: [Balance] });
    await bank.process(new OpenBranch({ branchId: "b" }));
    await bank.send(new Deposit({ accountId: "1", amount: 40 }));
    await bank.settle();
    const client = await poolOf("app").connect();
    await client.query("BEGIN");
    await bank.process(new Deposit({ accountId: "1", amount: 5 }), { transaction: client });
    await client.query("COMMIT");
    client.release();
    await bank.settle();
    const all = { row: 105, holder: "Ada", now: 105, opened: 0, branches: ["Main"] };
    expect(await answersOf(bank, "1")).toEqual(all);
    expect(await answersOf(await start("reports", { schema, readOnly: true }), "1")).toEqual(all);
  });

  test("the role that runs cannot change the log, and the one that reads can write nothing", async () => {
    const schema = await deployed();
    await asInGuide(schema, "To run");
    await asInGuide(schema, "To read only");
    const as = async (name: string, sql: string): Promise<unknown> => poolOf(name).query(sql);
    for (const sql of [`UPDATE ${schema}.nereus_messages SET data = ''`, `DELETE FROM ${schema}.nereus_messages`]) {
      await expect(as("app", sql)).rejects.toMatchObject({ code: "42501" });
    }
    const { rows } = await run(`SELECT table_name FROM information_schema.role_table_grants
      WHERE grantee = '${role("reports")}' AND table_schema = '${schema}' AND privilege_type <> 'SELECT'`);
    expect(rows).toEqual([]);
  });

  test("every table and sequence of the schema is in the lists", async () => {
    const schema = newSchema();
    await setUp({ pool: database.pool, schema });
    const { rows } =
      await run(`SELECT relname FROM pg_class AS c WHERE relnamespace = '${schema}'::regnamespace AND (relkind = 'r'
      OR relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'i'))`);
    expect(rows.map(({ relname }) => relname).sort()).toEqual(Object.keys(rightsToRun).sort());
  });

  describe("a table that a release brings", () => {
    class Count extends Projection("Count", { countId: identifier(), accounts: z.number().int() }) {}
    const counts = projector(Count, { run: "inline" }).create(Opened, ({ accountId }) => ({
      countId: accountId,
      accounts: 1,
    }));
    const next = [...readSide, Count, counts];

    test("is made by the owner's start, and is then everybody's by default privileges", async () => {
      const schema = await deployed();
      await asInGuide(schema, "To run");
      await asInGuide(schema, "To read only");
      const refused = { code: "STORE_RIGHT_MISSING", message: expect.stringContaining("the tables of Count") };
      await expect(start("app", { schema }, next)).rejects.toMatchObject(refused);
      await expect(start("reports", { schema, readOnly: true }, next)).rejects.toMatchObject({
        code: "STORE_READ_ONLY",
      });
      await (await start("deployer", { schema }, next)).stop();
      const bank = await start("app", { schema }, next);
      await bank.process(new Open({ accountId: "1" }));
      const reports = await start("reports", { schema, readOnly: true }, next);
      expect((await reports.view(Count).get("1"))?.accounts).toBe(1);
    });

    test("without default privileges is refused with the GRANT that it needs", async () => {
      const schema = await deployed();
      await asInGuide(schema, "To run");
      await run(
        `ALTER DEFAULT PRIVILEGES FOR ROLE ${role("deployer")} IN SCHEMA ${schema} REVOKE ALL ON TABLES FROM ${role("app")}`,
      );
      await (await start("deployer", { schema }, next)).stop();
      const refused: unknown = await start("app", { schema }, next).catch((error: unknown) => error);
      const grant = `GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ${schema}."Count" TO ${role("app")};`;
      expect(refused).toMatchObject({ code: "STORE_RIGHT_MISSING", fix: expect.stringContaining(grant) });
      await run(grant);
      await start("app", { schema }, next);
    });

    test("is changed by its owner only", async () => {
      const schema = await deployed(next);
      await asInGuide(schema, "To run");
      await run(
        `GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${role("app")}; GRANT CREATE ON SCHEMA ${schema} TO ${role("app")}`,
      );
      class Counted extends Projection("Count", {
        countId: identifier(),
        accounts: z.number().int(),
        more: z.string().optional(),
      }) {}
      const changed = projector(Counted, { run: "inline" }).create(Opened, ({ accountId }) => ({
        countId: accountId,
        accounts: 1,
      }));
      const refused = { code: "STORE_RIGHT_MISSING", fix: expect.stringContaining("the role that owns the tables") };
      await expect(start("app", { schema }, [...readSide, Counted, changed])).rejects.toMatchObject(refused);
    });
  });

  test("setUp says that it may not make the schema", async () => {
    const pool = poolOf("app");
    await expect(setUp({ pool, schema: newSchema() })).rejects.toMatchObject({
      code: "STORE_RIGHT_MISSING",
      message: expect.stringContaining("permission denied for database"),
      fix: expect.stringContaining("guide to PostgreSQL"),
    });
  });

  test("functions that were taken from everybody are granted as the guide says", async () => {
    const schema = await deployed();
    await asInGuide(schema, "To run");
    await run(`REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} FROM PUBLIC`);
    const refused = { code: "STORE_RIGHT_MISSING", fix: expect.stringContaining("GRANT EXECUTE ON FUNCTION") };
    await expect(start("app", { schema })).rejects.toMatchObject(refused);
    await run(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${schema} TO ${role("app")}`);
    const bank = await start("app", { schema });
    await bank.process(new Open({ accountId: "1" }));
  });

  test("a right that is taken while the process runs is missed by its code", async () => {
    const schema = await deployed();
    await asInGuide(schema, "To run");
    const bank = await start("app", { schema });
    await bank.process(new Open({ accountId: "1" }));
    await run(`REVOKE INSERT ON ${schema}.nereus_messages FROM ${role("app")}`);
    const deposit = new Deposit({ accountId: "1", amount: 1 });
    await expect(bank.process(deposit)).rejects.toMatchObject({ code: "STORE_RIGHT_MISSING" });
    await run(`GRANT INSERT ON ${schema}.nereus_messages TO ${role("app")}`);
    await bank.process(deposit);
    expect(await bank.query(new BalanceOf({ accountId: "1" }))).toBe(1);
  });

  describe("row-level security", () => {
    test.each(["nereus_messages", "Branch"])(
      "on %s is refused for a role that runs, unless it sees every row",
      async (table) => {
        const schema = await deployed();
        await asInGuide(schema, "To run");
        await run(`ALTER TABLE ${schema}."${table}" ENABLE ROW LEVEL SECURITY`);
        const refused = { code: "STORE_DATABASE_UNSUITABLE", message: expect.stringContaining(table) };
        await expect(start("app", { schema })).rejects.toMatchObject(refused);
        const owner = await start("deployer", { schema });
        await owner.process(new Open({ accountId: "1" }));
        await run(`ALTER ROLE ${role("app")} BYPASSRLS`);
        onTestFinished(() => run(`ALTER ROLE ${role("app")} NOBYPASSRLS`).then(() => undefined));
        const bank = await start("app", { schema });
        await bank.process(new OpenBranch({ branchId: "b" }));
      },
    );

    test("narrows down what a role that only reads sees of a collection", async () => {
      const schema = await deployed();
      await asInGuide(schema, "To run");
      await asInGuide(schema, "To read only");
      const bank = await start("app", { schema });
      await bank.process(new Open({ accountId: "1" }), { tenant: "mine" });
      await bank.process(new Open({ accountId: "1" }), { tenant: "theirs" });
      await run(`ALTER TABLE ${schema}."Holder" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY mine ON ${schema}."Holder" FOR SELECT TO ${role("reports")} USING (_tenant = 'mine')`);
      const reports = await start("reports", { schema, readOnly: true });
      expect(await reports.view(Holder, { tenant: "mine" }).find()).toHaveLength(1);
      expect(await reports.view(Holder, { tenant: "theirs" }).find()).toHaveLength(0);
    });
  });

  describe("with one right less", () => {
    let schema: string;
    let store: Store;
    let round = 0;
    const things = { ...people, name: "things", unique: [["age"]] };
    beforeAll(async () => {
      schema = newSchema();
      const owner = postgres({ pool: database.pool, schema, setUp: true });
      await owner.open([people, things]);
      await owner.close();
      await run(`GRANT USAGE ON SCHEMA ${schema} TO ${role("app")}`);
      for (const { table, right } of everyRight) await grant(table, right);
      await run(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.people, ${schema}.things TO ${role("app")}`);
      store = postgres({ pool: database.anotherPool({ options: `-c role=${role("app")}`, max: 8 }), schema });
      await store.open([people, things]);
    });
    afterAll(() => store.close());
    const kind = (table: string): string => (table === "nereus_position" ? "SEQUENCE" : "TABLE");
    const grant = (table: string, right: string) =>
      run(`GRANT ${right} ON ${kind(table)} ${schema}.${table} TO ${role("app")}`);
    const revoke = (table: string, right: string) =>
      run(`REVOKE ${right} ON ${kind(table)} ${schema}.${table} FROM ${role("app")}`);
    const another = (): Store => storeOf("app", { schema });

    /** All that a store is there for, with names that no round before has had. */
    async function everything(): Promise<void> {
      const id = `r${++round}`;
      const message = messageOf(`New${id}`);
      const stream = streamOf(id, { category: `category ${id}` });
      for (const [expected, at] of [
        [0, 5],
        [5, null],
      ] as const) {
        committed(
          await store.commit({
            appends: [appendOf(stream, "any", expected === 0 ? message : messageOf())],
            timers: [{ owner: "o", id, ...(at === null ? { at } : { at, data: "{}" }) }],
            checkpoint: { name: id, expected, position: expected + 5 },
            notes: [{ name: id, expected: expected / 5, data: "{}" }],
            idempotency: { tenant: "", key: `${id} ${expected}`, fingerprint: "f", result: null },
            outbox: [{ id: `${id} ${expected}`, destination: "d", data: "{}" }],
          }),
        );
      }
      await put(store, id, { age: round }, { collection: things.name });
      await put(store, id, { age: -round }, { collection: things.name });
      const gone = { collection: things.name, tenant: "", id, expectedVersion: "any", data: null } as const;
      committed(await store.commit({ documents: [gone] }));
      await put(store, id, { age: round }, { collection: things.name });
      await store.commit({ documents: [{ ...gone, id: "other", data: JSON.stringify({ age: round }) }] }); // not unique
      await store.records.outbox(0, 1);
      await store.records.timers("o", { until: 9, limit: 1 });
      await store.log.readLog({ after: 0, limit: 1 });
    }

    test("(with all of them everything goes)", everything);

    test.each(everyRight)("$right on $table: a code and the GRANT that mends it", async ({ table, right }) => {
      await revoke(table, right);
      onTestFinished(() => grant(table, right).then(() => undefined));
      // What is only looked at when a store is opened is found then.
      const onlyAtOpening = table === "nereus_migrations";
      if (!onlyAtOpening) await expect(everything()).rejects.toMatchObject({ code: "STORE_RIGHT_MISSING" });
      const refused: unknown = await another()
        .open([people])
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "STORE_RIGHT_MISSING", message: expect.stringContaining(role("app")) });
      const [, sql = ""] = /: (GRANT .*)$/.exec((refused as { fix: string }).fix) ?? [];
      expect(sql).toContain(`GRANT ${right} ON ${kind(table)} ${schema}.${table} TO`);
      await run(sql);
      await another().open([people]);
      await everything();
    });

    test.each(Object.keys(rightsToRead))(
      "SELECT on %s, of a role that reads only: a code and the GRANT that mends it",
      async (table) => {
        await run(
          `GRANT USAGE ON SCHEMA ${schema} TO ${role("reports")}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${role("reports")}`,
        );
        const reading = storeOf("reports", { schema, readOnly: true });
        await reading.open([people]);
        await run(`REVOKE SELECT ON ${schema}.${table} FROM ${role("reports")}`);
        const reads = async (): Promise<void> => {
          await reading.log.readLog({ after: 0, limit: 9, types: [`New r${round}`] });
          await reading.log.replay(streamOf(`r${round}`, { category: `category r${round}` }), 0, 9);
          await reading.records.checkpoint("c");
          await reading.records.note("n");
          await reading.records.outbox(0, 1);
          await reading.records.idempotency("", "k");
          await reading.records.timers("o", { until: 9, limit: 1 });
        };
        // What is only looked at when a store is opened is found then.
        const onlyAtOpening = ["nereus_migrations", "nereus_collections"].includes(table);
        if (!onlyAtOpening) await expect(reads()).rejects.toMatchObject({ code: "STORE_RIGHT_MISSING" });
        const grant = `GRANT SELECT ON TABLE ${schema}.${table} TO ${role("reports")};`;
        const refused = { code: "STORE_RIGHT_MISSING", fix: expect.stringContaining(grant) };
        await expect(storeOf("reports", { schema, readOnly: true }).open([people])).rejects.toMatchObject(refused);
        await run(grant);
        await reads();
      },
    );
  });
});
