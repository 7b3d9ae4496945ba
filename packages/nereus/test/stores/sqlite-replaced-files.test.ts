import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { Domain, type Store } from "nereus";
import { sqlite } from "nereus/sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { append, idsOf, messageOf, messagesOf, wholeStream } from "../../src/conformance/samples.ts";
import { Account, accountCommands, Deposit, Open, Withdraw } from "../support/bank.ts";
import { RecordedLog } from "../support/places.ts";
import { until } from "../support/until.ts";
import { openSqlite, temporaryFolder } from "./temporary-folder.ts";

// What was found of the files is trusted for 50 milliseconds, so the tests wait a little longer.
const replaced = { code: "STORE_REPLACED" };

/** A backup as SQLite's users make one. */
function backUp(path: string, to: string): void {
  const database = new DatabaseSync(path);
  database.exec(`VACUUM INTO '${to}'`);
  database.close();
}

function remove(path: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

async function refuses(store: Store, fault: object): Promise<void> {
  await setTimeout(60);
  await expect(append(store, "a", "any", messageOf())).rejects.toMatchObject(fault);
  await expect(store.log.head()).rejects.toMatchObject(fault);
  await expect(store.documents.get("people", "", ["1"])).rejects.toMatchObject(fault);
  await expect(store.records.checkpoint("c")).rejects.toMatchObject(fault);
  await expect(append(store, "a", "any", messageOf())).rejects.toMatchObject(fault);
}

const losses: readonly (readonly [what: string, lose: (path: string, backup: string) => void])[] = [
  ["deleted", (path) => rmSync(path)],
  ["deleted with all that belongs to it", (path) => remove(path)],
  ["moved away", (path) => renameSync(path, `${path}.old`)],
  ["replaced by a backup", (path, backup) => renameSync(backup, path)],
  [
    "deleted, and a backup put in its place",
    (path, backup) => {
      remove(path);
      copyFileSync(backup, path);
    },
  ],
];

describe("a database file under an open store", () => {
  it.each(losses)("that is %s: it is noticed, then no commit is acknowledged and nothing is read", async (_, lose) => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    await append(store, "a", "none", messageOf());
    backUp(path, `${path}.backup`);
    await append(store, "a", 0, messageOf());
    lose(path, `${path}.backup`);
    await refuses(store, replaced);
    // commits that share a transaction are all refused
    const results = await Promise.allSettled(messagesOf(5).map((message) => append(store, "b", "any", message)));
    expect(results.map(({ status }) => status)).toEqual(Array(5).fill("rejected"));

    await store.close();
    await store.open([]);
    const now = await wholeStream(store, "a");
    await append(store, "a", "any", messageOf());
    expect((await wholeStream(store, "a")).length).toBe(now.length + 1);
  });

  it.each([
    ["while it runs, and noticed", true],
    ["just before it is closed", false],
  ])(
    "whose place a backup took %s: the write-ahead log of the former file is not applied to the backup",
    async (_, noticed) => {
      const path = join(temporaryFolder(), "bank.db");
      const store = await openSqlite(path);
      const before = messagesOf(300);
      for (const message of before) await append(store, "a", "any", message);
      backUp(path, `${path}.backup`);
      const lost = messagesOf(1500); // more than SQLite leaves in the log: the former file and its log are of one another
      await Promise.all(lost.map((message) => append(store, "a", "any", message)));
      for (let at = 0; at < 5; at++) await append(store, "b", "any", messageOf());
      renameSync(`${path}.backup`, path);
      if (noticed) await refuses(store, replaced);
      await store.close();
      const aside = readdirSync(dirname(path)).filter((name) => name.startsWith("bank.db-wal."));
      expect(aside).toEqual([expect.stringMatching(/^bank\.db-wal\.replaced-\d+$/)]);

      await store.open([]);
      expect(idsOf(await wholeStream(store, "a"))).toEqual(idsOf(before));
      expect(await wholeStream(store, "b")).toEqual([]);
      await append(store, "a", 299, messageOf());
      await store.close();
      const database = new DatabaseSync(path);
      expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
      database.close();
    },
  );

  it("is missed by reads alone as well", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    await append(store, "a", "none", messageOf());
    remove(path);
    await until(() =>
      store.log.readLog({ after: 0, limit: 1 }).then(
        () => false,
        (error: { code?: string }) => error.code === replaced.code,
      ),
    );
  });

  it("whose write-ahead log is deleted: what would go there is not acknowledged", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    await append(store, "a", "none", messageOf());
    rmSync(`${path}-wal`);
    await refuses(store, replaced);
  });

  it("whose index of the write-ahead log is deleted: another process would begin a new one, and write over what is here", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    await append(store, "a", "none", messageOf());
    rmSync(`${path}-shm`);
    await refuses(store, replaced);
  });

  it("whose write-ahead log is cut off: what would go behind its end is not acknowledged", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    await append(store, "a", "none", messageOf());
    truncateSync(`${path}-wal`);
    await append(store, "a", "any", messageOf()).catch(() => undefined); // within the time that a look is trusted
    await setTimeout(60);
    await expect(append(store, "a", "any", messageOf())).rejects.toMatchObject(replaced);
  });

  it.each([
    ["checkpointed by another program", "PRAGMA wal_checkpoint(TRUNCATE)"],
    ["vacuumed by another program", "VACUUM"],
  ])("that is %s is still the same", async (_, statement) => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    for (let at = 0; at < 3; at++) {
      await append(store, "a", "any", messageOf());
      const database = new DatabaseSync(path);
      database.exec(statement);
      database.close();
      await setTimeout(60);
      await store.log.head();
    }
    expect(await append(store, "a", 2, messageOf())).toBe(4);
  });

  it("that is cut off: what is acknowledged is there when it is opened again, from the write-ahead log", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    const kept: string[] = [];
    for (let at = 0; at < 30; at++) await append(store, "a", "any", messageOf());
    truncateSync(path);
    for (let at = 0; at < 4; at++) {
      await setTimeout(30);
      const message = messageOf();
      await append(store, "b", "any", message);
      kept.push(message.id);
    }
    await store.close();
    await store.open([]);
    expect((await wholeStream(store, "a")).length).toBe(30);
    expect(idsOf(await wholeStream(store, "b"))).toEqual(kept);
  });

  it("that is cut off with nothing in its write-ahead log: STORE_CORRUPT, and nothing is acknowledged", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const store = await openSqlite(path);
    for (let at = 0; at < 30; at++) await append(store, "a", "any", messageOf());
    const database = new DatabaseSync(path);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    truncateSync(path);
    for (let at = 0; at < 2; at++) {
      await expect(append(store, "a", "any", messageOf())).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    }
  });

  it("that is overwritten by `cp` in place, and grew beyond its old end: nothing is written or read as what it is not", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const [idle, reader] = [await openSqlite(path), await openSqlite(path)];
    await append(idle, "a", "none", messageOf("Opened"));
    await append(idle, "a", 0, messageOf("First"), messageOf("Second"));
    expect((await wholeStream(reader, "a")).length).toBe(3);
    await setTimeout(60);
    await reader.log.head(); // it has seen the last one
    goBack(path, 1);
    const other = await openSqlite(path);
    await append(other, "b", "none", ...["Second", "Third", "First"].map((type) => messageOf(type)));
    await append(other, "b", 2, ...messagesOf(4));
    const wentBack = { code: "STORE_WENT_BACK" };
    await expect(append(idle, "b", "any", messageOf("First"))).rejects.toMatchObject(wentBack);
    await expect(idle.log.readLog({ after: 0, limit: 10 })).rejects.toMatchObject(wentBack);
    await setTimeout(60);
    await expect(reader.log.readLog({ after: 0, limit: 10 })).rejects.toMatchObject(wentBack);
    await idle.close();
    await idle.open([]);
    await append(idle, "b", "any", messageOf("First"));
    const types = (await wholeStream(other, "b")).map(({ type }) => type);
    expect(types).toEqual(["Second", "Third", "First", ...Array(4).fill("Deposited"), "First"]);
  });

  it("that is found by a link: the link's new target is another file", async () => {
    const folder = temporaryFolder();
    const [path, first, second] = ["bank.db", "first.db", "second.db"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const other = await openSqlite(second);
    await append(other, "a", "none", messageOf());
    await openSqlite(first).then((made) => made.close());
    symlinkSync(first, path);
    const store = await openSqlite(path);
    await append(store, "a", "none", ...messagesOf(2));
    rmSync(path);
    symlinkSync(second, path);
    await refuses(store, replaced);
    await store.close();
    await store.open([]);
    expect((await wholeStream(store, "a")).length).toBe(1);
  });

  it("whose place another took: letting go of the old one takes nothing from the new one", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const mine = await openSqlite(path);
    await append(mine, "a", "none", messageOf());
    remove(path);
    const other = await openSqlite(path);
    const messages = messagesOf(3);
    await append(other, "a", "none", ...messages);
    await refuses(mine, replaced);
    await mine.close();
    expect(existsSync(`${path}-wal`)).toBe(true);
    const next = messageOf();
    await append(other, "a", 2, next);
    await mine.open([]);
    expect(idsOf(await wholeStream(mine, "a"))).toEqual(idsOf([...messages, next]));
  });

  it("that is overwritten in place with an earlier state: STORE_WENT_BACK, also when it is read only", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const [writer, reader] = [await openSqlite(path), await openSqlite(path)];
    for (let at = 0; at < 5; at++) await append(writer, "a", "any", messageOf());
    expect(await reader.log.head()).toBe(5);
    goBack(path, 2);
    await expect(reader.log.head()).rejects.toMatchObject({ code: "STORE_WENT_BACK" });
    await expect(append(writer, "a", "any", messageOf())).rejects.toMatchObject({ code: "STORE_WENT_BACK" });
    await expect(writer.log.head()).rejects.toMatchObject({ code: "STORE_WENT_BACK" });
    await writer.close();
    await writer.open([]);
    await append(writer, "a", 1, messageOf());
    expect((await wholeStream(writer, "a")).length).toBe(3);
  });
});

/** What a restore in place comes to: the same file, with what it held before (SQLite's own backup, `.restore`, writes so). */
function goBack(path: string, position: number): void {
  const database = new DatabaseSync(path);
  database.exec(`DELETE FROM nereus_messages WHERE position > ${position}`);
  database.exec(`UPDATE sqlite_sequence SET seq = ${position} WHERE name = 'nereus_messages'`);
  database.exec(`DELETE FROM nereus_types WHERE number NOT IN (SELECT type FROM nereus_messages)`);
  database.close();
}

describe("a bank of two processes whose file is replaced by a backup", () => {
  it("decides on what the file has, once it was stopped and started", async () => {
    const path = join(temporaryFolder(), "bank.db");
    const start = async (): Promise<Domain> => {
      const store = sqlite(path);
      const domain = new Domain("bank", { store, elements: [Account, accountCommands], log: new RecordedLog() });
      await domain.start();
      onTestFinished(() => domain.stop());
      return domain;
    };
    const [first, second] = [await start(), await start()];
    await first.process(new Open({ accountId: "1" }));
    await first.process(new Deposit({ accountId: "1", amount: 31 }));
    backUp(path, `${path}.backup`);
    await first.process(new Deposit({ accountId: "1", amount: 2000 }));
    await second.process(new Deposit({ accountId: "1", amount: 1 }));
    remove(path);
    copyFileSync(`${path}.backup`, path);
    await setTimeout(60);
    for (const domain of [first, second]) {
      const withdrawal = domain.process(new Withdraw({ accountId: "1", amount: 1500 }));
      await expect(withdrawal).rejects.toMatchObject(replaced);
      await domain.stop();
      await domain.start();
    }
    await second.process(new Deposit({ accountId: "1", amount: 1 }));
    await expect(first.process(new Withdraw({ accountId: "1", amount: 1500 }))).rejects.toMatchObject({
      code: "INVARIANT_FAILED",
    });
    expect(await first.process(new Withdraw({ accountId: "1", amount: 32 }))).toBe(0);
  });
});
