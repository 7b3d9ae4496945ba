import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { qualified } from "../../src/adapters/postgres/identifiers.ts";
import { postgres } from "../../src/adapters/postgres/index.ts";
import { readNear, replayLong } from "../../src/adapters/postgres/statements.ts";
import { append, messageOf, messagesOf, streamOf, wholeLog } from "../../src/conformance/samples.ts";
import { checksumOf } from "../../src/log/checksum.ts";
import type { NewMessage, ReplayMessage, StoredMessage } from "../../src/log/message.ts";
import type { LogFilter, Store } from "../../src/ports/store.ts";
import { missingPostgres, newSchema, testDatabase } from "../support/postgres.ts";

/** Above it, log and streams are read by other statements. */
const longLog = 10_000;

interface Opened {
  readonly store: Store;
  readonly pool: pg.Pool;
  readonly schema: string;
}

async function openStore(): Promise<Opened> {
  const database = await testDatabase();
  onTestFinished(() => database.drop());
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  onTestFinished(() => pool.end());
  const schema = newSchema();
  const store = postgres({ pool, schema, setUp: true });
  onTestFinished(() => store.close());
  await store.open([]);
  return { store, pool, schema };
}

function dataOf(message: Pick<NewMessage, "type" | "schemaVersion" | "data" | "checksum">): unknown {
  const { type, schemaVersion, data, checksum } = message;
  return { type, schemaVersion, data, checksum };
}

function withData(data: string): NewMessage {
  return messageOf("Noted", { data, checksum: checksumOf(data) });
}

/** The stream page by page, as it is when the log is short, and again when it is long. */
async function replayedTwice(store: Store, messages: readonly NewMessage[], limit: number) {
  await append(store, "one", "none", ...messages);
  const short = await replayed(store, limit);
  await append(store, "other", "none", ...messagesOf(longLog));
  for (let replays = 0; replays < 64; replays++) await store.log.replay(streamOf("one"), 0, 1);
  return [short, await replayed(store, limit)] as const;
}

async function replayed(store: Store, limit: number): Promise<readonly ReplayMessage[]> {
  const all: ReplayMessage[] = [];
  for (;;) {
    const page = await store.log.replay(streamOf("one"), all.length, limit);
    all.push(...page);
    if (page.length < limit) return all;
  }
}

describe.skipIf(missingPostgres !== undefined)(
  "a replay of a stream on PostgreSQL, in a short log and in a long one",
  () => {
    it.each([1, 63, 64, 65, 1024, 5000])("gives every message in pages of %i", { timeout: 180_000 }, async (limit) => {
      const { store } = await openStore();
      const messages = messagesOf(limit === 1 ? 3 : 1300).map((message, at) => ({
        ...message,
        type: at % 3 === 0 ? "Opened" : "Deposited",
        schemaVersion: 1 + (at % 2),
      }));
      for (const found of await replayedTwice(store, messages, limit)) {
        expect(found.map(({ version }) => version)).toEqual(messages.map((_, at) => at));
        expect(found.map(dataOf)).toEqual(messages.map(dataOf));
        expect(found.map(({ payload }) => payload)).toEqual(messages.map(({ data }) => JSON.parse(data)));
      }
    });

    it("gives texts that PostgreSQL cannot hold, and what is no JSON, as they were", { timeout: 180_000 }, async () => {
      const { store } = await openStore();
      const texts = [
        '{"a":"ä€😀"}',
        '{"a":"\ue000"}',
        "\0\ud800\u0001",
        "no JSON",
        "a\x1eb",
        "a,\nb",
        '{\n"a":[1,\n2]}',
        '{"a":1}',
        "[1,2]",
        "7",
      ];
      const messages = texts.map(withData);
      for (const found of await replayedTwice(store, messages, 100)) {
        expect(found.map(dataOf)).toEqual(messages.map(dataOf));
        for (const { data, payload } of found) {
          if (payload !== undefined) expect(payload).toEqual(JSON.parse(data));
        }
      }
    });

    it("hands out no payload whose checksum does not hold, and those around it all the same", {
      timeout: 180_000,
    }, async () => {
      const { store, pool, schema } = await openStore();
      const messages = ['{"n":0}', '{"n":1,"ä":1}', '{"n":2}', '{"n":3}'].map(withData);
      await append(store, "one", "none", ...messages, ...messagesOf(longLog));
      const damage = (version: number, set: string) =>
        pool.query(`UPDATE "${schema}".nereus_messages SET ${set} WHERE stream_id = 'one' AND version = ${version}`);
      await damage(1, `data = '{"n":7,"ä":1}'`);
      await damage(3, "checksum = checksum + 1");
      const found = await store.log.replay(streamOf("one"), 0, 4);
      expect(found.map(({ payload }) => payload)).toEqual([{ n: 0 }, undefined, { n: 2 }, undefined]);
      expect(found.map(({ data }) => data)).toEqual(['{"n":0}', '{"n":7,"ä":1}', '{"n":2}', '{"n":3}']);
    });
  },
);

/** Mostly deposits, and now and then something else: in another category, of another kind or tenant. */
async function mixedLog(store: Store, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await append(store, `s${round}`, "none", messageOf("Opened"), ...messagesOf(997));
    await append(store, streamOf("t", { category: "tills" }), "any", messageOf("Opened"), messageOf("Counted"));
    await append(store, streamOf("u", { tenant: "north" }), "any", messageOf("Deposited"));
    await append(store, streamOf("c", { kind: "command" }), "any", messageOf("Open"));
  }
}

const filters: readonly Omit<LogFilter, "after" | "limit">[] = [
  {},
  { types: ["Opened"] },
  { types: ["Counted", "Unknown"] },
  { categories: ["tills"] },
  { categories: ["accounts"], types: ["Opened"], tenant: "" },
  { tenant: "north" },
  { kinds: ["command"] },
  { kinds: ["event", "command"], types: ["Open", "Counted"] },
  { types: ["Unknown"] },
];

function matches({ stream, type }: StoredMessage, filter: Omit<LogFilter, "after" | "limit">): boolean {
  const { kinds = ["event"], categories = [stream.category], types = [type], tenant = stream.tenant } = filter;
  return (
    kinds.includes(stream.kind) &&
    categories.includes(stream.category) &&
    types.includes(type) &&
    tenant === stream.tenant
  );
}

describe.skipIf(missingPostgres !== undefined)("a long log on PostgreSQL", () => {
  it("is read in pages that hold everything that matches, once, and speak for the rest", {
    timeout: 180_000,
  }, async () => {
    const { store } = await openStore();
    await mixedLog(store, 11);
    const head = await store.log.head();
    const all: StoredMessage[] = [];
    for (const kind of ["event", "command"] as const) {
      const { messages } = await store.log.readLog({ after: 0, limit: 20_000, kinds: [kind] });
      all.push(...messages);
    }
    all.sort((one, other) => one.position - other.position);
    expect(all.length).toBe(head);
    for (const filter of filters) {
      const expected = all.filter((message) => matches(message, filter));
      for (const limit of [1, 7, 500, 3000]) {
        for (const start of [0, 1500, head - 5, head, head + 10]) {
          let after = start;
          for (let pages = 0; pages < 3; pages++) {
            const page = await store.log.readLog({ ...filter, after, limit });
            const due = expected.filter(({ position }) => position > after).slice(0, limit);
            expect(page.messages).toEqual(due);
            expect(page.through).toBe(due.length === limit ? due.at(-1)?.position : Math.max(after, head));
            after = page.through;
          }
        }
      }
    }
  });

  it("knows the types that another process has added since", { timeout: 180_000 }, async () => {
    const { store, pool, schema } = await openStore();
    await append(store, "one", "none", ...messagesOf(longLog));
    const after = await store.log.head();
    expect((await store.log.readLog({ after: after - 1, limit: 10 })).messages).toHaveLength(1);
    const other = postgres({ pool, schema });
    onTestFinished(() => other.close());
    await other.open([]);
    await append(other, "two", "none", messageOf("Unheard"));
    expect((await store.log.readLog({ after, limit: 10 })).messages.map(({ type }) => type)).toEqual(["Unheard"]);
    expect(await wholeLog(store)).toHaveLength(longLog + 1);
  });

  it("is the same in a transaction of the caller's, whatever its client makes of columns", {
    timeout: 180_000,
  }, async () => {
    const { store, pool } = await openStore();
    await append(store, "one", "none", ...messagesOf(300), withData('{"a":"\u00e4\ue000"}'));
    await append(store, "other", "none", ...messagesOf(longLog));
    const stream = await store.log.replay(streamOf("one"), 0, 1000);
    const page = await store.log.readLog({ after: 250, limit: 100 });
    const client = await pool.connect();
    onTestFinished(() => client.release(true));
    await client.query("BEGIN");
    const { log } =
      store.transactions?.join({ query: (text, values) => client.query(text, values as unknown[]) }) ?? {};
    expect(await log?.replay(streamOf("one"), 0, 1000)).toEqual(stream);
    expect(await log?.readLog({ after: 250, limit: 100 })).toEqual(page);
  });

  it.each([
    ["was never analysed", "SELECT"],
    ["was analysed when it was empty", "VACUUM ANALYZE"],
  ])("is never read whole for a part of it, where it %s", { timeout: 180_000 }, async (_, before) => {
    const { store, pool, schema } = await openStore();
    await pool.query(before === "SELECT" ? "SELECT 1" : `VACUUM ANALYZE "${schema}".nereus_messages`);
    await append(store, "one", "none", ...messagesOf(longLog));
    const client = await pool.connect();
    onTestFinished(() => client.release(true));
    await client.query("SET plan_cache_mode = force_generic_plan");
    const calls = {
      [replayLong]: "'event', 'accounts', '', 'one', 0, 1024",
      [readNear]: "5, 4101, 1024, '{event}', null, null, null",
    };
    for (const [statement, values] of Object.entries(calls)) {
      await client.query(`PREPARE tried AS ${qualified(statement, schema)}`);
      const { rows } = await client.query<Record<string, string>>(`EXPLAIN EXECUTE tried(${values})`);
      const plan = rows.map((row) => Object.values(row).join("")).join("\n");
      expect(plan).toContain("nereus_messages");
      expect(plan).not.toMatch(/Seq Scan on nereus_messages/);
      await client.query("DEALLOCATE tried");
    }
  });
});
