import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memory } from "../../src/adapters/memory/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import type { ConformanceHarness } from "../../src/conformance/index.ts";
import type { Store } from "../../src/ports/store.ts";

/** A harness that cleans up behind itself. */
export interface DisposableHarness extends ConformanceHarness {
  dispose(): Promise<void>;
}

export interface StoreKind {
  readonly name: string;
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
    async dispose() {
      for (const store of paths.keys()) await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The stores that come with Nereus, as the conformance cases want them. */
export const storeKinds: readonly StoreKind[] = [
  { name: "memory", harness: () => harnessOf(() => memory()) },
  { name: "sqlite, FULL", harness: () => harnessOf((path) => sqlite(path)) },
  { name: "sqlite, NORMAL", harness: () => harnessOf((path) => sqlite(path, { synchronous: "NORMAL" })) },
  { name: "sqlite, :memory:", harness: () => harnessOf(() => sqlite(":memory:")) },
];
