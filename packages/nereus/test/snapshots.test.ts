import fc from "fast-check";
import {
  Command,
  commandHandlers,
  Domain,
  type DomainOptions,
  type Element,
  Entity,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  hasMany,
  hasOne,
  identifier,
  type Store,
  status,
  ValueObject,
} from "nereus";
import { apply, Aggregate as Decorated, decorators } from "nereus/decorators";
import { memory } from "nereus/memory";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { hydrate } from "../src/application/loading.ts";
import { messageOf } from "../src/conformance/samples.ts";
import { stateShapeOf } from "../src/domain/state-shape.ts";
import { definition } from "../src/model/element.ts";
import { type Build, builds, decorate } from "./decorators/decorate.ts";
import { everyStore } from "./support/every-store.ts";
import { inMemory, RecordedLog } from "./support/places.ts";
import { missingPostgres } from "./support/postgres.ts";
import { PostgresSchemas } from "./support/postgres-schemas.ts";
import { script } from "./support/scripts.ts";
import { watchingLog } from "./support/watched-log.ts";

class Opened extends Event("Opened", { accountId: identifier(), opening: z.number() }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number() }) {}

class Open extends Command("Open", { accountId: identifier(), opening: z.number() }) {}
class Deposit extends Command("Deposit", {
  accountId: identifier(),
  amount: z.number(),
  times: z.number().default(1),
}).returns<number>() {}
class Look extends Command("Look", { accountId: identifier() }).returns<{ balance: number; version: number }>() {}

/** The account as one release has it. */
function account({ every = 5, version = 1, factor = 1, fields = {} } = {}) {
  class Account extends EventSourcedAggregate(
    "Account",
    { accountId: identifier(), balance: z.number().default(0), ...fields },
    { snapshotEvery: every, snapshotVersion: version },
  )
    .applies(Opened, (it, event) => {
      it.accountId = event.accountId;
      it.balance = event.opening;
    })
    .applies(
      Deposited,
      // two handlers with another text each, as two releases have them
      factor === 1
        ? (it, event) => {
            it.balance += event.amount;
          }
        : (it, event) => {
            it.balance += event.amount * factor;
          },
    ) {}
  const handlers = commandHandlers(Account)
    .create(Open, (command) => Account.create((it) => it.raise(new Opened(command))))
    .update(Deposit, (it, { amount, times }) => {
      for (let time = 0; time < times; time++) it.raise(new Deposited({ accountId: it.accountId, amount }));
      return it.balance;
    })
    .on(Look, async ({ accountId }, { repository }) => {
      const { balance, version: at } = await repository(Account).get(accountId);
      return { balance, version: at };
    });
  return { Account, elements: [Account, handlers] };
}

async function started(
  store: Store,
  elements: readonly Element[],
  options: Partial<DomainOptions> = {},
): Promise<Domain> {
  const domain = new Domain("bank", { elements, store, log: new RecordedLog(), ...options });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

const kept = (id: string, tenant = "") => ({ tenant, kind: "snapshot", category: "Account", id }) as const;

/** The versions of which the store has snapshots, in the order in which they were written. */
async function keptVersions(store: Store, id: string, tenant = ""): Promise<number[]> {
  const messages = await store.log.readStream(kept(id, tenant), { limit: 1000 });
  return messages.map(({ data }) => (JSON.parse(data) as { version: number }).version);
}

const kinds = everyStore();

describe.each(kinds.filter(({ missing }) => missing === undefined))("on $name", ({ open }) => {
  test("of 8 events the first 5 are in a snapshot: only 3 are read, and the state is that of all", async () => {
    const store = await open();
    const { elements } = account();
    const first = await started(store(), elements);
    await first.process(new Open({ accountId: "1", opening: 1000 }));
    for (let time = 0; time < 7; time++) await first.process(new Deposit({ accountId: "1", amount: 100 }));
    await first.settle();

    const { store: watched, reads } = watchingLog(store());
    const second = await started(watched, elements);
    expect(await second.process(new Look({ accountId: "1" }))).toEqual({ balance: 1700, version: 7 });
    expect(reads).toMatchObject({ events: 3, snapshots: 1 });
    expect(await keptVersions(watched, "1")).toEqual([4]);
    expect(await second.process(new Deposit({ accountId: "1", amount: 1 }))).toBe(1701);
    await second.process(new Deposit({ accountId: "1", amount: 1 }));
    await second.settle();
    expect(await keptVersions(watched, "1")).toEqual([4, 9]);
  });

  test("an account of 10,000 events loads in bounded time, also if its snapshots begin late", async () => {
    const store = await open();
    const early = await started(store(), account({ every: 1_000_000 }).elements);
    await early.process(new Open({ accountId: "1", opening: 0 }));
    await early.process(new Deposit({ accountId: "1", amount: 1, times: 9_998 }));
    const { elements } = account({ every: 100 });
    const load = async (version: number): Promise<number> => {
      const { store: watched, reads } = watchingLog(store());
      const domain = await started(watched, elements);
      expect(await domain.process(new Look({ accountId: "1" }))).toEqual({ balance: 9_998, version });
      await domain.settle();
      return reads.events;
    };
    expect(await load(9_998)).toBe(9_999);
    expect(await load(9_998)).toBe(0);
    const next = await started(store(), elements);
    await next.process(new Deposit({ accountId: "1", amount: 0, times: 50 }));
    await next.settle();
    expect(await load(10_048)).toBe(0);
    await next.process(new Deposit({ accountId: "1", amount: 0, times: 50 }));
    expect(await load(10_098)).toBe(50);
    expect(await keptVersions(await opened(store), "1")).toEqual([9_998, 10_048]);
  });

  test("a snapshot that another shape or other handlers made is ignored; each release keeps and finds its own", async () => {
    const store = await open();
    const old = await started(store(), account().elements);
    await old.process(new Open({ accountId: "1", opening: 1000 }));
    await old.process(new Deposit({ accountId: "1", amount: 100, times: 6 }));
    await old.settle();
    const releases = [
      { release: account({ factor: 2 }), balance: 2200 },
      { release: account({ fields: { currency: z.string().default("USD") } }), balance: 1600 },
      { release: account({ version: 2 }), balance: 1600 },
      { release: account(), balance: 1600 },
    ];
    const eventsRead: number[] = [];
    for (const _ of [1, 2]) {
      for (const { release, balance } of releases) {
        const { store: watched, reads } = watchingLog(store());
        const domain = await started(watched, release.elements);
        expect(await domain.process(new Look({ accountId: "1" }))).toEqual({ balance, version: 6 });
        await domain.settle();
        eventsRead.push(reads.events);
      }
    }
    expect(eventsRead).toEqual([7, 7, 7, 0, 0, 0, 0, 0]);
  });

  test("tenants, and identities that a database might take for something else, each have snapshots of their own", async () => {
    const store = await open();
    const { elements } = account({ every: 2 });
    const first = await started(store(), elements);
    const ids = ["1", "a-b:c", "ünïcode 🙂", "Account:snapshot-1", "'; DROP TABLE --"];
    for (const [at, accountId] of ids.entries()) {
      for (const [factor, tenant] of [
        [1, ""],
        [100, "north-1"],
      ] as const) {
        await first.process(new Open({ accountId, opening: at * factor }), { tenant });
        await first.process(new Deposit({ accountId, amount: factor }), { tenant });
      }
    }
    await first.settle();
    const { store: watched, reads } = watchingLog(store());
    const second = await started(watched, elements);
    for (const [at, accountId] of ids.entries()) {
      for (const [factor, tenant] of [
        [1, ""],
        [100, "north-1"],
      ] as const) {
        const found = await second.process(new Look({ accountId }), { tenant });
        expect(found).toEqual({ balance: (at + 1) * factor, version: 1 });
        expect(await keptVersions(watched, accountId, tenant)).toEqual([1]);
      }
    }
    expect(reads.events).toBe(0);
  });

  test("what is no snapshot of ours, or is damaged, is done without", async () => {
    const store = await open();
    const { elements } = account();
    const first = await started(store(), elements);
    await first.process(new Open({ accountId: "1", opening: 1 }));
    await first.process(new Deposit({ accountId: "1", amount: 1, times: 5 }));
    await first.settle();
    const raw = store();
    await raw.open([]);
    const [good] = await raw.log.readStream(kept("1"), { limit: 1 });
    const state = good?.data ?? "";
    const damaged = [
      messageOf("Recorded", { data: '{"entityData":{"balance":7},"entityVersion":3}' }),
      messageOf("AccountSnapshot", { data: state.replace('"balance":6', '"balance":"six"'), checksum: 1 }),
      messageOf("AccountSnapshot", { data: '{"version":9}' }),
      messageOf("AccountSnapshot", { data: "null" }),
      messageOf("AccountSnapshot", { data: "[]" }),
    ];
    for (const message of damaged)
      await raw.commit({ appends: [{ stream: kept("1"), expectedVersion: "any", messages: [message] }] });
    const log = new RecordedLog();
    const { store: watched, reads } = watchingLog(store());
    const second = await started(watched, elements, { log });
    expect(await second.process(new Look({ accountId: "1" }))).toEqual({ balance: 6, version: 5 });
    expect(reads.events).toBe(0); // the good one is there still
    expect(log.warnings.map(({ message }) => message)).toContain(
      "A snapshot of Account 1 cannot be read: its events are, instead",
    );
    expect(log.warnings.map(({ details }) => (details as { code?: string }).code)).toContain("CHECKSUM_MISMATCH");
    await raw.close();
  });

  test("two processes that make the same snapshot write it once", async () => {
    const store = await open();
    const early = await started(store(), account({ every: 1000 }).elements);
    await early.process(new Open({ accountId: "1", opening: 0 }));
    await early.process(new Deposit({ accountId: "1", amount: 1, times: 9 }));
    const { elements } = account({ every: 3 });
    const rivals = await Promise.all([1, 2, 3].map(() => started(store(), elements)));
    await Promise.all(rivals.map((domain) => domain.process(new Look({ accountId: "1" }))));
    await Promise.all(rivals.map((domain) => domain.settle()));
    expect(await keptVersions(await opened(store), "1")).toEqual([9]);
  });

  test("nobody who follows the log meets a snapshot, and the past is read from the events", async () => {
    const store = await open();
    const { Account, elements } = account({ every: 2 });
    const seen: number[] = [];
    const watcher = eventHandlers("Watcher", { run: "async" })
      .on(Opened, () => void seen.push(0))
      .on(Deposited, (event) => void seen.push(event.amount));
    const past = script(Account, async ({ repository }) => {
      const accounts = repository(Account);
      const versions: number[] = [];
      for await (const { version } of accounts.history("1")) versions.push(version);
      return [versions, (await accounts.get("1", { atVersion: 2 })).balance, (await accounts.get("1")).balance];
    });
    const domain = await started(store(), [...elements, watcher, past.handlers]);
    await domain.process(new Open({ accountId: "1", opening: 0 }));
    for (const amount of [1, 2, 3, 4]) await domain.process(new Deposit({ accountId: "1", amount }));
    await domain.settle();
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(await domain.process(past.command())).toEqual([[0, 1, 2, 3, 4], 3, 10]);
    const raw = await opened(store);
    const { messages } = await raw.log.readLog({ after: 0, limit: 100, categories: ["Account"] });
    expect(messages.map(({ stream }) => stream.kind)).toEqual(messages.map(() => "event"));
    expect(await keptVersions(raw, "1")).toEqual([1, 3]);
  });
});

/** A store of the data, open until the test ends. */
async function opened(store: () => Store): Promise<Store> {
  const raw = store();
  await raw.open([]);
  onTestFinished(() => raw.close());
  return raw;
}

describe("writing snapshots", () => {
  test("a command does not wait for one, and is not touched by its failure", async () => {
    const log = new RecordedLog();
    let fails = true;
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { store } = watchingLog(memory(), async ({ appends = [] }) => {
      if (appends[0]?.stream.kind !== "snapshot") return;
      await gate;
      if (fails) throw new Error("disk full");
    });
    const { elements } = account({ every: 1 });
    const domain = await started(store, elements, { log });
    await domain.process(new Open({ accountId: "1", opening: 0 }));
    for (const amount of [1, 2, 3]) await domain.process(new Deposit({ accountId: "1", amount }));
    expect(log.warnings).toEqual([]);
    release();
    await domain.settle();
    expect(log.warnings).toHaveLength(2); // the first, and then only the latest of those that waited
    expect(log.warnings[0]?.message).toBe("A snapshot of Account 1 was not written: more of its events will be read");
    fails = false;
    await domain.process(new Deposit({ accountId: "1", amount: 4 }));
    await domain.settle();
    expect(await keptVersions(store, "1")).toEqual([4]);
  });

  test("a stop waits until they are written", async () => {
    const inner = memory();
    const { store } = watchingLog(inner, async ({ appends = [] }) => {
      if (appends[0]?.stream.kind === "snapshot") await new Promise((resolve) => setTimeout(resolve, 20));
    });
    const domain = await started(store, account({ every: 1 }).elements);
    await domain.process(new Open({ accountId: "1", opening: 0 }));
    await domain.stop();
    await inner.open([]);
    expect(await keptVersions(inner, "1")).toEqual([0]);
  });

  test("an aggregate that asks for none costs no read and no write", async () => {
    class Plain extends EventSourcedAggregate("Plain", { accountId: identifier() }).applies(Opened, (it, event) => {
      it.accountId = event.accountId;
    }) {}
    const handlers = commandHandlers(Plain).create(Open, (command) =>
      Plain.create((it) => it.raise(new Opened(command))),
    );
    const { store, reads } = watchingLog(memory());
    const domain = await started(store, [Plain, handlers], { cachedAggregates: 0 });
    await domain.process(new Open({ accountId: "1", opening: 0 }));
    await domain.settle();
    expect(reads.snapshots).toBe(0);
    expect(await store.log.head()).toBe(1);
  });

  test("a state that JSON cannot carry is reported, and loaded from its events", async () => {
    class Kept extends Event("Kept", { thingId: identifier() }) {}
    class Thing extends EventSourcedAggregate(
      "Thing",
      { thingId: identifier(), made: z.unknown() },
      { snapshotEvery: 1 },
    ).applies(Kept, (it, event) => {
      it.thingId = event.thingId;
      it.made = new Map([["by", "hand"]]);
    }) {}
    const make = script(Thing, ({ repository }) =>
      repository(Thing).add(Thing.create((it) => it.raise(new Kept({ thingId: "1" })))),
    );
    const look = script(Thing, async ({ repository }) => (await repository(Thing).get("1")).made);
    const log = new RecordedLog();
    const domain = await started(memory(), [Thing, make.handlers, look.handlers], { log, cachedAggregates: 0 });
    await domain.process(make.command());
    await domain.settle();
    expect(await domain.process(look.command())).toEqual(new Map([["by", "hand"]]));
    expect(log.warnings[0]?.message).toBe("No snapshot of Thing 1 can be made: its state cannot be stored");
    expect(log.warnings[0]?.details).toMatchObject({ code: "PAYLOAD_NOT_SERIALISABLE" });
  });
});

class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string() }) {}
class Note extends Entity("Note", {
  noteId: identifier(),
  at: z.date(),
  words: z.array(z.string()).default([]),
}) {}
class Line extends Entity("Line", { sku: identifier(), price: Money, notes: hasMany(Note) }) {}
class Ordered extends Event("Ordered", { orderId: identifier(), at: z.date() }) {}
class LineAdded extends Event("LineAdded", { orderId: identifier(), sku: z.string(), cents: z.bigint() }) {}
class LineRemoved extends Event("LineRemoved", { orderId: identifier(), sku: z.string() }) {}
class Noted extends Event("Noted", { orderId: identifier(), sku: z.string(), word: z.string(), at: z.date() }) {}
class Tagged extends Event("Tagged", { orderId: identifier(), tag: z.string(), n: z.number() }) {}
class Paid extends Event("Paid", { orderId: identifier(), with: z.union([z.string(), z.date()]).optional() }) {}

/** An order with a field of every kind. */
class Order extends EventSourcedAggregate(
  "Order",
  {
    orderId: identifier(),
    at: z.date(),
    lines: hasMany(Line),
    first: hasOne(Note),
    total: Money.schema().optional(),
    dear: z.array(Money.schema()).default([]),
    tags: z.set(z.string()).default(() => new Set<string>()),
    counts: z.map(z.string(), z.number()).default(() => new Map<string, number>()),
    meta: z.record(z.string(), z.object({ list: z.array(z.date()) })).default({}),
    paid: z.union([z.string(), z.date()]).optional(),
    remark: z.string().optional().default("none"),
    closedAt: z.date(),
    state: status({ OPEN: ["PAID"], PAID: [] }, "OPEN"),
    raw: z.unknown(),
  },
  { snapshotEvery: 3 },
)
  .applies(Ordered, (it, event) => {
    it.orderId = event.orderId;
    it.at = event.at;
  })
  .applies(LineAdded, (it, { sku, cents }) => {
    const price = new Money({ amount: cents, currency: "EUR" });
    if (!it.lines.has(sku)) it.lines.add(new Line({ sku, price }));
    else it.lines.get(sku).price = price;
    it.total = new Money({ amount: (it.total?.amount ?? 0n) + cents, currency: "EUR" });
    if (cents > 50n) it.dear.push(price);
  })
  .applies(LineRemoved, (it, { sku }) => {
    if (it.lines.has(sku)) it.lines.remove(sku);
    it.total = undefined;
  })
  .applies(Noted, (it, { sku, word, at }) => {
    const note = it.lines.find(sku)?.notes.find(word);
    if (note !== undefined) note.words.push(word);
    else it.lines.find(sku)?.notes.add({ noteId: word, at });
    it.first = new Note({ noteId: word, at, words: [word] });
  })
  .applies(Tagged, (it, { tag, n }) => {
    it.tags.add(tag);
    it.counts.set(tag, (it.counts.get(tag) ?? 0) + n);
    const list = it.meta[tag]?.list ?? [];
    it.meta[tag] = { list: [...list, new Date(n)] };
    it.raw = { tag, nested: [null, n, { tag }] };
  })
  .applies(Paid, (it, event) => {
    it.paid = event.with;
    it.remark = event.with === undefined ? "cash" : "card";
    it.state = "PAID";
  }) {}

describe.skipIf(missingPostgres !== undefined)("in a transaction of the caller's", () => {
  const schemas = new PostgresSchemas();
  afterAll(() => schemas.drop());

  test("what may never be committed is in no snapshot, and one that is committed is used", async () => {
    const schema = schemas.take();
    onTestFinished(() => schemas.giveBack(schema));
    const { elements } = account({ every: 2 });
    const domain = await started(schemas.storeIn(schema), elements, { cachedAggregates: 0 });
    await domain.process(new Open({ accountId: "1", opening: 0 }));
    const client = await schemas.client();
    await client.query("BEGIN");
    await domain.process(new Deposit({ accountId: "1", amount: 7, times: 4 }), { transaction: client });
    const seen = await domain.process(new Look({ accountId: "1" }), { transaction: client });
    expect(seen).toEqual({ balance: 28, version: 4 });
    await client.query("ROLLBACK");
    client.release();
    await domain.settle();
    const raw = await opened(() => schemas.storeIn(schema));
    expect(await keptVersions(raw, "1")).toEqual([]);
    await domain.process(new Deposit({ accountId: "1", amount: 1 }));
    await domain.settle();
    expect(await keptVersions(raw, "1")).toEqual([1]);
    expect(await domain.process(new Look({ accountId: "1" }))).toEqual({ balance: 1, version: 1 });
  });
});

describe("what the text of the classes does not show", () => {
  test("a decorated aggregate has snapshots, and another text of its method makes them be ignored", async () => {
    const store = memory();
    const release = (twice: boolean) => {
      class Purse extends Decorated(
        "Purse",
        { accountId: identifier(), balance: z.number().default(0) },
        { snapshotEvery: 1 },
      ) {
        added(event: Opened) {
          this.balance += event.opening;
        }
      }
      if (twice)
        Purse.prototype.added = function (this: Purse, event: Opened) {
          this.balance += 2 * event.opening;
        };
      const { aggregate } = decorators(new Domain("purses", { elements: [], store }));
      decorate(builds[0] as Build, Purse, { added: apply(Opened) }, aggregate({ eventSourced: true }));
      return Purse;
    };
    const balances: number[] = [];
    for (const twice of [false, false, true, false]) {
      const Purse = release(twice);
      const run = script(Purse as never, async ({ repository }) => {
        const found = (await repository(Purse).find("1")) as { balance: number } | undefined;
        if (found !== undefined) return found.balance;
        await repository(Purse).add(Purse.create((it) => it.raise(new Opened({ accountId: "1", opening: 4 }))));
        return 4;
      });
      const domain = new Domain("purses", { elements: [Purse as never, run.handlers], store, log: new RecordedLog() });
      await domain.start();
      balances.push(await domain.process(run.command()));
      await domain.stop();
    }
    expect(balances).toEqual([4, 4, 8, 4]);
  });
});

describe("what made a snapshot", () => {
  interface Release {
    readonly eventField?: z.ZodType;
    readonly eventVersion?: number;
    readonly valueField?: z.ZodType;
    readonly entityField?: z.ZodType;
    readonly field?: z.ZodType;
    readonly transitions?: string[];
    readonly rule?: string;
    readonly version?: number;
    readonly every?: number;
    readonly apply?: (it: { n: number }) => void;
  }

  const increment = (it: { n: number }) => {
    it.n += 1;
  };

  /** An aggregate as one release has it. */
  function shapeOf(release: Release): string {
    class Price extends ValueObject("Price", { cents: release.valueField ?? z.number() }) {}
    class Part extends Entity("Part", { partId: identifier(), weight: release.entityField ?? z.number() }) {}
    class Grown extends Event(
      "Grown",
      { thingId: identifier(), by: release.eventField ?? z.number() },
      { version: release.eventVersion ?? 1 },
    ) {}
    class Thing extends EventSourcedAggregate(
      "Thing",
      {
        thingId: identifier(),
        n: z.number().default(0),
        name: release.field ?? z.string().optional(),
        prices: z.array(Price.schema()).default([]),
        parts: hasMany(Part),
        state: status<Record<string, string[]>>({ NEW: release.transitions ?? ["OLD"], OLD: [] }, "NEW"),
      },
      { snapshotEvery: release.every ?? 10, snapshotVersion: release.version ?? 1 },
    )
      .applies(Grown, release.apply ?? increment)
      .invariant("n", release.rule ?? "n is positive", (it) => it.n >= 0) {}
    return stateShapeOf(Thing[definition]);
  }

  test.each<[string, Release]>([
    ["a field of an event", { eventField: z.number().default(7) }],
    ["the version of an event", { eventVersion: 2 }],
    ["a field of a value object, wherever it stands", { valueField: z.bigint() }],
    ["a field of an entity", { entityField: z.string() }],
    ["a field of its own", { field: z.string().default("x") }],
    ["a handler", { apply: (it) => Object.assign(it, { n: it.n + 2 }) }],
    ["the version that its author gives", { version: 2 }],
  ])("is another with another %s", (_, release) => {
    expect(shapeOf(release)).not.toBe(shapeOf({}));
    expect(shapeOf(release)).toBe(shapeOf(release));
  });

  test.each<[string, Release]>([
    ["transitions", { transitions: ["OLD", "NEW"] }],
    ["rules", { rule: "n is never negative" }],
    ["numbers of events between snapshots", { every: 20 }],
  ])("is the same with other %s, which make no other state", (_, release) => {
    expect(shapeOf(release)).toBe(shapeOf({}));
  });
});

describe("a state from a snapshot is the state from the events", () => {
  const word = fc.constantFrom("a", "b", "c", "__proto__", "constructor", "ü", "\u2028", "");
  const when = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") });
  const orderId = "1";
  const event = fc.oneof(
    fc
      .record({ sku: fc.constantFrom("x", "y"), cents: fc.bigInt(0n, 2n ** 70n) })
      .map((it) => new LineAdded({ orderId, ...it })),
    fc.constantFrom("x", "y").map((sku) => new LineRemoved({ orderId, sku })),
    fc
      .record({ sku: fc.constantFrom("x", "y"), word: fc.constantFrom("n", "m"), at: when })
      .map((it) => new Noted({ orderId, ...it })),
    fc.record({ tag: word, n: fc.integer({ min: 0 }) }).map((it) => new Tagged({ orderId, ...it })),
    fc.option(fc.oneof(word, when), { nil: undefined }).map((how) => new Paid({ orderId, with: how })),
  );
  const batches = fc.array(fc.array(event, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });

  test("whatever the events, and wherever the snapshots fall between them", async () => {
    let restored = 0;
    await fc.assert(
      fc.asyncProperty(batches, when, async (all, at) => {
        const store = memory();
        const stepped = { events: [] as (LineAdded | LineRemoved | Noted | Tagged | Paid)[] };
        const make = script(Order, ({ repository }) =>
          repository(Order).add(Order.create((it) => it.raise(new Ordered({ orderId, at })))),
        );
        const go = script(Order, async ({ repository }) => {
          const order = await repository(Order).get(orderId);
          for (const one of stepped.events) if (!(one instanceof Paid) || order.state === "OPEN") order.raise(one);
          await repository(Order).add(order);
        });
        const log = new RecordedLog();
        const { store: watched, reads } = watchingLog(store);
        const domain = new Domain("shop", {
          elements: [Order, make.handlers, go.handlers],
          store: watched,
          log,
          cachedAggregates: 0,
        });
        await domain.start();
        await domain.process(make.command());
        for (const events of all) {
          stepped.events = events;
          await domain.process(go.command());
          await domain.settle();
        }
        const before = reads.events;
        const stream = { tenant: "", kind: "event", category: "Order", id: orderId } as const;
        const fromEvents = await hydrate({ log }, store.log, Order, stream, true);
        let viaSnapshot: Order | undefined;
        const look = script(Order, async ({ repository }) => {
          viaSnapshot = await repository(Order).get(orderId);
        });
        const other = new Domain("shop", { elements: [Order, look.handlers], store: watched, log });
        await domain.stop();
        await other.start();
        await other.process(look.command());
        if (reads.events - before < (fromEvents?.version ?? 0) + 1) restored += 1;
        expect(viaSnapshot).toEqual(fromEvents);
        expect(viaSnapshot?.toJSON()).toEqual(fromEvents?.toJSON());
        expect(log.warnings).toEqual([]);
        await other.stop();
      }),
      { numRuns: 200 },
    );
    expect(restored).toBeGreaterThan(100);
  });

  test("it is as well kept from changes, and checked in commands that follow", async () => {
    const place = inMemory();
    const at = new Date(5);
    const make = script(Order, async ({ repository }) => {
      const order = Order.create((it) => it.raise(new Ordered({ orderId, at })));
      order.raise(new LineAdded({ orderId, sku: "x", cents: 99n }));
      order.raise(new Noted({ orderId, sku: "x", word: "n", at }));
      await repository(Order).add(order);
    });
    const look = script(Order, async ({ repository }) => {
      const order = await repository(Order).get(orderId);
      const frozen = [order.dear, order.tags, order.meta, order.lines.get("x").notes.get("n").words];
      expect(frozen.map((value) => Object.isFrozen(value))).toEqual([true, true, true, true]);
      expect(() => (order.at as Date).setTime(1)).toThrow();
      order.raise(new Paid({ orderId, with: undefined }));
      expect(() => order.raise(new Paid({ orderId, with: undefined }))).toThrow(
        expect.objectContaining({ code: "STATUS_TRANSITION_FORBIDDEN" }),
      );
      await repository(Order).add(order);
      return order.version;
    });
    const first = await place.start([Order, make.handlers]);
    await first.process(make.command());
    await first.settle();
    const second = await place.start([Order, look.handlers]);
    expect(await second.process(look.command())).toBe(3);
  });
});
