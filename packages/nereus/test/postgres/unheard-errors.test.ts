import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { append, messageOf } from "../../src/conformance/samples.ts";
import { missingPostgres, newSchema, storeIn, testDatabase } from "../support/postgres.ts";
import { until } from "../support/until.ts";

describe.skipIf(missingPostgres !== undefined)("a store that ends its sessions by force", () => {
  test("has no pool report an error of them: where nobody listens, the process would end", async () => {
    const database = await testDatabase();
    onTestFinished(() => database.drop());
    const pool = new pg.Pool({ connectionString: database.url, max: 5 });
    pool.on("connect", (client) => {
      const end = client.end.bind(client) as (...all: unknown[]) => unknown;
      // its farewell is late, so that the server's own word comes first
      client.end = ((...all: unknown[]) => setTimeout(() => end(...all), 200)) as never;
    });
    onTestFinished(() => pool.end());
    const told: unknown[] = [];
    pool.on("error", (error) => told.push(error));
    const store = storeIn(database, { pool, schema: newSchema() });
    await store.open([]);
    await append(store, "1", "none", messageOf("Opened"));
    const transaction = await store.transactions?.begin("A test");
    const sleeping = transaction?.query("SELECT pg_sleep(60)").catch(() => undefined);
    await transaction?.rollback({ atOnce: true });
    await store.close({ atOnce: true });
    await sleeping;
    await until(async () => {
      const { rows } = await database.pool.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()",
      );
      return rows.length === 0;
    });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(told).toEqual([]);
  });
});
