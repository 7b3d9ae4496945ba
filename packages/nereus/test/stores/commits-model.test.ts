import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { tenantOf } from "../../src/adapters/commit-queue.ts";
import { memory } from "../../src/adapters/memory/index.ts";
import { postgres } from "../../src/adapters/postgres/index.ts";
import { sqlite } from "../../src/adapters/sqlite/index.ts";
import { messageOf, people, streamOf, wholeLog } from "../../src/conformance/samples.ts";
import { members } from "../../src/conformance/unique-cases.ts";
import { isNereusError } from "../../src/model/errors.ts";
import type { Append, Commit, DocumentWrite, ExpectedVersion, Store } from "../../src/ports/store.ts";
import { emptySchema, missingPostgres, type TestDatabase, testDatabase } from "../support/postgres.ts";

const expected: fc.Arbitrary<ExpectedVersion> = fc.oneof(
  { weight: 4, arbitrary: fc.constant("any" as const) },
  { weight: 3, arbitrary: fc.integer({ min: -1, max: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom("none" as const, "exists" as const) },
);

/** Message ids out of a few: most commits are new, some repeat, some reuse an id elsewhere. */
const messages = fc
  .oneof(
    { weight: 5, arbitrary: fc.array(fc.uuid(), { maxLength: 3 }) },
    { weight: 2, arbitrary: fc.constantFrom(["x1"], ["x1", "x2"], ["x2"], ["x3", "x4"], ["x4", "x3"]) },
  )
  .chain((ids) => fc.constantFrom("Opened", "Deposited").map((type) => ids.map((id) => messageOf(type, { id }))));

const append: fc.Arbitrary<Append> = fc.record({
  stream: fc.record({
    id: fc.constantFrom("a", "b", "c"),
    tenant: fc.constantFrom("", "north"),
    category: fc.constantFrom("accounts", "transfers"),
    kind: fc.constantFrom("event" as const, "event" as const, "fact" as const),
  }),
  expectedVersion: expected,
  messages,
});

const documentWrite: fc.Arbitrary<DocumentWrite> = fc.oneof(
  fc.record({
    collection: fc.constant("people"),
    tenant: fc.constantFrom("", "north"),
    id: fc.constantFrom("1", "2"),
    expectedVersion: expected,
    data: fc.option(fc.constantFrom('{"age":1}', '{"age":2}')),
  }),
  // So few values that most commits meet one that is taken, or exchange some.
  fc.record({
    collection: fc.constant("members"),
    tenant: fc.constantFrom("", "", "north"),
    id: fc.constantFrom("1", "2", "3", "4"),
    expectedVersion: fc.oneof({ weight: 5, arbitrary: fc.constant("any" as const) }, expected),
    data: fc.option(
      fc
        .record(
          {
            email: fc.constantFrom(null, "a", "b", "c"),
            club: fc.constantFrom("x", "y"),
            number: fc.constantFrom("1", "2", "9007199254740993", "9007199254740992"),
            extra: fc.constantFrom(0, false, "0", [], "[]"),
          },
          { requiredKeys: [] },
        )
        .map((data) => JSON.stringify(data)),
      { freq: 6 },
    ),
  }),
);

const commit: fc.Arbitrary<Commit> = fc.record(
  {
    appends: fc.array(append, { maxLength: 3 }),
    documents: fc.array(documentWrite, { maxLength: 5 }),
    outbox: fc.array(fc.record({ id: fc.uuid(), destination: fc.constant("d"), data: fc.constant("{}") }), {
      maxLength: 2,
    }),
    timers: fc.array(
      fc
        .record({ owner: fc.constantFrom("o", "p"), id: fc.constantFrom("1", "2", "\ue000"), at: fc.option(fc.nat(3)) })
        .map(({ owner, id, at }) => (at === null ? { owner, id, at } : { owner, id, at, data: `{"at":${at}}` })),
      { maxLength: 4 },
    ),
    notes: fc.array(
      fc.record(
        {
          name: fc.constantFrom("n", "n", "o"),
          expected: fc.nat(2),
          data: fc.constantFrom("1", "2"),
        },
        { requiredKeys: ["name", "expected"] },
      ),
      { maxLength: 3 },
    ),
    checkpoint: fc.record({ name: fc.constantFrom("c", "d"), expected: fc.nat(2), position: fc.nat(2) }),
    idempotency: fc.record({
      tenant: fc.constantFrom("", "north"),
      key: fc.string(),
      fingerprint: fc.constant("f"),
      result: fc.constantFrom(null, "1"),
    }),
  },
  { requiredKeys: [] },
);

/** What a store answers to a commit, without the message of an error. */
async function answerOf(store: Store, one: Commit): Promise<unknown> {
  try {
    return await store.commit(one);
  } catch (error) {
    return isNereusError(error) ? error.code : error;
  }
}

async function everything(store: Store): Promise<unknown> {
  const tenants = ["", "north"];
  return {
    log: await wholeLog(store, 7),
    a: await store.log.readStream(streamOf("a"), { limit: 100, direction: "backwards" }),
    people: await Promise.all(tenants.map((tenant) => store.documents.find("people", tenant, {}))),
    members: await Promise.all(tenants.map((tenant) => store.documents.find("members", tenant, {}))),
    // Their numbers may have gaps where a batch was undone and tried again.
    outbox: (await store.records.outbox(0, 1000)).map(({ sequence: _, ...entry }) => entry),
    timers: await Promise.all(["o", "p"].map((owner) => store.records.timers(owner, { until: 2, limit: 3 }))),
    notes: await store.records.notes(""),
    checkpoints: [await store.records.checkpoint("c"), await store.records.checkpoint("d")],
  };
}

/** The runs of commits of one tenant: where several wait at once, tenants take turns. */
function ofOneTenant(batch: readonly Commit[]): readonly (readonly Commit[])[] {
  const runs: Commit[][] = [];
  for (const one of batch) {
    const run = runs.at(-1);
    if (run?.[0] !== undefined && tenantOf(run[0]) === tenantOf(one)) run.push(one);
    else runs.push([one]);
  }
  return runs;
}

/** Stores that are to answer like memory, each made for one run. */
interface Rival {
  readonly name: string;
  readonly runs: number;
  readonly missing: boolean;
  make(): Promise<{ readonly store: Store; done(): Promise<void> }>;
}

let database: Promise<TestDatabase> | undefined;
afterAll(async () => (await database)?.drop());

const rivals: readonly Rival[] = [
  {
    name: "SQLite",
    runs: 400,
    missing: false,
    async make() {
      const store = sqlite(":memory:");
      return { store, done: () => store.close() };
    },
  },
  {
    name: "PostgreSQL",
    runs: 60,
    missing: missingPostgres !== undefined,
    async make() {
      database ??= testDatabase();
      const { pool } = await database;
      const store = postgres({ pool, schema: "model", setUp: true });
      return {
        store,
        async done() {
          await store.close();
          await emptySchema(pool, "model");
        },
      };
    },
  },
];

describe.each(rivals)("memory and $name", ({ make, runs, missing }) => {
  it.skipIf(missing)(
    "answer any run of concurrent commits alike, and hold the same afterwards",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(commit, { minLength: 1, maxLength: 6 }), { maxLength: 12 }),
          async (batches) => {
            const { store, done } = await make();
            const stores = [memory(), store] as const;
            try {
              await Promise.all(stores.map((one) => one.open([people, members])));
              for (const batch of batches.flatMap(ofOneTenant)) {
                const [inMemory, inRival] = await Promise.all(
                  stores.map((one) => Promise.all(batch.map((each) => answerOf(one, each)))),
                );
                expect(inRival).toEqual(inMemory);
              }
              expect(await everything(stores[1])).toEqual(await everything(stores[0]));
            } finally {
              await done();
            }
          },
        ),
        { numRuns: Number(process.env["NEREUS_RUNS"] ?? runs) },
      );
    },
    120_000,
  );
});
