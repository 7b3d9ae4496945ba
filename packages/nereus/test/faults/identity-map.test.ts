import { Aggregate, Command, commandHandlers, Event, EventSourcedAggregate, identifier } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  accountCommands,
  Branch,
  branchCommands,
  Open,
  OpenBranch,
  RenameBranch,
  Withdraw,
} from "../support/bank.ts";
import { storedMessages } from "../support/log.ts";
import { places } from "../support/places.ts";
import { script } from "../support/scripts.ts";

class OrderPlaced extends Event("OrderPlaced", { id: identifier() }) {}
class PaymentTaken extends Event("PaymentTaken", { id: identifier() }) {}
class Order extends EventSourcedAggregate("Order", { id: identifier(), total: z.number().default(0) }).applies(
  OrderPlaced,
  (order, event) => {
    order.id = event.id;
  },
) {}
class Payment extends Aggregate("Payment", { id: identifier(), total: z.number().default(0) }).raises(PaymentTaken) {}

describe.each(places())("on $name", (kind) => {
  test("B2: an aggregate that is added and then loaded again keeps its events", async () => {
    const place = kind.open();
    const rename = script(Branch, async ({ repository }) => {
      const branch = new Branch({ branchId: "1", name: "Main" });
      branch.rename("North");
      await repository(Branch).add(branch);
      const again = await repository(Branch).get("1");
      expect(again).toBe(branch);
      expect(await repository(Branch).find("1")).toBe(branch);
      expect(await repository(Branch).exists("1")).toBe(true);
      again.rename("South");
      await repository(Branch).add(again);
    });
    const domain = await place.start([Branch, rename.handlers]);
    await domain.process(rename.command());
    const stored = await storedMessages(place);
    expect(stored.map((message) => JSON.parse(message.data).name)).toEqual(["North", "South"]);
  });

  test("B3: aggregates of different classes with one identity do not meet in a unit of work", async () => {
    const place = kind.open();
    const both = script(Order, async ({ repository }) => {
      const order = Order.create((it) => it.raise(new OrderPlaced({ id: "1" })));
      const payment = new Payment({ id: "1", total: 7 });
      payment.raise(new PaymentTaken({ id: "1" }));
      await repository(Order).add(order);
      expect(await repository(Payment).find("1")).toBeUndefined();
      await repository(Payment).add(payment);
      expect(await repository(Order).get("1")).toBe(order);
      expect(await repository(Payment).get("1")).toBe(payment);
    });
    const look = script(Order, async ({ repository }) => {
      const order = await repository(Order).get("1");
      const payment = await repository(Payment).get("1");
      return [order instanceof Order, payment instanceof Payment, payment.total];
    });
    const domain = await place.start([Order, Payment, both.handlers, look.handlers]);
    await domain.process(both.command());
    expect(await domain.process(look.command())).toEqual([true, true, 7]);
    const stored = await storedMessages(place);
    expect(stored.map(({ type, stream }) => [type, stream.category, stream.id])).toEqual([
      ["OrderPlaced", "Order", "1"],
      ["PaymentTaken", "Payment", "1"],
    ]);
  });

  test("B4: two loads of one identity give one instance, so no event is dropped", async () => {
    const place = kind.open();
    const twice = script(Account, async ({ repository }) => {
      const accounts = repository(Account);
      const [first, second] = await Promise.all([accounts.get("1"), accounts.get("1")]);
      expect(second).toBe(first);
      first.deposit(1);
      second.deposit(2);
      await accounts.add(first);
      await accounts.add(second);
    });
    const domain = await place.start([Account, accountCommands, twice.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(twice.command());
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 3 }))).toBe(0);
  });

  test("B4: a second instance of one identity is refused, not stored over the first", async () => {
    const place = kind.open();
    const two = script(Account, async ({ repository }) => {
      const accounts = repository(Account);
      const account = await accounts.get("1");
      account.deposit(5);
      await accounts.add(account);
      await accounts.add(Account.open("1", "Other"));
    });
    const domain = await place.start([Account, accountCommands, two.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await expect(domain.process(two.command())).rejects.toMatchObject({ code: "AGGREGATE_DUPLICATE" });
    expect(await storedMessages(place)).toHaveLength(1);
  });

  test("B5: an aggregate saved twice advances once, its event ids are unique, and a stale writer is refused", async () => {
    const place = kind.open();
    let leaked: Branch | undefined;
    const twice = script(Branch, async ({ repository }) => {
      const branch = await repository(Branch).get("1");
      branch.rename("North");
      await repository(Branch).add(branch);
      branch.rename("South");
      await repository(Branch).add(branch);
      leaked = branch;
    });
    const look = script(Branch, async ({ repository }) => {
      const { name, version } = await repository(Branch).get("1");
      return { name, version };
    });
    const rival = await place.start([Branch, branchCommands]);
    const stale = script(Branch, async ({ repository }) => {
      const branch = await repository(Branch).get("1");
      await rival.process(new RenameBranch({ branchId: "1", name: "West" }));
      branch.rename("Stale");
      await repository(Branch).add(branch);
    });
    const elements = [Branch, branchCommands, twice.handlers, stale.handlers, look.handlers];
    const domain = await place.start(elements, { retries: 0 });
    await domain.process(new OpenBranch({ branchId: "1" }));
    await domain.process(twice.command());
    expect(leaked?.version).toBe(1);
    const stored = await storedMessages(place);
    expect(new Set(stored.map(({ id }) => id)).size).toBe(2);

    await expect(domain.process(stale.command())).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT" });
    expect(await domain.process(look.command())).toEqual({ name: "West", version: 2 });
  });

  test("B6: fact events and a second add of the same instance go together", async () => {
    const place = kind.open();
    class Sealed extends Event("Sealed", { boxId: identifier() }) {}
    class Packed extends Event("Packed", { crateId: identifier() }) {}
    class Box extends EventSourcedAggregate(
      "Box",
      { boxId: identifier(), seals: z.number().default(0) },
      { factEvents: true },
    ).applies(Sealed, (box, event) => {
      box.boxId = event.boxId;
      box.seals += 1;
    }) {}
    class Crate extends Aggregate("Crate", { crateId: identifier() }, { factEvents: true }).raises(Packed) {}
    class Seal extends Command("Seal", { boxId: identifier() }).returns<string>() {}
    const commands = commandHandlers(Box).create(Seal, ({ boxId }) =>
      Box.create((box) => box.raise(new Sealed({ boxId }))),
    );
    const again = script(Box, async ({ repository }) => {
      const box = await repository(Box).get("1");
      const crate = (await repository(Crate).find("1")) ?? new Crate({ crateId: "1" });
      for (let round = 0; round < 2; round++) {
        box.raise(new Sealed({ boxId: "1" }));
        crate.raise(new Packed({ crateId: "1" }));
        await repository(Box).add(box);
        await repository(Crate).add(crate);
      }
      return box.version;
    });
    const domain = await place.start([Box, Crate, commands, again.handlers]);
    await domain.process(new Seal({ boxId: "1" }));
    expect(await domain.process(again.command())).toBe(2);
    expect(await domain.process(again.command())).toBe(4);
    const events = await storedMessages(place);
    expect(events.filter(({ stream }) => stream.category === "Box").map(({ version }) => version)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    const facts = await storedMessages(place, ["fact"]);
    expect(facts.filter(({ stream }) => stream.category === "Box").map(({ data }) => JSON.parse(data).seals)).toEqual([
      1, 3, 5,
    ]);
  });
});
