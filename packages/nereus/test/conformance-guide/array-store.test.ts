import { conformanceCases, reasonToSkip } from "nereus/conformance";
import { memory } from "nereus/memory";
import { describe, it } from "vitest";
import { ArrayStore } from "./array-store.ts";

const { capabilities } = new ArrayStore(memory());

describe("the contract of a store, on the store of the guide", () => {
  for (const one of conformanceCases) {
    const reason = reasonToSkip(one, capabilities);
    it.skipIf(reason !== undefined)(reason === undefined ? one.name : `${one.name} (skipped: ${reason})`, () =>
      one.run({
        async create(collections = []) {
          const store = new ArrayStore(memory());
          await store.open(collections);
          return store;
        },
        reopen() {
          throw new Error("only durable stores are opened again");
        },
      }),
    );
  }
});
