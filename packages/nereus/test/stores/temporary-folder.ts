import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { SqliteOptions } from "../../src/adapters/sqlite/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import type { CollectionShape, Store } from "../../src/ports/store.ts";

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nereus-sqlite-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An open store that is closed when the test ends. */
export async function openSqlite(
  path: string,
  options: SqliteOptions = {},
  collections: readonly CollectionShape[] = [],
): Promise<Store> {
  const store = sqlite(path, options);
  onTestFinished(() => store.close());
  await store.open(collections);
  return store;
}
