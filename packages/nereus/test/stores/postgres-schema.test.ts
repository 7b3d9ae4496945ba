import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgres, setUp } from "../../src/adapters/postgres/index.ts";
import { migrations } from "../../src/adapters/postgres/statements.ts";
import { append, messageOf, people, put } from "../../src/conformance/samples.ts";
import type { CollectionShape, Store } from "../../src/ports/store.ts";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

describe.skipIf(missingPostgres !== undefined)("the schema of a PostgreSQL store", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop(), 120_000);

  const rows = async (sql: string): Promise<readonly Record<string, unknown>[]> =>
    (await database.pool.query(sql)).rows;
  const opened = async (schema: string, shapes: readonly CollectionShape[] = [people]): Promise<Store> => {
    const store = storeIn(database, { schema });
    await store.open(shapes);
    return store;
  };
  /** What the catalogue says of a schema, without its name. */
  const dump = async (schema: string): Promise<string> => {
    const found = await rows(`
      SELECT format('%s %s: %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
        || coalesce(' COLLATE ' || nullif(l.collname, 'default'), '')
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || coalesce(' ' || CASE WHEN a.attgenerated <> '' THEN 'GENERATED ' ELSE 'DEFAULT ' END || pg_get_expr(d.adbin, d.adrelid), '')
        || CASE WHEN a.attidentity <> '' THEN ' IDENTITY' ELSE '' END AS line, 'columns' AS part
      FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
      LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
      WHERE c.relnamespace = '${schema}'::regnamespace AND c.relkind IN ('r', 'v')
      UNION ALL
      SELECT pg_get_indexdef(i.indexrelid), 'indexes' FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indexrelid WHERE c.relnamespace = '${schema}'::regnamespace
      UNION ALL
      SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid), 'constraints' FROM pg_constraint
      WHERE connamespace = '${schema}'::regnamespace
      UNION ALL
      SELECT sequencename || ' ' || data_type, 'sequences' FROM pg_sequences WHERE schemaname = '${schema}'
      UNION ALL
      SELECT format('%s(%s) RETURNS %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)), 'functions'
      FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace
      ORDER BY part, line`);
    const parts = Map.groupBy(found, ({ part }) => part);
    const text = [...parts].map(([part, lines]) => `-- ${part}\n${lines.map(({ line }) => `${line}\n`).join("")}`);
    return text.join("\n").replaceAll(`${schema}.`, "");
  };

  it("is the one that was agreed", async () => {
    const schema = newSchema();
    const store = await opened(schema);
    await store.close();
    await expect(await dump(schema)).toMatchFileSnapshot("postgres-schema.snapshot.txt");
  });

  it("is not changed by setting it up again, nor by several processes that set it up at once", async () => {
    const schema = newSchema();
    const pools = Array.from({ length: 4 }, () => database.anotherPool({ max: 1 }));
    await Promise.all(pools.map((pool) => setUp({ pool, schema })));
    const before = await dump(schema);
    await setUp({ pool: database.pool, schema });
    expect(await dump(schema)).toBe(before);
    const applied = await rows(`SELECT number FROM ${schema}.nereus_migrations ORDER BY number`);
    expect(applied.map(({ number }) => number)).toEqual(migrations.map((_, at) => at + 1));
    const store = await opened(schema);
    const declared = await dump(schema);
    await store.close();
    await opened(schema).then((again) => again.close());
    expect(await dump(schema)).toBe(declared);
  });

  it("is asked for at the start, with what to do where it is missing, older or newer", async () => {
    const schema = newSchema();
    const start = (): Promise<void> => postgres({ pool: database.pool, schema }).open([people]);
    await expect(start()).rejects.toMatchObject({
      code: "STORE_NOT_SET_UP",
      message: expect.stringContaining("has not been set up"),
      fix: expect.stringContaining("setUp"),
    });
    await setUp({ pool: database.pool, schema });
    await rows(`DELETE FROM ${schema}.nereus_migrations WHERE number = ${migrations.length}`);
    await expect(start()).rejects.toMatchObject({
      code: "STORE_NOT_SET_UP",
      message: expect.stringContaining(`version ${migrations.length - 1}`),
    });
    await rows(`INSERT INTO ${schema}.nereus_migrations VALUES (${migrations.length}), (${migrations.length + 1})`);
    await expect(start()).rejects.toMatchObject({ code: "STORE_INCOMPATIBLE" });
    await expect(setUp({ pool: database.pool, schema })).rejects.toMatchObject({ code: "STORE_INCOMPATIBLE" });
  });

  it("is made whole or not at all", async () => {
    const schema = newSchema();
    await rows(`CREATE SCHEMA ${schema}`);
    await rows(`CREATE TABLE ${schema}.nereus_outbox ()`);
    const before = await dump(schema);
    await expect(setUp({ pool: database.pool, schema })).rejects.toThrow(/nereus_outbox/);
    expect(await dump(schema)).toBe(before);
    await rows(`DROP TABLE ${schema}.nereus_outbox`);
    await setUp({ pool: database.pool, schema });
    await opened(schema).then((store) => store.close());
  });

  it("lets people read the log and the documents with plain SQL", async () => {
    const schema = newSchema();
    const store = await opened(schema);
    await append(store, "a", "none", messageOf("Opened", { recordedAt: 1_700_000_000_123 }));
    await put(store, "1", {
      name: "Ada",
      age: 36,
      height: 1.65,
      active: true,
      savings: "1234567890123456",
      extra: [1],
    });
    await store.close();
    const log = `SELECT kind, category, stream_id, version, type, recorded_at FROM ${schema}.nereus_log`;
    expect(await rows(log)).toEqual([
      {
        kind: "event",
        category: "accounts",
        stream_id: "a",
        version: 0,
        type: "Opened",
        recorded_at: new Date(1_700_000_000_123),
      },
    ]);
    const columns = `SELECT _id, name, age, height, active, (savings + 1)::text AS more, extra FROM ${schema}.people`;
    expect(await rows(columns)).toEqual([
      { _id: "1", name: "Ada", age: "36", height: "1.65", active: true, more: "1234567890123457", extra: [1] },
    ]);
  });

  it("has an index for booleans that the store's own queries use", async () => {
    const schema = newSchema();
    const store = await opened(schema);
    for (let n = 0; n < 20; n++) await put(store, `${n}`, { active: n === 7 });
    const { rows: found } = await database.pool.query(
      `SELECT pg_get_indexdef(i.indexrelid, 2, true) AS expression FROM pg_index AS i
      WHERE i.indrelid = '${schema}.people'::regclass AND pg_get_indexdef(i.indexrelid) LIKE '%active%'`,
    );
    const client = await database.pool.connect();
    await client.query("BEGIN; SET LOCAL enable_seqscan = off");
    const plan = await client.query(
      `EXPLAIN SELECT * FROM ${schema}.people WHERE _tenant = '' AND ${found[0].expression} = 1`,
    );
    await client.query("ROLLBACK");
    client.release();
    expect(JSON.stringify(plan.rows)).toMatch(/Index Cond: .*nereus_number/);
    expect(await store.documents.count("people", "", [{ field: "active", op: "eq", value: true }])).toBe(1);
    expect(await store.documents.count("people", "", [{ field: "active", op: "eq", value: false }])).toBe(19);
    await store.close();
  });

  it("gives a collection whose name or fields PostgreSQL would confuse names of its own, kept over restarts", async () => {
    const schema = newSchema();
    const long = "a".repeat(80);
    const names = ["orders", "Orders", "nereus_messages", `${long}1`, `${long}2`, 'a"b'];
    const shapes = names.map(
      (name): CollectionShape => ({
        name,
        fields: ["name", "Name", "_id", `${long}1`, `${long}2`].map((field) => ({
          name: field,
          type: "text",
          required: false,
        })),
        indexes: [["Name"], [`${long}1`]],
        unique: [],
      }),
    );
    const store = await opened(schema, shapes);
    for (const collection of names)
      await put(store, "1", { name: "n", Name: collection, [`${long}2`]: "x" }, { collection });
    await store.close();
    const again = await opened(schema, [...shapes].reverse());
    for (const collection of names) {
      const where = [
        { field: "Name", op: "eq", value: collection },
        { field: `${long}2`, op: "eq", value: "x" },
      ] as const;
      expect(await again.documents.count(collection, "", where)).toBe(1);
    }
    await again.close();
    const tables = await rows(`SELECT name, table_name FROM ${schema}.nereus_collections`);
    expect(new Set(tables.map(({ table_name }) => table_name)).size).toBe(names.length);
    expect(tables).toContainEqual({ name: "orders", table_name: "orders" });
  });
});
