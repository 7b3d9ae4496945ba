import {
  Aggregate,
  Entity,
  type EntityCollection,
  Event,
  EventSourcedAggregate,
  hasMany,
  hasOne,
  identifier,
  Projection,
  refuse,
  status,
  ValueObject,
} from "nereus";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Money extends ValueObject("Money", { amount: z.number() }) {}
class Opened extends Event("Opened", { accountId: identifier(), holder: z.string() }) {}
class Deposited extends Event("Deposited", { amount: z.number() }) {}
class Foreign extends Event("Foreign", { amount: z.number() }) {}
class Signatory extends Entity(
  "Signatory",
  { email: z.string(), level: z.number().default(1) },
  { identifiedBy: "email" },
) {}
class Address extends Entity("Address", { addressId: identifier(), city: z.string() }) {}

class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  holder: z.string(),
  balance: z.number().default(0),
  limit: Money,
  tags: z.array(z.string()).default([]),
  status: status({ ACTIVE: ["CLOSED"], CLOSED: [] }, "ACTIVE"),
  signatories: hasMany(Signatory),
  address: hasOne(Address),
})
  .applies(Opened, (account, event) => {
    assertType<Equal<typeof event, Opened>>();
    assertType<Equal<typeof account.balance, number>>();
    assertType<Equal<typeof account.status, "ACTIVE" | "CLOSED">>();
    assertType<Equal<typeof account.limit, Money>>();
    assertType<Equal<typeof account.address, Address | undefined>>();
    account.accountId = event.accountId;
    account.status = "CLOSED";
    account.tags.push("a");
    account.signatories.add({ email: "a@b.co" });
    account.signatories.add(new Signatory({ email: "a@b.co", level: 2 }));
    account.signatories.get("a@b.co").level = 3;
    // @ts-expect-error not a status
    account.status = "OPEN";
    // @ts-expect-error not a field
    account.colour = "red";
    // @ts-expect-error not a field of the event
    account.balance = event.amount;
    // @ts-expect-error a field of the wrong type
    account.balance = "1";
    // @ts-expect-error not an entity of the collection
    account.signatories.add({ name: "Ada" });
    // @ts-expect-error not an entity of the collection
    account.signatories.add(new Address({ city: "Rome" }));
  })
  .applies(Deposited, (account, event) => {
    account.balance += event.amount;
  })
  .invariant("balance", "…", (account) => {
    // @ts-expect-error a rule cannot change the state
    account.balance = 0;
    // @ts-expect-error not a field
    return account.colour === "red";
  }) {
  static open(accountId: string) {
    return Account.create((account) => {
      assertType<Equal<typeof account, Account>>();
      account.raise(new Opened({ accountId, holder: "Ada" }));
    });
  }
  deposit(amount: number) {
    this.raise(new Deposited({ amount }));
    // @ts-expect-error an event that the aggregate does not list
    this.raise(new Foreign({ amount }));
    // @ts-expect-error state is changed in .applies only
    this.balance += amount;
    // @ts-expect-error entities are changed in .applies only
    this.signatories.add({ email: "a@b.co" });
    // @ts-expect-error entities are changed in .applies only
    this.signatories.get("a@b.co").level = 2;
  }
}

export const account = Account.open("1");
assertType<Equal<typeof account, Account>>();
assertType<Equal<typeof account.pendingEvents, readonly (Opened | Deposited)[]>>();
assertType<Equal<typeof account.version, number>>();
// @ts-expect-error state is not changed from outside
account.balance = 5;
// @ts-expect-error the version is not set from outside
account.version = 5;
// @ts-expect-error an event that the aggregate does not list
account.raise(new Foreign({ amount: 1 }));
// @ts-expect-error not an event
account.raise({ amount: 1 });
// @ts-expect-error state is not given to the constructor
new Account({ accountId: "1" });
// @ts-expect-error an event-sourced aggregate lists events by .applies
EventSourcedAggregate("X", { id: identifier() }).raises(Opened);
// @ts-expect-error not an event class
EventSourcedAggregate("X", { id: identifier() }).applies(Money, () => {});
// @ts-expect-error a status moves to states that there are
status({ ACTIVE: ["GONE"], CLOSED: [] }, "ACTIVE");
// @ts-expect-error the first state is one of them
status({ ACTIVE: [], CLOSED: [] }, "OPEN");
// @ts-expect-error an unknown option
EventSourcedAggregate("X", { id: identifier() }, { snapshotsEvery: 100 });
// @ts-expect-error a version is a number
EventSourcedAggregate("X", { id: identifier() }, { snapshotEvery: 100, snapshotVersion: "2" });
// @ts-expect-error a state-stored aggregate has no snapshots
Aggregate("X", { id: identifier() }, { snapshotEvery: 100 });

class Product extends Aggregate("Product", {
  productId: identifier(),
  name: z.string(),
  price: Money,
  stock: z.number().default(0),
  status: status({ DRAFT: ["LISTED"], LISTED: [] }, "DRAFT"),
  signatories: hasMany(Signatory),
  address: hasOne(Address),
})
  .raises(Opened, Deposited)
  .invariant("stock", "…", (product) => product.stock >= 0) {
  rename(name: string) {
    this.name = name;
    this.raise(new Deposited({ amount: 1 }));
    // @ts-expect-error an event that the aggregate does not list
    this.raise(new Foreign({ amount: 1 }));
    // @ts-expect-error a field of the wrong type
    this.name = 7;
    // @ts-expect-error not a status
    this.status = "GONE";
  }
}
export const product = new Product({ name: "Chair", price: { amount: 1 }, signatories: [{ email: "a@b.co" }] });
export const same = new Product({
  productId: "1",
  name: "Chair",
  price: new Money({ amount: 1 }),
  stock: 1,
  status: "LISTED",
  address: { city: "Rome" },
});
assertType<Equal<typeof product.productId, string>>();
assertType<Equal<typeof product.price, Money>>();
assertType<Equal<typeof product.status, "DRAFT" | "LISTED">>();
assertType<Equal<typeof product.pendingEvents, readonly (Opened | Deposited)[]>>();
export const signatories: EntityCollection<Signatory, { readonly email: string; readonly level?: number | undefined }> =
  product.signatories;
product.stock = 1;
assertType<Equal<ReturnType<typeof product.change<number>>, number>>();
// @ts-expect-error a field is missing
new Product({ name: "Chair" });
// @ts-expect-error an unknown key
new Product({ name: "Chair", price: { amount: 1 }, colour: "red" });
// @ts-expect-error not a status
new Product({ name: "Chair", price: { amount: 1 }, status: "GONE" });
// @ts-expect-error not an entity's input
new Product({ name: "Chair", price: { amount: 1 }, signatories: [{ name: "Ada" }] });
// @ts-expect-error a state-stored aggregate lists events by .raises
Aggregate("X", { id: identifier() }).applies(Opened, () => {});
// @ts-expect-error not an event class
Aggregate("X", { id: identifier() }).raises(Money);

export const signatory = new Signatory({ email: "a@b.co" });
assertType<Equal<typeof signatory.level, number>>();
signatory.level = 2;
// @ts-expect-error a field is missing
new Signatory({ level: 1 });
// @ts-expect-error an unknown key
new Signatory({ email: "a@b.co", colour: "red" });
// @ts-expect-error identified by a field that it does not have
Entity("X", { email: z.string() }, { identifiedBy: "mail" });
// @ts-expect-error not an entity class
hasMany(Money);
// @ts-expect-error not an entity class
hasOne(z.string());
Entity("X", { id: identifier(), n: z.number() }).invariant("n", "…", (entity) => {
  // @ts-expect-error a rule cannot change the entity
  entity.n = 1;
  return entity.n > 0;
});

// refuse ends what comes before: what it was asked for is narrowed after it
export class Narrowed extends EventSourcedAggregate("Narrowed", { id: identifier(), holder: z.string().optional() }) {
  shout(): string {
    const { holder } = this;
    if (holder === undefined) this.refuse("holder", "Nobody holds it", "holder");
    return holder.toUpperCase();
  }
}
export class NarrowedPart extends Entity("NarrowedPart", { id: identifier(), note: z.string().optional() }) {
  shout(): string {
    const { note } = this;
    if (note === undefined) this.refuse("note", "There is none");
    return note.toUpperCase();
  }
}
export function narrowed(account: Account | undefined): string {
  if (account === undefined) refuse("account", "There is none");
  // @ts-expect-error a code and a message
  if (account.balance < 0) refuse("overdrawn");
  return account.holder;
}

// names that every aggregate, entity, value object or row has are no names of fields
// @ts-expect-error every aggregate has a version
EventSourcedAggregate("Taken", { id: identifier(), version: z.number() });
// @ts-expect-error every aggregate has refuse
Aggregate("Taken", { id: identifier(), refuse: z.string() });
// @ts-expect-error every aggregate has raise
Aggregate("Taken", { id: identifier(), raise: z.string() });
// @ts-expect-error every entity has refuse
Entity("Taken", { id: identifier(), refuse: z.string() });
// @ts-expect-error every value object has with
ValueObject("Taken", { with: z.string() });
// @ts-expect-error every row has toJSON
Projection("Taken", { id: identifier(), toJSON: z.string() });

// the state of an event-sourced aggregate is read-only all the way down outside of .applies, and mutable inside
class Rich {
  readonly #sign = 1;
  get sign(): number {
    return this.#sign;
  }
}
class Note extends Entity("Note", { noteId: identifier(), words: z.array(z.string()) }) {
  count(): number {
    return this.words.length;
  }
}
class Filled extends Event("Filled", { boxId: identifier(), tags: z.array(z.string()) }) {}
export class Box extends EventSourcedAggregate("Box", {
  boxId: identifier(),
  tags: z.array(z.string()),
  size: z.object({ width: z.number(), parts: z.array(z.object({ n: z.number() })) }).optional(),
  rates: z.map(z.string(), z.object({ rate: z.number() })),
  names: z.set(z.string()),
  byName: z.record(z.string(), z.array(z.number())),
  pair: z.tuple([z.number(), z.array(z.string())]),
  either: z.union([z.string(), z.array(z.string())]),
  branded: z.string().brand("Branded"),
  limit: Money,
  limits: z.array(Money.schema()),
  rich: z.instanceof(Rich),
  anything: z.unknown(),
  at: z.date(),
  notes: hasMany(Note),
}).applies(Filled, (box, event) => {
  box.tags = event.tags;
  box.tags.push("x");
  if (box.size) box.size.parts[0] = { n: 1 };
  box.rates.set("a", { rate: 1 });
  box.names.add("a");
  box.byName["a"]?.push(1);
  box.byName["b"] = [];
  box.pair[1].push("x");
  box.notes.get("1").words.push("x");
}) {
  typed(): void {
    assertType<Equal<typeof this.tags, readonly string[]>>();
    assertType<Equal<typeof this.limit, Money>>();
    assertType<Equal<typeof this.limits, readonly Money[]>>();
    assertType<Equal<typeof this.rich, Rich>>();
    assertType<Equal<typeof this.at, Date>>();
    assertType<Equal<typeof this.anything, unknown>>();
    assertType<Equal<typeof this.either, string | readonly string[]>>();
    const branded: string & z.core.$brand<"Branded"> = this.branded;
    this.raise(new Filled({ boxId: branded, tags: this.tags })); // a message takes what may not be changed
    const words: number = this.notes.get("1").count();
    assertType<Equal<typeof words, number>>();
  }
  slips(): void {
    // @ts-expect-error a push
    this.tags.push("x");
    // @ts-expect-error an element
    this.tags[0] = "x";
    // @ts-expect-error a field of an object
    if (this.size) this.size.width = 4;
    // @ts-expect-error a field deeper inside
    if (this.size) this.size.parts[0].n = 4;
    // @ts-expect-error a map
    this.rates.set("a", { rate: 1 });
    // @ts-expect-error what a map holds
    this.rates.get("a").rate = 1;
    // @ts-expect-error a set
    this.names.add("x");
    // @ts-expect-error a record
    this.byName["a"] = [];
    // @ts-expect-error a list in a record
    this.byName["a"]?.push(1);
    // @ts-expect-error a list in a tuple
    this.pair[1].push("x");
    // @ts-expect-error a list of an entity
    this.notes.get("1").words.push("x");
  }
}
