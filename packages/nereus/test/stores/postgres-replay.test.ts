import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { postgres } from "../../src/adapters/postgres/index.ts";
import { append, messageOf, messagesOf, streamOf } from "../../src/conformance/samples.ts";
import { checksumOf } from "../../src/log/checksum.ts";
import type { NewMessage, ReplayMessage } from "../../src/log/message.ts";
import type { Store } from "../../src/ports/store.ts";
import { missingPostgres, newSchema, testDatabase } from "../support/postgres.ts";

/** Above it, streams are replayed by another statement. */
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
    it.each([1, 127, 128, 129, 1024, 5000])(
      "gives every message in pages of %i",
      { timeout: 60_000 },
      async (limit) => {
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
      },
    );

    it("gives texts that PostgreSQL cannot hold, and what is no JSON, as they were", { timeout: 60_000 }, async () => {
      const { store } = await openStore();
      const texts = ['{"a":"ä€😀"}', '{"a":"\ue000"}', "\0\ud800\u0001", "no JSON", "a\x1eb", '{"a":1}', "[1,2]", "7"];
      const messages = texts.map(withData);
      for (const found of await replayedTwice(store, messages, 100)) {
        expect(found.map(dataOf)).toEqual(messages.map(dataOf));
        for (const { data, payload } of found) {
          if (payload !== undefined) expect(payload).toEqual(JSON.parse(data));
        }
      }
    });

    it("hands out no payload whose checksum does not hold, and those around it all the same", {
      timeout: 60_000,
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
