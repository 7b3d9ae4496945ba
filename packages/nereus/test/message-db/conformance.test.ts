import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, describe, it } from "vitest";
import { memory } from "../../src/adapters/memory/index.ts";
import { messageDb, streamName } from "../../src/adapters/message-db/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import { type ConformanceHarness, conformanceCases, reasonToSkip } from "../../src/conformance/index.ts";
import type { Capability, Store } from "../../src/ports/store.ts";
import { type MessageDbDatabase, messageDbDatabase, missingPostgres } from "../support/message-db.ts";

type Collections = Parameters<Store["open"]>[0];
const weaker = ["state-with-events", "events-with-documents"] as const;

describe.skipIf(missingPostgres !== undefined)("the contract of a store, on Message DB", () => {
  let database: MessageDbDatabase;
  let folder = "";
  /** Connections of a client that takes its time. */
  let slow: pg.Pool;

  beforeAll(async () => {
    database = await messageDbDatabase();
    slow = database.anotherPool({ max: 8 });
    folder = mkdtempSync(join(tmpdir(), "nereus-mdb-"));
  });
  afterAll(async () => {
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The cases take one store at a time, so one log, emptied before each, serves them all. */
  function harness(
    second: (path: string) => Store,
    isShared: boolean,
  ): ConformanceHarness & { dispose(): Promise<void> } {
    const paths = new Map<Store, string>();
    const make = async (path: string, collections: Collections): Promise<Store> => {
      const store = messageDb({ pool: database.pool, documents: second(path), weaker });
      paths.set(store, path);
      await store.open(collections);
      return store;
    };
    return {
      async create(collections = []) {
        await database.empty();
        return make(join(folder, `${Math.random()}.db`), collections);
      },
      async reopen(store, collections = []) {
        await store.close();
        return make(paths.get(store) ?? "", collections);
      },
      ...(isShared
        ? { another: (store: Store, collections = [] as Collections) => make(paths.get(store) ?? "", collections) }
        : {}),
      async hold(_, { stream, messages }) {
        const client = await slow.connect();
        const end = async (statement: string): Promise<void> => {
          await client.query(statement);
          client.release();
        };
        await client.query("SET search_path TO message_store");
        await client.query("BEGIN");
        for (const { id, type, data } of messages) {
          await client.query("SELECT write_message($1, $2, $3, $4::jsonb)", [id, streamName(stream), type, data]);
        }
        return { commit: () => end("COMMIT"), rollback: () => end("ROLLBACK") };
      },
      async dispose() {
        for (const store of paths.keys()) await store.close();
      },
    };
  }

  for (const [name, second, offered, hooks] of [
    ["memory", () => memory(), [], ["hold"]],
    ["sqlite", (path: string) => sqlite(path, { synchronous: "NORMAL" }), ["durable"], ["another", "hold"]],
  ] as const) {
    describe(`with ${name}`, () => {
      for (const one of conformanceCases) {
        const reason = reasonToSkip(one, new Set<Capability>(offered), hooks);
        if (reason !== undefined) {
          it.skip(`${one.name} (skipped: ${reason})`, () => undefined);
          continue;
        }
        it(one.name, async () => {
          const own = harness(second, name === "sqlite");
          try {
            await one.run(own);
          } finally {
            await own.dispose();
          }
        }, 180_000);
      }
    });
  }
});
