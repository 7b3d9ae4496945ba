import {
  Aggregate,
  Command,
  type CommandContext,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
} from "nereus";
import { type PostgresOptions, postgres } from "nereus/postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { AnyRepository } from "../../src/application/repository.ts";
import { UnitRepository } from "../../src/application/unit-repository.ts";
import { ProjectionView } from "../../src/application/view.ts";
import { missingPostgres, newSchema, type TestDatabase, testDatabase } from "../support/postgres.ts";
import { proxyTo } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { workbench } from "../support/workbench.ts";

class Opened extends Event("Opened", { id: identifier() }) {}
class Paid extends Event("Paid", { id: identifier(), amount: z.number().int() }) {}
class Account extends EventSourcedAggregate(
  "Account",
  { id: identifier(), balance: z.number().int().default(0) },
  { snapshotEvery: 3 },
)
  .applies(Opened, (account, event) => {
    account.id = event.id;
  })
  .applies(Paid, (account, event) => {
    account.balance += event.amount;
  }) {}
class Holder extends Aggregate("Holder", { id: identifier(), email: z.string() }, { unique: [["email"]] }) {}
class Line extends Projection("Line", { id: identifier(), balance: z.number().int() }) {}
class Later extends Projection("Later", { id: identifier() }) {}
const lines = projector(Line, { run: "inline" })
  .create(Opened, ({ id }) => ({ id, balance: 0 }))
  .update(
    Paid,
    ({ id }) => id,
    (line, { amount }) => {
      line.balance += amount;
    },
  );
const later = projector(Later, { run: "async" }).create(Opened, ({ id }) => ({ id }));

class Ask extends Query("Ask", { id: identifier() }).returns<number>() {}
const questions = queryHandlers(Line).on(Ask, async ({ id }, { view, repository }) => {
  const line = await view.get(id);
  return (line?.balance ?? 0) + (await repository(Account).get(id)).balance;
});

class Open extends Command("Open", { id: identifier() }) {}
class Register extends Command("Register", { id: identifier(), email: z.string() }) {}
class Pay extends Command("Pay", { id: identifier(), amount: z.number().int().default(1) }).returns<number>() {}
/** Runs SQL of its own, then reads in one way, then raises an event. */
class Work extends Command("Work", { id: identifier(), read: z.string(), first: z.boolean() }) {}

async function allOf(entries: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

/** Views as custom repositories have them: their types say so only there. */
function viewsOf(repository: CommandContext["repository"]): Pick<AnyRepository, "view"> {
  return repository(Account) as unknown as AnyRepository;
}

type Read = (context: CommandContext, id: string) => Promise<unknown>;
const reads: Readonly<Record<string, Read>> = {
  "repository.get": ({ repository }, id) => repository(Account).get(id),
  "repository.find": ({ repository }, id) => repository(Account).find(id),
  "repository.exists": ({ repository }, id) => repository(Account).exists(id),
  "repository.history": ({ repository }, id) => allOf(repository(Account).history(id)),
  "repository.get, at a version": ({ repository }, id) => repository(Account).get(id, { atVersion: 1 }),
  "repository.get, as of a moment": ({ repository }, id) => repository(Account).get(id, { asOf: new Date() }),
  "repository.get, of a document": ({ repository }) => repository(Holder).get("ada"),
  "repository.query": ({ repository }) => repository(Holder).query({ where: { email: "ada@example.com" } }),
  "repository.page": ({ repository }) => repository(Holder).page({ limit: 1 }),
  "repository.count": ({ repository }) => repository(Holder).count(),
  "repository.view": ({ repository }, id) => viewsOf(repository).view(Line).get(id),
  "view.get": ({ repository }, id) => viewsOf(repository).view(Later).get(id),
  "view.find": ({ repository }) =>
    viewsOf(repository)
      .view(Line)
      .find({ where: { balance: { gte: 0 } } }),
  "view.page": ({ repository }) => viewsOf(repository).view(Line).page({ limit: 2 }),
  "view.count": ({ repository }) => viewsOf(repository).view(Line).count(),
  "query handlers": ({ query }, id) => query(new Ask({ id })),
  "nested commands": ({ process }, id) => process(new Pay({ id })),
  "unique values": async ({ repository }) => {
    const ada = await repository(Holder).get("ada");
    ada.email = `${ada.email}.uk`;
    await repository(Holder).add(ada);
  },
  "many at once": async ({ repository }, id) => {
    const all = [repository(Account).get(id), repository(Holder).query(), viewsOf(repository).view(Line).find()];
    return Promise.all(all);
  },
  "nothing else": async () => undefined,
};

const work = commandHandlers(Account)
  .create(Open, ({ id }) => Account.create((account) => account.raise(new Opened({ id }))))
  .update(Pay, (account, { id, amount }) => {
    account.raise(new Paid({ id, amount }));
    return account.balance;
  })
  .on(Work, async ({ id, read, first }, context) => {
    const { repository, transaction } = context;
    if (first) await transaction.query("INSERT INTO notes VALUES ($1)", [id]);
    await reads[read]?.(context, id);
    if (!first) await transaction.query("INSERT INTO notes VALUES ($1)", [id]);
    const account = await repository(Account).get(id);
    if (read === "refused") throw new Error("refused");
    account.raise(new Paid({ id, amount: 1 }));
    await repository(Account).add(account);
  });
const registering = commandHandlers(Holder).create(Register, (command) => new Holder({ ...command }));
const elements = [Account, Holder, Line, lines, Later, later, questions, work, registering];

describe.skipIf(missingPostgres !== undefined)("the pool of a store on PostgreSQL", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    await database.pool.query("CREATE TABLE notes (id text)");
  });
  afterAll(() => database.drop(), 120_000);

  /** A domain whose store has so many connections, all free but for the one that writes. */
  async function started(max: number, schema = newSchema()) {
    const pool = new pg.Pool({ connectionString: database.url, max });
    onTestFinished(() => pool.end());
    const log = { warn: () => undefined, error: () => undefined };
    const store = postgres({ pool, schema, setUp: true });
    const domain = new Domain("bank", { elements, store, log, cachedAggregates: 0 });
    await domain.start();
    onTestFinished(() => domain.stop());
    return { domain, pool, schema };
  }

  async function seeded(max: number) {
    const { domain, pool, schema } = await started(max);
    await domain.process(new Register({ id: "ada", email: "ada@example.com" }));
    for (const id of ["1", "2"]) {
      await domain.process(new Open({ id }));
      for (let n = 0; n < 5; n++) await domain.process(new Pay({ id }));
    }
    return { domain, pool, schema };
  }

  /** Takes connections until one is left. */
  async function allButOne(pool: pg.Pool) {
    const taken: pg.PoolClient[] = [];
    while (pool.options.max - (pool.totalCount - pool.idleCount) > 1) taken.push(await pool.connect());
    return {
      giveBack: () => {
        for (const client of taken) client.release();
      },
    };
  }

  test("all that a repository and a view can read is tried", () => {
    const readers = Object.keys(reads).map((name) => name.split(",")[0]);
    const methods = (prototype: object) =>
      Object.getOwnPropertyNames(prototype).filter((name) => !["constructor", "add", "remove"].includes(name));
    for (const name of methods(UnitRepository.prototype)) expect(readers).toContain(`repository.${name}`);
    for (const name of methods(ProjectionView.prototype)) expect(readers).toContain(`view.${name}`);
  });

  describe.each([true, false])("a handler with SQL of its own, before its reads: %s", (first) => {
    test.each(Object.keys(reads))("needs one connection and no more: %s", async (read) => {
      const { domain, pool } = await seeded(4);
      const { giveBack } = await allButOne(pool);
      const options = { timeout: 8000, idempotencyKey: "once" };
      try {
        await domain.process(new Work({ id: "1", read, first }), options);
        await domain.process(new Work({ id: "1", read, first }), options); // known by its key
        expect((await domain.view(Line).get("1"))?.balance).toBe(read === "nested commands" ? 7 : 6);
      } finally {
        giveBack();
      }
    });
  });

  test.each(Object.keys(reads))("a command in its caller's transaction takes none: %s", async (read) => {
    const { domain, pool } = await seeded(4);
    const { giveBack } = await allButOne(pool);
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const options = { timeout: 8000, idempotencyKey: "once", transaction: client as never };
      await domain.process(new Work({ id: "1", read, first: true }), options);
      await domain.process(new Work({ id: "1", read, first: true }), options);
      await client.query("COMMIT");
    } finally {
      client.release();
      giveBack();
    }
    expect((await domain.view(Line).get("1"))?.balance).toBe(read === "nested commands" ? 7 : 6);
  });

  test("one that is refused, or tried again, gives its own back first", async () => {
    const { domain, pool, schema } = await seeded(4);
    const rival = await started(3, schema);
    const { giveBack } = await allButOne(pool);
    try {
      const options = { timeout: 8000, idempotencyKey: "refused" };
      await expect(domain.process(new Work({ id: "1", read: "refused", first: true }), options)).rejects.toThrow(
        "refused",
      );
      const both = [
        domain.process(new Work({ id: "1", read: "repository.get", first: true }), { timeout: 8000 }),
        domain.process(new Work({ id: "1", read: "view.find", first: true }), { timeout: 8000 }),
        rival.domain.process(new Pay({ id: "1", amount: 10 })),
      ];
      await Promise.all(both);
      expect((await domain.view(Line).get("1"))?.balance).toBe(17);
    } finally {
      giveBack();
    }
  });

  test("as many commands as there are, and more, end where each has SQL of its own, and new types of events", async () => {
    const { domain } = await started(5);
    const ids = Array.from({ length: 40 }, (_, n) => String(n));
    for (const id of ids) await domain.process(new Open({ id }));
    const all = ids.map((id) => domain.process(new Work({ id, read: "repository.get", first: true })));
    await Promise.all(all);
    expect(await domain.view(Line).count({ balance: 1 })).toBe(40);
  });

  test("callers' transactions that have all connections but the writer's bring in new types of events", async () => {
    const { domain, pool } = await started(5);
    const ids = Array.from({ length: 12 }, (_, n) => String(n));
    for (const id of ids) await domain.process(new Open({ id }));
    const all = ids.map(async (id) => {
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        await domain.process(new Pay({ id }), { transaction: client as never, timeout: 20_000 });
        await client.query("COMMIT");
      } finally {
        client.release();
      }
    });
    await Promise.all(all);
    expect(await domain.view(Line).count({ balance: 1 })).toBe(12);
    // what a transaction that was undone had brought in is brought in again
    expect(await domain.process(new Pay({ id: "0" }))).toBe(2);
  });

  test("types of events that a transaction brought in, and took back, are brought in by whoever comes next", async () => {
    const { domain, pool } = await started(5);
    for (const id of ["1", "2", "3"]) await domain.process(new Open({ id }));
    const client = await pool.connect();
    await client.query("BEGIN");
    expect(await domain.process(new Pay({ id: "1" }), { transaction: client as never })).toBe(1);
    await client.query("ROLLBACK");
    client.release();
    expect(await domain.process(new Pay({ id: "2" }))).toBe(1);
    await domain.process(new Work({ id: "3", read: "repository.history", first: true }));
    expect(await domain.view(Line).find({ orderBy: { id: "asc" } })).toMatchObject([
      { id: "1", balance: 0 },
      { id: "2", balance: 1 },
      { id: "3", balance: 1 },
    ]);
  });

  /** A proxy that can stop answering, so that the server seems to hang. */
  async function frozenWith(options: Partial<PostgresOptions>, poolOptions: pg.PoolConfig) {
    const { hostname, port } = new URL(database.url);
    const proxy = await proxyTo(Number(port), hostname);
    onTestFinished(() => proxy.close());
    const url = new URL(database.url);
    url.hostname = "127.0.0.1";
    url.port = String(proxy.port);
    const pool = new pg.Pool({ connectionString: url.href, ...poolOptions });
    pool.on("error", () => undefined);
    const store = postgres({ pool, schema: newSchema(), setUp: true, ...options });
    await store.open([]);
    return { pool, store, proxy };
  }

  const codeOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => "done",
      (error) => String(error.code),
    );

  test("where handlers have all connections, the next one is told so in time, by whom and what to do", async () => {
    const { domain, schema } = await started(5);
    for (const id of ["1", "2", "3", "4", "5"]) await domain.process(new Open({ id }));
    const gate = Promise.withResolvers<void>();
    const pool = new pg.Pool({ connectionString: database.url, max: 3 });
    onTestFinished(() => pool.end());
    const bench = workbench(Account);
    const log = { warn: () => undefined, error: () => undefined };
    const other = new Domain("bank", {
      elements: [...elements, bench.handlers],
      store: postgres({ pool, schema, patience: 2000 }),
      log,
      cachedAggregates: 0,
    });
    await other.start();
    const slow = Array.from({ length: 2 }, () =>
      bench.run(other, async ({ transaction }) => {
        await transaction.query("SELECT 1");
        await gate.promise;
      }),
    );
    await until(() => pool.idleCount === 0 && pool.totalCount === 3);
    const refused = {
      code: "STORE_POOL_EXHAUSTED",
      message: expect.stringMatching(
        /all 3 of its pool .* 2 by transactions of handlers \(Work\d+\), the oldest for \d/,
      ),
      fix: expect.stringContaining("greater max"),
    };
    await expect(other.process(new Pay({ id: "1" }))).rejects.toMatchObject(refused);
    await expect(other.process(new Work({ id: "2", read: "", first: true }))).rejects.toMatchObject(refused);
    await expect(other.view(Line).get("1")).rejects.toMatchObject(refused);
    // what writes has its own
    await other.process(new Register({ id: "eve", email: "eve@example.com" }));
    expect(await codeOf(other.process(new Pay({ id: "3" }), { timeout: 50 }))).toBe("DEADLINE_EXCEEDED");
    gate.resolve();
    await Promise.all(slow);
    expect(await other.process(new Pay({ id: "1" }))).toBe(1);
    await other.stop();
    expect(pool.waitingCount).toBe(0);
  });

  test("where callers of the pool have all connections, readers are told so", async () => {
    const { pool, store } = await frozenWith({ patience: 2000 }, { max: 3 });
    const taken = [await pool.connect(), await pool.connect()];
    expect(await codeOf(store.log.head())).toBe("STORE_POOL_EXHAUSTED");
    for (const client of taken) client.release();
    expect(await codeOf(store.log.head())).toBe("done");
    await store.close();
    await pool.end();
  });

  test("the time that a pool gives by itself ends the wait as well", async () => {
    const { pool, store } = await frozenWith({}, { max: 3, connectionTimeoutMillis: 200 });
    const taken = [await pool.connect(), await pool.connect()];
    expect(await codeOf(store.log.head())).toBe("STORE_POOL_EXHAUSTED");
    for (const client of taken) client.release();
    await store.close();
    await pool.end();
  });

  test("without patience for a server the line is waited in all the same", async () => {
    const { pool, store } = await frozenWith({ patience: 0 }, { max: 3 });
    const all = Array.from({ length: 50 }, () => store.log.head());
    expect(await Promise.all(all)).toEqual(all.map(() => 0));
    await store.close();
    await pool.end();
  });

  test.each([3, 20])("a server that does not answer is no full pool: %i connections", async (max) => {
    const { pool, store, proxy } = await frozenWith({ patience: 2000 }, { max });
    await store.log.head();
    proxy.onRequest = () => "drop";
    const codes = await Promise.all(Array.from({ length: 40 }, () => codeOf(store.log.head())));
    expect(new Set(codes)).toEqual(new Set(["STORE_UNREACHABLE"]));
    proxy.onRequest = () => "pass";
    proxy.cutAll();
    await until(async () => (await codeOf(store.log.head())) === "done");
    await store.close({ atOnce: true });
    await pool.end();
  });

  test("a pool that is too small is refused when the store is opened, and the least that will do does", async () => {
    for (const max of [1, 2]) {
      const pool = new pg.Pool({ connectionString: database.url, max });
      const refused = { code: "OPTION_INVALID", message: expect.stringContaining("needs 3 connections") };
      await expect(postgres({ pool, schema: newSchema(), setUp: true }).open([])).rejects.toMatchObject(refused);
      await pool.end();
    }
    const { domain } = await started(3);
    const engine = domain.engine();
    await engine.start();
    const ids = Array.from({ length: 12 }, (_, n) => String(n));
    await Promise.all(ids.map((id) => domain.process(new Open({ id }))));
    await Promise.all(ids.map((id) => domain.process(new Work({ id, read: "repository.history", first: true }))));
    expect(await domain.view(Line).count({ balance: 1 })).toBe(12);
    await engine.stop();
  });

  test("commits go on while 20 transactions of handlers have all connections but one", async () => {
    const { domain, pool, schema } = await started(21);
    for (let n = 0; n < 20; n++) await domain.process(new Open({ id: String(n) }));
    await domain.stop();
    const gate = Promise.withResolvers<void>();
    const bench = workbench(Account);
    const again = new Domain("bank", {
      elements: [...elements, bench.handlers],
      store: postgres({ pool, schema }),
      log: { warn: () => undefined, error: () => undefined },
    });
    await again.start();
    const slow = Array.from({ length: 20 }, () =>
      bench.run(again, async ({ transaction }) => {
        await transaction.query("SELECT 1");
        await gate.promise;
      }),
    );
    await until(() => pool.idleCount === 0 && pool.totalCount === 21);
    for (const id of ["a", "b", "c"]) await again.process(new Register({ id, email: `${id}@example.com` }));
    gate.resolve();
    await Promise.all(slow);
    await again.stop();
  });
});
