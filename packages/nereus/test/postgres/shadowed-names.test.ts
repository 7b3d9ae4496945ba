import {
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  type SqlClient,
} from "nereus";
import { afterAll, describe, expect, it, test } from "vitest";
import { z } from "zod";
import { qualified } from "../../src/adapters/postgres/identifiers.ts";
import { postgres } from "../../src/adapters/postgres/index.ts";
import * as statements from "../../src/adapters/postgres/statements.ts";
import { conformanceCases, reasonToSkip } from "../../src/conformance/index.ts";
import { postgresHarness } from "../stores/store-kinds.ts";
import { evilPool, shadow } from "../support/evil-names.ts";
import { missingPostgres } from "../support/postgres.ts";
import { PostgresSchemas } from "../support/postgres-schemas.ts";

/** They run in transactions that have PostgreSQL's own names only. */
const setUpOnly = ["nameTaken", "dependentViews", "putCollection", "missingRights", "hiddenRows"];
const ownStatements = Object.entries(statements)
  .flatMap(([name, sql]) => (typeof sql === "string" ? [[name, sql] as const] : []))
  .filter(([name]) => !setUpOnly.includes(name));

class Paid extends Event("Paid", { accountId: identifier(), amount: z.number() }) {}
class Pay extends Command("Pay", { accountId: identifier(), amount: z.number() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier() }, { snapshotEvery: 2 }).applies(
  Paid,
  (account, { accountId }) => {
    account.accountId = accountId;
  },
) {}
class Row extends Projection("Row", { accountId: identifier(), balance: z.number() }) {}
class Copy extends Projection("Copy", { accountId: identifier() }) {}
const rows = projector(Row, { run: "inline" }).upsert(
  Paid,
  ({ accountId }) => accountId,
  ({ accountId }) => ({ accountId, balance: 0 }),
  (row, { amount }) => {
    row.balance += amount;
  },
);
const copies = projector(Copy, { run: "async" }).upsert(
  Paid,
  ({ accountId }) => accountId,
  ({ accountId }) => ({ accountId }),
  () => undefined,
);
const paying = commandHandlers(Account).on(Pay, async ({ accountId, amount }, { repository, transaction }) => {
  const account = (await repository(Account).find(accountId)) ?? Account.create(() => undefined);
  await transaction.query("CREATE TEMP TABLE IF NOT EXISTS noted ()");
  account.raise(new Paid({ accountId, amount }));
  await repository(Account).add(account);
  if (amount < 0) throw new Error("refused");
});

describe.skipIf(missingPostgres !== undefined)(
  "a session that looks for all names in another schema first: nothing of that is ever called",
  () => {
    let shadows = 0;
    const schemas = new PostgresSchemas(async (database) => {
      shadows = await shadow(database, "postgres");
      return evilPool(database);
    });
    afterAll(() => schemas.drop());
    const { capabilities } = postgres("postgres://nowhere");

    for (const one of conformanceCases) {
      const reason = reasonToSkip(one, capabilities, ["another"]);
      it.skipIf(reason !== undefined)(one.name, async () => {
        const { dispose, ...own } = postgresHarness(schemas);
        try {
          await one.run(own);
        } finally {
          await dispose();
        }
      });
    }

    /** Those of long logs, and others that the cases do not come to. What else they say to nulls does not matter here. */
    test.each(ownStatements)("the statement %s", async (_, sql) => {
      const schema = schemas.take();
      const store = schemas.storeIn(schema);
      await store.open([]);
      const count = Math.max(0, ...[...sql.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
      const query = { text: qualified(sql, schema), values: Array.from({ length: count }, () => null) };
      const said = await schemas.pool.query(query).then(() => "", String);
      expect(said).not.toMatch(/evil/);
      await store.close();
      await schemas.giveBack(schema);
    });

    test("commands with SQL of their own, in their own transaction and in a caller's", async () => {
      const schema = schemas.take();
      const elements = [Account, paying, Row, rows, Copy, copies];
      const store = schemas.storeIn(schema);
      const bank = new Domain("bank", { elements, store });
      await bank.start();
      await bank.process(new Pay({ accountId: "1", amount: 1 }), { idempotencyKey: "k" });
      const client = await schemas.pool.connect();
      await client.query({ text: "BEGIN" });
      const transaction = client as unknown as SqlClient;
      for (const amount of [2, 3]) await bank.process(new Pay({ accountId: "1", amount }), { transaction });
      await bank.send(new Pay({ accountId: "1", amount: 4 }), { transaction });
      await expect(bank.process(new Pay({ accountId: "1", amount: -99 }), { transaction })).rejects.toThrow("refused");
      await client.query({ text: "COMMIT" });
      client.release();
      await bank.settle();
      expect(await bank.view(Row).find({ where: { balance: { gte: 10 } } })).toMatchObject([{ balance: 10 }]);
      expect(await bank.view(Copy).get("1")).toMatchObject({ accountId: "1" });
      await bank.stop();
      await schemas.giveBack(schema);
    });

    test("there were shadows, and they do call", async () => {
      expect(shadows).toBeGreaterThan(500);
      for (const sql of ["SELECT 1 = 1", "SELECT now()", "SELECT 'a'::text", "SELECT max(1)"]) {
        await expect(schemas.pool.query({ text: sql })).rejects.toThrow("evil");
      }
    });
  },
);
