import { Aggregate, Event, EventSourcedAggregate, identifier } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { counting } from "../support/counting-store.ts";
import { storedMessages } from "../support/log.ts";
import { places } from "../support/places.ts";
import { workbench } from "../support/workbench.ts";

class Renamed extends Event("Renamed", { id: identifier(), name: z.string() }) {}
class Paid extends Event("Paid", { id: identifier(), amount: z.number() }) {}
class Product extends Aggregate(
  "Product",
  { id: identifier(), name: z.string(), stock: z.number().default(0) },
  { factEvents: true },
).raises(Renamed) {
  rename(name: string) {
    this.name = name;
    this.raise(new Renamed({ id: this.id, name }));
  }
}
class Payment extends Aggregate("Payment", { id: identifier(), amount: z.number() }).raises(Paid) {
  pay(amount: number) {
    this.amount += amount;
    this.raise(new Paid({ id: this.id, amount }));
  }
}
class Ledger extends EventSourcedAggregate("Ledger", { id: identifier(), amount: z.number().default(0) }).applies(
  Paid,
  (ledger, event) => {
    ledger.id = event.id;
    ledger.amount += event.amount;
  },
) {}

const bench = workbench(Product);
const elements = [Product, Payment, Ledger, bench.handlers];

describe.each(places())("on $name", (kind) => {
  async function started(options = {}) {
    const at = kind.open();
    const store = counting(at.store());
    const domain = await at.start(elements, { store, ...options });
    await bench.run(domain, async ({ repository }) => {
      await repository(Product).add(new Product({ id: "1", name: "old" }));
      await repository(Payment).add(new Payment({ id: "1", amount: 0 }));
      await repository(Ledger).add(Ledger.create((it) => it.raise(new Paid({ id: "1", amount: 1 }))));
    });
    return { at, store, domain, rival: await at.start(elements) };
  }

  test("B2: an aggregate that is added keeps its events, whatever way it is asked for again", async () => {
    const { at, domain } = await started();
    await bench.run(domain, async ({ repository }) => {
      const products = repository(Product);
      const product = await products.get("1");
      product.rename("new");
      await products.add(product);
      const again = [
        ...(await products.query()),
        ...(await products.query({ where: { name: "old" } })),
        ...(await products.page({ limit: 1 })).items,
        await products.get("1"),
        await products.find("1"),
      ];
      for (const one of again) expect(one).toBe(product);
      expect([await products.exists("1"), await products.count(), product.pendingEvents.length]).toEqual([true, 1, 1]);
    });
    expect((await storedMessages(at)).map(({ type }) => type)).toEqual(["Paid", "Renamed"]);
  });

  test("B3: a query for one class never gives, or loses, an aggregate of another with the same identity", async () => {
    const { at, domain } = await started();
    await bench.run(domain, async ({ repository }) => {
      const [product] = await repository(Product).query({ where: { id: "1" } });
      product?.rename("new");
      await repository(Product).add(product as Product);
      const [payment] = await repository(Payment).query({ where: { id: "1" } });
      expect([product?.constructor, payment?.constructor]).toEqual([Product, Payment]);
      payment?.pay(5);
      await repository(Payment).add(payment as Payment);
      const ledger = await repository(Ledger).get("1");
      ledger.raise(new Paid({ id: "1", amount: 7 }));
      await repository(Ledger).add(ledger);
    });
    expect((await storedMessages(at)).map(({ type, stream }) => [type, stream.category])).toEqual([
      ["Paid", "Ledger"],
      ["Renamed", "Product"],
      ["Paid", "Payment"],
      ["Paid", "Ledger"],
    ]);
  });

  test("B4: two queries and a load give one instance, so that no change is dropped", async () => {
    const { at, domain } = await started();
    await bench.run(domain, async ({ repository }) => {
      const products = repository(Product);
      const [[first], [second], third] = await Promise.all([products.query(), products.query(), products.get("1")]);
      first?.rename("first");
      if (second !== undefined) second.stock += 1;
      third.stock += 1;
      for (const one of [first, second, third]) await products.add(one as Product);
    });
    expect((await storedMessages(at)).map(({ type }) => type)).toEqual(["Paid", "Renamed"]);
    const seen = await bench.run(domain, async ({ repository }) => (await repository(Product).get("1")).toJSON());
    expect(seen).toEqual({ id: "1", name: "first", stock: 2 });
  });

  test("B4: an instance that a constructor makes does not replace the one that a query found", async () => {
    const { at, domain } = await started();
    const double = bench.run(domain, async ({ repository }) => {
      const [found] = await repository(Product).query();
      found?.rename("found");
      await repository(Product).add(found as Product);
      await repository(Product).add(new Product({ id: "1", name: "made" }));
    });
    await expect(double).rejects.toMatchObject({ code: "AGGREGATE_DUPLICATE" });
    expect(await storedMessages(at)).toHaveLength(1);
  });

  test("B5: what a query found and is saved twice advances once, and a stale writer is refused", async () => {
    const { at, store, domain, rival } = await started({ retries: 0 });
    const rename = (name: string) => async () => {
      await bench.run(rival, async ({ repository }) => {
        const [product] = await repository(Product).query();
        for (const part of [name, `${name}!`]) {
          product?.rename(part);
          await repository(Product).add(product as Product);
        }
      });
    };
    await rename("A")();
    store.beforeCommit = async () => {
      store.beforeCommit = undefined;
      await rename("B")();
    };
    const stale = bench.run(domain, async ({ repository }) => {
      const [product] = await repository(Product).query();
      expect(product?.version).toBe(1);
      product?.rename("stale");
      await repository(Product).add(product as Product);
    });
    await expect(stale).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT" });
    const seen = await bench.run(domain, async ({ repository }) => {
      const { name, version } = await repository(Product).get("1");
      return [name, version];
    });
    expect(seen).toEqual(["B!", 2]);
    const ids = (await storedMessages(at)).map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([5, 5]);
  });

  test("B6: facts and a second add of what a query found go together, and a fact is told of every save", async () => {
    const { at, domain } = await started();
    for (let round = 0; round < 2; round++) {
      await bench.run(domain, async ({ repository }) => {
        for (let add = 0; add < 2; add++) {
          const [product] = await repository(Product).query();
          product?.rename(`${round}${add}`);
          await repository(Product).add(product as Product);
        }
      });
    }
    const facts = await storedMessages(at, ["fact"]);
    expect(facts.map(({ version, data }) => [version, JSON.parse(data).name])).toEqual([
      [0, "old"], // the first save, too
      [1, "01"],
      [2, "11"],
    ]);
  });
});
