import {
  Aggregate,
  domainService,
  type Element,
  Entity,
  type EntityInput,
  Event,
  EventSourcedAggregate,
  hasMany,
  hasOne,
  type Input,
  identifier,
  type PartInstances,
  Projection,
  personal,
  reference,
  status,
  ValueObject,
} from "nereus";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Decimal {
  readonly text: string = "";
}
const decimal = z.codec(z.string(), z.instanceof(Decimal), { decode: () => new Decimal(), encode: ({ text }) => text });

// --- value objects, and schema() --------------------------------------------------------------------------------------
class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().default("EUR") }) {
  plus(more: Money): Money {
    return this.with({ amount: this.amount + more.amount });
  }
}
class Price extends ValueObject("Price", { net: Money, rate: decimal, tags: z.array(z.string()).default([]) })
  .invariant("rate", "…", (price) => {
    assertType<Equal<typeof price.net, Money>>();
    assertType<Equal<typeof price.rate, Decimal>>();
    // @ts-expect-error a rule cannot change the value
    price.net = new Money({ amount: 1n });
    return price.net.plus(price.net).amount > 0n;
  })
  // @ts-expect-error a rule answers with true or false
  .invariant("wrong", "…", (price) => price.net) {}
// @ts-expect-error a value object has no precondition: it never changes
ValueObject("X", { n: z.number() }).precondition("n", "…", () => true);
// @ts-expect-error entities are not part of values: a rule looks at the fields alone
ValueObject("X", { n: z.number() }).invariant("n", "…", (it) => it.m > 0);

declare const money: Money;
const moneyInJson = money.toJSON();
assertType<Equal<typeof moneyInJson, { readonly amount: string; readonly currency: string }>>();
Money.fromJSON(money.toJSON());
// @ts-expect-error not a field
money.toJSON().colour;
class Everywhere extends Event("Everywhere", {
  direct: Money,
  optional: Money.schema().optional(),
  nullable: Money.schema().nullable(),
  list: z.array(Money.schema()),
  record: z.record(z.string(), Money.schema()),
  map: z.map(z.string(), Money.schema()),
  set: z.set(Money.schema()),
  union: z.union([Money.schema(), Price.schema()]),
  object: z.object({ inner: z.object({ price: Price.schema() }) }),
  filled: Money.schema().default(() => money),
  described: Money.schema()
    .describe("…")
    .refine((it) => it.plus(it).amount > 0n),
}) {}
declare const everywhere: Everywhere;
assertType<Equal<typeof everywhere.direct, Money>>();
assertType<Equal<typeof everywhere.optional, Money | undefined>>();
assertType<Equal<typeof everywhere.nullable, Money | null>>();
assertType<Equal<typeof everywhere.list, Money[]>>();
assertType<Equal<typeof everywhere.record, Record<string, Money>>>();
assertType<Equal<typeof everywhere.map, Map<string, Money>>>();
assertType<Equal<typeof everywhere.set, Set<Money>>>();
assertType<Equal<typeof everywhere.union, Money | Price>>();
assertType<Equal<typeof everywhere.object, { inner: { price: Price } }>>();
assertType<Equal<typeof everywhere.filled, Money>>();
everywhere.list[0]?.plus(money); // the methods of the subclass are there
everywhere.optional?.plus(money);
everywhere.object.inner.price.net.plus(money);
// @ts-expect-error no method of it
everywhere.list[0]?.minus(money);
new Everywhere({
  direct: { amount: 1n },
  optional: { amount: 1n },
  nullable: null,
  list: [money, { amount: 1n }, { amount: 1n, currency: "USD" }],
  record: { a: { amount: 1n } },
  map: new Map([["a", money]]),
  set: new Set([money]),
  union: { amount: 1n },
  object: { inner: { price: { net: { amount: 1n }, rate: "1.5" } } },
  described: money,
});
type Given = ConstructorParameters<typeof Everywhere>[0];
declare const rest: Omit<Given, "direct" | "list">;
// @ts-expect-error a value of the wrong type in a list
new Everywhere({ ...rest, direct: money, list: [{ amount: 1 }] });
// @ts-expect-error an unknown key in a value object's input
new Everywhere({ ...rest, direct: { amount: 1n, colour: "red" }, list: [] });
// @ts-expect-error another value object
new Everywhere({ ...rest, direct: new Price({ net: money, rate: "1" }), list: [] });
assertType<Equal<ReturnType<typeof money.plus>, Money>>();
export const changed: Money = money.with({ currency: "USD" });
money.with({});
// @ts-expect-error not a field
money.with({ colour: "red" });
// @ts-expect-error a method is no field
money.with({ plus: () => money });
// @ts-expect-error a value object cannot be changed
everywhere.direct.amount = 2n;
// @ts-expect-error schema() is asked of the class
money.schema();

// --- rules of aggregates and entities ---------------------------------------------------------------------------------
class Remark extends Entity("Remark", { remarkId: identifier(), text: z.string() }) {}
class Line extends Entity(
  "Line",
  { sku: z.string(), price: Money, remarks: hasMany(Remark), state: status({ A: ["B"], B: [] }, "A") },
  { identifiedBy: "sku" },
)
  .precondition("line", "…", (line) => {
    assertType<Equal<typeof line.price, Money>>();
    assertType<Equal<typeof line.state, "A" | "B">>();
    // @ts-expect-error a rule cannot change the entity
    line.sku = "x";
    return line.remarks.size > 0;
  })
  // @ts-expect-error not a field
  .invariant("wrong", "…", (line) => line.colour === "red")
  // @ts-expect-error asynchronous
  .precondition("wrong", "…", async () => true) {}

class Opened extends Event("Opened", { orderId: identifier() }) {}
class Shipped extends Event("Shipped", { orderId: identifier() }) {}
class Order extends EventSourcedAggregate("Order", {
  orderId: identifier(),
  lines: hasMany(Line),
  last: hasOne(Line),
  state: status({ OPEN: ["SHIPPED"], SHIPPED: [] }, "OPEN"),
  maybe: status({ ON: ["OFF"], OFF: ["ON"] }, "ON").optional(),
  customerId: reference((): Element<"aggregate"> => Customer).optional(),
})
  .applies(Opened, (order, { orderId }) => {
    order.orderId = orderId;
  })
  .precondition("open", "…", (order) => {
    assertType<Equal<typeof order.state, "OPEN" | "SHIPPED">>();
    // @ts-expect-error a rule cannot change the state
    order.state = "OPEN";
    // @ts-expect-error a rule cannot change the entities
    order.lines.remove("a");
    // @ts-expect-error a rule has the state, not the aggregate
    order.raise(new Opened({ orderId: "1" }));
    return order.state === "OPEN";
  })
  .invariant("sum", "…", (order) => order.lines.filter((line) => line.sku === "").length === 0) {}
class Customer extends Aggregate("Customer", {
  customerId: identifier(),
  email: personal(z.email()),
  born: personal(z.date()).optional(),
  orderIds: z.array(reference(Order)).default([]),
  credit: Money,
})
  .raises(Opened)
  .precondition("credit", "…", ({ credit }) => credit.plus(credit).amount >= 0n)
  .raises(Shipped)
  .invariant("email", "…", (customer) => {
    // @ts-expect-error a rule cannot change the state
    customer.email = "";
    return customer.email !== "";
  }) {}
declare const order: Order;
declare const customer: Customer;
assertType<Equal<typeof order.pendingEvents, readonly Opened[]>>();
assertType<Equal<typeof customer.pendingEvents, readonly (Opened | Shipped)[]>>(); // raises and rules in any order
assertType<Equal<typeof customer.email, string>>();
assertType<Equal<typeof customer.born, Date | undefined>>();
assertType<Equal<typeof customer.orderIds, string[]>>();
assertType<Equal<typeof order.customerId, string | undefined>>();

// @ts-expect-error a rule has a code and a message
Aggregate("X", { id: identifier() }).invariant("code", () => true);
// @ts-expect-error a rule answers with true or false
Aggregate("X", { id: identifier() }).precondition("code", "…", () => "yes");
const sourced = EventSourcedAggregate("X", { id: identifier() }).precondition("code", "…", () => true);
// @ts-expect-error an event-sourced aggregate lists events by .applies, after rules too
sourced.raises(Opened);

// --- options ----------------------------------------------------------------------------------------------------------
Aggregate(
  "X",
  { id: identifier(), sku: z.string() },
  { unique: [["sku"]], indexes: [["sku", "id"]], factEvents: true },
);
// @ts-expect-error no field of that name
Aggregate("X", { id: identifier(), sku: z.string() }, { unique: [["nope"]] });
// @ts-expect-error no field of that name among others
Aggregate("X", { id: identifier(), sku: z.string() }, { indexes: [["sku", "nope"]] });
// @ts-expect-error a list of lists
Aggregate("X", { id: identifier(), sku: z.string() }, { unique: ["sku"] });
// @ts-expect-error an unknown option
Aggregate("X", { id: identifier() }, { uniqe: [["id"]] });
// @ts-expect-error an event-sourced aggregate has no fields that the store knows
EventSourcedAggregate("X", { id: identifier(), sku: z.string() }, { unique: [["sku"]] });
Projection("X", { id: identifier(), sku: z.string() }, { unique: [["sku"]], indexes: [["sku", "id"]] });
// @ts-expect-error no field of that name
Projection("X", { id: identifier(), sku: z.string() }, { unique: [["nope"]] });
// @ts-expect-error no field of that name
Projection("X", { id: identifier(), sku: z.string() }, { indexes: [["sku", "nope"]] });
// @ts-expect-error not a field's name
Entity("X", { email: z.string() }, { identifiedBy: "mail" });
// @ts-expect-error a field is described by a schema
Aggregate("X", { id: identifier(), sku: "string" });
// @ts-expect-error the fields themselves, not a schema of them
Aggregate("X", z.object({ id: z.string() }));

// --- canTransitionTo --------------------------------------------------------------------------------------------------
order.canTransitionTo("state", "SHIPPED");
order.canTransitionTo("maybe", "OFF");
declare const line: Line;
line.canTransitionTo("state", "B");
order.lines.get("a").canTransitionTo("state", "B");
// @ts-expect-error not a state
order.canTransitionTo("state", "GONE");
// @ts-expect-error not a state of this one
line.canTransitionTo("state", "SHIPPED");
// @ts-expect-error not a field
order.canTransitionTo("nope", "OPEN");
// @ts-expect-error states of a status are its keys
status({ OPEN: ["CLOSED"] }, "OPEN");

// --- inputs -----------------------------------------------------------------------------------------------------------
const shape = {
  id: identifier(),
  name: z.string(),
  nick: z.string().optional(),
  size: z.number().default(1),
  price: Money,
  line: hasOne(Remark),
  lines: hasMany(Remark),
};
type RemarkInput = { readonly text: string; readonly remarkId?: string | undefined };
assertType<
  Equal<
    EntityInput<typeof shape>,
    {
      readonly name: string;
      readonly price: Money | { readonly amount: bigint; readonly currency?: string | undefined };
      readonly id?: string | undefined;
      readonly nick?: string | undefined;
      readonly size?: number | undefined;
      readonly line?: Remark | RemarkInput | undefined;
      readonly lines?: readonly (Remark | RemarkInput)[] | undefined;
    }
  >
>();
type OfMessage = Input<{ id: typeof shape.id; nick: typeof shape.nick }>;
assertType<Equal<OfMessage, { readonly id: string; readonly nick?: string | undefined }>>();
new Customer({ email: "a@b.co", credit: { amount: 1n }, orderIds: ["1"] });
// @ts-expect-error a reference is an identity, not the other aggregate
new Customer({ email: "a@b.co", credit: { amount: 1n }, orderIds: [order] });
// @ts-expect-error a field is missing
new Customer({ email: "a@b.co" });
// @ts-expect-error only aggregates are referred to
reference(Line);
// @ts-expect-error only aggregates are referred to
reference(Money);
// @ts-expect-error only aggregates are referred to
reference(() => Line);
// @ts-expect-error a field, not its name
personal("email");

// --- entities, three levels deep --------------------------------------------------------------------------------------
class Twig extends Entity("Twig", { twigId: identifier(), remarks: hasMany(Remark), top: hasOne(Remark) }) {}
class Branch extends Entity("Branch", { branchId: identifier(), twigs: hasMany(Twig) }) {}
class Tree extends Aggregate("Tree", { treeId: identifier(), branches: hasMany(Branch) }) {}
const tree = new Tree({ branches: [{ twigs: [{ remarks: [{ text: "x" }], top: { text: "y" } }] }, new Branch({})] });
const twig = tree.branches.get("b").twigs.get("t");
assertType<Equal<typeof twig, Twig>>();
assertType<Equal<typeof twig.top, Remark | undefined>>();
twig.remarks.get("r").text = "z";
twig.remarks.add({ text: "new" });
for (const remark of twig.remarks) assertType<Equal<typeof remark, Remark>>();
// @ts-expect-error a field is missing, three levels down
new Tree({ branches: [{ twigs: [{ remarks: [{}] }] }] });
// @ts-expect-error another entity
twig.remarks.add(new Branch({}));
// @ts-expect-error not a field of it
twig.remarks.get("r").colour = "red";
// @ts-expect-error a collection is not replaced by a list
twig.remarks = [];
// @ts-expect-error entities of an event-sourced aggregate change in .applies only
order.lines.get("a").sku = "b";
// @ts-expect-error entities of an event-sourced aggregate change in .applies only
order.lines.add(line);

// --- domain services --------------------------------------------------------------------------------------------------
const allocate = domainService("Allocate", { order: Order, customer: Customer })
  .precondition("same", "…", (parts) => {
    assertType<Equal<typeof parts, { readonly order: Order; readonly customer: Customer }>>();
    return parts.order.customerId === parts.customer.customerId;
  })
  .invariant("credit", "…", (parts) => parts.customer.credit.amount >= 0n)
  .does((parts, amount: bigint, note?: string) => {
    assertType<Equal<typeof parts.order, Order>>();
    parts.customer.credit = parts.customer.credit.with({ amount });
    parts.order.raise(new Opened({ orderId: "1" }));
    // @ts-expect-error an event that the aggregate does not list
    parts.order.raise(new Shipped({ orderId: "1" }));
    // @ts-expect-error no part of that name
    parts.stock;
    // @ts-expect-error the parts stay what they are
    parts.order = order;
    return note?.length;
  });
assertType<Equal<ReturnType<typeof allocate>, number | undefined>>();
assertType<
  Equal<
    Parameters<typeof allocate>,
    [parts: { readonly order: Order; readonly customer: Customer }, amount: bigint, note?: string | undefined]
  >
>();
assertType<Equal<PartInstances<{ readonly a: typeof Order }>, { readonly a: Order }>>();
allocate({ order, customer }, 1n);
allocate({ order, customer }, 1n, "note");
// @ts-expect-error a part is missing
allocate({ order }, 1n);
// @ts-expect-error another aggregate
allocate({ order, customer: order }, 1n);
// @ts-expect-error the aggregates, not their classes
allocate({ order: Order, customer: Customer }, 1n);
// @ts-expect-error an input is missing
allocate({ order, customer });
// @ts-expect-error an input of the wrong type
allocate({ order, customer }, 1);
// @ts-expect-error an input too many
allocate({ order, customer }, 1n, "note", 2);
// @ts-expect-error a part that it does not have
allocate({ order, customer, stock: order }, 1n);
// @ts-expect-error parts are aggregates
domainService("X", { line: Line });
// @ts-expect-error parts are aggregates
domainService("X", { money: Money });
// @ts-expect-error a rule answers with true or false
domainService("X", { order: Order }).invariant("code", "…", ({ order: it }) => it.lines.size);
// @ts-expect-error it is called when it is built
domainService("X", { order: Order })({ order });
// @ts-expect-error a service is built once
allocate.does(() => 1);
export const asElement: Element = allocate;
