import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Entity,
  Event,
  hasMany,
  hasOne,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Account, accountCommands, Deposit, Open } from "./support/bank.ts";
import { type CountingStore, counting } from "./support/counting-store.ts";
import { storedMessages } from "./support/log.ts";
import { type Place, places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

class Cancelled extends Event("Cancelled", { orderId: identifier(), why: z.string() }) {}
class Remark extends Entity("Remark", { remarkId: identifier(), text: z.string() }) {}
class Line extends Entity(
  "Line",
  { sku: z.string(), quantity: z.number().int(), remarks: hasMany(Remark) },
  { identifiedBy: "sku" },
) {}
class Address extends Entity("Address", { addressId: identifier(), city: z.string() }) {}
class Order extends Aggregate("Order", {
  orderId: identifier(),
  customer: z.string().default("Ada"),
  count: z.number().int().default(0),
  lines: hasMany(Line),
  address: hasOne(Address),
})
  .raises(Cancelled)
  .invariant("count", "Never negative", (order) => order.count >= 0) {
  cancel(why: string) {
    this.raise(new Cancelled({ orderId: this.orderId, why }));
  }
}
class Place1 extends Command("PlaceOrder", {
  orderId: identifier(),
  customer: z.string().default("Ada"),
}).returns<string>() {}
class Count extends Command("CountOrder", { orderId: identifier() }).returns<number>() {}
class Drop extends Command("DropOrder", { orderId: identifier() }).returns<string>() {}
const commands = commandHandlers(Order)
  .create(Place1, ({ orderId, customer }) => new Order({ orderId, customer, lines: [withRemark()] }))
  .update(Count, (order) => {
    order.count += 1;
    return order.count;
  })
  .on(Drop, async ({ orderId }, { repository }) => {
    const order = await repository(Order).get(orderId);
    order.cancel("dropped");
    await repository(Order).remove(order);
    return order.customer;
  });
const withRemark = () => ({ sku: "a", quantity: 1, remarks: [{ remarkId: "r", text: "old" }] });

const bench = workbench(Order);
const elements = [Order, commands, bench.handlers];

const start = (place: Place, options = {}): Promise<Domain> => place.start(elements, options);
const place = (orderId: string, customer?: string) => new Place1({ orderId, ...(customer && { customer }) });
const look = (domain: Domain, orderId: string) =>
  bench.run(domain, async ({ repository }) => {
    const order = await repository(Order).find(orderId);
    return order && { version: order.version, count: order.count, customer: order.customer };
  });

/** A domain whose commits a test can step in before, and its rival over the same data. */
async function rivals(kind: ReturnType<typeof places>[number], options = {}) {
  const at = kind.open();
  const store = counting(at.store());
  const domain = await start(at, { store, ...options });
  return { at, store, domain, rival: await start(at) };
}

/** Once, before the next commit. */
function stepIn(store: CountingStore, step: () => Promise<unknown>): void {
  store.beforeCommit = async () => {
    store.beforeCommit = undefined;
    await step();
  };
}

describe.each(places())("on $name", (kind) => {
  describe("saving", () => {
    test("a new aggregate is inserted, a changed one replaced, and an unchanged one left alone", async () => {
      const at = kind.open();
      const store = counting(at.store());
      const domain = await start(at, { store });
      await domain.process(place("1"));
      expect(await look(domain, "1")).toEqual({ version: 0, count: 0, customer: "Ada" });
      await domain.process(new Count({ orderId: "1" }));
      expect(await look(domain, "1")).toEqual({ version: 1, count: 1, customer: "Ada" });
      store.calls.clear();
      await bench.run(domain, async ({ repository }) => repository(Order).add(await repository(Order).get("1")));
      expect(store.calls.get("commit")).toBeUndefined();
      await bench.run(domain, async ({ repository }) => {
        const order = await repository(Order).get("1");
        order.count = 5;
        order.count = 1; // back to what it was
        await repository(Order).add(order);
      });
      expect(await look(domain, "1")).toMatchObject({ count: 1, customer: "Ada" });
    });

    test("what is there already is not inserted again, and nothing else of the command is stored", async () => {
      const at = kind.open();
      const domain = await start(at);
      await domain.process(place("1", "first"));
      await expect(domain.process(place("1", "second"))).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
      await expect(
        bench.run(domain, async ({ repository }) => {
          await repository(Order).add(new Order({ orderId: "2" }));
          await repository(Order).add(new Order({ orderId: "1" }));
        }),
      ).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
      expect([await look(domain, "1"), await look(domain, "2")]).toEqual([
        { version: 0, count: 0, customer: "first" },
        undefined,
      ]);
    });

    test("who looks first, finds nothing and is beaten to it, looks again", async () => {
      const { store, domain, rival } = await rivals(kind);
      stepIn(store, () => rival.process(place("1", "rival")));
      const seen = await bench.run(domain, async ({ repository }) => {
        const order = (await repository(Order).find("1")) ?? new Order({ orderId: "1", customer: "own" });
        order.count += 1;
        await repository(Order).add(order);
        return order.customer;
      });
      expect([seen, await look(domain, "1")]).toEqual(["rival", { version: 1, count: 1, customer: "rival" }]);
    });

    test("a rule that fails in a handler leaves the stored aggregate as it was", async () => {
      const domain = await start(kind.open());
      await domain.process(place("1"));
      await expect(
        bench.run(domain, async ({ repository }) => {
          const order = await repository(Order).get("1");
          await repository(Order).add(order);
          order.customer = "changed";
          order.count = -1;
        }),
      ).rejects.toMatchObject({ code: "INVARIANT_FAILED" });
      expect(await look(domain, "1")).toEqual({ version: 0, count: 0, customer: "Ada" });
    });

    test("what is not there is not found, whatever it is asked for", async () => {
      const domain = await start(kind.open());
      const orders = <R>(ask: (it: ReturnType<typeof repositoryOf>) => Promise<R>) =>
        bench.run(domain, ({ repository }) => ask(repository(Order)));
      for (const id of ["1", "\ud800", "a\0", "__proto__", "x".repeat(5000)]) {
        await expect(orders((it) => it.get(id))).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
        expect(await orders((it) => it.find(id))).toBeUndefined();
        expect(await orders((it) => it.exists(id))).toBe(false);
      }
      for (const id of ["", undefined, null, 5]) {
        await expect(orders((it) => it.find(id as string))).rejects.toMatchObject({ code: "IDENTITY_MISSING" });
      }
      await domain.process(place("1"));
      expect(await orders((it) => it.exists("1"))).toBe(true);
    });

    test("callers without types are told what the other kind of aggregate has", async () => {
      const domain = await kind.open().start([...elements, Account, accountCommands]);
      await domain.process(place("1"));
      await domain.process(new Open({ accountId: "1" }));
      const refused = async (use: (it: never) => unknown, of: unknown, code: string) =>
        expect(
          bench.run(domain, async ({ repository }) => use(repository(of as never) as never)),
        ).rejects.toMatchObject({ code });
      type Untyped = Record<string, (...input: unknown[]) => unknown>;
      await refused((it: Untyped) => it["query"]!(), Account, "AGGREGATE_NOT_STATE_STORED");
      await refused((it: Untyped) => it["page"]!({ limit: 1 }), Account, "AGGREGATE_NOT_STATE_STORED");
      await refused((it: Untyped) => it["count"]!(), Account, "AGGREGATE_NOT_STATE_STORED");
      await refused(async (it: Untyped) => it["remove"]!(await it["get"]!("1")), Account, "AGGREGATE_NOT_STATE_STORED");
      await refused((it: Untyped) => it["get"]!("1", { atVersion: 0 }), Order, "AGGREGATE_NOT_EVENT_SOURCED");
      await refused(
        async (it: Untyped) => {
          for await (const _ of it["history"]!("1") as AsyncIterable<unknown>);
        },
        Order,
        "AGGREGATE_NOT_EVENT_SOURCED",
      );
      await refused((it: Untyped) => it["remove"]!({}), Order, "VALIDATION_FAILED");
      await refused((it: Untyped) => it["remove"]!(Account.open("2", "Ada")), Order, "VALIDATION_FAILED");
    });
  });

  describe("removing", () => {
    test("a removed aggregate is gone: in this unit of work at once, for others with its commit", async () => {
      const at = kind.open();
      const domain = await start(at);
      const other = await start(at);
      for (const id of ["1", "2"]) await domain.process(place(id));
      await bench.run(domain, async ({ repository }) => {
        const orders = repository(Order);
        await orders.remove(await orders.get("1"));
        await expect(orders.get("1")).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
        expect([await orders.find("1"), await orders.exists("1")]).toEqual([undefined, false]);
        expect((await orders.query()).map(({ orderId }) => orderId)).toEqual(["2"]);
        expect((await orders.page({ limit: 5 })).items.map(({ orderId }) => orderId)).toEqual(["2"]);
        expect(await orders.count()).toBe(2); // as of the last commit
        expect(await look(other, "1")).toBeDefined();
      });
      for (const it of [domain, other]) {
        expect([await look(it, "1"), (await look(it, "2"))?.version]).toEqual([undefined, 0]);
        expect(await bench.run(it, ({ repository }) => repository(Order).count())).toBe(1);
      }
    });

    test("its events are appended with the removal, so that others learn of it", async () => {
      const at = kind.open();
      class Cancellation extends Projection("Cancellation", { orderId: identifier(), why: z.string() }) {}
      const cancellations = projector(Cancellation, { run: "inline" }).create(Cancelled, ({ orderId, why }) => ({
        orderId,
        why,
      }));
      const domain = await at.start([...elements, Cancellation, cancellations]);
      await domain.process(place("1"));
      expect(await domain.process(new Drop({ orderId: "1" }))).toBe("Ada");
      expect((await storedMessages(at)).map(({ type, stream, version }) => [type, stream.id, version])).toEqual([
        ["Cancelled", "1", 0],
      ]);
      expect((await domain.view(Cancellation).get("1"))?.why).toBe("dropped");
      expect(await look(domain, "1")).toBeUndefined();
      // one that comes after it under the same identity goes on in the same stream
      await domain.process(place("1"));
      await bench.run(domain, async ({ repository }) => {
        const order = await repository(Order).get("1");
        expect(order.version).toBe(1);
        order.count = 1;
        await repository(Order).add(order);
      });
      expect(await look(domain, "1")).toMatchObject({ version: 2, count: 1 });
    });

    test("a changed one is removed all the same, and one that is added again stays, as it is then", async () => {
      const domain = await start(kind.open());
      for (const id of ["1", "2", "3"]) await domain.process(place(id));
      await bench.run(domain, async ({ repository }) => {
        const orders = repository(Order);
        const [one, two, three] = [await orders.get("1"), await orders.get("2"), await orders.get("3")];
        one.count = 5;
        await orders.add(one);
        await orders.remove(one);
        await orders.remove(two);
        two.count = 7;
        await orders.add(two);
        expect(await orders.get("2")).toBe(two);
        await orders.remove(three);
        await orders.remove(three);
      });
      expect([await look(domain, "1"), await look(domain, "2"), await look(domain, "3")]).toEqual([
        undefined,
        { version: 1, count: 7, customer: "Ada" },
        undefined,
      ]);
    });

    test("another instance in the place of a removed one is refused within one unit of work", async () => {
      const domain = await start(kind.open());
      await domain.process(place("1"));
      await expect(
        bench.run(domain, async ({ repository }) => {
          await repository(Order).remove(await repository(Order).get("1"));
          await repository(Order).add(new Order({ orderId: "1", customer: "new" }));
        }),
      ).rejects.toMatchObject({ code: "AGGREGATE_DUPLICATE" });
      expect(await look(domain, "1")).toMatchObject({ version: 0, customer: "Ada" });
    });

    test("one that was never stored leaves nothing but its events", async () => {
      const at = kind.open();
      const domain = await start(at);
      await bench.run(domain, async ({ repository }) => {
        const order = new Order({ orderId: "1" });
        order.cancel("at once");
        await repository(Order).add(order);
        await repository(Order).remove(order);
        expect(await repository(Order).exists("1")).toBe(false);
      });
      expect(await look(domain, "1")).toBeUndefined();
      expect((await storedMessages(at)).map(({ type }) => type)).toEqual(["Cancelled"]);
    });

    test("a new instance does not stand for a stored one of its identity", async () => {
      const domain = await start(kind.open());
      await domain.process(place("1"));
      await expect(
        bench.run(domain, ({ repository }) => repository(Order).remove(new Order({ orderId: "1" }))),
      ).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
      expect(await look(domain, "1")).toBeDefined();
    });

    test("a rival's change comes first: the handler decides again, on what is there then", async () => {
      const { store, domain, rival } = await rivals(kind);
      await domain.process(place("1"));
      stepIn(store, () => rival.process(new Count({ orderId: "1" })));
      const counts: number[] = [];
      const kept = await bench.run(domain, async ({ repository }) => {
        const order = await repository(Order).get("1");
        counts.push(order.count);
        if (order.count > 0) return "kept";
        await repository(Order).remove(order);
        return "removed";
      });
      expect([kept, counts, await look(domain, "1")]).toEqual([
        "kept",
        [0, 1],
        { version: 1, count: 1, customer: "Ada" },
      ]);
    });

    test("a removal that is tried again removes what is there then", async () => {
      const { at, store, domain, rival } = await rivals(kind);
      await domain.process(place("1"));
      stepIn(store, () => rival.process(new Count({ orderId: "1" })));
      await domain.process(new Drop({ orderId: "1" }));
      expect([await look(domain, "1"), await look(rival, "1")]).toEqual([undefined, undefined]);
      expect(await storedMessages(at)).toHaveLength(1);
    });

    test("a rival's removal comes first: for a change and for a removal, there is nothing left", async () => {
      const { at, store, domain, rival } = await rivals(kind);
      for (const id of ["1", "2"]) await domain.process(place(id));
      stepIn(store, () => rival.process(new Drop({ orderId: "1" })));
      await expect(domain.process(new Count({ orderId: "1" }))).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
      stepIn(store, () => rival.process(new Drop({ orderId: "2" })));
      await expect(domain.process(new Drop({ orderId: "2" }))).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
      expect(await storedMessages(at)).toHaveLength(2);
    });

    test("without retries, a removal that is beaten says so, and nothing is stored", async () => {
      const { at, store, domain, rival } = await rivals(kind, { retries: 0 });
      await domain.process(place("1"));
      stepIn(store, () => rival.process(new Count({ orderId: "1" })));
      await expect(domain.process(new Drop({ orderId: "1" }))).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT" });
      expect([await look(domain, "1"), await storedMessages(at)]).toEqual([
        { version: 1, count: 1, customer: "Ada" },
        [],
      ]);
    });

    test("of 32 concurrent removals one wins, and the others find nothing", async () => {
      const at = kind.open();
      const domains = [await start(at), await start(at)];
      await domains[0]!.process(place("1"));
      const outcomes = await Promise.allSettled(
        Array.from({ length: 32 }, (_, n) => domains[n % 2]!.process(new Drop({ orderId: "1" }))),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const codes = outcomes.flatMap((it) => (it.status === "rejected" ? [it.reason.code] : []));
      expect(new Set(codes)).toEqual(new Set(["AGGREGATE_NOT_FOUND"]));
      expect(await storedMessages(at)).toHaveLength(1);
    });

    test("a load that is under way when it is removed does not bring it back", async () => {
      const at = kind.open();
      const store = at.store();
      let slow: Promise<void> | undefined;
      const documents: typeof store.documents = {
        get: async (...input) => {
          const found = await store.documents.get(...input);
          await slow;
          return found;
        },
        find: (...input) => store.documents.find(...input),
        count: (...input) => store.documents.count(...input),
      };
      const late = new Proxy(store, {
        get: (target, name) => {
          const member = name === "documents" ? documents : Reflect.get(target, name, target);
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
      const domain = await start(at, { store: late });
      await domain.process(place("1"));
      await bench.run(domain, async ({ repository }) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        slow = promise;
        const under = repository(Order).find("1");
        const [order] = await repository(Order).query();
        await repository(Order).remove(order as Order);
        resolve();
        expect(await under).toBeUndefined();
      });
      expect(await look(domain, "1")).toBeUndefined();
    });

    test("a nested command's removal is seen by the outer one, and taken back if the outer one fails", async () => {
      const at = kind.open();
      const domain = await start(at);
      await domain.process(place("1"));
      const outer = (fails: boolean) =>
        bench.run(domain, async ({ repository, process }) => {
          await process(new Drop({ orderId: "1" }));
          if (fails) throw new Error("after all");
          return repository(Order).exists("1");
        });
      await expect(outer(true)).rejects.toThrow("after all");
      expect(await look(domain, "1")).toBeDefined();
      expect(await outer(false)).toBe(false);
      expect(await look(domain, "1")).toBeUndefined();
      expect(await storedMessages(at)).toHaveLength(1);
    });

    test("one that leaked from an earlier command cannot be changed; its removal is held against its version", async () => {
      const domain = await start(kind.open(), { retries: 0 });
      await domain.process(place("1"));
      let leaked: Order | undefined;
      await bench.run(domain, async ({ repository }) => {
        leaked = await repository(Order).get("1");
      });
      expect(() => {
        (leaked as Order).count = 1;
      }).toThrow(expect.objectContaining({ code: "AGGREGATE_READ_ONLY" }));
      await domain.process(new Count({ orderId: "1" }));
      await expect(
        bench.run(domain, ({ repository }) => repository(Order).remove(leaked as Order)),
      ).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT" });
      expect(await look(domain, "1")).toMatchObject({ count: 1 });
    });

    test("a fact says nothing of a removal", async () => {
      class Told extends Aggregate("Told", { id: identifier() }, { factEvents: true }) {}
      const own = workbench(Told);
      const at = kind.open();
      const domain = await at.start([Told, own.handlers]);
      await own.run(domain, ({ repository }) => repository(Told).add(new Told({ id: "1" })));
      await own.run(domain, async ({ repository }) => repository(Told).remove(await repository(Told).get("1")));
      expect(await storedMessages(at, ["fact"])).toHaveLength(1);
    });
  });

  describe("the identity map", () => {
    test("a query gives the instance in hand, with changes that are not stored yet", async () => {
      const domain = await start(kind.open());
      for (const id of ["1", "2"]) await domain.process(place(id));
      await bench.run(domain, async ({ repository }) => {
        const orders = repository(Order);
        const one = await orders.get("1");
        one.count = 9;
        one.cancel("changed");
        const [first, second] = await orders.query({ where: { count: 0 } }); // as of the last commit
        expect([first, first?.count, first?.pendingEvents.length]).toEqual([one, 9, 1]);
        expect(first).toBe(one);
        expect(await orders.get("2")).toBe(second);
        expect((await orders.page({ limit: 1, orderBy: { orderId: "desc" } })).items[0]).toBe(second);
        expect((await orders.query({ where: { count: 9 } })).length).toBe(0);
        await orders.add(one);
        await orders.query();
      });
      expect(await look(domain, "1")).toMatchObject({ version: 1, count: 9 });
    });

    test("what a query found is saved when it is added, and refused when it is changed and forgotten", async () => {
      const domain = await start(kind.open());
      for (const id of ["1", "2"]) await domain.process(place(id));
      await bench.run(domain, async ({ repository }) => {
        for (const order of await repository(Order).query()) {
          order.count += 1;
          await repository(Order).add(order);
        }
      });
      expect([await look(domain, "1"), await look(domain, "2")]).toMatchObject([{ count: 1 }, { count: 1 }]);
      await expect(
        bench.run(domain, async ({ repository }) => {
          const [first] = await repository(Order).query();
          first!.count = 7;
        }),
      ).rejects.toMatchObject({ code: "AGGREGATE_NOT_ADDED" });
      expect(await look(domain, "1")).toMatchObject({ count: 1 });
    });

    test("what a query found is held against its version: a rival's change is not overwritten", async () => {
      const { store, domain, rival } = await rivals(kind);
      for (const id of ["1", "2"]) await domain.process(place(id));
      stepIn(store, () => rival.process(new Count({ orderId: "2" })));
      const runs: number[][] = [];
      await bench.run(domain, async ({ repository }) => {
        const found = await repository(Order).query();
        runs.push(found.map(({ count }) => count));
        for (const order of found) {
          order.count += 10;
          await repository(Order).add(order);
        }
      });
      expect(runs).toEqual([
        [0, 0],
        [0, 1],
      ]);
      expect([await look(domain, "1"), await look(domain, "2")]).toMatchObject([{ count: 10 }, { count: 11 }]);
    });

    test("loads and queries that are under way together give one instance", async () => {
      const domain = await start(kind.open());
      await domain.process(place("1"));
      await bench.run(domain, async ({ repository }) => {
        const orders = repository(Order);
        const [one, [two], { items }, three] = await Promise.all([
          orders.get("1"),
          orders.query(),
          orders.page({ limit: 1 }),
          orders.find("1"),
        ]);
        expect(new Set([one, two, items[0], three]).size).toBe(1);
      });
    });

    test("one that was looked for in vain and made since is given to whoever looks again", async () => {
      const domain = await start(kind.open());
      await bench.run(domain, async ({ repository }) => {
        const orders = repository(Order);
        expect(await orders.find("1")).toBeUndefined();
        const late = orders.find("1");
        const made = new Order({ orderId: "1" });
        await orders.add(made);
        expect(await late).toBe(made);
        expect([await orders.get("1"), await orders.query()]).toEqual([made, []]);
      });
      expect(await look(domain, "1")).toBeDefined();
    });

    test("a query handler reads, and can change and save nothing", async () => {
      class Row extends Projection("Row", { id: identifier() }) {}
      const rows = projector(Row, { run: "inline" }).create(Cancelled, ({ orderId }) => ({ id: orderId }));
      class Ask extends Query("Ask", { how: z.string() }).returns<unknown>() {}
      const queries = queryHandlers(Row).on(Ask, async ({ how }, { repository }) => {
        const orders = repository(Order);
        const [order] = await orders.query({ where: { count: 0 }, orderBy: { customer: "asc" } });
        if (how === "read")
          return [order?.customer, await orders.count(), (await orders.page({ limit: 1 })).items.length];
        const writable = orders as unknown as { add(it: unknown): unknown; remove(it: unknown): unknown };
        if (how === "change") order!.count = 5;
        if (how === "add") await writable.add(new Order({ orderId: "9" }));
        if (how === "remove") await writable.remove(order);
        return undefined;
      });
      const domain = await kind.open().start([...elements, Row, rows, queries]);
      await domain.process(place("1"));
      expect(await domain.query(new Ask({ how: "read" }))).toEqual(["Ada", 1, 1]);
      for (const [how, code] of [
        ["change", "AGGREGATE_READ_ONLY"],
        ["add", "READ_ONLY_CONTEXT"],
        ["remove", "READ_ONLY_CONTEXT"],
      ] as const) {
        await expect(domain.query(new Ask({ how }))).rejects.toMatchObject({ code });
      }
      expect(await bench.run(domain, ({ repository }) => repository(Order).count())).toBe(1);
    });

    test("a repository that outlives its handler is refused", async () => {
      const domain = await start(kind.open());
      await domain.process(place("1"));
      const orders = await bench.run(domain, ({ repository }) => ({ it: repository(Order) }));
      for (const use of [
        () => orders.it.query(),
        () => orders.it.page({ limit: 1 }),
        () => orders.it.get("1"),
        () => orders.it.remove(new Order({ orderId: "1" })),
      ]) {
        await expect(use()).rejects.toMatchObject({ code: "UNIT_OF_WORK_CLOSED" });
      }
    });
  });

  describe("two writers", () => {
    const changes: readonly [string, (order: Order) => void, (order: Order) => unknown][] = [
      [
        "a field",
        (order) => {
          order.customer = "Bo";
        },
        (order) => order.customer,
      ],
      [
        "a field of an entity",
        (order) => {
          order.lines.get("a").quantity = 9;
        },
        (order) => order.lines.get("a").quantity,
      ],
      [
        "a field of an entity two levels down",
        (order) => {
          order.lines.get("a").remarks.get("r").text = "new";
        },
        (order) => order.lines.get("a").remarks.get("r").text,
      ],
      [
        "an entity that is added two levels down",
        (order) => void order.lines.get("a").remarks.add({ remarkId: "s", text: "more" }),
        (order) => order.lines.get("a").remarks.size,
      ],
      ["an entity that is removed", (order) => order.lines.remove("a"), (order) => order.lines.size],
      [
        "an entity that is removed two levels down",
        (order) => order.lines.get("a").remarks.remove("r"),
        (order) => order.lines.get("a").remarks.size,
      ],
      [
        "an only entity",
        (order) => {
          order.address = new Address({ addressId: "x", city: "Turin" });
        },
        (order) => order.address?.city,
      ],
      ["an event alone", (order) => order.cancel("told"), () => "told"],
    ];

    test.each(changes)("%s: the change is stored, and moves the version", async (_, change, read) => {
      const domain = await start(kind.open());
      await domain.process(place("1"));
      const expected = await bench.run(domain, async ({ repository }) => {
        const order = await repository(Order).get("1");
        change(order);
        await repository(Order).add(order);
        return read(order);
      });
      const [value, version] = await bench.run(domain, async ({ repository }) => {
        const order = await repository(Order).get("1");
        return [read(order), order.version];
      });
      expect([value, version]).toEqual([expected, 1]);
    });

    test.each(changes)("%s: who comes second decides again, and no change is lost", async (_, change, read) => {
      const { store, domain, rival } = await rivals(kind);
      await domain.process(place("1"));
      stepIn(store, () => rival.process(new Count({ orderId: "1" })));
      let runs = 0;
      const expected = await bench.run(domain, async ({ repository }) => {
        runs += 1;
        const order = await repository(Order).get("1");
        change(order);
        await repository(Order).add(order);
        return read(order);
      });
      const seen = await bench.run(domain, async ({ repository }) => {
        const order = await repository(Order).get("1");
        return [read(order), order.count, order.version];
      });
      expect([runs, seen]).toEqual([2, [expected, 1, 2]]);
    });

    test.each(changes)("%s: it is refused where it may not be tried again", async (_, change) => {
      const { at, store, domain, rival } = await rivals(kind, { retries: 0 });
      await domain.process(place("1"));
      const before = await bench.run(domain, async ({ repository }) => (await repository(Order).get("1")).toJSON());
      stepIn(store, () => rival.process(new Count({ orderId: "1" })));
      await expect(
        bench.run(domain, async ({ repository }) => {
          const order = await repository(Order).get("1");
          change(order);
          await repository(Order).add(order);
        }),
      ).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT" });
      const after = await bench.run(domain, async ({ repository }) => (await repository(Order).get("1")).toJSON());
      expect(after).toEqual({ ...before, count: 1 });
      expect(await storedMessages(at)).toEqual([]);
    });

    test("an event that was made outside the handler is raised again when the handler runs again", async () => {
      const { at, store, domain, rival } = await rivals(kind);
      await domain.process(place("1"));
      const why = new Cancelled({ orderId: "1", why: "late" });
      const cancel = (order: Order) =>
        bench.run(domain, async ({ repository }) => {
          order.raise(why);
          await repository(Order).add(order);
        });
      // refused: it was stored nowhere
      await expect(cancel(new Order({ orderId: "1" }))).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
      store.beforeCommit = () => {
        throw new Error("disk on fire");
      };
      await bench
        .run(domain, async ({ repository }) => {
          const order = await repository(Order).get("1");
          order.cancel("never");
          await repository(Order).add(order);
        })
        .catch(() => undefined);
      stepIn(store, () => rival.process(new Count({ orderId: "1" })));
      await bench.run(domain, async ({ repository }) => {
        const order = await repository(Order).get("1");
        order.raise(why);
        await repository(Order).add(order);
      });
      expect((await storedMessages(at)).map(({ id, data }) => [id, JSON.parse(data).why])).toEqual([
        [expect.any(String), "late"],
      ]);
      await expect(cancel(new Order({ orderId: "2" }))).rejects.toMatchObject({ code: "EVENT_RAISED_TWICE" });
    });

    test("expectedVersion is held against the store, for a change, a child's change and a removal", async () => {
      class Requantify extends Command("Requantify", { orderId: identifier() }) {}
      const more = commandHandlers(Order).update(Requantify, (order) => {
        order.lines.get("a").quantity += 1;
      });
      const at = kind.open();
      const domain = await at.start([...elements, more]);
      const rival = await start(at);
      await domain.process(place("1"));
      await domain.process(new Requantify({ orderId: "1" }), { expectedVersion: 0 });
      await rival.process(new Count({ orderId: "1" }));
      for (const stale of [new Requantify({ orderId: "1" }), new Count({ orderId: "1" }), new Drop({ orderId: "1" })]) {
        await expect(domain.process<unknown>(stale, { expectedVersion: 1 })).rejects.toMatchObject({
          code: "EXPECTED_VERSION_MISMATCH",
        });
      }
      await domain.process(new Drop({ orderId: "1" }), { expectedVersion: 2 });
      await expect(domain.process(new Count({ orderId: "1" }), { expectedVersion: 2 })).rejects.toMatchObject({
        code: "EXPECTED_VERSION_MISMATCH",
      });
    });

    test("expectedVersion is not retried when a rival comes between, also where the rival removes", async () => {
      const { store, domain, rival } = await rivals(kind);
      for (const id of ["1", "2"]) await domain.process(place(id));
      stepIn(store, () => rival.process(new Count({ orderId: "1" })));
      await expect(domain.process(new Count({ orderId: "1" }), { expectedVersion: 0 })).rejects.toMatchObject({
        code: "EXPECTED_VERSION_MISMATCH",
      });
      stepIn(store, () => rival.process(new Drop({ orderId: "2" })));
      await expect(domain.process(new Count({ orderId: "2" }), { expectedVersion: 0 })).rejects.toMatchObject({
        code: "EXPECTED_VERSION_MISMATCH",
      });
      expect([(await look(domain, "1"))?.count, await look(domain, "2")]).toEqual([1, undefined]);
    });

    test("of 16 commands with one expected version exactly one is accepted", async () => {
      const at = kind.open();
      const domains = [await start(at), await start(at)];
      await domains[0]!.process(place("1"));
      const outcomes = await Promise.allSettled(
        Array.from({ length: 16 }, (_, n) =>
          domains[n % 2]!.process(new Count({ orderId: "1" }), { expectedVersion: 0 }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(await look(domains[0]!, "1")).toMatchObject({ count: 1 });
    });

    test("one that was removed and made again meanwhile is another: a writer who saw the former is refused", async () => {
      const { store, domain, rival } = await rivals(kind, { retries: 0 });
      await domain.process(place("1", "former"));
      stepIn(store, async () => {
        await rival.process(new Drop({ orderId: "1" }));
        await rival.process(place("1", "latter"));
      });
      await expect(domain.process(new Count({ orderId: "1" }))).rejects.toMatchObject({
        code: "CONCURRENCY_CONFLICT",
      });
      expect(await look(domain, "1")).toEqual({ version: 1, count: 0, customer: "latter" });
      await expect(domain.process(new Count({ orderId: "1" }), { expectedVersion: 0 })).rejects.toMatchObject({
        code: "EXPECTED_VERSION_MISMATCH",
      });
    });
  });

  test("aggregates of both kinds and of two classes with one identity stay apart, also in queries", async () => {
    class Parcel extends Aggregate("Parcel", { orderId: identifier(), count: z.number() }) {}
    const domain = await kind.open().start([...elements, Parcel, Account, accountCommands]);
    await bench.run(domain, async ({ repository, process }) => {
      await repository(Order).add(new Order({ orderId: "1", count: 5 }));
      await repository(Parcel).add(new Parcel({ orderId: "1", count: 7 }));
      await process(new Open({ accountId: "1" }));
      await process(new Deposit({ accountId: "1", amount: 3 }));
    });
    await bench.run(domain, async ({ repository }) => {
      const [order] = await repository(Order).query({ where: { orderId: "1" } });
      const [parcel] = await repository(Parcel).query({ where: { orderId: "1" } });
      const account = await repository(Account).get("1");
      expect([order?.count, parcel?.count, account.balance]).toEqual([5, 7, 3]);
      expect([order, parcel, account].map((it) => it?.constructor)).toEqual([Order, Parcel, Account]);
      await repository(Parcel).remove(parcel as Parcel);
      expect([await repository(Order).exists("1"), await repository(Account).exists("1")]).toEqual([true, true]);
      order!.count = 6;
      await repository(Order).add(order as Order);
    });
    expect(await look(domain, "1")).toMatchObject({ count: 6 });
    expect(await bench.run(domain, ({ repository }) => repository(Parcel).count())).toBe(0);
  });
});

declare function repositoryOf(): import("nereus").RepositoryOf<typeof Order>;

test("a class field that is not in the shape is refused when a state-stored aggregate is added, before anything is stored", async () => {
  class Odd extends Aggregate("Odd", { oddId: identifier() }) {
    extra = 1;
  }
  class MakeOdd extends Command("MakeOdd", {}).returns<string>() {}
  const odds = commandHandlers(Odd).create(MakeOdd, () => new Odd({}));
  const domain = new Domain("odds", { elements: [Odd, odds], store: memory() });
  await domain.start();
  await expect(domain.process(new MakeOdd({}))).rejects.toMatchObject({ code: "FIELD_NOT_IN_SHAPE" });
  await domain.stop();
});
