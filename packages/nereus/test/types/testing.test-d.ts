import {
  Aggregate,
  type AggregateClass,
  Command,
  Domain,
  domainService,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  Projection,
  projector,
  Query,
  ValueObject,
} from "nereus";
import { memory } from "nereus/memory";
import { builder, deliver, type FixedIdentities, fixedIdentities, given, seed } from "nereus/testing";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().default("EUR") }) {
  plus(other: Money): Money {
    return this.with({ amount: this.amount + other.amount });
  }
}
class Opened extends Event("Opened", { accountId: identifier(), holder: z.string().default("Ada") }) {}
class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number() }) {}
class Foreign extends Event("Foreign", { accountId: identifier() }) {}
class Signatory extends Entity(
  "Signatory",
  { email: z.string(), level: z.number().default(1) },
  { identifiedBy: "email" },
) {}
class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  balance: z.number().default(0),
  limit: Money,
  closedOn: z.date().optional(),
  signatories: hasMany(Signatory),
})
  .applies(Opened, () => undefined)
  .applies(Deposited, () => undefined) {
  static open(): Account {
    return Account.create((account) => account.raise(new Opened({ accountId: "1" })));
  }
  deposit(amount: number): number {
    this.raise(new Deposited({ accountId: this.accountId, amount }));
    return amount;
  }
  get isEmpty(): boolean {
    return this.balance === 0;
  }
}
class Stocked extends Event("Stocked", { productId: identifier() }) {}
class Product extends Aggregate("Product", {
  productId: identifier(),
  name: z.string(),
  stock: z.number().default(0),
}).raises(Stocked) {}
class Open extends Command("Open", { accountId: identifier() }).returns<string>() {}
class Deposit extends Command("Deposit", { accountId: identifier(), amount: z.number() }) {}
class Find extends Query("Find", { holder: z.string() }).returns<Summary[]>() {}
class Summary extends Projection("Summary", {
  accountId: identifier(),
  holder: z.string(),
  balance: z.number().default(0),
}) {}
export const summaries = projector(Summary, { run: "async" }).create(Opened, ({ accountId, holder }) => ({
  accountId,
  holder,
}));
export const move = domainService("Move", { from: Account, to: Account }).does((_, amount: number) => amount);

const bank = new Domain("bank", { elements: [], store: memory() });
const opened = new Opened({ accountId: "1" });
const deposited = new Deposited({ accountId: "1", amount: 1 });
const open = new Open({ accountId: "1" });
declare const product: Product;

// in a domain
const opening = given(bank, opened, product, seed({ tenant: "t", occurredAt: new Date() }, deposited, product)).when(
  open,
  {
    tenant: "t",
    idempotencyKey: "k",
  },
);
export const id: string = await opening;
export const sameId: string = await opening.then(opened, deposited).thenState(Account, { balance: 1 });
export const [again]: [string] = await Promise.all([opening.then(opened)]);
async function asPromise(): Promise<string> {
  return opening.then(opened);
}
assertType<Equal<ReturnType<typeof asPromise>, Promise<string>>>();
assertType<Equal<Awaited<typeof opening>, string>>();
export const lengths: Promise<number> = opening.then((value) => value.length);
export const caught: Promise<string | number> = opening.catch(() => 1);
export const chained: string = await opening
  .thenResult("1")
  .when(new Deposit({ accountId: "1", amount: 1 }))
  .then(deposited)
  .thenNothing()
  .thenRejected("closed")
  .thenSent(open, new Deposit({ accountId: "1", amount: 1 }))
  .thenEventually(deposited)
  .thenState(Account, "2", { balance: 1, isEmpty: false, closedOn: undefined })
  .thenState(Account, { signatories: [{ email: "a@b.co", level: 1 }], limit: { amount: 1n } })
  .thenState(Account, { signatories: [new Signatory({ email: "a@b.co" })], limit: new Money({ amount: 1n }) })
  .thenRow(Summary, "1", { holder: "Ada" }, { tenant: "t" })
  .thenNoRow(Summary, "2")
  .thenRows(Summary, [{ holder: "Ada" }, { balance: 1 }], { orderBy: { holder: "asc" }, tenant: "t" })
  .when(open);
const happening = given(bank, opened).when(deposited, { occurredAt: new Date() });
assertType<Equal<Awaited<typeof happening>, void>>();
await given(bank, opened).thenRow(Summary, "1", { holder: "Ada" }).thenNoRow(Summary, "2").when(open);
const seeding = given(bank, opened);
assertType<Equal<Awaited<typeof seeding>, void>>();
await seeding;

export const asked: Summary[] = await given(bank)
  .when(new Find({ holder: "Ada" }), { tenant: "t" })
  .thenResult([])
  .thenNothing();
const asking = given(bank).when(new Find({ holder: "Ada" }));
// @ts-expect-error another answer
asking.thenResult("Ada");
// @ts-expect-error a query has no idempotency key
given(bank).when(new Find({ holder: "Ada" }), { idempotencyKey: "k" });
// @ts-expect-error not a message
given(bank).when({ accountId: "1" });
// @ts-expect-error not a message
given(bank).when(new Money({ amount: 1n }));
// @ts-expect-error a class, not an event
given(bank).when(Opened);
// @ts-expect-error an unknown option
given(bank).when(open, { idempotency: "k" });
// @ts-expect-error an event has no idempotency key
given(bank).when(opened, { idempotencyKey: "k" });
// @ts-expect-error a command has not happened
given(bank, open);
// @ts-expect-error a query has not happened
given(bank, new Find({ holder: "Ada" }));
// @ts-expect-error a value has not happened
given(bank, new Money({ amount: 1n }));
// @ts-expect-error a class, not an event
given(bank, Opened);
// @ts-expect-error a command has not happened
seed({}, open);
// @ts-expect-error an unknown option
seed({ at: new Date() }, opened);
// @ts-expect-error a command is no event
opening.then(open);
// @ts-expect-error a class, not an event
opening.then(Opened);
// @ts-expect-error a value is no event
opening.then(new Money({ amount: 1n }));
// @ts-expect-error an event without one of its fields
opening.then(new Deposited({ accountId: "1" }));
// @ts-expect-error an event with an unknown field
opening.then(new Deposited({ accountId: "1", amount: 1, colour: "red" }));
// @ts-expect-error an event with a field of the wrong type
opening.then(new Deposited({ accountId: "1", amount: "1" }));
// @ts-expect-error an event was not sent
opening.thenSent(opened);
// @ts-expect-error a query was not sent
opening.thenSent(new Find({ holder: "Ada" }));
// @ts-expect-error a command does not follow, its events do
opening.thenEventually(open);
// @ts-expect-error the command answers a string
opening.thenResult(1);
// @ts-expect-error not a field of the aggregate
opening.thenState(Account, { colour: "red" });
// @ts-expect-error a field of the wrong type
opening.thenState(Account, { balance: "1" });
// @ts-expect-error not a field of the aggregate
opening.thenState(Account, "1", { colour: "red" });
// @ts-expect-error a method is no state
opening.thenState(Account, { deposit: 1 });
// @ts-expect-error not a field of the entity
opening.thenState(Account, { signatories: [{ name: "Ada" }] });
// @ts-expect-error not a field of the value object
opening.thenState(Account, { limit: { sum: 1n } });
// @ts-expect-error not an aggregate
opening.thenState(Summary, { balance: 1 });
// @ts-expect-error not a field of the row
opening.thenRow(Summary, "1", { colour: "red" });
// @ts-expect-error a field of the wrong type
opening.thenRow(Summary, "1", { balance: "1" });
// @ts-expect-error not a projection
opening.thenRow(Account, "1", { balance: 1 });
// @ts-expect-error not a field of the row
opening.thenRows(Summary, [{ colour: "red" }]);
// @ts-expect-error not a field of the row
opening.thenRows(Summary, [], { where: { colour: "red" } });
// @ts-expect-error nothing was done yet
given(bank, opened).thenState(Account, { balance: 1 });
// @ts-expect-error nothing was done yet
given(bank, opened).thenRejected("closed");

// aggregates alone
const depositing = given(Account, opened, deposited).when((account) => {
  assertType<Equal<typeof account, Account>>();
  return account.deposit(1);
});
export const amount: number = await depositing
  .then(deposited, opened)
  .thenState({ balance: 1, isEmpty: true })
  .thenResult(1);
export const made: Account = await given(Account)
  .when(() => Account.open())
  .then(opened)
  .thenState({ balance: 0 });
await given(Product, { name: "Chair" })
  .when((one) => {
    one.stock = 1;
  })
  .then(new Stocked({ productId: "1" }))
  .thenState({ stock: 1 });
await given(Product)
  .when(() => new Product({ name: "Chair" }))
  .thenState({ stock: 0 });
await given(product)
  .when((one) => one.name)
  .thenResult("Chair");
declare const one: Account;
await given(one, product)
  .when((account, { name }) => [account.balance, name] as const)
  .then(opened, new Stocked({ productId: "1" }))
  .thenState(product, { name: "Chair" });
await given(one, made)
  .when((from, to) => move({ from, to }, 5))
  .thenResult(5)
  .thenState(one, { balance: 5 });
await given()
  .when(() => new Money({ amount: 1n }).plus(new Money({ amount: 2n })))
  .thenResult(new Money({ amount: 3n }))
  .thenResult({ amount: 3n, currency: "EUR" });
const answering = given().when(() => new Money({ amount: 1n }));
// @ts-expect-error an answer is compared whole
answering.thenResult({ amount: 1n });

// in part
class Parcel extends Aggregate("Parcel", {
  parcelId: identifier(),
  address: z.object({ city: z.string(), street: z.string(), note: z.string().optional() }),
  stops: z.array(z.object({ city: z.string(), at: z.date() })),
  counts: z.record(z.string(), z.number()),
  labels: z.map(z.string(), z.object({ text: z.string(), colour: z.string() })),
}) {}
declare const parcel: Parcel;
const sent = given(parcel).when(() => undefined);
sent.thenState({ address: { city: "Rome" }, stops: [{ city: "Oslo" }, { at: new Date() }], counts: { a: 1 } });
sent.thenState({ address: { note: undefined }, labels: new Map([["a", { text: "t", colour: "red" }]]) });
// @ts-expect-error not a field of the address
sent.thenState({ address: { town: "Rome" } });
// @ts-expect-error a field of the wrong type
sent.thenState({ stops: [{ city: 1 }] });
// @ts-expect-error a field of the address is never undefined
sent.thenState({ address: { city: undefined } });
// @ts-expect-error a map is compared whole
sent.thenState({ labels: new Map([["a", { text: "t" }]]) });
// @ts-expect-error the address has fields
sent.thenState({ address: "Rome" });

// no overload that says what is wrong takes what is right
assertType<Equal<typeof sent extends never ? true : false, false>>();

// @ts-expect-error not an event of the aggregate
given(Account, new Stocked({ productId: "1" }));
// @ts-expect-error not a member of the aggregate
given(Account).when((account) => account.withdraw(1));
// @ts-expect-error not an event of the aggregate
depositing.then(new Foreign({ accountId: "1" }));
// @ts-expect-error not a field of the aggregate
depositing.thenState({ colour: "red" });
// @ts-expect-error a field of the wrong type
depositing.thenState({ balance: "1" });
// @ts-expect-error the method answers a number
depositing.thenResult("1");
// @ts-expect-error an aggregate alone has no rows
depositing.thenRow(Summary, "1", {});
// @ts-expect-error an aggregate alone processes no command
given(Account).when(open);
// @ts-expect-error a field is missing
given(Product, {});
// @ts-expect-error an unknown field
given(Product, { name: "Chair", colour: "red" });
const both = given(one, product).when(() => undefined);
// @ts-expect-error it is not clear which of them
both.thenState({ balance: 1 });
// @ts-expect-error not a field of this one
both.thenState(product, { balance: 1 });
// @ts-expect-error not an aggregate
given(new Money({ amount: 1n }));

// a projector alone
await given(summaries, opened, seed({ tenant: "t" }, deposited))
  .when(deposited)
  .thenRow("1", { holder: "Ada" })
  .thenNoRow("2", { tenant: "t" })
  .thenRows([{ balance: 1 }])
  .when(opened)
  .thenRejected("PROJECTION_ROW_EXISTS");
// @ts-expect-error not a field of the row
given(summaries, opened).thenRow("1", { colour: "red" });
// @ts-expect-error a field of the wrong type
given(summaries, opened).thenRows([{ balance: "1" }]);
// @ts-expect-error a projector sees events
given(summaries).when(open);
// @ts-expect-error a projector sees events
given(summaries, open);

// builders
const deposit = builder(Deposited, { amount: 5 });
assertType<Equal<ReturnType<typeof deposit>, Deposited>>();
deposit({ accountId: "1" });
deposit({ accountId: "1", amount: 6 });
const complete = builder(Deposited, { accountId: "1", amount: 5 });
complete();
complete({ amount: 6 });
builder(Opened, {})({ accountId: "1" });
builder(Deposit, { amount: 1 })({ accountId: "1" });
builder(Money, {})({ amount: 1n });
builder(Product, { name: "Chair" })();
// @ts-expect-error a field that has no default is missing
deposit();
// @ts-expect-error a field that has no default is missing
deposit({ amount: 6 });
// @ts-expect-error an unknown field
deposit({ accountId: "1", colour: "red" });
// @ts-expect-error a field of the wrong type
deposit({ accountId: "1", amount: "6" });
// @ts-expect-error an unknown field
builder(Deposited, { colour: "red" });
// @ts-expect-error a field of the wrong type
builder(Deposited, { amount: "5" });
// @ts-expect-error not a class of the model
builder(Date, {});

const ids: FixedIdentities & Disposable = fixedIdentities();
assertType<Equal<ReturnType<typeof ids.nth>, string>>();
// @ts-expect-error a domain comes first
deliver(summaries, {});
export const anyClass: AggregateClass<Account> = Account;
