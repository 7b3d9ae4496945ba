import { afterAll, beforeAll, describe, it } from "vitest";
import { postgres } from "../../src/adapters/postgres/index.ts";
import { type ConformanceHarness, conformanceCases } from "../../src/conformance/index.ts";
import type { CollectionShape, Store } from "../../src/ports/store.ts";
import { newSchema } from "../support/postgres.ts";
import { makeCluster, type PostgresCluster, whyNoCluster } from "../support/postgres-cluster.ts";

const cases = conformanceCases.filter(({ needs = [] }) => needs.includes("crash"));

describe.skipIf(whyNoCluster() !== undefined)("the contract of a store: postgres, in a server that crashes", () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await makeCluster();
  });
  afterAll(() => cluster?.remove());

  it.each(cases)(
    "$name",
    async ({ run }) => {
      const stores: Store[] = [];
      const opened = async (schema: string, collections: readonly CollectionShape[] = []): Promise<Store> => {
        const store = postgres({ connectionString: cluster.url, schema, setUp: true, patience: 30_000 });
        stores.push(store);
        await store.open(collections);
        return store;
      };
      const schema = newSchema();
      const harness: ConformanceHarness = {
        create: (collections) => opened(schema, collections),
        async reopen(store, collections) {
          await store.close();
          return opened(schema, collections);
        },
        async crash() {
          cluster.stop("immediate");
          cluster.start();
        },
      };
      try {
        await run(harness);
      } finally {
        for (const store of stores) await store.close();
      }
    },
    120_000,
  );
});
