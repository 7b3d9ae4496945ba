import {
  Aggregate,
  Command,
  commandHandlers,
  domainService,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  status,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { storedMessages } from "./support/log.ts";
import { places } from "./support/places.ts";
import { codeOf, issuesOf, refusalOf } from "./support/refusal.ts";
import { script } from "./support/scripts.ts";

const id = { accountId: identifier() };
class Opened extends Event("Opened", id) {}
class Paid extends Event("Paid", { ...id, amount: z.number() }) {}
class Account extends EventSourcedAggregate("Account", {
  ...id,
  balance: z.number().default(0),
  log: z.array(z.number()).default([]),
})
  .applies(Opened, (account, { accountId }) => {
    account.accountId = accountId;
  })
  .applies(Paid, (account, { amount }) => {
    account.balance += amount;
    account.log.push(amount);
  })
  .precondition("active", "A full account does not move", (account) => account.log.length < 5)
  .invariant("funds", "Insufficient funds", (account) => account.balance >= 0) {
  static open(accountId: string, ...amounts: number[]) {
    const account = Account.create((it) => it.raise(new Opened({ accountId })));
    for (const amount of amounts) account.pay(amount);
    return account;
  }
  pay(amount: number) {
    this.raise(new Paid({ accountId: this.accountId, amount }));
  }
}
class Item extends Entity("Item", { sku: z.string(), quantity: z.number().int() }, { identifiedBy: "sku" }).invariant(
  "quantity",
  "Quantity must be positive",
  (item) => item.quantity > 0,
) {}
class Filled extends Event("Filled", { stockId: identifier() }) {}
class Stock extends Aggregate("Stock", {
  stockId: identifier(),
  items: hasMany(Item),
  tags: z.array(z.string()).default([]),
  state: status({ OPEN: ["FULL"], FULL: [] }, "OPEN"),
})
  .raises(Filled)
  .precondition("open", "A full stock stays as it is", (stock) => stock.state === "OPEN")
  .invariant("size", "At most 3 items", (stock) => stock.items.size <= 3) {}

const stock = (stockId: string, ...skus: string[]) =>
  new Stock({ stockId, items: skus.map((sku) => ({ sku, quantity: 1 })) });
type Any = Account | Stock;
const seen = (...all: Any[]) =>
  all.map((it) => ({ state: JSON.stringify(it), version: it.version, pending: [...it.pendingEvents] }));

/** Asserts that it is refused, and that every aggregate is exactly as before. */
function refused(code: string, all: Any[], run: () => unknown): void {
  const before = seen(...all);
  expect(codeOf(run)).toBe(code);
  expect(seen(...all)).toEqual(before);
}

/** Does whatever the test says, with an account, a stock and another account. */
const work = domainService("Work", { first: Account, stock: Stock, last: Account })
  .precondition("distinct", "Two accounts are needed", ({ first, last }) => first !== last)
  .precondition("tags", "The stock has no room", ({ stock: { tags } }) => tags.length < 3)
  .invariant("sum", "Nothing may be lost", ({ first, last }) => first.balance + last.balance === 100)
  .invariant("tagged", "At most 4 tags", ({ stock: { tags } }) => tags.length <= 4)
  .does((parts, steps: (parts: { first: Account; stock: Stock; last: Account }) => unknown, result?: string) => {
    steps(parts);
    return result ?? "done";
  });
const parts = () => ({ first: Account.open("1", 100), stock: stock("s", "a", "b"), last: Account.open("2") });

describe("a domain service", () => {
  test("changes several aggregates of both kinds, and returns what its steps return", () => {
    const all = parts();
    const result = work(
      all,
      ({ first, last, stock: place }) => {
        first.pay(-40);
        last.pay(40);
        place.tags.push("x");
        place.items.get("a").quantity = 5;
        place.raise(new Filled({ stockId: "s" }));
      },
      "mine",
    );
    expect(result).toBe("mine");
    expect([all.first.balance, all.last.balance, all.first.version, all.last.version]).toEqual([60, 40, 2, 1]);
    expect([all.stock.tags, all.stock.items.get("a").quantity, all.stock.pendingEvents.length]).toEqual([["x"], 5, 1]);
    expect(work.name).toBe("Work");
  });

  const everything = ({ first, last, stock: place }: ReturnType<typeof parts>, amount = 40): void => {
    place.tags.push("x");
    place.items.get("a").quantity = 5;
    place.items.remove("b");
    place.items.add({ sku: "c", quantity: 1 });
    place.raise(new Filled({ stockId: "s" }));
    place.state = "FULL";
    first.pay(-amount);
    last.pay(amount);
  };

  test.each<[string, string, (all: ReturnType<typeof parts>) => void]>([
    ["a rule of the service", "INVARIANT_FAILED", ({ first }) => first.pay(-1)],
    ["a rule of the first aggregate", "INVARIANT_FAILED", ({ first, last }) => void [first.pay(-61), last.pay(61)]],
    ["a rule of the last aggregate", "INVARIANT_FAILED", ({ first, last }) => void [first.pay(41), last.pay(-41)]],
    [
      "a rule of the aggregate between",
      "INVARIANT_FAILED",
      ({ stock: place }) => ["d", "e", "f"].forEach((sku) => void place.items.add({ sku, quantity: 1 })),
    ],
    [
      "a rule of an entity",
      "INVARIANT_FAILED",
      ({ stock: place }) => void Object.assign(place.items.get("c"), { quantity: 0 }),
    ],
    ["a field", "VALIDATION_FAILED", ({ stock: place }) => void place.tags.push(7 as never)],
    ["a status", "STATUS_TRANSITION_FORBIDDEN", ({ stock: place }) => void Object.assign(place, { state: "OPEN" })],
    ["a collection", "ENTITY_DUPLICATE", ({ stock: place }) => place.items.add({ sku: "a", quantity: 1 })],
  ])("leaves all of them exactly as they were if %s says no", (_, code, spoil) => {
    const all = parts();
    const { first, stock: place, last } = all;
    refused(code, [first, place, last], () =>
      work(all, (them) => {
        everything(them);
        spoil(them);
      }),
    );
    expect(() => place.tags.push("frozen")).toThrow(TypeError);
    work(all, everything); // and they are as good as new
    expect([first.balance, last.balance, place.state]).toEqual([60, 40, "FULL"]);
  });

  test("leaves all of them as they were if a step throws, and lets its error through", () => {
    const all = parts();
    const before = seen(all.first, all.stock, all.last);
    const own = new Error("my own");
    expect(() =>
      work(all, (them) => {
        everything(them, 1000); // breaks rules by now
        throw own;
      }),
    ).toThrow(own);
    expect(seen(all.first, all.stock, all.last)).toEqual(before);
  });

  test("names every rule of its own that fails, before and after", () => {
    const all = parts();
    all.stock.change(() => all.stock.tags.push("1", "2", "3"));
    let steps = 0;
    expect(issuesOf(() => work({ ...all, last: all.first }, () => ++steps))).toEqual(["distinct", "tags"]);
    expect(codeOf(() => work({ ...all, last: all.first }, () => ++steps))).toBe("PRECONDITION_FAILED");
    expect(steps).toBe(0);
    const others = parts();
    const error = refusalOf(() =>
      work(others, ({ first, stock: place }) => {
        first.pay(-1);
        place.tags.push("1", "2", "3", "4", "5");
      }),
    );
    expect(error).toMatchObject({
      code: "INVARIANT_FAILED",
      element: "Work",
      issues: [{ code: "sum" }, { code: "tagged" }],
    });
  });

  test("asks the preconditions of its aggregates first: one of the last leaves the first as it was", () => {
    const all = parts();
    all.stock.state = "FULL";
    refused("PRECONDITION_FAILED", [all.first, all.stock, all.last], () => work(all, everything));
    expect(refusalOf(() => work(all, everything)).element).toBe("Stock");
    all.first.pay(-1); // not under way any more: it checks its rules at once
    expect(codeOf(() => all.first.pay(-1000))).toBe("INVARIANT_FAILED");
  });

  test("takes back what moved from one aggregate to the other and back, values included, newest step first", () => {
    const swap = domainService("Swap", { one: Stock, other: Stock })
      .invariant("never", "Never", () => false)
      .does(({ one, other }) => {
        const [a, x] = [one.items.get("a"), other.items.get("x")];
        a.quantity = 2;
        one.items.remove(a);
        a.quantity = 3; // held by nothing
        other.items.add(a);
        a.quantity = 4;
        other.items.remove(x);
        one.items.add(x);
        x.quantity = 5;
        other.items.remove(a);
        a.quantity = 6;
        one.items.add(a);
        a.quantity = 7;
      });
    for (const turned of [false, true]) {
      const [left, right] = [stock("1", "a", "b"), stock("2", "x")];
      const [a, x] = [left.items.get("a"), right.items.get("x")];
      // which of them is taken back first must not matter
      const both = turned ? { other: right, one: left } : { one: left, other: right };
      refused("INVARIANT_FAILED", [left, right], () => swap(both));
      expect([left.items.get("a"), right.items.get("x")]).toEqual([a, x]);
      a.quantity = 10;
      x.quantity = 11;
      expect([JSON.stringify(left.items), JSON.stringify(right.items)]).toEqual([
        '[{"sku":"a","quantity":10},{"sku":"b","quantity":1}]',
        '[{"sku":"x","quantity":11}]',
      ]);
      expect(codeOf(() => right.items.add(a))).toBe("ENTITY_SHARED");
    }
  });

  test("may be given one aggregate in two parts", () => {
    const move = domainService("Move", { from: Account, to: Account })
      .invariant("sum", "…", ({ from, to }) => from.balance + to.balance >= 0)
      .does(({ from, to }, amount: number) => {
        from.pay(-amount);
        to.pay(amount);
      });
    const account = Account.open("1", 10);
    move({ from: account, to: account }, 50); // overdrawn in between only
    expect([account.balance, account.version]).toEqual([10, 3]);
    refused("INVARIANT_FAILED", [account], () =>
      domainService("Spend", { from: Account, to: Account }).does(({ from }) => from.pay(-50))({
        from: account,
        to: account,
      }),
    );
    account.pay(-10);
    expect(account.balance).toBe(0);
  });

  test("inside a change of one aggregate leaves that one's rules to the end of the change, and is taken back with it", () => {
    const all = parts();
    all.first.change(() => {
      work(all, ({ first, last }) => void [first.pay(-150), last.pay(150)]); // overdrawn for now
      all.first.pay(60);
    });
    expect([all.first.balance, all.last.balance]).toEqual([10, 150]);
    const others = parts();
    const before = seen(others.first);
    expect(() =>
      others.first.change(() => {
        work(others, ({ first, last }) => void [first.pay(-50), last.pay(50)]);
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(seen(others.first)).toEqual(before);
    expect(others.last.balance).toBe(50); // its own change was over
  });

  test("inside another service is part of it", () => {
    const outer = domainService("Outer", { first: Account, stock: Stock, last: Account })
      .invariant("no", "No", () => false)
      .does((them) => work(them, everything));
    const all = parts();
    refused("INVARIANT_FAILED", [all.first, all.stock, all.last], () => outer(all));
    const caught = domainService("Caught", { first: Account, stock: Stock, last: Account }).does((them) => {
      them.stock.tags.push("kept");
      expect(codeOf(() => work(them, ({ first }) => void [them.stock.tags.push("lost"), first.pay(-1)]))).toBe(
        "INVARIANT_FAILED",
      );
    });
    caught(all);
    expect([all.stock.tags, all.first.balance]).toEqual([["kept"], 100]);
  });

  test("refuses asynchronous steps, and changes nothing", () => {
    const all = parts();
    refused("CHANGE_ASYNCHRONOUS", [all.first, all.stock, all.last], () =>
      domainService("Slow", { first: Account, stock: Stock }).does(async ({ first }) => {
        first.pay(-1);
      })(all),
    );
    refused("CHANGE_ASYNCHRONOUS", [all.first], () =>
      domainService("Doubtful", { first: Account, last: Account })
        .invariant("later", "…", (async () => true) as never)
        .does(({ first }) => first.pay(-1))(all),
    );
  });

  test.each<[string, (all: ReturnType<typeof parts>) => unknown]>([
    ["nothing", () => undefined],
    ["null", () => null],
    ["no parts", () => ({})],
    ["one part too few", ({ first, stock: place }) => ({ first, stock: place })],
    ["a part of another class", ({ first, last }) => ({ first, stock: first, last })],
    ["a class", ({ first, last }) => ({ first, stock: Stock, last })],
    ["plain data", ({ first, stock: place }) => ({ first, stock: place, last: { balance: 1 } })],
  ])("refuses %s in place of its aggregates", (_, given) => {
    const all = parts();
    const error = refusalOf(() => work(given(all) as never, everything));
    expect(error).toMatchObject({ code: "VALIDATION_FAILED", element: "Work", fix: "Pass { first, stock, last }." });
    all.first.pay(-1);
    expect(all.first.balance).toBe(99);
  });

  test("is made step by step, and each step is a builder of its own", () => {
    const base = domainService("Base", { first: Account, last: Account });
    const strict = base.invariant("no", "No", () => false).does(() => "strict");
    const lax = base.does(() => "lax");
    const both = { first: Account.open("1"), last: Account.open("2") };
    expect(lax(both)).toBe("lax");
    expect(codeOf(() => strict(both))).toBe("INVARIANT_FAILED");
  });
});

const transfer = domainService("Transfer", { from: Account, to: Account, place: Stock })
  .invariant("limit", "Over the limit", ({ to }) => to.balance <= 1000)
  .does(({ from, to, place }, amount: number) => {
    place.items.add({ sku: `${amount}`, quantity: 1 });
    from.pay(-amount);
    to.pay(amount);
    return from.balance;
  });
class Send extends Command("Send", { from: z.string(), to: z.string(), amount: z.number() }).returns<number>() {}
const commands = commandHandlers(Account).on(Send, async ({ from, to, amount }, { repository }) => {
  const all = {
    from: await repository(Account).get(from),
    to: await repository(Account).get(to),
    place: await repository(Stock).get("s"),
  };
  let left = -1;
  try {
    left = transfer(all, amount);
  } catch {
    // a careless handler that adds them all the same
  }
  await repository(Account).add(all.from);
  await repository(Account).add(all.to);
  await repository(Stock).add(all.place);
  return left;
});

describe.each(places())("on $name", (kind) => {
  test("what a service refused is not stored, also if its caller goes on", async () => {
    const place = kind.open();
    const prepare = script(Account, async ({ repository }) => {
      await repository(Account).add(Account.open("1", 500));
      await repository(Account).add(Account.open("2", 900));
      await repository(Stock).add(stock("s"));
    });
    const look = script(Account, async ({ repository }) => {
      const { items } = await repository(Stock).get("s");
      return [
        (await repository(Account).get("1")).balance,
        (await repository(Account).get("2")).balance,
        [...items].map(({ sku }) => sku).join(),
      ];
    });
    const elements = [Account, Stock, transfer, commands, prepare.handlers, look.handlers];
    const domain = await place.start(elements);
    const cold = await place.start(elements, { cachedAggregates: 0 });
    await domain.process(prepare.command());
    expect(await domain.process(new Send({ from: "1", to: "2", amount: 50 }))).toBe(450);
    for (const amount of [450, 101, 50_000]) {
      expect(await domain.process(new Send({ from: "1", to: "2", amount }))).toBe(-1);
      for (const one of [domain, cold]) expect(await one.process(look.command())).toEqual([450, 950, "50"]);
    }
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual([
      "Opened",
      "Paid",
      "Opened",
      "Paid",
      "Paid",
      "Paid",
    ]);
  });
});
