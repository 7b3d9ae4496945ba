import type pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type PostgresPool, postgres } from "../../src/adapters/postgres/index.ts";
import { append, messageOf } from "../../src/conformance/samples.ts";
import type { Store } from "../../src/ports/store.ts";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { until } from "../support/until.ts";

/** The pool, with what a connection pooler makes of LISTEN: it refuses it, or lets it be without effect. */
function withoutNotifications(pool: pg.Pool, isRefused: boolean): PostgresPool {
  const without = (client: pg.PoolClient): pg.PoolClient =>
    new Proxy(client, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...all: unknown[]) => {
          if (key === "on" && all[0] === "notification") return target;
          const { text } = (all[0] ?? {}) as { text?: string };
          if (isRefused && key === "query" && text?.startsWith("LISTEN")) {
            return Promise.reject(Object.assign(new Error("LISTEN is not allowed"), { code: "0A000" }));
          }
          return member.apply(target, all);
        };
      },
    });
  return {
    connect: async () => without(await pool.connect()) as never,
    query: (query) => pool.query(query),
  };
}

describe.skipIf(missingPostgres !== undefined)("what another process has committed on PostgreSQL", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase({ max: 12 });
  });
  afterAll(() => database.drop());

  const opened = async (schema: string, pool: PostgresPool): Promise<Store> => {
    const store = postgres({ pool, schema, setUp: true });
    await store.open([]);
    onTestFinished(() => store.close());
    return store;
  };

  test.each([
    ["comes by a notification", undefined],
    ["is found by looking now and then, where notifications get lost", false],
    ["is found by looking now and then, where nobody may listen", true],
  ])("%s", async (_, isRefused) => {
    const schema = newSchema();
    const own = isRefused === undefined ? database.pool : withoutNotifications(database.pool, isRefused);
    const listening = await opened(schema, own);
    const other = await opened(schema, database.pool);
    let calls = 0;
    onTestFinished(listening.onCommit(() => calls++));
    for (const round of [1, 2]) {
      await append(other, "a", round - 2, messageOf());
      await until(() => calls >= round);
    }
    expect(await listening.log.head()).toBe(2);
  });
});
