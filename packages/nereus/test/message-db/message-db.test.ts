import fc from "fast-check";
import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  type Store,
} from "nereus";
import { memory } from "nereus/memory";
import { messageDb, readCategory, setUp, streamName, streamOfName } from "nereus/message-db";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { append, appendOf, messageOf, streamOf } from "../../src/conformance/samples.ts";
import type { MessageKind } from "../../src/log/message.ts";
import { type MessageDbDatabase, messageDbDatabase, missingPostgres } from "../support/message-db.ts";

const kinds: readonly MessageKind[] = ["event", "command", "fact", "process", "snapshot"];
const hostile = fc.string({
  unit: fc.constantFrom("a", "-", ":", "@", "%", "%25", "%2D", "command", ":fact", "+", "é"),
});

test("every stream has a name of its own, which leads back to it", () => {
  const streams = fc.record({
    tenant: hostile,
    kind: fc.constantFrom(...kinds),
    category: hostile,
    id: hostile,
  });
  fc.assert(
    fc.property(streams, streams, (one, other) => {
      expect(streamOfName(streamName(one))).toEqual(one);
      if (streamName(one) === streamName(other)) expect(one).toEqual(other);
    }),
    { numRuns: 2000 },
  );
});

test("a name of another client's stays what it is, whatever it looks like", () => {
  fc.assert(
    fc.property(hostile, (name) => {
      expect(streamName(streamOfName(name))).toBe(name);
    }),
    { numRuns: 2000 },
  );
});

test("ordinary names are those that other clients expect", () => {
  expect(streamName(streamOf("4f-9", { category: "account" }))).toBe("account-4f-9");
  expect(streamName(streamOf("1", { category: "account", kind: "command" }))).toBe("account:command-1");
  expect(streamName(streamOf("1", { category: "account", kind: "snapshot" }))).toBe("account:snapshot-1");
});

describe.skipIf(missingPostgres !== undefined)("on Message DB", () => {
  let database: MessageDbDatabase;
  let store: Store;

  beforeAll(async () => {
    database = await messageDbDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await database.empty();
    store = messageDb({ pool: database.pool, documents: memory() });
    await store.open([]);
  });

  const foreign = async (name: string, type: string, data: object, client: pg.Pool | pg.PoolClient = database.pool) => {
    await client.query("SET search_path TO message_store");
    await client.query("SELECT write_message(gen_random_uuid()::varchar, $1, $2, $3::jsonb)", [
      name,
      type,
      JSON.stringify(data),
    ]);
    await client.query("RESET search_path");
  };

  test("set-up may be repeated, and what is there stays", async () => {
    await append(store, "a", "none", messageOf());
    await setUp({ pool: database.pool });
    expect(await store.log.readStream(streamOf("a"), { limit: 10 })).toHaveLength(1);
  });

  test("a database without Message DB is told apart, with what to do", async () => {
    const empty = await messageDbDatabase({ isSetUp: false });
    try {
      const closed = messageDb({ pool: empty.pool, documents: memory() });
      await expect(closed.open([])).rejects.toMatchObject({ code: "STORE_NOT_SET_UP" });
    } finally {
      await empty.drop();
    }
  });

  test("what another client wrote is read, and what we wrote is read by Message DB's own functions", async () => {
    await foreign("accounts-7", "Opened", { holder: "Ada" });
    const [read] = await store.log.readStream(streamOf("7"), { limit: 10 });
    expect(read).toMatchObject({
      type: "Opened",
      version: 0,
      stream: { category: "accounts", id: "7", kind: "event" },
    });
    expect(JSON.parse(read?.data ?? "")).toEqual({ holder: "Ada" });
    await append(store, "7", 0, messageOf("Closed", { data: '{"why":"done"}' }));
    const client = await database.pool.connect();
    try {
      await client.query("SET search_path TO message_store");
      const { rows } = await client.query("SELECT type, position, data, metadata FROM get_stream_messages($1)", [
        "accounts-7",
      ]);
      expect(rows.map(({ type, position }) => [type, Number(position)])).toEqual([
        ["Opened", 0],
        ["Closed", 1],
      ]);
      expect(JSON.parse(rows[1].data)).toEqual({ why: "done" });
      await client.query("RESET search_path");
    } finally {
      client.release();
    }
  });

  test("commands and facts are in no event category", async () => {
    await store.commit({
      appends: [
        appendOf(streamOf("1"), "none", messageOf("Opened")),
        appendOf(streamOf("1", { kind: "command" }), "any", messageOf("Close")),
        appendOf(streamOf("1", { kind: "fact" }), "any", messageOf("AccountFact")),
      ],
    });
    const events = await readCategory(database.pool, { category: "accounts", limit: 10 });
    expect(events.map(({ type }) => type)).toEqual(["Opened"]);
    const commands = await readCategory(database.pool, { category: "accounts", kind: "command", limit: 10 });
    expect(commands.map(({ type }) => type)).toEqual(["Close"]);
  });

  test("the members of a consumer group share a category: each stream goes to one of them", async () => {
    for (let n = 0; n < 30; n++) await append(store, `s${n % 10}`, "any", messageOf("Deposited"));
    const pages = await Promise.all(
      [0, 1, 2].map((member) =>
        readCategory(database.pool, { category: "accounts", limit: 100, group: { member, size: 3 } }),
      ),
    );
    const all = pages.flat();
    expect(new Set(all.map(({ id }) => id)).size).toBe(30);
    expect(all).toHaveLength(30);
    const members = new Map<string, Set<number>>();
    for (const [member, page] of pages.entries()) {
      for (const { stream } of page) members.set(stream.id, (members.get(stream.id) ?? new Set()).add(member));
    }
    expect([...members.values()].every((of) => of.size === 1)).toBe(true);
    await expect(
      readCategory(database.pool, { category: "accounts", limit: 1, group: { member: 3, size: 3 } }),
    ).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("a reader does not pass a position that a slow transaction of another client has taken and not yet shown", async () => {
    const slow = await database.anotherPool().connect();
    await slow.query("BEGIN");
    await foreign("slow-1", "Late", {}, slow);
    await append(store, "quick", "none", messageOf("Early"));
    const before = await store.log.readLog({ after: 0, limit: 10 });
    expect(before.messages).toEqual([]);
    await slow.query("COMMIT");
    slow.release();
    const after = await store.log.readLog({ after: before.through, limit: 10 });
    expect(after.messages.map(({ type }) => type)).toEqual(["Late", "Early"]);
  });

  test("a follower sees each message once, in the order of positions, while writers of many categories delay their commits", async () => {
    const pool = database.anotherPool({ max: 8 });
    const perWriter = 25;
    const writer = async (n: number): Promise<void> => {
      for (let at = 0; at < perWriter; at++) {
        const client = await pool.connect();
        await client.query("BEGIN");
        await foreign(`category${n}-1`, `M${n}.${at}`, {}, client);
        await client.query("SELECT pg_sleep($1)", [Math.random() * 0.02]);
        await client.query(at % 5 === 4 ? "ROLLBACK" : "COMMIT");
        client.release();
      }
    };
    const seen: { type: string; position: number }[] = [];
    let isDone = false;
    let through = 0;
    const follow = async (): Promise<void> => {
      for (;;) {
        const isLast = isDone;
        const page = await store.log.readLog({ after: through, limit: 7 });
        for (const { type, position } of page.messages) seen.push({ type, position });
        expect(page.through).toBeGreaterThanOrEqual(through);
        through = page.through;
        if (isLast && page.messages.length === 0) return;
      }
    };
    const following = follow();
    await Promise.all(Array.from({ length: 8 }, (_, n) => writer(n)));
    isDone = true;
    await following;
    const positions = seen.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    const { rows } = await database.pool.query("SELECT type FROM message_store.messages ORDER BY global_position");
    expect(rows).toHaveLength(8 * (perWriter - perWriter / 5));
    expect(seen.map(({ type }) => type)).toEqual(rows.map(({ type }) => type));
  }, 180_000);

  describe("promises that it keeps in a weaker form", () => {
    class Opened extends Event("Opened", { accountId: identifier() }) {}
    class Open extends Command("Open", { accountId: identifier() }) {}
    class Account extends EventSourcedAggregate("Account", { accountId: identifier() }).applies(Opened, (it, event) => {
      it.accountId = event.accountId;
    }) {}
    class Row extends Projection("Row", { accountId: identifier(), n: z.number() }) {}
    class Product extends Aggregate("Product", { productId: identifier() }).raises(Opened) {}
    const opening = commandHandlers(Account).create(Open, ({ accountId }) =>
      Account.create((it) => it.raise(new Opened({ accountId }))),
    );
    const rows = (run: "inline" | "async") =>
      projector(Row, { run }).create(Opened, ({ accountId }) => ({ accountId, n: 1 }));

    test("start refuses what would break silently, by element and promise, unless it was accepted by name", async () => {
      const elements = [Account, opening, Row, rows("inline"), Product];
      const strict = new Domain("bank", { elements, store: messageDb({ pool: database.pool, documents: memory() }) });
      expect(
        strict
          .check()
          .map(({ code, element }) => `${code} ${element}`)
          .sort(),
      ).toEqual(["STORE_CAPABILITY_MISSING Product", "STORE_CAPABILITY_MISSING Row"]);
      await expect(strict.start()).rejects.toMatchObject({ code: "MODEL_INVALID" });
      const weaker = ["state-with-events", "events-with-documents"] as const;
      const accepted = messageDb({ pool: database.pool, documents: memory(), weaker });
      expect(new Domain("bank", { elements, store: accepted }).check()).toEqual([]);
    });

    test("a process that starts while another client's transaction hides the end of the log does not take it for one that went back", async () => {
      const documents = memory();
      const elements = [Account, opening, Row, rows("async")];
      const started = async () => {
        const bank = new Domain("bank", { elements, store: messageDb({ pool: database.pool, documents }) });
        await bank.start();
        return bank;
      };
      const first = await started();
      await first.process(new Open({ accountId: "1" }));
      await first.settle();
      await first.stop();
      const slow = await database.anotherPool().connect();
      await slow.query("BEGIN");
      await foreign("slow-1", "Late", {}, slow);
      const second = await started();
      await slow.query("COMMIT");
      slow.release();
      await second.process(new Open({ accountId: "2" }));
      await second.settle();
      expect(await second.view(Row).get("2")).toMatchObject({ n: 1 });
      await second.stop();
    });

    test("event-sourced aggregates, async projections and idempotency keys need no weaker promise", async () => {
      const bank = new Domain("bank", {
        elements: [Account, opening, Row, rows("async")],
        store: messageDb({ pool: database.pool, documents: memory() }),
      });
      await bank.start();
      for (const _ of [1, 2]) {
        expect(await bank.process(new Open({ accountId: "1" }), { idempotencyKey: "once" })).toBe("1");
      }
      await bank.settle();
      expect(await bank.view(Row).get("1")).toMatchObject({ n: 1 });
      await bank.stop();
      const { rows: types } = await database.pool.query(
        "SELECT type FROM message_store.messages WHERE stream_name = 'Account-1'",
      );
      expect(types).toHaveLength(1);
    });

    test("a snapshot is where the other clients of Message DB look for it, and theirs are passed over", async () => {
      class Purse extends EventSourcedAggregate(
        "Purse",
        { accountId: identifier(), n: z.number().default(0) },
        { snapshotEvery: 2 },
      ).applies(Opened, (purse, event) => {
        purse.accountId = event.accountId;
        purse.n += 1;
      }) {}
      class Fill extends Command("Fill", { accountId: identifier() }).returns<number>() {}
      const purses = commandHandlers(Purse).on(Fill, async ({ accountId }, { repository }) => {
        const purse = (await repository(Purse).find(accountId)) ?? Purse.create(() => undefined);
        purse.raise(new Opened({ accountId }));
        await repository(Purse).add(purse);
        return purse.n;
      });
      const start = async () => {
        const bank = new Domain("bank", {
          elements: [Purse, purses],
          store: messageDb({ pool: database.pool, documents: memory() }),
        });
        await bank.start();
        return bank;
      };
      const bank = await start();
      for (const _ of [1, 2, 3]) await bank.process(new Fill({ accountId: "a-1" }));
      await bank.stop();
      const other = await database.pool.connect(); // as a client of another language has it
      await other.query("SET search_path = message_store");
      const last = async () => (await other.query("SELECT * FROM get_last_stream_message('Purse:snapshot-a-1')")).rows;
      expect((await last()).map(({ type, data }) => ({ type, ...JSON.parse(data) }))).toEqual([
        {
          type: "PurseSnapshot",
          version: 1,
          event: expect.any(String),
          shape: expect.any(String),
          state: { accountId: "a-1", n: 2 },
        },
      ]);
      const theirs = `'{"n": 70, "_version": 2}'`;
      await other.query(
        `SELECT write_message(gen_random_uuid()::varchar, 'Purse:snapshot-a-1', 'SNAPSHOT', ${theirs})`,
      );
      const again = await start();
      expect(await again.process(new Fill({ accountId: "a-1" }))).toBe(4);
      await again.stop();
      expect((await last())[0]).toMatchObject({ type: "PurseSnapshot" });
      await other.query("RESET search_path");
      other.release();
    });

    test("where the second store fails after the log was written, a repetition of the command takes no second effect", async () => {
      const second = memory();
      let fails = false;
      const write = second.commit.bind(second);
      second.commit = async (commit) => {
        if (fails && (commit.checkpoint !== undefined || commit.idempotency !== undefined)) throw new Error("crash");
        return write(commit);
      };
      const torn = messageDb({ pool: database.pool, documents: second });
      await torn.open([]);
      const commit = {
        appends: [appendOf("1", "none", messageOf("Opened"))],
        idempotency: { tenant: "", key: "k", fingerprint: "f", result: '"1"' },
        checkpoint: { name: "subscription", expected: 0, position: 5 },
      };
      fails = true;
      await expect(torn.commit(commit)).rejects.toMatchObject({ code: "COMMIT_INCOMPLETE" });
      fails = false;
      const again = await torn.commit({ ...commit, appends: [appendOf("1", 0, messageOf("Opened"))] });
      expect(again).toMatchObject({ status: "duplicate", record: { key: "k", result: '"1"' } });
      expect(await torn.log.readStream(streamOf("1"), { limit: 10 })).toHaveLength(1);
    });

    test("messages that wait in the second store when the process dies are in the log after the next start", async () => {
      const second = memory();
      const pool = database.anotherPool();
      let dies = false;
      const dying = {
        async connect() {
          const client = await pool.connect();
          const query = (statement: string, values: unknown[]) => {
            const isLost = dies && /write_message|BEGIN/.test(JSON.stringify(statement));
            return isLost ? Promise.reject(new Error("dead")) : client.query(statement, values);
          };
          return { query, release: (destroy: boolean) => client.release(destroy) };
        },
        query: () => Promise.reject(new Error("every statement is run on a connection that was borrowed")),
      } as unknown as pg.Pool;
      const people = { name: "people", fields: [], indexes: [], unique: [] };
      const weak = messageDb({ pool: dying, documents: second, weaker: ["state-with-events"], patience: 0 });
      await weak.open([people]);
      dies = true;
      const document = { collection: "people", tenant: "", id: "1", expectedVersion: "none", data: "{}" } as const;
      await expect(
        weak.commit({ appends: [appendOf("1", "any", messageOf("Joined"))], documents: [document] }),
      ).rejects.toMatchObject({ code: "COMMIT_INCOMPLETE" });
      expect(await store.log.readStream(streamOf("1"), { limit: 10 })).toEqual([]);
      const next = messageDb({ pool: database.pool, documents: second, weaker: ["state-with-events"] });
      await next.open([people]);
      expect((await next.log.readStream(streamOf("1"), { limit: 10 })).map(({ type }) => type)).toEqual(["Joined"]);
      expect((await next.documents.get("people", "", ["1"])).size).toBe(1);
    });
  });
});
