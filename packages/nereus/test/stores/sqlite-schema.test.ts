import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as statements from "../../src/adapters/sqlite/statements.ts";
import { append, messageOf, people, put } from "../../src/conformance/samples.ts";
import type { CollectionShape } from "../../src/ports/store.ts";
import { openSqlite, temporaryFolder } from "./temporary-folder.ts";

function dump(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").all();
  const versions = ["user_version", "application_id", "journal_mode"].map(
    (name) => `-- ${name}: ${Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]}`,
  );
  database.close();
  return `${versions.join("\n")}\n\n${rows.map(({ sql }) => `${sql};\n`).join("\n")}`;
}

it("statements.ts says what the files in sql/ say", () => {
  const script = fileURLToPath(new URL("../../../../scripts/embed-sql.mjs", import.meta.url));
  expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toBe("");
});

it("a new file has the schema that was agreed", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const store = await openSqlite(path, {}, [people]);
  await store.close();
  await expect(dump(path)).toMatchFileSnapshot("sqlite-schema.snapshot.sql");
});

it("opening the same collections again changes nothing in the file", async () => {
  const path = join(temporaryFolder(), "bank.db");
  await openSqlite(path, {}, [people]).then((store) => store.close());
  const before = dump(path);
  await openSqlite(path, {}, [people]).then((store) => store.close());
  expect(dump(path)).toBe(before);
});

it("every read of the log goes through an index, or the part of the log that a page may cover", () => {
  const database = new DatabaseSync(":memory:");
  for (const migration of statements.migrations) database.exec(migration);
  const reads = Object.entries(statements).filter(
    ([, sql]) => typeof sql === "string" && /FROM nereus_(messages|types|outcomes|checkpoints|outbox)/.test(sql),
  );
  expect(reads.length).toBeGreaterThan(8);
  for (const [name, sql] of reads) {
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    for (const { detail } of plan) expect(detail, name).not.toMatch(/SCAN nereus_|TEMP B-TREE/);
  }
  database.close();
});

it("people can read the log and the documents with plain SQL, and indexes serve their queries", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const store = await openSqlite(path, {}, [people]);
  await append(store, "a", "none", messageOf("Opened", { recordedAt: 1_700_000_000_123 }));
  await put(store, "1", { name: "Ada", age: 36, height: 1.65, active: true, savings: "1234567890123456", extra: [1] });
  await store.close();

  const database = new DatabaseSync(path, { readOnly: true });
  expect({
    ...database.prepare("SELECT kind, category, stream_id, version, type, recorded_at FROM nereus_log").get(),
  }).toEqual({
    kind: "event",
    category: "accounts",
    stream_id: "a",
    version: 0,
    type: "Opened",
    recorded_at: "2023-11-14 22:13:20.123",
  });
  const row = database.prepare("SELECT _id, name, age, height, active, savings + 1 AS more, extra FROM people").get();
  expect({ ...row }).toEqual({
    _id: "1",
    name: "Ada",
    age: 36,
    height: 1.65,
    active: 1,
    more: 1234567890123457,
    extra: "[1]",
  });
  const plan = database.prepare("EXPLAIN QUERY PLAN SELECT * FROM people WHERE _tenant = '' AND name = 'Ada'").all();
  expect(plan.map(({ detail }) => detail).join()).toContain('USING INDEX nereus_index people("name")');
  database.close();
});

it("a collection whose name or fields SQLite would confuse gets names of its own, kept over restarts", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const shapes = ["orders", "Orders", "sqlite_orders", "nereus_messages"].map(
    (name): CollectionShape => ({
      name,
      fields: [
        { name: "name", type: "text", required: false },
        { name: "Name", type: "text", required: false },
        { name: "_id", type: "text", required: false },
      ],
      indexes: [["Name"]],
      unique: [],
    }),
  );
  const store = await openSqlite(path, {}, shapes);
  for (const { name: collection } of shapes) await put(store, "1", { name: "n", Name: collection }, { collection });
  await store.close();
  const again = await openSqlite(path, {}, [...shapes].reverse());
  for (const { name: collection } of shapes) {
    expect(await again.documents.count(collection, "", [{ field: "Name", op: "eq", value: collection }])).toBe(1);
  }
  await again.close();
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name, table_name FROM nereus_collections ORDER BY name").all();
  expect(tables.map(({ name, table_name }) => `${name}: ${table_name}`)).toEqual([
    "Orders: Orders_2",
    "nereus_messages: _nereus_messages",
    "orders: orders",
    "sqlite_orders: _sqlite_orders",
  ]);
  const columns = database.prepare("SELECT name FROM pragma_table_xinfo('orders')").all();
  expect(columns.map(({ name }) => name)).toEqual(["_tenant", "_id", "_version", "_data", "name", "Name_2", "_id_2"]);
  database.close();
});

it("the versions of a collection's fields may change while another store has the file open", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const narrow: CollectionShape = {
    name: "people",
    fields: [{ name: "name", type: "text", required: false }],
    indexes: [["name"]],
    unique: [],
  };
  const old = await openSqlite(path, {}, [narrow]);
  await put(old, "1", { name: "Ada", age: 36 });
  const wide = await openSqlite(path, {}, [people]);
  await put(old, "2", { name: "Bob", age: 7 });
  await put(wide, "1", { name: "Ada", age: 37 });
  expect(await wide.documents.count("people", "", [{ field: "age", op: "gt", value: 6 }])).toBe(2);
  expect(await old.documents.count("people", "", [{ field: "name", op: "eq", value: "Bob" }])).toBe(1);
});
