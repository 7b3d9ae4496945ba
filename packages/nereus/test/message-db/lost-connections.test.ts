import { memory } from "nereus/memory";
import { messageDb } from "nereus/message-db";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import {
  append,
  appendOf,
  committed,
  idsOf,
  messageOf,
  numbersTo,
  streamOf,
  versionsOf,
  wholeLog,
  wholeStream,
} from "../../src/conformance/samples.ts";
import type { Store } from "../../src/ports/store.ts";
import { type MessageDbDatabase, messageDbDatabase, missingPostgres } from "../support/message-db.ts";
import { proxyTo, type TcpProxy } from "../support/proxy.ts";

const marked = () => messageOf("Opened", { correlationId: "the lost one" });

describe.skipIf(missingPostgres !== undefined)("a connection to Message DB that is lost in a commit", () => {
  let database: MessageDbDatabase;
  beforeAll(async () => {
    database = await messageDbDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(() => database.empty());

  async function proxied(patience = 5000): Promise<{ store: Store; proxy: TcpProxy }> {
    const url = new URL(database.url);
    const proxy = await proxyTo(Number(url.port || 5432), url.hostname);
    onTestFinished(() => proxy.close());
    url.host = `127.0.0.1:${proxy.port}`;
    const pool = database.anotherPool({ connectionString: url.href });
    const store = messageDb({ pool, documents: memory(), patience });
    await store.open([]);
    onTestFinished(() => store.close());
    return { store, proxy };
  }

  it("after the server has written it: it is known by its ids, and written once", async () => {
    const { store, proxy } = await proxied();
    let asked = false;
    let lost = 0;
    proxy.onRequest = (bytes) => {
      asked ||= bytes.includes("the lost one");
      return "pass";
    };
    proxy.onAnswer = () => (asked && lost++ === 0 ? "cut" : "pass");
    expect(committed(await store.commit({ appends: [appendOf("a", "none", marked())] }))).toBe(1);
    expect(lost).toBeGreaterThan(0);
    expect(await wholeLog(store)).toHaveLength(1);
    expect(await append(store, "a", 0, messageOf())).toBe(2);
  });

  it("before the server has it: it is written once", async () => {
    const { store, proxy } = await proxied();
    let lost = 0;
    proxy.onRequest = (bytes) => (bytes.includes("the lost one") && lost++ === 0 ? "cut" : "pass");
    const commits = ["a", "b", "a"].map((stream) => store.commit({ appends: [appendOf(stream, "any", marked())] }));
    for (const commit of await Promise.all(commits)) committed(commit);
    expect(lost).toBeGreaterThan(0);
    expect(await wholeLog(store)).toHaveLength(3);
  });

  it("with an idempotency key, which answers what was remembered", async () => {
    const { store, proxy } = await proxied();
    let lost = 0;
    proxy.onAnswer = (bytes) => (bytes.includes("position") && lost++ === 2 ? "cut" : "pass");
    const idempotency = { tenant: "", key: "k", fingerprint: "f", result: '"done"' };
    const outcomes = [];
    for (const at of numbersTo(4)) {
      outcomes.push(await store.commit({ appends: [appendOf(`s${at}`, "none", messageOf())], idempotency }));
    }
    expect(lost).toBeGreaterThan(2);
    expect(outcomes.slice(1).map(({ status }) => status)).toEqual(["duplicate", "duplicate", "duplicate"]);
    expect(await wholeLog(store)).toHaveLength(1);
    expect(await store.records.idempotency("", "k")).toMatchObject({ result: '"done"' });
  });

  it("many times under load: every commit is answered truly, and none is there twice or missing", async () => {
    const { store, proxy } = await proxied(20_000);
    const ids: string[] = [];
    await Promise.all(
      numbersTo(16).map(async (worker) => {
        for (const at of numbersTo(15)) {
          const message = messageOf();
          committed(await store.commit({ appends: [appendOf(streamOf(`s${worker}`), at - 1, message)] }));
          ids.push(message.id);
          if (ids.length % 40 === 0) proxy.cutAll();
        }
      }),
    );
    const stored = idsOf(await wholeLog(store));
    expect(stored).toHaveLength(16 * 15);
    expect(new Set(stored)).toEqual(new Set(ids));
    for (const worker of numbersTo(16)) {
      expect(versionsOf(await wholeStream(store, `s${worker}`))).toEqual(numbersTo(15));
    }
  }, 180_000);

  it("for good: commits and reads are refused as STORE_UNREACHABLE, and the store goes on once it is back", async () => {
    const { store, proxy } = await proxied(300);
    proxy.onRequest = () => "cut";
    proxy.cutAll();
    const unreachable = { code: "STORE_UNREACHABLE" };
    await expect(append(store, "a", "none", messageOf())).rejects.toMatchObject({
      ...unreachable,
      message: expect.stringContaining("not known"),
    });
    await expect(store.log.head()).rejects.toMatchObject(unreachable);
    proxy.onRequest = () => "pass";
    expect(await append(store, "b", "none", messageOf())).toBe(1);
  });

  it("is not what a pool that is taken comes to: that is STORE_POOL_EXHAUSTED, and what waits goes on once one is free", async () => {
    const pool = database.anotherPool({ max: 2 });
    const store = messageDb({ pool, documents: memory(), patience: 500 });
    await store.open([]);
    await append(store, "full", "none", messageOf());
    const taken = [await pool.connect(), await pool.connect()];
    const exhausted = { code: "STORE_POOL_EXHAUSTED", message: expect.stringContaining("all 2 of its pool") };
    await expect(store.log.head()).rejects.toMatchObject(exhausted);
    for (const client of taken) client.release();
    expect(await store.log.readStream(streamOf("full"), { limit: 10 })).toHaveLength(1);
    await store.close();
  });
});
