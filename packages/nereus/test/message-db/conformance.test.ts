import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { memory } from "../../src/adapters/memory/index.ts";
import { messageDb } from "../../src/adapters/message-db/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import { type ConformanceHarness, conformanceCases } from "../../src/conformance/index.ts";
import type { Capability, Store } from "../../src/ports/store.ts";
import { type MessageDbDatabase, messageDbDatabase, missingPostgres } from "../support/message-db.ts";

const weaker = ["state-with-events", "events-with-documents"] as const;

describe.skipIf(missingPostgres !== undefined)("the contract of a store, on Message DB", () => {
  let database: MessageDbDatabase;
  let folder = "";

  beforeAll(async () => {
    database = await messageDbDatabase();
    folder = mkdtempSync(join(tmpdir(), "nereus-mdb-"));
  });
  afterAll(async () => {
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The cases take one store at a time, so one log, emptied before each, serves them all. */
  function harness(second: (path: string) => Store): ConformanceHarness & { dispose(): Promise<void> } {
    const paths = new Map<Store, string>();
    const make = async (path: string, collections: Parameters<Store["open"]>[0]): Promise<Store> => {
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
      async dispose() {
        for (const store of paths.keys()) await store.close();
      },
    };
  }

  for (const [name, second, offered] of [
    ["memory", () => memory(), []],
    ["sqlite", (path: string) => sqlite(path, { synchronous: "NORMAL" }), ["durable"]],
  ] as const) {
    describe(`with ${name}`, () => {
      for (const { name: sentence, requires = [], run } of conformanceCases) {
        const missing = requires.filter(
          (capability: Capability) => !(offered as readonly Capability[]).includes(capability),
        );
        if (missing.length > 0) {
          it.skip(`${sentence} (needs a store that is ${missing.join(" and ")})`, () => undefined);
          continue;
        }
        it(sentence, async () => {
          const own = harness(second);
          try {
            await run(own);
          } finally {
            await own.dispose();
          }
        }, 60_000);
      }
    });
  }
});
