import { describe, expect, it, onTestFinished } from "vitest";
import { append, appendOf, committed, messageOf, streamOf, wholeLog } from "../../src/conformance/samples.ts";
import type { Store } from "../../src/ports/store.ts";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "../support/postgres.ts";

interface Fresh {
  readonly database: TestDatabase;
  /** Opens the same data anew, as another process does. */
  another(schema?: string): Promise<Store>;
  readonly schema: string;
}

async function fresh(): Promise<Fresh> {
  const database = await testDatabase({ max: 20 });
  onTestFinished(() => database.drop());
  const own = newSchema();
  const another = async (schema = own): Promise<Store> => {
    const store = storeIn(database, { schema });
    onTestFinished(() => store.close());
    await store.open([]);
    return store;
  };
  return { database, another, schema: own };
}

async function typesIn(store: Store): Promise<readonly string[]> {
  return (await wholeLog(store)).map(({ type }) => type);
}

async function numbersOf(database: TestDatabase, schema: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await database.pool.query(`SELECT type, number FROM ${schema}.nereus_types`);
  return Object.fromEntries(rows.map(({ type, number }: { type: string; number: number }) => [type, number]));
}

describe.skipIf(missingPostgres !== undefined)("the numbers of types on PostgreSQL", () => {
  it("follow from the names, whatever came first", async () => {
    const { database, another } = await fresh();
    const [one, other] = [newSchema(), newSchema()];
    await append(await another(one), "a", "none", messageOf("First"), messageOf("Second"));
    const second = await another(other);
    await append(second, streamOf("a", { category: "elsewhere" }), "none", messageOf("Third"));
    await append(second, "a", "none", messageOf("Second"), messageOf("First"));
    expect(await numbersOf(database, other)).toMatchObject(await numbersOf(database, one));
  });

  it("differ where two names would have the same one", async () => {
    const { database, another, schema } = await fresh();
    const first = await another();
    const name = `jsonb_build_array('event', 'accounts', 'T' || n, 1)`;
    const { rows } = await database.pool.query(`
      SELECT array_agg('T' || n ORDER BY n) AS alike FROM generate_series(1, 200000) AS n
      GROUP BY ${schema}.nereus_name_number(${name}, 0) HAVING count(*) > 1 LIMIT 1`);
    const [one, other] = (rows as readonly { alike: readonly [string, string] }[])[0]?.alike ?? ["", ""];
    await append(first, "a", "none", messageOf(one));
    await append(await another(), "b", "none", messageOf(other), messageOf(one));
    expect(await typesIn(first)).toEqual([one, other, one]);
    expect(await typesIn(await another())).toEqual([one, other, one]);
  });

  it("are given again by processes that register the same ones at once", async () => {
    const { another } = await fresh();
    const stores = await Promise.all(Array.from({ length: 4 }, () => another()));
    const types = Array.from({ length: 20 }, (_, at) => `Type${at}`);
    await Promise.all(
      stores.map((store, at) =>
        append(
          store,
          String(at),
          "none",
          ...(at % 2 === 0 ? types : types.toReversed()).map((type) => messageOf(type)),
        ),
      ),
    );
    expect([...(await typesIn(await another()))].sort()).toEqual(
      types.flatMap((type) => [type, type, type, type]).sort(),
    );
  });

  describe("that were taken away under a process whose connections live on, as by a restored backup", () => {
    async function taken(): Promise<{ readonly store: Store; readonly another: Fresh["another"] }> {
      const { database, another, schema } = await fresh();
      const store = await another();
      await append(store, "a", "none", messageOf("Kept"));
      await append(store, "b", "none", messageOf("Lost"));
      await database.pool.query(`DELETE FROM ${schema}.nereus_messages WHERE stream_id = 'b'`);
      await database.pool.query(`DELETE FROM ${schema}.nereus_types WHERE type = 'Lost'`);
      return { store, another };
    }

    it.each([
      ["alone", (store: Store) => append(store, "b", "none", messageOf("Lost"))],
      ["with others", (store: Store) => append(store, "b", "none", messageOf("Lost"), messageOf("Kept"))],
      [
        "in a transaction of the store's own",
        async (store: Store) => {
          const transaction = await store.transactions?.begin("a test");
          const outcome = await transaction?.commit({ appends: [appendOf("b", "none", messageOf("Lost"))] });
          return outcome === undefined ? undefined : committed(outcome);
        },
      ],
    ])("are registered again before a message is written %s", async (_, write) => {
      const { store, another } = await taken();
      await write(store);
      expect((await typesIn(await another())).slice(0, 2)).toEqual(["Kept", "Lost"]);
    });

    it("are registered again before many commits at once are written", async () => {
      const { store, another } = await taken();
      await Promise.all(
        Array.from({ length: 100 }, (_, at) =>
          append(store, `c${at}`, "none", messageOf(at % 2 === 0 ? "Kept" : "Lost")),
        ),
      );
      const types = await typesIn(await another());
      expect(types.filter((type) => type === "Lost")).toHaveLength(50);
      expect(types).toHaveLength(101);
    });

    it("are registered again before a caller's transaction is written, of whatever level", async () => {
      const { database, another, schema } = await fresh();
      const store = await another();
      for (const [at, level] of ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"].entries()) {
        await append(store, `b${at}`, "none", messageOf(`Lost${at}`));
        await database.pool.query(`DELETE FROM ${schema}.nereus_messages WHERE stream_id = 'b${at}'`);
        await database.pool.query(`DELETE FROM ${schema}.nereus_types WHERE type = 'Lost${at}'`);
        const client = await database.pool.connect();
        await client.query(`BEGIN ISOLATION LEVEL ${level}`);
        await client.query("SELECT 1");
        const joined = store.transactions?.join(client);
        const outcome = await joined?.commit({ appends: [appendOf(`b${at}`, "none", messageOf(`Lost${at}`))] });
        await client.query("COMMIT");
        client.release();
        expect(outcome?.status).toBe("committed");
      }
      expect(await typesIn(await another())).toEqual(["Lost0", "Lost1", "Lost2"]);
    });
  });
});
