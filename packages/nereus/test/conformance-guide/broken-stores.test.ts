import { type CollectionShape, conformanceCases, type Store } from "nereus/conformance";
import { memory } from "nereus/memory";
import { describe, expect, it } from "vitest";
import { ArrayStore } from "./array-store.ts";
import { mistakes } from "./broken-stores.ts";

describe("the suite finds a store that", () => {
  it.each(mistakes)("$mistake", async ({ foundBy, create }) => {
    await expect(
      run(foundBy, () => new ArrayStore(memory())),
      "the store without the mistake",
    ).resolves.toBeUndefined();
    await expect(run(foundBy, create)).rejects.toThrow();
  });
});

async function run(name: string, make: () => Store): Promise<void> {
  const found = conformanceCases.find((one) => one.name === name);
  expect(found, name).toBeDefined();
  await found?.run({
    async create(collections: readonly CollectionShape[] = []) {
      const store = make();
      await store.open(collections);
      return store;
    },
    reopen() {
      throw new Error("only durable stores are opened again");
    },
  });
}
