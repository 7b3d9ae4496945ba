import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { memory } from "../../src/adapters/memory/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import type { ConformanceHarness, ConformanceHook } from "../../src/conformance/index.ts";
import { committed } from "../../src/conformance/samples.ts";
import type { Store } from "../../src/ports/store.ts";
import { missingPostgres } from "../support/postgres.ts";
import { PostgresSchemas } from "../support/postgres-schemas.ts";

/** A harness that cleans up behind itself. */
export interface DisposableHarness extends ConformanceHarness {
  dispose(): Promise<void>;
}

export interface StoreKind {
  readonly name: string;
  /** Why it cannot be tested here. */
  readonly missing?: string | undefined;
  readonly hooks: readonly ConformanceHook[];
  harness(): DisposableHarness;
}

function harnessOf(make: (path: string) => Store): DisposableHarness {
  const folder = mkdtempSync(join(tmpdir(), "nereus-store-"));
  const paths = new Map<Store, string>();
  return {
    async create(collections = []) {
      const path = join(folder, `${paths.size}.db`);
      const store = make(path);
      paths.set(store, path);
      await store.open(collections);
      return store;
    },
    async reopen(store, collections = []) {
      const path = paths.get(store) ?? "";
      await store.close();
      const next = make(path);
      paths.set(next, path);
      await next.open(collections);
      return next;
    },
    async another(store, collections = []) {
      const path = paths.get(store) ?? "";
      const other = make(path);
      paths.set(other, path);
      await other.open(collections);
      return other;
    },
    async dispose() {
      for (const store of paths.keys()) await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function postgresHarness(schemas: PostgresSchemas): DisposableHarness {
  const ofStores = new Map<Store, string>();
  const made = (schema: string): Store => {
    const store = schemas.storeIn(schema);
    ofStores.set(store, schema);
    return store;
  };
  return {
    async create(collections = []) {
      const store = made(schemas.take());
      await store.open(collections);
      return store;
    },
    async reopen(store, collections = []) {
      await store.close();
      const next = made(ofStores.get(store) ?? "");
      await next.open(collections);
      return next;
    },
    async another(store, collections = []) {
      const other = made(ofStores.get(store) ?? "");
      await other.open(collections);
      return other;
    },
    async hold(store, append) {
      const client = await schemas.client();
      const end = async (statement: string): Promise<void> => {
        await client.query(statement);
        client.release();
      };
      await client.query("BEGIN");
      const joined = store.transactions?.join(client);
      committed((await joined?.commit({ appends: [append] })) ?? { status: "committed", position: 0 });
      return { commit: () => end("COMMIT"), rollback: () => end("ROLLBACK") };
    },
    async dispose() {
      for (const store of ofStores.keys()) await store.close();
      for (const schema of new Set(ofStores.values())) await schemas.giveBack(schema);
    },
  };
}

/** The stores that come with Nereus, as the conformance cases want them. To be called while tests are collected. */
export function storeKinds(): readonly StoreKind[] {
  const schemas = new PostgresSchemas();
  afterAll(() => schemas.drop());
  return [
    { name: "memory", hooks: [], harness: () => harnessOf(() => memory()) },
    { name: "sqlite, FULL", hooks: ["another"], harness: () => harnessOf((path) => sqlite(path)) },
    {
      name: "sqlite, NORMAL",
      hooks: ["another"],
      harness: () => harnessOf((path) => sqlite(path, { synchronous: "NORMAL" })),
    },
    { name: "sqlite, :memory:", hooks: [], harness: () => harnessOf(() => sqlite(":memory:")) },
    { name: "postgres", missing: missingPostgres, hooks: ["another", "hold"], harness: () => postgresHarness(schemas) },
  ];
}
