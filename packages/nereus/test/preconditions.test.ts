import { Aggregate, Entity, Event, EventSourcedAggregate, hasMany, hasOne, identifier, ValidationError } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { inMemory } from "./support/places.ts";
import { codeOf, issuesOf, refusalOf } from "./support/refusal.ts";
import { script } from "./support/scripts.ts";

class Remark extends Entity("Remark", { remarkId: identifier(), text: z.string() }).invariant(
  "quiet",
  "No shouting",
  (remark) => remark.text !== "HEY",
) {}
class Line extends Entity(
  "Line",
  {
    sku: z.string(),
    quantity: z.number().int(),
    tags: z.array(z.string()).default([]),
    locked: z.boolean().default(false),
    remarks: hasMany(Remark),
    top: hasOne(Remark),
  },
  { identifiedBy: "sku" },
)
  .precondition("unlocked", "A locked line stays", (line) => !line.locked)
  .precondition("room", "At most 3 tags when it is touched", (line) => line.tags.length <= 3)
  .invariant("quantity", "Quantity must be positive", (line) => line.quantity > 0)
  .invariant("tags", "At most 5 tags", (line) => line.tags.length <= 5) {}
class Shipped extends Event("Shipped", { orderId: identifier() }) {}
class Order extends Aggregate("Order", {
  orderId: identifier(),
  note: z.string().default(""),
  paid: z.number().default(0),
  shipped: z.boolean().default(false),
  labels: z.array(z.string()).default([]),
  lines: hasMany(Line),
})
  .raises(Shipped)
  .precondition("open", "A shipped order stays as it is", (order) => !order.shipped)
  .precondition("few", "An order with 3 labels stays as it is", (order) => order.labels.length < 3)
  .invariant("paid", "Paid cannot be negative", (order) => order.paid >= 0)
  .invariant("size", "At most 2 lines", (order) => order.lines.size <= 2)
  .invariant("labels", "At most 4 labels", (order) => order.labels.length <= 4) {
  ship() {
    this.change(() => {
      this.shipped = true;
      this.raise(new Shipped({ orderId: this.orderId }));
    });
  }
}
const order = (more: object = {}) =>
  new Order({
    orderId: "1",
    lines: [
      { sku: "a", quantity: 1, remarks: [{ remarkId: "r", text: "x" }] },
      { sku: "b", quantity: 2 },
    ],
    ...more,
  });
const seen = (it: Order) => ({ state: JSON.stringify(it), version: it.version, pending: it.pendingEvents });

/** Asserts that it is refused with this code, and changes nothing at all. */
function refused(it: Order, code: string, run: () => unknown): void {
  const before = seen(it);
  expect(codeOf(run)).toBe(code);
  expect(seen(it)).toEqual(before);
}

describe("preconditions of an aggregate", () => {
  test("look at the state before the change, invariants at the state after it", () => {
    const it = order();
    it.shipped = true; // was not shipped before
    refused(it, "PRECONDITION_FAILED", () => {
      it.shipped = false; // would not be shipped after
    });
    refused(it, "PRECONDITION_FAILED", () => it.raise(new Shipped({ orderId: "1" })));
    refused(it, "PRECONDITION_FAILED", () => it.lines.remove("a"));
    refused(it, "PRECONDITION_FAILED", () => {
      it.lines.get("a").remarks.get("r").text = "y";
    });
    refused(it, "PRECONDITION_FAILED", () => it.change(() => it.labels.push("x")));
  });

  test("that fail are all named, and no step is taken", () => {
    const it = order({ shipped: true, labels: ["a", "b", "c"] });
    let steps = 0;
    const error = refusalOf(() => it.change(() => ++steps));
    expect(error).toBeInstanceOf(ValidationError);
    expect(error).toMatchObject({
      code: "PRECONDITION_FAILED",
      element: "Order",
      identity: "1",
      issues: [{ code: "open" }, { code: "few" }],
    });
    expect(error.message).toBe("Order 1: A shipped order stays as it is; An order with 3 labels stays as it is");
    expect(steps).toBe(0);
  });

  test("are checked once for a block, at its begin, however deep the blocks are", () => {
    const it = order();
    it.change(() => {
      it.shipped = true;
      it.change(() => {
        it.note = "the block has begun";
        it.labels.push("a", "b", "c");
      });
      it.labels.pop();
    });
    expect([it.shipped, it.note, it.labels]).toEqual([true, "the block has begun", ["a", "b"]]);
  });

  test("do not hold for construction", () => {
    expect(order({ shipped: true }).shipped).toBe(true);
  });

  test("of an event-sourced one hold from its second event on, and for no event of a replay", async () => {
    const id = { accountId: identifier() };
    class Opened extends Event("Opened", id) {}
    class Moved extends Event("Moved", { ...id, by: z.number() }) {}
    let checks = 0;
    class Account extends EventSourcedAggregate("Account", {
      ...id,
      balance: z.number().default(-1),
      log: z.array(z.number()).default([]),
    })
      .applies(Opened, (account, { accountId }) => {
        account.accountId = accountId;
        account.balance = 0;
      })
      .applies(Moved, (account, { by }) => {
        account.balance += by;
        account.log.push(by);
      })
      .precondition("funds", "An overdrawn account does not move", (account) => {
        checks += 1;
        return account.balance >= 0 && account.log.length < 3;
      }) {}
    const account = Account.create((it) => it.raise(new Opened({ accountId: "1" })));
    expect(checks).toBe(0);
    account.raise(new Moved({ accountId: "1", by: -5 }));
    const before = { state: account.toJSON(), version: account.version, pending: account.pendingEvents };
    expect(codeOf(() => account.raise(new Moved({ accountId: "1", by: 9 })))).toBe("PRECONDITION_FAILED");
    expect({ state: account.toJSON(), version: account.version, pending: account.pendingEvents }).toEqual(before);
    expect(checks).toBe(2);
    const refusedEvent = new Moved({ accountId: "1", by: 9 });
    expect(codeOf(() => account.raise(refusedEvent))).toBe("PRECONDITION_FAILED");
    const other = Account.create((it) => it.raise(new Opened({ accountId: "2" })));
    other.raise(refusedEvent); // it was not raised, so it may be
    checks = 0;
    const place = inMemory();
    const save = script(Account, ({ repository }) => repository(Account).add(account));
    const load = script(Account, async ({ repository }) => (await repository(Account).get("1")).toJSON());
    await (await place.start([Account, save.handlers])).process(save.command());
    const cold = await place.start([Account, load.handlers], { cachedAggregates: 0 });
    expect(await cold.process(load.command())).toEqual({ accountId: "1", balance: -5, log: [-5] });
    expect(checks).toBe(0);
  });
});

describe("preconditions of an entity", () => {
  test("look at it before its first change in the block: assignments, changes in place, and what it holds", () => {
    const it = order();
    it.lines.get("a").locked = true;
    const locked = it.lines.get("a");
    refused(it, "PRECONDITION_FAILED", () => {
      locked.locked = false;
    });
    refused(it, "PRECONDITION_FAILED", () => it.change(() => locked.tags.push("x")));
    refused(it, "PRECONDITION_FAILED", () => locked.remarks.add({ text: "new" }));
    refused(it, "PRECONDITION_FAILED", () => locked.remarks.remove("r"));
    refused(it, "PRECONDITION_FAILED", () => {
      locked.top = new Remark({ text: "new" });
    });
    it.lines.get("b").quantity = 5; // the other line is free
    it.change(() => {
      void locked.tags.length; // looking is no change
    });
    it.lines.remove("a"); // a change of the order
    expect(it.lines.size).toBe(1);
  });

  test("see a list that was changed in place as it was before", () => {
    const it = order();
    const line = it.lines.get("a");
    it.change(() => line.tags.push("1", "2", "3", "4")); // 4 now, but none before
    refused(it, "PRECONDITION_FAILED", () => it.change(() => line.tags.splice(0)));
    refused(it, "PRECONDITION_FAILED", () =>
      it.change(() => {
        line.tags.splice(0); // emptied in place before
        line.quantity = 7;
      }),
    );
    expect(line.tags).toEqual(["1", "2", "3", "4"]);
    const other = it.lines.get("b");
    it.change(() => {
      other.tags.push("1", "2", "3", "4"); // room before, none now
      other.quantity = 8;
      other.tags.push("5");
    });
    expect(other.toJSON()).toMatchObject({ tags: ["1", "2", "3", "4", "5"], quantity: 8 });
  });

  test("are asked once in a change, however many blocks there are in it", () => {
    const line = order().lines.get("a");
    const it = order({ lines: [line.toJSON()] });
    const own = it.lines.get("a");
    it.change(() => {
      own.locked = true;
      it.change(() => void own.sku);
      own.quantity = 3;
    });
    expect([own.locked, own.quantity]).toEqual([true, 3]);
    refused(it, "PRECONDITION_FAILED", () => {
      own.quantity = 4;
    });
  });

  test("hold again in the next change, and while no aggregate holds the entity", () => {
    const line = new Line({ sku: "c", quantity: 1 });
    line.quantity = 2;
    line.locked = true;
    expect(issuesOf(() => (line.quantity = 3))).toEqual(["unlocked"]);
    expect([line.quantity, line.locked]).toEqual([2, true]);
    expect(new Line({ sku: "d", quantity: 1, locked: true }).locked).toBe(true); // construction is no change
  });

  test("hold after it was stored and loaded", async () => {
    const place = inMemory();
    const save = script(Order, ({ repository }) =>
      repository(Order).add(order({ lines: [{ sku: "a", quantity: 1, locked: true }] })),
    );
    const change = script(Order, async ({ repository }) => {
      const it = await repository(Order).get("1");
      it.lines.get("a").quantity = 2;
      await repository(Order).add(it);
    });
    const domain = await place.start([Order, save.handlers, change.handlers]);
    await domain.process(save.command());
    await expect(domain.process(change.command())).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
      element: "Line",
      issues: [{ code: "unlocked" }],
    });
  });
});

describe("a rule that fails", () => {
  test("is collected with the others, of the aggregate and of its entities, with the path of each", () => {
    const it = order();
    refused(it, "INVARIANT_FAILED", () => {
      it.paid = -1;
    });
    const all = () =>
      it.change(() => {
        it.paid = -1;
        it.labels.push("1", "2", "3", "4", "5");
        it.lines.add({ sku: "c", quantity: 1 });
        const line = it.lines.get("a");
        line.quantity = 0;
        line.tags.push("1", "2", "3", "4", "5", "6");
        line.remarks.get("r").text = "HEY";
      });
    expect(issuesOf(all)).toEqual([
      "paid",
      "size",
      "labels",
      "lines.a quantity",
      "lines.a tags",
      "lines.a.remarks.r quiet",
    ]);
    refused(it, "INVARIANT_FAILED", all);
  });

  test("takes back lists changed in place, collections and their order, entities three levels down, events and status", () => {
    const it = order();
    const kept = it.lines.get("a");
    const remark = kept.remarks.get("r");
    refused(it, "INVARIANT_FAILED", () =>
      it.change(() => {
        it.labels.push("x");
        kept.tags.push("y");
        remark.text = "changed";
        kept.remarks.remove("r");
        kept.remarks.add({ remarkId: "r", text: "another of that name" });
        it.lines.remove("a");
        it.lines.add({ sku: "a", quantity: 9 });
        kept.quantity = 77; // free now
        it.ship();
        it.change(() => it.labels.push("z"));
        it.paid = -1;
      }),
    );
    expect([...it.lines].map(({ sku }) => sku)).toEqual(["a", "b"]);
    expect(it.lines.get("a")).toBe(kept);
    expect(kept.remarks.get("r")).toBe(remark);
    remark.text = "still bound";
    expect(JSON.stringify(it)).toContain("still bound");
    expect(() => it.labels.push("frozen")).toThrow(TypeError);
  });

  test("in a block inside a block that catches it, takes back its own part only", () => {
    const it = order();
    it.change(() => {
      it.labels.push("outer");
      expect(() =>
        it.change(() => {
          it.labels.push("inner");
          it.lines.remove("a");
          throw new Error("no");
        }),
      ).toThrow("no");
      it.labels.push("after");
    });
    expect([it.labels, it.lines.size]).toEqual([["outer", "after"], 2]);
  });

  test("may read lists without making them changeable from outside, and without making the aggregate changed", async () => {
    const it = order();
    it.note = "a change after which rules read labels and tags";
    expect(() => it.labels.push("smuggled")).toThrow(TypeError);
    expect(() => it.lines.get("a").tags.push("smuggled")).toThrow(TypeError);
    const line = new Line({ sku: "z", quantity: 1 });
    line.quantity = 2;
    expect(() => line.tags.push("smuggled")).toThrow(TypeError);
    const place = inMemory();
    const save = script(Order, ({ repository }) => repository(Order).add(order()));
    const look = script(Order, async ({ repository }) => {
      const found = await repository(Order).get("1");
      return found.change(() => found.labels.length); // not added, and that is right
    });
    const domain = await place.start([Order, save.handlers, look.handlers]);
    await domain.process(save.command());
    expect(await domain.process(look.command())).toBe(0);
  });

  test("may not be asynchronous, before or after", () => {
    const later = (async () => true) as unknown as () => boolean;
    class Late extends Aggregate("Late", { id: identifier() }).invariant("late", "…", later) {}
    expect(codeOf(() => new Late({ id: "1" }))).toBe("CHANGE_ASYNCHRONOUS");
    class Early extends Aggregate("Early", { id: identifier(), n: z.number() }).precondition("early", "…", later) {}
    const early = new Early({ id: "1", n: 1 });
    expect(codeOf(() => (early.n = 2))).toBe("CHANGE_ASYNCHRONOUS");
    expect(early.n).toBe(1);
  });

  test("may throw: its error comes through, and everything is as before", () => {
    class Fragile extends Aggregate("Fragile", { id: identifier(), n: z.number() }).invariant("n", "…", ({ n }) => {
      if (n === 13) throw new RangeError("unlucky");
      return true;
    }) {}
    const fragile = new Fragile({ id: "1", n: 1 });
    expect(() => (fragile.n = 13)).toThrow(RangeError);
    expect(fragile.n).toBe(1);
  });
});

describe("an entity that no aggregate holds", () => {
  test("keeps the rules of what it holds", () => {
    const line = new Line({ sku: "a", quantity: 1, remarks: [{ remarkId: "r", text: "x" }] });
    expect(issuesOf(() => (line.remarks.get("r").text = "HEY"))).toEqual(["remarks.r quiet"]);
    expect(line.remarks.get("r").text).toBe("x");
  });

  test("lends nothing of what it holds to others", () => {
    const line = new Line({ sku: "a", quantity: 1, remarks: [{ remarkId: "r", text: "x" }] });
    const other = new Line({ sku: "b", quantity: 1 });
    expect(codeOf(() => other.remarks.add(line.remarks.get("r")))).toBe("ENTITY_SHARED");
    const it = new Order({ lines: [other] });
    expect(codeOf(() => it.lines.get("b").remarks.add(line.remarks.get("r")))).toBe("ENTITY_SHARED");
    const remark = line.remarks.get("r");
    line.remarks.remove(remark);
    it.lines.get("b").remarks.add(remark);
    remark.text = "moved";
    expect(JSON.stringify(it)).toContain("moved");
  });

  test("is free again after a construction that failed", () => {
    const line = new Line({ sku: "c", quantity: 1 });
    const lines = [line, new Line({ sku: "d", quantity: 1 }), new Line({ sku: "e", quantity: 1 })];
    expect(codeOf(() => new Order({ lines }))).toBe("INVARIANT_FAILED");
    expect(codeOf(() => new Order({ lines: [line, order().lines.get("a")] }))).toBe("ENTITY_SHARED");
    line.quantity = 4;
    expect(new Order({ lines: [line] }).lines.get("c").quantity).toBe(4);
    const remark = new Remark({ text: "x" });
    const shared = order().lines.get("a").remarks.get("r");
    expect(codeOf(() => new Line({ sku: "c", quantity: 0, remarks: [remark] }))).toBe("INVARIANT_FAILED");
    expect(codeOf(() => new Line({ sku: "c", quantity: 1, remarks: [remark], top: shared }))).toBe("ENTITY_SHARED");
    expect(codeOf(() => new Line({ sku: "c", quantity: 1, remarks: [remark, shared] }))).toBe("ENTITY_SHARED");
    expect(new Line({ sku: "c", quantity: 1, remarks: [remark] }).remarks.size).toBe(1);
  });
});

test("an identity that is left out is generated once for each entity", () => {
  let made = 0;
  class Ticket extends Entity("Ticket", { number: identifier({ generate: () => `T-${++made}` }) }) {}
  class Desk extends Aggregate("Desk", { id: identifier(), tickets: hasMany(Ticket), last: hasOne(Ticket) }) {}
  const desk = new Desk({ tickets: [{}, { number: "own" }, {}], last: {} });
  expect([...desk.tickets].map(({ number }) => number)).toEqual(["T-1", "own", "T-2"]);
  expect(desk.last?.number).toBe("T-3");
});
