import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { idsOf, numbersTo, streamOf, versionsOf, wholeLog, wholeStream } from "../../src/conformance/samples.ts";
import type { Store } from "../../src/ports/store.ts";
import { startChild } from "../support/child.ts";
import { accounts } from "./processes/accounts.ts";
import { openSqlite, temporaryFolder } from "./temporary-folder.ts";

/** Counts the money, and holds every part of a transfer against the others. Returns the transfers found. */
async function audit(store: Store): Promise<Set<number>> {
  const documents = await store.documents.find("accounts", "", {});
  const balances = documents.map(({ data }) => Number(JSON.parse(data).balance));
  expect(balances.reduce((sum, balance) => sum + balance, 0)).toBe(1000 * balances.length);

  const events = new Map<number, number>();
  for (const { data } of await wholeLog(store)) {
    const { number } = JSON.parse(data);
    events.set(number, (events.get(number) ?? 0) + 1);
  }
  expect([...events.values()].every((count) => count === 2)).toBe(true);
  const outbox = await store.records.outbox(0, 1_000_000);
  expect(new Set(outbox.map(({ id }) => Number(id)))).toEqual(new Set(events.keys()));
  expect(outbox).toHaveLength(events.size);

  for (const { id, version } of documents) {
    const stream = await wholeStream(store, streamOf(id));
    expect(versionsOf(stream)).toEqual(numbersTo(version + 1));
  }
  return new Set(events.keys());
}

it("a process killed at any moment leaves whole commits only, and all that it had acknowledged", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const acknowledged: number[] = [];
  for (let round = 0; round < 8; round++) {
    const child = startChild(new URL("./processes/transfer-money.ts", import.meta.url), [
      path,
      String(round * 1_000_000),
    ]);
    await child.printed(20 + round * 37);
    child.process.kill("SIGKILL");
    expect(await child.ended).toBe("SIGKILL");
    acknowledged.push(...child.lines.map(Number));

    const store = await openSqlite(path, {}, [accounts]);
    const found = await audit(store);
    const transfers = acknowledged.filter((number) => number % 10 !== (number * 7 + 3) % 10);
    expect(transfers.filter((number) => !found.has(number))).toEqual([]);
    await store.close();
  }
  const database = new DatabaseSync(path);
  expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  database.close();
}, 180_000);

it("three processes append to the same streams, and a reader beside them sees every message once, in order", async () => {
  const path = join(temporaryFolder(), "bank.db");
  const children = numbersTo(3).map(() =>
    startChild(new URL("./processes/append-events.ts", import.meta.url), [path, "200"]),
  );
  await Promise.all(children.map((child) => child.printed(1)));

  const store = await openSqlite(path, { busyTimeout: 30_000 });
  const seen: { readonly id: string; readonly position: number }[] = [];
  let running = true;
  const ended = Promise.all(children.map(({ ended }) => ended)).then((codes) => {
    running = false;
    return codes;
  });
  for (let after = 0; running || after < (await store.log.head()); ) {
    const page = await store.log.readLog({ after, limit: 50 });
    seen.push(...page.messages);
    after = page.through;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(await ended).toEqual([0, 0, 0]);

  const written = children.flatMap(({ lines }) => lines);
  expect(written).toHaveLength(600);
  const log = await wholeLog(store);
  expect(new Set(idsOf(log))).toEqual(new Set(written));
  expect(idsOf(seen)).toEqual(idsOf(log));
  expect(seen.every(({ position }, at) => position > (seen[at - 1]?.position ?? 0))).toBe(true);
  for (const at of numbersTo(5)) {
    const versions = versionsOf(await wholeStream(store, `stream-${at}`));
    expect(versions).toEqual(numbersTo(versions.length));
  }
}, 180_000);
