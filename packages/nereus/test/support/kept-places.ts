import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./places.ts";
import { missingPostgres, testDatabase } from "./postgres.ts";

/** Where data outlives a process: each opens to a new place, as {@link storeAt} takes it, that is gone when the test ends. */
export function keptPlaces(): readonly { readonly name: string; open(): Promise<string> }[] {
  const sqlite = { name: "sqlite", open: async () => join(temporaryFolder(), "test.db") };
  if (missingPostgres !== undefined) return [sqlite];
  return [
    sqlite,
    {
      name: "postgres",
      async open() {
        const { url, drop } = await testDatabase();
        onTestFinished(drop);
        return url;
      },
    },
  ];
}
