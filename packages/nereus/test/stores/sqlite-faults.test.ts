import { chmodSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, vi } from "vitest";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import {
  append,
  messageOf,
  messagesOf,
  numbersTo,
  people,
  put,
  versionsOf,
  wholeStream,
} from "../../src/conformance/samples.ts";
import { startChild } from "../support/child.ts";
import { openSqlite, temporaryFolder } from "./temporary-folder.ts";

describe("a database file that another process holds", () => {
  it("fails commits with STORE_LOCKED after the time given, without blocking, and goes on when it is free", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path, { busyTimeout: 150 });
    await append(store, "a", "none", messageOf());
    const holder = startChild(new URL("./processes/hold-lock.ts", import.meta.url), [path]);
    await holder.printed(1);

    let turns = 0;
    const ticking = setInterval(() => turns++, 5);
    const refused = await Promise.allSettled(numbersTo(3).map(() => append(store, "a", "any", messageOf())));
    clearInterval(ticking);
    for (const result of refused) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "STORE_LOCKED", element: path } });
    }
    expect(turns).toBeGreaterThan(2);
    expect(await store.log.head()).toBe(1);

    const waiting = append(store, "a", "any", messageOf());
    holder.process.stdin.end();
    await waiting;
    expect(versionsOf(await wholeStream(store, "a"))).toEqual([0, 1]);
  });

  it("fails opening with STORE_LOCKED, and lets it be tried again", async () => {
    const path = join(temporaryFolder(), "bank.db");
    await openSqlite(path).then((store) => store.close());
    const holder = startChild(new URL("./processes/hold-lock.ts", import.meta.url), [
      path,
      "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
    ]);
    await holder.printed(1);
    const store = sqlite(path, { busyTimeout: 50 });
    await expect(store.open([])).rejects.toMatchObject({ code: "STORE_LOCKED", fix: expect.any(String) });
    holder.process.stdin.end();
    await holder.ended;
    await store.open([people]);
    await append(store, "a", "none", messageOf());
    await store.close();
  });

  it("lets a commit that was made before close be written once the file is free", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    const holder = startChild(new URL("./processes/hold-lock.ts", import.meta.url), [path]);
    await holder.printed(1);
    const waiting = append(store, "a", "any", messageOf());
    const closed = store.close();
    holder.process.stdin.end();
    expect(await waiting).toBe(1);
    await closed;
  });
});

describe("a path where nothing can be written", () => {
  it.each([
    ["a missing folder", "missing/bank.db", /Create the folder .*missing/],
    ["a folder in place of the file", "folder", /is a folder/],
    ["a file in place of the folder", "file.txt/bank.db", /./],
  ])("%s is STORE_READ_ONLY and says what to do", async (_, name, fix) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "folder"));
    writeFileSync(join(folder, "file.txt"), "text");
    const path = join(folder, name);
    const store = sqlite(path);
    await expect(store.open([])).rejects.toMatchObject({
      code: "STORE_READ_ONLY",
      message: expect.stringContaining(path),
      fix: expect.stringMatching(fix),
    });
    await expect(store.commit({})).rejects.toMatchObject({ code: "STORE_NOT_OPEN" });
    await store.close();
  });

  // Root may write everywhere, so the store is used as the user `nobody`.
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;

  it.each([
    ["a read-only file", 0o777, 0o444],
    ["a file and folder that are read-only", 0o555, 0o444],
    ["a read-only folder without the file", 0o555, undefined],
  ])("%s is STORE_READ_ONLY", async (_, folderMode, fileMode) => {
    const folder = temporaryFolder();
    const path = join(folder, "bank.db");
    if (fileMode !== undefined) {
      const store = await openSqlite(path);
      await append(store, "a", "none", messageOf());
      await store.close();
      chmodSync(path, fileMode);
    }
    chmodSync(folder, folderMode);
    const user = startChild(new URL("./processes/use-read-only.ts", import.meta.url), [path], uid);
    expect(await user.ended).toBe(0);
    chmodSync(folder, 0o755);
    expect(user.lines[0]).toMatch(/^STORE_READ_ONLY /);
    expect(user.lines[0]).toContain(path);
  });
});

describe("a file that is not a store of this release", () => {
  it("which is no database at all is STORE_CORRUPT, and stays as it is", async () => {
    const path = join(temporaryFolder(), "notes.txt");
    writeFileSync(path, "These are notes, not a database. ".repeat(100));
    const before = readFileSync(path);
    await expect(sqlite(path).open([])).rejects.toMatchObject({ code: "STORE_CORRUPT", element: path });
    expect(readFileSync(path)).toEqual(before);
  });

  it("whose pages are damaged is STORE_CORRUPT when they are read", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    await append(store, "a", "none", ...messagesOf(500));
    await store.close();
    truncateSync(path, 4096 * 20);
    const damaged = sqlite(path);
    const reading = damaged.open([]).then(() => wholeStream(damaged, "a"));
    await expect(reading).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await damaged.close();
  });

  it("which holds tables of another program is STORE_INCOMPATIBLE, and stays as it is", async () => {
    const path = join(temporaryFolder(), "other.db");
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE customers (name TEXT); PRAGMA user_version = 1");
    other.close();
    const before = readFileSync(path);
    await expect(sqlite(path).open([])).rejects.toMatchObject({ code: "STORE_INCOMPATIBLE", element: path });
    expect(readFileSync(path)).toEqual(before);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it("which a newer release wrote is STORE_INCOMPATIBLE", async () => {
    const path = join(temporaryFolder(), "bank.db");
    await openSqlite(path).then((store) => store.close());
    const newer = new DatabaseSync(path);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    await expect(sqlite(path).open([])).rejects.toMatchObject({
      code: "STORE_INCOMPATIBLE",
      message: expect.stringContaining("version 99"),
    });
  });

  it("which is empty becomes a store", async () => {
    const path = join(temporaryFolder(), "bank.db");
    writeFileSync(path, "");
    const store = await openSqlite(path);
    expect(await append(store, "a", "none", messageOf())).toBe(1);
  });
});

describe("a disk that is full", () => {
  it("fails what does not fit with STORE_FULL, half-writes nothing, and goes on when there is space again", async () => {
    const executed = vi.spyOn(DatabaseSync.prototype, "exec");
    const store = await openSqlite(join(temporaryFolder(), "bank.db"), {}, [people]);
    const database = executed.mock.contexts.at(-1) as DatabaseSync;
    executed.mockRestore();
    await append(store, "a", "none", messageOf());
    database.exec("PRAGMA max_page_count = 40");

    const long = JSON.stringify("x".repeat(10_000));
    const tooMuch = await Promise.allSettled(
      numbersTo(40).map((at) => append(store, `s${at}`, "none", messageOf("Noted", { data: long }), messageOf())),
    );
    const failed = tooMuch.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(failed.length).toBeGreaterThan(10);
    expect(new Set(failed.map(({ code }) => code))).toEqual(new Set(["STORE_FULL"]));
    for (const [at, { status }] of tooMuch.entries()) {
      expect(await wholeStream(store, `s${at}`)).toHaveLength(status === "fulfilled" ? 2 : 0);
    }
    await expect(put(store, "1", { name: "x".repeat(200_000) })).rejects.toMatchObject({ code: "STORE_FULL" });

    database.exec("PRAGMA max_page_count = 1000000");
    await Promise.all(numbersTo(40).map((at) => append(store, `s${at}`, "any", messageOf())));
    for (const [at, { status }] of tooMuch.entries()) {
      expect(versionsOf(await wholeStream(store, `s${at}`))).toEqual(numbersTo(status === "fulfilled" ? 3 : 1));
    }
    expect(database.prepare("PRAGMA integrity_check").get()).toMatchObject({ integrity_check: "ok" });
  });

  it("lets the small commits of a batch pass where a large one does not fit", async () => {
    const executed = vi.spyOn(DatabaseSync.prototype, "exec");
    const store = await openSqlite(join(temporaryFolder(), "bank.db"));
    const database = executed.mock.contexts.at(-1) as DatabaseSync;
    executed.mockRestore();
    await append(store, "a", "none", messageOf());
    database.exec("PRAGMA max_page_count = 40");
    const results = await Promise.allSettled(
      numbersTo(9).map((at) =>
        append(
          store,
          `s${at}`,
          "none",
          messageOf("Noted", { data: JSON.stringify("x".repeat(at === 4 ? 500_000 : 10)) }),
        ),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(
      numbersTo(9).map((at) => (at === 4 ? "rejected" : "fulfilled")),
    );
    expect(results[4]).toMatchObject({ reason: { code: "STORE_FULL" } });
  });
});

it("a value that SQLite cannot take fails its own commit as STORE_FAILED, and no other", async () => {
  const store = await openSqlite(":memory:");
  const broken = messageOf("Broken", { recordedAt: Symbol("not a number") as never });
  const results = await Promise.allSettled([
    append(store, "a", "none", messageOf()),
    append(store, "b", "none", broken),
    append(store, "c", "none", messageOf("Fractional", { recordedAt: 1.5 })),
    append(store, "d", "none", messageOf()),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(results[1]).toMatchObject({ reason: { code: "STORE_FAILED" } });
  expect(await store.log.head()).toBe(2);
});

it("a type of message that only a failed commit had is not remembered, and is written down by the next", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const store = await openSqlite(path);
  const twice = messageOf("Rare");
  await expect(append(store, "a", "none", messageOf("Common"), twice, twice)).rejects.toMatchObject({
    code: "EVENT_ID_REUSED",
  });
  await append(store, "a", "none", messageOf("Rare"));
  await append(store, "a", 0, messageOf("Common"));
  await store.close();
  const again = await openSqlite(path);
  expect((await wholeStream(again, "a")).map(({ type }) => type)).toEqual(["Rare", "Common"]);
});
