import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { postgres, setUp } from "../../src/adapters/postgres/index.ts";
import {
  append,
  appendOf,
  committed,
  idsOf,
  messageOf,
  numbersTo,
  people,
  wholeLog,
} from "../../src/conformance/samples.ts";
import type { Store } from "../../src/ports/store.ts";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { makeCluster, whyNoCluster } from "../support/postgres-cluster.ts";
import { proxyTo, type TcpProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";

/** A store that reaches its database through a proxy, and what looks at the database without it. */
interface Proxied {
  readonly store: Store;
  readonly proxy: TcpProxy;
  readonly database: TestDatabase;
  readonly schema: string;
}

async function proxiedStore(patience = 30_000): Promise<Proxied> {
  const database = await testDatabase();
  onTestFinished(() => database.drop());
  const url = new URL(database.url);
  const proxy = await proxyTo(Number(url.port || 5432), url.hostname);
  onTestFinished(() => proxy.close());
  url.host = `127.0.0.1:${proxy.port}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 6 });
  onTestFinished(() => pool.end());
  const schema = newSchema();
  await setUp({ pool: database.pool, schema }); // not within the patience of the store
  const store = postgres({ pool, schema, patience });
  onTestFinished(() => store.close());
  await store.open([people]);
  await append(store, "before", "none", messageOf());
  return { store, proxy, database, schema };
}

/** Whether bytes are of a message that holds the text, and not only prepare its statement. */
function holds(bytes: Buffer, text: string): boolean {
  return bytes.includes(text);
}

describe.skipIf(missingPostgres !== undefined)("a connection that is lost in a commit", () => {
  it("and leads to a server that never had the types of messages: they are registered there before anything is written", async () => {
    const { store, proxy, database, schema } = await proxiedStore();
    await append(store, "lost", "none", messageOf("OnlyThere"));
    // as on a standby that lacks the last commits
    await database.pool.query(`DELETE FROM ${schema}.nereus_messages WHERE stream_id = 'lost'`);
    await database.pool.query(`DELETE FROM ${schema}.nereus_types WHERE type = 'OnlyThere'`);
    proxy.cutAll();
    const message = messageOf("OnlyThere");
    await append(store, "lost", "none", message);
    await append(store, "lost", 0, messageOf("OnlyThere"));
    const other = postgres({ pool: database.pool, schema });
    onTestFinished(() => other.close());
    await other.open([]);
    const stored = (await wholeLog(other)).filter(({ stream }) => stream.id === "lost");
    expect(stored.map(({ type, version }) => [type, version])).toEqual([
      ["OnlyThere", 0],
      ["OnlyThere", 1],
    ]);
  });

  it("after the server has written it: the answer is the true one, and it is written once", async () => {
    const { store, proxy } = await proxiedStore();
    let asked = false;
    let lost = 0;
    proxy.onRequest = (bytes) => {
      asked ||= holds(bytes, "the lost one");
      return "pass";
    };
    proxy.onAnswer = () => {
      if (!asked || lost > 0) return "pass";
      lost++;
      return "cut";
    };
    const outcome = await store.commit({
      appends: [appendOf("a", "none", messageOf("Opened", { correlationId: "the lost one" }))],
      outbox: [{ id: "o", destination: "d", data: "{}" }],
      documents: [{ collection: "people", tenant: "", id: "1", expectedVersion: "none", data: "{}" }],
    });
    expect(lost).toBe(1);
    expect(committed(outcome)).toBe(2);
    expect(await wholeLog(store)).toHaveLength(2);
    expect(await store.records.outbox(0, 10)).toHaveLength(1);
    expect((await store.documents.get("people", "", ["1"])).get("1")?.version).toBe(0);
    expect(await append(store, "a", 0, messageOf())).toBe(3);
  });

  it("before the server has it: it is given up, sent again and written once", async () => {
    const { store, proxy } = await proxiedStore();
    let lost = 0;
    proxy.onRequest = (bytes) => (holds(bytes, "the lost one") && lost++ === 0 ? "cut" : "pass");
    const lostOne = messageOf("Opened", { correlationId: "the lost one" });
    // Without message ids of its own a commit cannot be told from a repeated one.
    const outcomes = await Promise.all([
      store.commit({ appends: [appendOf("a", "none", lostOne)] }),
      store.commit({ outbox: [{ id: "o", destination: "d", data: "{}" }] }),
    ]);
    expect(lost).toBeGreaterThan(1);
    for (const outcome of outcomes) committed(outcome);
    expect(idsOf(await wholeLog(store))).toContain(lostOne.id);
    expect(await wholeLog(store)).toHaveLength(2);
    expect(await store.records.outbox(0, 10)).toHaveLength(1);
  });

  it("while the server still works on it: its true answer is waited for", async () => {
    const { store, proxy, database, schema } = await proxiedStore();
    const holder = await database.pool.connect();
    onTestFinished(() => holder.release(true));
    await holder.query("BEGIN");
    await holder.query(`SELECT ${schema}.nereus_lock()`);
    const sent = Promise.withResolvers<void>();
    proxy.onRequest = (bytes) => {
      if (holds(bytes, "the lost one")) sent.resolve();
      return "pass";
    };
    const message = messageOf("Opened", { correlationId: "the lost one" });
    const outcome = store.commit({ appends: [appendOf("a", "none", message)] });
    await sent.promise;
    await until(async () => (await waiting(database)) >= 1);
    proxy.onRequest = () => "pass";
    proxy.cutAll();
    // The first attempt and the question for it now wait for the same lock.
    await until(async () => (await waiting(database)) >= 2);
    await holder.query("COMMIT");
    expect(committed(await outcome)).toBe(2);
    expect(await wholeLog(store)).toHaveLength(2);
  });

  it("a batch that was given up is refused when it comes late", async () => {
    const { store, database, schema } = await proxiedStore();
    const writer = "00000000-0000-4000-8000-000000000001";
    const { rows } = await database.pool.query(`SELECT ${schema}.nereus_settle($1, 7) AS answer`, [writer]);
    expect(rows).toEqual([{ answer: null }]);
    const late = database.pool.query(`SELECT ${schema}.nereus_commit($1, NULL, false, $2, 7, NULL)`, [
      JSON.stringify([{ outbox: [{ c: 0, i: "o", d: "d", p: "{}" }] }]),
      writer,
    ]);
    await expect(late).rejects.toMatchObject({ code: "NER01" });
    expect(await store.records.outbox(0, 10)).toEqual([]);
    const asked = await database.pool.query(`SELECT ${schema}.nereus_settle($1, 7) AS answer`, [writer]);
    expect(asked.rows).toEqual([{ answer: null }]);
  });

  it("many times under load: every commit is answered truly, and none is there twice or missing", async () => {
    const { store, proxy } = await proxiedStore(20_000);
    const positions: number[] = [];
    await Promise.all(
      numbersTo(16).map(async (worker) => {
        for (let at = 0; at < 25; at++) {
          positions.push(await append(store, `s${worker}`, at - 1, messageOf()));
          if (positions.length % 50 === 0) proxy.cutAll();
          committed(await store.commit({ outbox: [{ id: `${worker}-${at}`, destination: "d", data: "{}" }] }));
        }
      }),
    );
    const stored = (await wholeLog(store)).slice(1).map(({ position }) => position);
    expect(stored).toEqual(positions.sort((a, b) => a - b));
    const entries = (await store.records.outbox(0, 1000)).map(({ id }) => id);
    expect(entries).toHaveLength(400);
    expect(new Set(entries).size).toBe(400);
  }, 180_000);

  it("for good: commits and reads are refused as STORE_UNREACHABLE in time, and the store goes on once it is back", async () => {
    const { store, proxy } = await proxiedStore(2000);
    proxy.onRequest = () => "cut";
    proxy.cutAll();
    const results = await Promise.allSettled([
      append(store, "a", "none", messageOf()),
      store.log.head(),
      store.documents.count("people", "", []),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "STORE_UNREACHABLE", fix: expect.any(String) },
      });
    }
    proxy.onRequest = () => "pass";
    expect(await append(store, "b", "none", messageOf())).toBe(2);
    expect(await store.log.head()).toBe(2);
  });

  it("while its answer stays away: the refusal says that the outcome is not known, and a repetition finds it", async () => {
    const { store, proxy } = await proxiedStore(2000);
    let asked = false;
    proxy.onRequest = (bytes) => {
      asked ||= holds(bytes, "the lost one");
      return "pass";
    };
    proxy.onAnswer = () => (asked ? "cut" : "pass");
    const commit = { appends: [appendOf("a", "none", messageOf("Opened", { correlationId: "the lost one" }))] };
    const error: unknown = await store.commit(commit).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "STORE_UNREACHABLE", message: expect.stringMatching(/not known/) });
    proxy.onAnswer = () => "pass";
    expect(committed(await store.commit(commit))).toBe(2);
    expect(await wholeLog(store)).toHaveLength(2);
  });

  it("while it idles: nothing is thrown, and the next commit and wake-up come through", async () => {
    const { store, proxy, database, schema } = await proxiedStore();
    let calls = 0;
    onTestFinished(store.onCommit(() => calls++));
    const other = postgres({ pool: database.pool, schema });
    onTestFinished(() => other.close());
    await other.open([]);
    await until(async () => {
      await append(other, "other", "any", messageOf());
      return calls > 0;
    });
    proxy.cutAll();
    await append(store, "a", "none", messageOf());
    calls = 0;
    await append(other, "other", "any", messageOf());
    await until(() => calls > 0);
  });
});

/** How many connections of the database wait for an advisory lock. */
async function waiting({ pool }: TestDatabase): Promise<number> {
  const { rows } = await pool.query(
    "SELECT count(*)::int AS n FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database " +
      "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted",
  );
  return Number(rows[0]?.n);
}

describe.skipIf(missingPostgres !== undefined || whyNoCluster() !== undefined)(
  "a server that restarts under load",
  () => {
    it.each(["fast", "immediate"] as const)(
      "%s: what was acknowledged is there once, and the store goes on",
      async (mode) => {
        const cluster = await makeCluster();
        onTestFinished(() => cluster.remove());
        const store = postgres({ connectionString: cluster.url, setUp: true, patience: 30_000 });
        await store.open([people]);
        const acknowledged: string[] = [];
        let restarts = 0;
        const working = Promise.all(
          numbersTo(8).map(async (worker) => {
            for (let at = 0; restarts < 2 || at < 50; at++) {
              const message = messageOf();
              await append(store, `s${worker}`, at - 1, message);
              acknowledged.push(message.id);
              if (at % 10 === 0) await store.log.head();
            }
          }),
        );
        for (; restarts < 2; restarts++) {
          const before = acknowledged.length;
          await until(() => acknowledged.length > before + 40);
          cluster.stop(mode);
          cluster.start();
        }
        await working;
        const stored = idsOf(await wholeLog(store));
        expect(stored).toHaveLength(acknowledged.length);
        expect(new Set(stored)).toEqual(new Set(acknowledged));
        await store.close();
      },
      120_000,
    );
  },
);
