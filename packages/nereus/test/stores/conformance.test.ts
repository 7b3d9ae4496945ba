import { describe, it } from "vitest";
import { memory } from "../../src/adapters/memory/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import { conformanceCases, reasonToSkip } from "../../src/conformance/index.ts";
import { storeKinds } from "./store-kinds.ts";

const capabilities = new Map([
  ["memory", memory().capabilities],
  ["sqlite, :memory:", sqlite(":memory:").capabilities],
]);

describe.each(storeKinds())("the contract of a store: $name", ({ name, missing: absent, hooks, harness }) => {
  const offered = capabilities.get(name) ?? sqlite("x.db").capabilities;
  for (const one of conformanceCases) {
    const reason = absent ?? reasonToSkip(one, offered, hooks);
    it.skipIf(reason !== undefined)(reason === undefined ? one.name : `${one.name} (skipped: ${reason})`, async () => {
      const { dispose, ...own } = harness();
      try {
        await one.run(hooks.includes("another") ? own : { create: own.create, reopen: own.reopen });
      } finally {
        await dispose();
      }
    });
  }
});
