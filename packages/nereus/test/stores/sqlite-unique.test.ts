import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { append, conflicted, messageOf, numbersTo, put, wholeLog } from "../../src/conformance/samples.ts";
import { members } from "../../src/conformance/unique-cases.ts";
import type { DocumentWrite } from "../../src/ports/store.ts";
import { startChild } from "../support/child.ts";
import { openSqlite, temporaryFolder } from "./temporary-folder.ts";

function write(id: string, data: unknown): DocumentWrite {
  return { collection: "members", tenant: "", id, expectedVersion: "any", data: JSON.stringify(data) };
}

it("of three processes that claim the same values on one file, exactly one wins each", async () => {
  const path = join(temporaryFolder(), "club.db");
  await openSqlite(path, {}, [members]).then((store) => store.close());
  const children = numbersTo(3).map((at) =>
    startChild(new URL("./processes/claim-emails.ts", import.meta.url), [path, `process-${at}`]),
  );
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0]);
  const won = children.flatMap(({ lines }) => lines.filter((line) => line.startsWith("mail-")));
  const lost = children.map(({ lines }) => Number(lines.at(-1)?.slice("lost ".length)));
  expect(won.toSorted()).toEqual(
    numbersTo(100)
      .map((number) => `mail-${number}`)
      .toSorted(),
  );
  expect(lost.reduce((sum, count) => sum + count, 0)).toBe(200);
  const store = await openSqlite(path, {}, [members]);
  expect(await store.documents.count("members", "", [])).toBe(100);
  expect(await wholeLog(store)).toHaveLength(100);
}, 180_000);

it("SQL of somebody else's is held to unique values as well, whole numbers by every digit", async () => {
  const path = join(temporaryFolder(), "club.db");
  const store = await openSqlite(path, {}, [members]);
  await put(store, "1", { email: "a", club: "x", number: "9007199254740993" }, { collection: "members" });
  const database = new DatabaseSync(path);
  const insert = database.prepare("INSERT INTO members (_tenant, _id, _version, _data) VALUES (?, ?, 0, ?)");
  expect(() => insert.run("", "2", '{"email":"a"}')).toThrow(/UNIQUE constraint failed/);
  expect(() => insert.run("", "2", '{"club":"x","number":"9007199254740993"}')).toThrow(/UNIQUE constraint failed/);
  insert.run("", "2", '{"club":"x","number":"9007199254740992","email":null}');
  insert.run("north", "1", '{"email":"a"}');
  database.close();
  expect(
    conflicted(await store.commit({ documents: [write("3", { club: "x", number: "9007199254740992" })] }), "unique")
      .holder,
  ).toBe("2");
});

it("a process that opened the file before values were made unique is answered with a conflict", async () => {
  const path = join(temporaryFolder(), "club.db");
  const former = await openSqlite(path, {}, [{ ...members, unique: [] }]);
  await append(former, "a", "none", messageOf());
  const store = await openSqlite(path, {}, [members]);
  await put(store, "1", { email: "a" }, { collection: "members" });
  const outcomes = await Promise.all([
    former.commit({ documents: [write("2", { email: "a" })] }),
    former.commit({ documents: [write("3", { email: "b" })] }),
  ]);
  expect(outcomes[0]).toMatchObject({ status: "conflict", conflict: { on: "unique", id: "2", holder: "1" } });
  expect(outcomes[1]).toMatchObject({ status: "committed" });
  const swap = [write("1", { email: "b" }), write("3", { email: "a" })];
  expect(await former.commit({ documents: swap })).toMatchObject({ status: "committed" });
});

it("holders of unique values are found through the index", async () => {
  const path = join(temporaryFolder(), "club.db");
  await openSqlite(path, {}, [members]).then((store) => store.close());
  const database = new DatabaseSync(path, { readOnly: true });
  const plan = database
    .prepare(
      "EXPLAIN QUERY PLAN SELECT _id FROM members WHERE _tenant = ?1 " +
        `AND (_data ->> '$."club"') = (?2 ->> '$."club"') AND (_data ->> '$."number"') = (?2 ->> '$."number"') AND _id <> ?3 LIMIT 1`,
    )
    .all();
  expect(plan.map(({ detail }) => detail)).toEqual([
    'SEARCH members USING INDEX nereus_unique members("club", "number") (_tenant=? AND <expr>=? AND <expr>=?)',
  ]);
  database.close();
});

it("a collection without unique fields is written as before, without a savepoint or a look at others", async () => {
  const store = await openSqlite(":memory:", {}, [members, { ...members, name: "guests", unique: [] }]);
  await put(store, "1", { email: "a" }, { collection: "guests" });
  await put(store, "2", { email: "a" }, { collection: "guests" });
  expect(await store.documents.count("guests", "", [])).toBe(2);
});
