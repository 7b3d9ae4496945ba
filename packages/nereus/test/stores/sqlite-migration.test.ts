import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { migrations } from "../../src/adapters/sqlite/statements.ts";
import { append, messageOf, people, put } from "../../src/conformance/samples.ts";
import { isNereusError, type NereusError } from "../../src/model/errors.ts";
import type { CollectionShape, FieldType, Store } from "../../src/ports/store.ts";
import { openSqlite, temporaryFolder } from "./temporary-folder.ts";

const hostile = `q"q'q\\q.$[0] 🦀 -- \n`;

function shapeOf(
  fields: Readonly<Record<string, FieldType | "required">>,
  more: Partial<CollectionShape> = {},
): CollectionShape {
  const shapes = Object.entries(fields).map(([name, type]) =>
    type === "required" ? { name, type: "text" as const, required: true } : { name, type, required: false },
  );
  return { name: "people", fields: shapes, indexes: [], unique: [], ...more };
}

async function refusal(opening: Promise<unknown>): Promise<NereusError> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isNereusError(error, "STORE_MIGRATION_REFUSED")) throw new Error(`expected a refusal, but: ${String(error)}`);
  return error;
}

function inFile<Result>(path: string, work: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function columnsOf(path: string, table = "people"): Record<string, unknown> {
  return inFile(path, (database) => {
    const columns = database.prepare("SELECT name, type FROM pragma_table_xinfo(?)").all(table);
    return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
  });
}

/** All but the store's own tables, which it brings up to date before it looks at the collections. */
function dump(path: string): unknown {
  return inFile(path, (database) => [
    database
      .prepare(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name NOT IN ('nereus_removed', 'nereus_timers', 'nereus_notes') ORDER BY name",
      )
      .all(),
    database.prepare("SELECT * FROM nereus_collections").all(),
    database.prepare("SELECT _tenant, _id, _version, _data FROM people ORDER BY rowid").all(),
  ]);
}

/** A file as the first release left it: columns of any type, and a layout that says nothing of required or unique. */
function formerFile(path: string): void {
  inFile(path, (database) => {
    for (const migration of migrations.slice(0, 1)) database.exec(migration);
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA application_id = ${0x4e657265};
      PRAGMA user_version = 1;
      CREATE TABLE "people" (_tenant TEXT NOT NULL, _id TEXT NOT NULL, _version INTEGER NOT NULL, _data TEXT NOT NULL,
        PRIMARY KEY (_tenant, _id)) STRICT;
      ALTER TABLE "people" ADD COLUMN "name" ANY GENERATED ALWAYS AS (_data ->> '$."name"') VIRTUAL;
      ALTER TABLE "people" ADD COLUMN "Name_2" ANY GENERATED ALWAYS AS (_data ->> '$."Name"') VIRTUAL;
      ALTER TABLE "people" ADD COLUMN "age" ANY GENERATED ALWAYS AS (_data ->> '$."age"') VIRTUAL;
      ALTER TABLE "people" ADD COLUMN "savings" ANY GENERATED ALWAYS AS (CAST(_data ->> '$."savings"' AS NUMERIC)) VIRTUAL;
      CREATE INDEX "nereus_index people(""name"")" ON "people" (_tenant, "name", _id);
      INSERT INTO people (_tenant, _id, _version, _data) VALUES
        ('', '1', 3, '{"name":"Ada","Name":"A","age":36,"savings":"9007199254740993"}'),
        ('north', '1', 0, '{"name":"Bob","age":"old"}'),
        ('', '2', 1, '{}');
      CREATE VIEW names AS SELECT name, age FROM people;
      CREATE INDEX own_index ON people (age);
      CREATE TABLE written (id TEXT);
      CREATE TRIGGER own_trigger AFTER INSERT ON people BEGIN INSERT INTO written VALUES (new._id); END;
    `);
    const column = (name: string, type: string): unknown => ({ column: name, type });
    const layout = {
      fields: [
        ["name", column("name", "text")],
        ["Name", column("Name_2", "text")],
        ["age", column("age", "integer")],
        ["savings", column("savings", "bigint")],
      ],
      indexes: ['nereus_index people("name")'],
    };
    database.prepare("INSERT INTO nereus_collections VALUES ('people', 'people', ?)").run(JSON.stringify(layout));
  });
}

const formerShape = shapeOf(
  { name: "text", Name: "text", age: "integer", savings: "bigint" },
  { indexes: [["name"]], unique: [["name"]] },
);

it("a file of the former release is brought over with all it holds, and with what its user made of it", async () => {
  const path = join(temporaryFolder(), "bank.db");
  formerFile(path);
  const store = await openSqlite(path, {}, [formerShape]);
  expect(await store.documents.find("people", "", {})).toEqual([
    { id: "1", version: 3, data: '{"name":"Ada","Name":"A","age":36,"savings":"9007199254740993"}' },
    { id: "2", version: 1, data: "{}" },
  ]);
  expect(await store.documents.count("people", "", [{ field: "Name", op: "eq", value: "A" }])).toBe(1);
  await append(store, "a", "none", messageOf());
  await put(store, "3", { name: "Cy" });
  await store.close();
  expect(columnsOf(path)).toEqual({
    _tenant: "TEXT",
    _id: "TEXT",
    _version: "INTEGER",
    _data: "TEXT",
    name: "TEXT",
    Name_2: "TEXT",
    age: "INTEGER",
    savings: "NUMERIC",
  });
  inFile(path, (database) => {
    expect(
      database
        .prepare("SELECT name FROM names ORDER BY name")
        .all()
        .map(({ name }) => name),
    ).toEqual([null, "Ada", "Bob", "Cy"]);
    expect(
      database
        .prepare("SELECT id FROM written")
        .all()
        .map(({ id }) => id),
    ).toEqual(["3"]);
    const names = database
      .prepare("SELECT name FROM sqlite_schema WHERE tbl_name = 'people' AND type <> 'table'")
      .all();
    expect(names.map(({ name }) => name).toSorted()).toEqual([
      'nereus_index people("name")',
      'nereus_unique people("name")',
      "own_index",
      "own_trigger",
      "sqlite_autoindex_people_1",
    ]);
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  });
  const before = dump(path);
  await openSqlite(path, {}, [formerShape]).then((again) => again.close());
  expect(dump(path)).toEqual(before);
});

it("a file of the former release that does not fit stays as it was", async () => {
  const path = join(temporaryFolder(), "bank.db");
  formerFile(path);
  const before = dump(path);
  const error = await refusal(openSqlite(path, {}, [shapeOf({ name: "required", age: "integer" })]));
  expect(error.message).toContain("1 document of people has no name");
  expect(dump(path)).toEqual(before);
});

it("a table that is built anew leaves the rows of others that point to its own", async () => {
  const path = join(temporaryFolder(), "bank.db");
  formerFile(path);
  inFile(path, (database) =>
    database.exec(`
      CREATE TABLE notes (tenant TEXT, person TEXT, note TEXT,
        FOREIGN KEY (tenant, person) REFERENCES people (_tenant, _id) ON DELETE CASCADE);
      INSERT INTO notes VALUES ('', '1', 'kept');
    `),
  );
  const store = await openSqlite(path, {}, [formerShape]);
  const count = () =>
    inFile(path, (database) => database.prepare("SELECT count(*) AS notes FROM notes").get()?.["notes"]);
  expect(count()).toBe(1);
  expect(inFile(path, (database) => database.prepare("PRAGMA foreign_key_check").all())).toEqual([]);
  await store.commit({
    documents: [{ collection: "people", tenant: "", id: "1", expectedVersion: "exists", data: null }],
  });
  expect(count()).toBe(0);
});

it("columns that a user added are not dropped without a word", async () => {
  const path = join(temporaryFolder(), "bank.db");
  formerFile(path);
  inFile(path, (database) => database.exec("ALTER TABLE people ADD COLUMN note TEXT"));
  const before = dump(path);
  const error = await refusal(openSqlite(path, {}, [formerShape]));
  expect(error.message).toContain("note");
  expect(dump(path)).toEqual(before);
  inFile(path, (database) => database.exec(error.fix ?? ""));
  await openSqlite(path, {}, [formerShape]);
});

/** Each row: the field's new type, values that do not fit, and what the SQL of the error makes of them. */
const conversions: readonly (readonly [FieldType, readonly unknown[], readonly unknown[]])[] = [
  ["text", [5, 1.5, true], ["5", "1.5", "1"]],
  ["integer", ["5", 1.5, true], [5, 1, 1]],
  ["real", ["1.5", "5"], [1.5, 5]],
  ["boolean", [1, 0, "true", "no"], [true, false, true, false]],
  ["bigint", [5, "1.5", "9007199254740993 "], ["5", "1", "9007199254740993"]],
];

it.each(conversions)(
  "documents that do not fit %s fit after the SQL of the error has been run",
  async (type, before, after) => {
    const path = join(temporaryFolder(), "bank.db");
    const first = await openSqlite(path, {}, [shapeOf({ [hostile]: "json" })]);
    for (const [at, value] of before.entries())
      await put(first, `${at}`, { [hostile]: value, other: [1, { a: null }] });
    await put(first, "null", { [hostile]: null });
    await first.close();
    const unchanged = dump(path);
    const shape = shapeOf({ [hostile]: type });
    const error = await refusal(openSqlite(path, {}, [shape]));
    expect(error).toMatchObject({ code: "STORE_MIGRATION_REFUSED", element: "people" });
    expect(error.message).toContain(`${before.length} documents of people have something in ${hostile}`);
    expect(dump(path)).toEqual(unchanged);

    inFile(path, (database) => database.exec(error.fix ?? ""));
    const store = await openSqlite(path, {}, [shape]);
    const documents = await store.documents.find("people", "", {});
    const values = documents.map(({ data }) => JSON.parse(data));
    expect(values.map((one) => one[hostile])).toEqual([...after, null]);
    expect(values[0].other).toEqual([1, { a: null }]);
    expect(documents.map(({ version }) => version)).toEqual([...before.map(() => 1), 0]);
  },
);

it("documents that lack a required field have it after the SQL of the error has been run", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const types: readonly FieldType[] = ["text", "integer", "real", "boolean", "bigint", "json"];
  const first = await openSqlite(path, {}, [shapeOf({})]);
  await put(first, "1", {});
  await put(first, "2", Object.fromEntries(types.map((type) => [`${hostile}${type}`, null])));
  await first.close();
  const fields = types.map((type) => ({ name: `${hostile}${type}`, type, required: true }));
  const shape = shapeOf({}, { fields });
  const error = await refusal(openSqlite(path, {}, [shape]));
  inFile(path, (database) => database.exec(error.fix ?? ""));
  const store = await openSqlite(path, {}, [shape]);
  const [one, two] = await store.documents.find("people", "", {});
  expect(JSON.parse(one?.data ?? "")).toEqual(
    Object.fromEntries(["", 0, 0, false, "0", null].map((value, at) => [`${hostile}${types[at]}`, value])),
  );
  expect([one?.version, two?.version]).toEqual([types.length, 0]);
});

it("the SQL of the error lists the documents that share what is to be unique", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const fields = { [hostile]: "text", number: "bigint" } as const;
  const first = await openSqlite(path, {}, [shapeOf(fields)]);
  for (const [id, tenant, text, number] of [
    ["1", "", "a", "9007199254740993"],
    ["2", "", "a", "9007199254740993"],
    ["3", "", "a", "9007199254740992"],
    ["1", "north", "b", "1"],
    ["2", "north", "b", "1"],
    ["3", "north", "b", null],
  ] as const) {
    await put(first, id, { [hostile]: text, number }, { tenant });
  }
  await first.close();
  const shape = shapeOf(fields, { unique: [[hostile, "number"]] });
  const error = await refusal(openSqlite(path, {}, [shape]));
  expect(error.message).toContain("4 documents of people share");
  const rows = inFile(path, (database) => database.prepare(error.fix ?? "").all());
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { _tenant: "", [hostile]: "a", number: "9007199254740993", documents: 2, ids: "1, 2" },
    { _tenant: "north", [hostile]: "b", number: "1", documents: 2, ids: "1, 2" },
  ]);
  inFile(path, (database) => database.exec("DELETE FROM people WHERE _id = '2'"));
  await openSqlite(path, {}, [shape]);
});

it("a table and columns with names of their own are named in the SQL as they are", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const shape = (type: FieldType): CollectionShape => ({
    ...shapeOf({ Name: "text", name: type }),
    name: "nereus_people",
  });
  const first = await openSqlite(path, {}, [shape("text")]);
  await put(first, "1", { name: "5" }, { collection: "nereus_people" });
  await first.close();
  const error = await refusal(openSqlite(path, {}, [shape("integer")]));
  expect(error.fix).toContain('UPDATE "_nereus_people" SET');
  inFile(path, (database) => database.exec(error.fix ?? ""));
  const store = await openSqlite(path, {}, [shape("integer")]);
  expect(await store.documents.count("nereus_people", "", [{ field: "name", op: "eq", value: 5 }])).toBe(1);
});

it("columns have the types of their fields, and what is within an object can be read through its column", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const store = await openSqlite(path, {}, [people]);
  await put(store, "1", {
    name: "Ada",
    age: 36,
    height: 2,
    active: true,
    savings: "12",
    extra: { home: { city: "Rome" } },
  });
  await put(store, "2", { name: 5, age: "old", height: "1.5", active: null, savings: "x", extra: "5" });
  await store.close();
  expect(columnsOf(path)).toMatchObject({
    name: "TEXT",
    age: "INTEGER",
    height: "REAL",
    active: "INTEGER",
    savings: "NUMERIC",
    extra: "",
  });
  inFile(path, (database) => {
    const row = database
      .prepare(
        "SELECT name, age, height, active, savings, extra ->> '$.home.city' AS city FROM people WHERE age > '35'",
      )
      .get();
    expect({ ...row }).toEqual({ name: "Ada", age: 36, height: 2, active: 1, savings: 12, city: "Rome" });
    const types = ["name", "age", "height", "active", "savings", "extra"]
      .map((name) => `typeof(${name})`)
      .join(" || ' ' || ");
    const kinds = database.prepare(`SELECT ${types} AS kinds FROM people ORDER BY _id`).all();
    expect(kinds.map((one) => one["kinds"])).toEqual([
      "text integer real integer integer text",
      "text blob blob null blob text",
    ]);
  });
});

it("an ordinary start asks nothing of the documents", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const shape = shapeOf({ name: "required", age: "integer" }, { unique: [["name"]], indexes: [["age"]] });
  await openSqlite(path, {}, [shape]).then((store: Store) => store.close());
  inFile(path, (database) => database.exec("INSERT INTO people VALUES ('', '1', 0, '{\"age\":\"no number\"}')"));
  const store = await openSqlite(path, {}, [shape]);
  expect(await store.documents.count("people", "", [])).toBe(1);
  const error = await refusal(
    store.open([{ ...shape, fields: [...shape.fields.slice(0, 1), { name: "age", type: "real", required: true }] }]),
  );
  expect(error.message).toContain("1 document of people has something in age that is not a number");
});

it("a field's default is in its column, for SQL too, and a table is built anew where the default changed", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const shape = (rank: number): CollectionShape => {
    const plain = shapeOf({ name: "text" }, { indexes: [["rank"]] });
    const field = { name: "rank", type: "integer", required: false, default: JSON.stringify(rank) } as const;
    return { ...plain, fields: [...plain.fields, field] };
  };
  const store = await openSqlite(path, {}, [shapeOf({ name: "text" })]);
  await put(store, "1", { name: "Ada" });
  await put(store, "2", { name: "Bob", rank: null });
  await store.close();
  const ranks = () => inFile(path, (database) => database.prepare("SELECT _id, rank FROM people ORDER BY _id").all());
  for (const rank of [3, 5]) {
    await (await openSqlite(path, {}, [shape(rank)])).close();
    expect(ranks().map(({ rank: stored }) => stored)).toEqual([rank, null]);
  }
  const plan = inFile(path, (database) =>
    database.prepare("EXPLAIN QUERY PLAN SELECT _id FROM people WHERE _tenant = '' AND rank = 5").all(),
  );
  expect(JSON.stringify(plan)).toContain("nereus_index");
});
