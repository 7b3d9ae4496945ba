import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "nereus";
import { Domain } from "nereus";
import { messageDb, streamName } from "nereus/message-db";
import { postgres } from "nereus/postgres";
import { sqlite } from "nereus/sqlite";
import pg from "pg";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { bank, Deposit, Open, Withdraw } from "./support/bank.ts";
import { type MessageDbDatabase, messageDbDatabase } from "./support/message-db.ts";
import { RecordedLog, temporaryFolder } from "./support/places.ts";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "./support/postgres.ts";
import { until } from "./support/until.ts";

/** Somebody else who lets nobody write to a store. */
interface Held {
  readonly store: Store;
  hold(): Promise<void>;
  release(): Promise<void>;
  /** What the log says of them. */
  readonly who: RegExp;
}

let database: Promise<TestDatabase> | undefined;
let messages: Promise<MessageDbDatabase> | undefined;
afterAll(async () => {
  await (await database)?.drop();
  await (await messages)?.drop();
}, 120_000);

function onSqlite(): Held {
  const path = join(temporaryFolder(), "held.db");
  let other: DatabaseSync | undefined;
  const release = async () => {
    other?.close();
    other = undefined;
  };
  onTestFinished(release);
  return {
    store: sqlite(path, { synchronous: "NORMAL", busyTimeout: 60_000 }),
    async hold() {
      other = new DatabaseSync(path);
      other.exec("BEGIN IMMEDIATE");
    },
    release,
    who: /another process or connection, which has held the file .*held\.db/,
  };
}

/** A session of PostgreSQL that holds a lock in a transaction. */
function locking(url: string, statement: string) {
  const client = new pg.Client({ connectionString: url, application_name: "month-end" });
  const connected = client.connect();
  onTestFinished(() => client.end());
  return {
    async hold() {
      await connected;
      await client.query("BEGIN");
      await client.query(statement);
    },
    release: async () => {
      await client.query("ROLLBACK");
    },
    who: /the session \d+ .*application month-end/,
  };
}

async function onPostgres(): Promise<Held> {
  database ??= testDatabase();
  const { url } = await database;
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  onTestFinished(() => pool.end());
  const schema = newSchema();
  const store = postgres({ pool, schema, setUp: true });
  return { store, ...locking(url, `LOCK TABLE "${schema}".nereus_messages IN EXCLUSIVE MODE`) };
}

async function onMessageDb(): Promise<Held> {
  messages ??= messageDbDatabase();
  const { pool, empty, url } = await messages;
  await empty();
  const documents = sqlite(join(temporaryFolder(), "documents.db"), { synchronous: "NORMAL" });
  const store = messageDb({ pool, documents, weaker: ["state-with-events", "events-with-documents"] });
  const stream = streamName({ tenant: "", kind: "event", category: "Account", id: "other" });
  // the lock of its category, until the transaction ends
  return {
    store,
    ...locking(
      url,
      `SET LOCAL search_path TO message_store; SELECT write_message(gen_random_uuid()::varchar, '${stream}', 'Other', '{}')`,
    ),
  };
}

const kinds = [
  { name: "sqlite, by another connection to the file", missing: undefined, open: async () => onSqlite() },
  { name: "postgres, by another session", missing: missingPostgres, open: onPostgres },
  { name: "message-db, by another session", missing: missingPostgres, open: onMessageDb },
];

const callers = 64;

describe.each(kinds.filter(({ missing }) => missing === undefined))("a store that is held: $name", ({ open }) => {
  test("each of 64 callers is answered at its own deadline, those that may wait are stored once, and what is certain is told", async () => {
    const { store, hold, release, who } = await open();
    const log = new RecordedLog();
    const domain = new Domain("bank", { elements: bank, store, log });
    await domain.start();
    onTestFinished(() => domain.stop());
    const ids = Array.from({ length: callers }, (_, n) => `a${n}`);
    for (const accountId of ids) await domain.process(new Open({ accountId }));
    for (const accountId of ids) await domain.process(new Deposit({ accountId, amount: 1 }));

    await hold();
    const answers = new Map<string, string>();
    const calls = ids.map(async (accountId, n) => {
      const time = n % 4 === 0 ? {} : { timeout: 100 + 100 * (n % 4) };
      const deposit = new Deposit({ accountId, amount: 10 });
      const call = domain.process(deposit, { idempotencyKey: accountId, ...time });
      answers.set(
        accountId,
        await call.then(
          () => "done",
          (error) => error.code as string,
        ),
      );
    });
    const hurried = ids.filter((_, n) => n % 4 !== 0);
    await until(() => hurried.every((id) => answers.has(id)));
    expect(answers.size).toBe(hurried.length); // those without a limit still wait
    for (const id of hurried) expect(["DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN"]).toContain(answers.get(id));
    await until(() => log.warnings.length > 0);
    expect(log.warnings[0]?.message).toMatch(who);

    await release();
    await Promise.all(calls);
    const balances = new Map<string, number>();
    for (const accountId of ids) {
      balances.set(accountId, await domain.process(new Withdraw({ accountId, amount: 0 })));
    }
    for (const [id, code] of answers) {
      if (code === "done") expect(balances.get(id)).toBe(11);
      if (code === "DEADLINE_EXCEEDED") expect(balances.get(id)).toBe(1);
    }
    for (const accountId of ids) {
      await domain.process(new Deposit({ accountId, amount: 10 }), { idempotencyKey: accountId });
      expect(await domain.process(new Withdraw({ accountId, amount: 0 }))).toBe(11);
    }
  });

  test("a stop ends in time, answers who waits, and closes the store; later the domain starts again", async () => {
    const { store, hold, release } = await open();
    const domain = new Domain("bank", { elements: bank, store, log: new RecordedLog() });
    await domain.start();
    onTestFinished(() => domain.stop());
    for (const accountId of ["1", "2", "3"]) await domain.process(new Open({ accountId }));
    await hold();
    const codes = ["1", "2", "3"].map((accountId) =>
      domain.process(new Deposit({ accountId, amount: 5 })).catch((error) => error.code as string),
    );
    await expect(domain.stop({ within: 100 })).rejects.toMatchObject({ code: "STOP_FORCED" });
    for (const code of await Promise.all(codes)) expect(["STOP_FORCED", "OUTCOME_UNKNOWN"]).toContain(code);
    await expect(store.log.head()).rejects.toMatchObject({ code: "STORE_NOT_OPEN" });
    await release();
    await domain.start();
    for (const [at, accountId] of ["1", "2", "3"].entries()) {
      const balance = await domain.process(new Withdraw({ accountId, amount: 0 }));
      expect((await codes[at]) === "STOP_FORCED" ? [0] : [0, 5]).toContain(balance);
    }
  });
});
