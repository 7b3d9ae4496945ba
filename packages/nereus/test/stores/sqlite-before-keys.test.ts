import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import type { CollectionShape, DocumentQuery } from "../../src/ports/store.ts";
import { openSqlite, temporaryFolder } from "./temporary-folder.ts";

/** As the model of that file is declared now. */
const passes: CollectionShape = {
  name: "passes",
  fields: [
    { name: "until", type: "date", required: false },
    { name: "size", type: "bigint", required: false },
    { name: "kept", type: "bigint", required: false, default: '"5"' },
  ],
  indexes: [["until"], ["size", "until"], ["kept"]],
  unique: [["size"]],
};

function formerFile(...more: readonly string[]): string {
  const path = join(temporaryFolder(), "former.db");
  const database = new DatabaseSync(path);
  database.exec(readFileSync(new URL("sqlite-before-keys.sql", import.meta.url), "utf8"));
  database.exec("PRAGMA journal_mode = WAL");
  for (const sql of more) database.exec(sql);
  database.close();
  return path;
}

it("a file that was made before dates and whole numbers had keys is read as it is, and answers right", async () => {
  const store = await openSqlite(formerFile("ALTER TABLE passes ADD COLUMN own TEXT DEFAULT 'of a user'"), {}, [
    passes,
  ]);
  const found = async (query: DocumentQuery): Promise<string> =>
    (await store.documents.find("passes", "", query)).map(({ id }) => id).join(" ");
  expect(await found({ orderBy: [{ field: "until", direction: "asc" }] })).toBe("3 2 0 1 4");
  expect(await found({ orderBy: [{ field: "size", direction: "asc" }] })).toBe("3 2 0 4 1");
  expect(await found({ where: [{ field: "size", op: "eq", value: "-9223372036854775808" }] })).toBe("2");
  expect(await found({ where: [{ field: "until", op: "gte", value: "2027-01-01T00:00:00.000Z" }] })).toBe("1 4");
  expect(await found({ where: [{ field: "kept", op: "lt", value: "6" }] })).toBe("0 1 2 3 4");
});

it("its indexes are made anew, by value, once; and another default is in its own", async () => {
  const path = formerFile();
  const indexes = (): unknown[] => {
    const database = new DatabaseSync(path);
    const rows = database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE name LIKE 'nereus_index%' ORDER BY name")
      .all();
    const plan = database
      .prepare(
        "EXPLAIN QUERY PLAN SELECT _id FROM passes INDEXED BY 'nereus_index passes(\"until\" by value)' WHERE _tenant = ''",
      )
      .all();
    expect(JSON.stringify(plan)).toContain("by value");
    database.close();
    return rows.map(({ name, sql }) => [name, sql]);
  };
  await openSqlite(path, {}, [passes]).then((store) => store.close());
  const made = indexes() as [string, string][];
  expect(made.map(([name]) => name)).toEqual([
    'nereus_index passes("kept" by value)',
    'nereus_index passes("size" by value, "until" by value)',
    'nereus_index passes("until" by value)',
  ]);
  await openSqlite(path, {}, [passes]).then((store) => store.close());
  expect(indexes()).toEqual(made);
  const other = passes.fields.map((field) => (field.name === "kept" ? { ...field, default: '"7"' } : field));
  const store = await openSqlite(path, {}, [{ ...passes, fields: other }]);
  expect(await store.documents.count("passes", "", [{ field: "kept", op: "gt", value: "6" }])).toBe(5);
  await store.close();
  expect((indexes() as [string, string][])[0]?.[1]).toContain('"kept":"7"');
});
