import { describe, it } from "vitest";
import { memory } from "../../src/adapters/memory/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import { conformanceCases } from "../../src/conformance/index.ts";
import { storeKinds } from "./store-kinds.ts";

const capabilities = new Map([
  ["memory", memory().capabilities],
  ["sqlite, :memory:", sqlite(":memory:").capabilities],
]);

describe.each(storeKinds())("the contract of a store: $name", ({ name, missing: absent, harness }) => {
  const offered = capabilities.get(name) ?? sqlite("x.db").capabilities;
  for (const { name: sentence, requires = [], run } of conformanceCases) {
    const missing = requires.filter((capability) => !offered.has(capability));
    it.skipIf(missing.length > 0 || absent !== undefined)(sentence, async () => {
      const own = harness();
      try {
        await run(own);
      } finally {
        await own.dispose();
      }
    });
  }
});
