import { AssertionError } from "node:assert";
import { Aggregate, domainService, Event, EventSourcedAggregate, identifier, ValueObject } from "nereus";
import { given } from "nereus/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  Branch,
  BranchRenamed,
  Closed,
  Deposited,
  Opened,
  SignatoryNamed,
  Withdrawn,
} from "../support/bank.ts";

const opened = new Opened({ accountId: "1", holder: "Ada" });
const deposited = new Deposited({ accountId: "1", amount: 100 });
const withdrawn = (amount: number) => new Withdrawn({ accountId: "1", amount });
const history = () => given(Account, opened, deposited);

test("a decision of an event-sourced aggregate is tested without a store", async () => {
  await history()
    .when((account) => account.withdraw(30))
    .then(withdrawn(30))
    .thenState({ balance: 70, version: 2, status: "ACTIVE" })
    .when((account) => account.withdraw(500))
    .thenRejected("Insufficient funds")
    .thenState({ balance: 70, version: 2 })
    .when((account) => account.withdraw(70))
    .then(withdrawn(70))
    .thenState({ balance: 0, version: 3 });
  for (const text of ["Insufficient funds", "INVARIANT_FAILED", "balance"]) {
    await history()
      .when((account) => account.withdraw(500))
      .thenRejected(text);
  }
});

test("expectations that do not hold fail", async () => {
  const one = () => history().when((account) => account.withdraw(30));
  await expect(one().then(withdrawn(31))).rejects.toThrow(/1. Withdrawn\n {7}amount: expected 31, but it is 30/);
  await expect(one().thenNothing()).rejects.toThrow(/1. Withdrawn: not expected/);
  await expect(one().thenState({ balance: 71 })).rejects.toThrow(
    "Account is not as expected\n  balance: expected 71, but it is 70",
  );
  await expect(one().thenRejected("funds")).rejects.toBeInstanceOf(AssertionError);
  await expect(one().thenResult(5 as never)).rejects.toThrow(
    "The answer is not as expected\n  expected 5, but it is undefined",
  );
  await expect(
    history()
      .when((account) => account.withdraw(500))
      .then(withdrawn(500)),
  ).rejects.toMatchObject({
    code: "INVARIANT_FAILED",
  });
});

test("each scenario begins with what is given, whatever others did", async () => {
  const ada = history();
  for (const _ of [1, 2]) await ada.when((account) => account.withdraw(60)).thenState({ balance: 40 });
});

test("creation is tested with what the new aggregate has raised, and goes on with it", async () => {
  const account = await given(Account)
    .when(() => Account.open("7", "Ada"))
    .then(new Opened({ accountId: "7", holder: "Ada" }))
    .thenState({ holder: "Ada", version: 0 })
    .when((made) => made.deposit(5))
    .then(new Deposited({ accountId: "7", amount: 5 }))
    .thenState({ accountId: "7", balance: 5 })
    .when((made) => made);
  expect(account).toBeInstanceOf(Account);
  await given(Account)
    .when((blank) => blank.raise(opened))
    .then(opened);
});

test("several steps are one unit of work: what fails is taken back as a whole", async () => {
  await history()
    .when((account) => {
      account.withdraw(60);
      account.withdraw(60);
    })
    .thenRejected("Insufficient")
    .thenState({ balance: 100, version: 1 })
    .when((account) => {
      account.withdraw(60);
      account.deposit(20);
    })
    .then(withdrawn(60), new Deposited({ accountId: "1", amount: 20 }));
});

test("history is replayed as loading does: no rule refuses it", async () => {
  await given(Account, opened, withdrawn(50))
    .when((account) => account.deposit(60))
    .thenState({ balance: 10, version: 2 });
  await given(Account, opened, withdrawn(50))
    .when((account) => account.deposit(10))
    .thenRejected("Insufficient funds");
  await given(Account, opened, deposited, deposited)
    .when(() => undefined)
    .thenState({ balance: 200 }); // one event object twice has happened twice
});

test("entities are compared as plain data, or as entities", async () => {
  const named = new SignatoryNamed({ accountId: "1", email: "ada@example.org" });
  const one = () => given(Account, opened, named).when(() => undefined);
  await one().thenState({ signatories: [{ email: "ada@example.org" }] });
  await expect(one().thenState({ signatories: [] })).rejects.toThrow(/signatories\[0\]: expected missing, but it is/);
  await expect(one().thenState({ signatories: [{ email: "bob@example.org" }] })).rejects.toThrow(
    "signatories[0].email: expected 'bob@example.org', but it is 'ada@example.org'",
  );
});

test("a state-stored aggregate is given by its fields, or in hand", async () => {
  await given(Branch, { branchId: "b", name: "Main" })
    .when((branch) => branch.rename("North"))
    .then(new BranchRenamed({ branchId: "b", name: "North" }))
    .thenState({ name: "North", visits: 0, version: 1 })
    .when((branch) => {
      branch.visits = -1;
    })
    .thenRejected("visits")
    .thenState({ visits: 0, version: 1 });
  const branch = new Branch({ branchId: "b", name: "Main" });
  branch.rename("North"); // before the scenario: it counts as stored
  await given(branch)
    .when((one) => one.rename("South"))
    .then(new BranchRenamed({ branchId: "b", name: "South" }))
    .when((one) => {
      one.rename("East");
      throw new Error("no");
    })
    .thenRejected("no")
    .thenState({ name: "South" });
  await given(Branch)
    .when(() => new Branch({ branchId: "c", name: "New" }))
    .thenNothing()
    .thenState({ name: "New", version: 0 });
  await given(Branch)
    .when(() => new Branch({ branchId: "c", name: "" }))
    .thenRejected("VALIDATION_FAILED");
});

class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().default("EUR") }).invariant(
  "positive",
  "An amount cannot be negative",
  ({ amount }) => amount >= 0n,
) {
  minus(other: Money) {
    return this.with({ amount: this.amount - other.amount });
  }
}

test("values are tested by what they answer", async () => {
  const five = new Money({ amount: 5n });
  await given()
    .when(() => five.minus(new Money({ amount: 2n })))
    .thenResult(new Money({ amount: 3n }))
    .thenResult({ amount: 3n, currency: "EUR" })
    .thenNothing();
  await given()
    .when(() => new Money({ amount: 1n }).minus(five))
    .thenRejected("positive");
  await expect(
    given()
      .when(() => five)
      .thenResult(new Money({ amount: 6n })),
  ).rejects.toThrow("amount: expected 6n, but it is 5n");
  await given()
    .when(async () => "later")
    .thenResult("later");
});

class Ordered extends Event("Ordered", { orderId: identifier() }) {}
class Reserved extends Event("Reserved", { sku: identifier(), quantity: z.number() }) {}
class Order extends EventSourcedAggregate("Order", {
  orderId: identifier(),
  isConfirmed: z.boolean().default(false),
}).applies(Ordered, (order, { orderId }) => {
  order.orderId = orderId;
  order.isConfirmed = true;
}) {}
class Stock extends Aggregate("Stock", { sku: identifier(), available: z.number() }).raises(Reserved) {}
const allocate = domainService("Allocate", { order: Order, stock: Stock })
  .invariant("enough", "There is not enough in stock", ({ stock }) => stock.available >= 0)
  .does(({ order, stock }, quantity: number) => {
    stock.available -= quantity;
    stock.raise(new Reserved({ sku: stock.sku, quantity }));
    order.raise(new Ordered({ orderId: "o" }));
    return stock.available;
  });

test("a domain service is tested with its aggregates in hand", async () => {
  const order = Order.create((one) => one.raise(new Ordered({ orderId: "o" })));
  const stock = new Stock({ sku: "s", available: 5 });
  await given(order, stock)
    .when((order, stock) => allocate({ order, stock }, 2))
    .then(new Reserved({ sku: "s", quantity: 2 }), new Ordered({ orderId: "o" }))
    .thenResult(3)
    .thenState(stock, { available: 3 })
    .thenState(order, { isConfirmed: true })
    .when((order, stock) => allocate({ order, stock }, 4))
    .thenRejected("enough")
    .thenState(stock, { available: 3 });
  await expect(
    given(order, stock)
      .when(() => undefined)
      .thenState(stock, { available: 4 }),
  ).rejects.toThrow("Stock is not as expected\n  available: expected 4, but it is 3");
});

test("wrong use is named", async () => {
  const invalid = expect.objectContaining({ code: "VALIDATION_FAILED" });
  const loose = given as any;
  expect(() => loose("Account")).toThrow(invalid);
  expect(() => loose(new Money({ amount: 1n }))).toThrow(invalid);
  expect(() => loose(Account, Opened)).toThrow(invalid);
  expect(() => loose(Account).when(opened)).toThrow(invalid);
  await expect(loose(Account, new BranchRenamed({ branchId: "b", name: "x" })).when(() => undefined)).rejects.toThrow(
    invalid,
  );
  await expect(loose(Account, { accountId: "1" }).when(() => undefined)).rejects.toThrow(invalid);
  await expect(
    loose()
      .when(() => 1)
      .thenState({ balance: 1 }),
  ).rejects.toThrow(invalid);
  await expect(loose(Branch, { name: "" }).when(() => undefined)).rejects.toThrow(invalid);
  await expect(given(Account, opened, new Closed({ accountId: "1" })).when((one) => one.close())).rejects.toMatchObject(
    {
      code: "STATUS_TRANSITION_FORBIDDEN",
    },
  );
});
