import { join } from "node:path";
import type { Store } from "nereus";
import { memory } from "nereus/memory";
import { messageDb } from "nereus/message-db";
import { sqlite } from "nereus/sqlite";
import { afterAll } from "vitest";
import { type MessageDbDatabase, messageDbDatabase } from "./message-db.ts";
import { temporaryFolder } from "./places.ts";
import { missingPostgres } from "./postgres.ts";
import { PostgresSchemas } from "./postgres-schemas.ts";

/** A store that a domain can be started on: `open` answers a function that gives, time and again, a store of the same new data. */
export interface EveryStoreKind {
  readonly name: string;
  /** Why it cannot be tested here. */
  readonly missing?: string | undefined;
  open(): Promise<() => Store>;
}

/** Memory, SQLite, PostgreSQL and Message DB (its documents in SQLite). To be called while tests are collected. */
export function everyStore(): readonly EveryStoreKind[] {
  const schemas = new PostgresSchemas();
  let messages: Promise<MessageDbDatabase> | undefined;
  afterAll(async () => {
    await schemas.drop();
    await (await messages)?.drop();
  });
  return [
    {
      name: "memory",
      async open() {
        const store = memory();
        return () => store;
      },
    },
    {
      name: "sqlite",
      async open() {
        const path = join(temporaryFolder(), "test.db");
        return () => sqlite(path, { synchronous: "NORMAL" });
      },
    },
    {
      name: "postgres",
      missing: missingPostgres,
      async open() {
        const schema = schemas.take();
        return () => schemas.storeIn(schema);
      },
    },
    {
      name: "message-db",
      missing: missingPostgres,
      async open() {
        messages ??= messageDbDatabase();
        const { pool, empty } = await messages;
        await empty();
        const path = join(temporaryFolder(), "documents.db");
        return () =>
          messageDb({
            pool,
            documents: sqlite(path, { synchronous: "NORMAL" }),
            weaker: ["state-with-events", "events-with-documents"],
          });
      },
    },
  ];
}
