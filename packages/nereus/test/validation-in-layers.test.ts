// Where a rule belongs: four layers, from the smallest to the largest. Each trusts the one below it.
import {
  Aggregate,
  Command,
  commandHandlers,
  type Domain,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  reference,
  status,
  ValidationError,
  ValueObject,
} from "nereus";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { storedMessages } from "./support/log.ts";
import { type Place, places } from "./support/places.ts";
import { issuesOf } from "./support/refusal.ts";

// Layer 1, the field: is this a value of its kind?
const sku = z.string().regex(/^[A-Z]{3}-\d{3}$/, "A SKU looks like ABC-123");

// Layer 2, the value object: do these values go together?
class Money extends ValueObject("Money", { cents: z.int(), currency: z.enum(["EUR", "USD"]) }).invariant(
  "not-negative",
  "A price cannot be negative",
  ({ cents }) => cents >= 0,
) {}
class Delivery extends ValueObject("Delivery", { from: z.date(), until: z.date() }).invariant(
  "window",
  "A delivery ends after it begins",
  ({ from, until }) => from < until,
) {}

// Layer 3, the aggregate: may this happen to it now (before), and is it sound afterwards?
class Line extends Entity("Line", { sku, quantity: z.int().min(1), price: Money }, { identifiedBy: "sku" }).invariant(
  "bulk",
  "More than 10 of one article are ordered by phone",
  ({ quantity }) => quantity <= 10,
) {}
class OrderPlaced extends Event("OrderPlaced", { orderId: identifier(), customerId: z.string(), delivery: Delivery }) {}
class LineAdded extends Event("LineAdded", { orderId: identifier(), sku, quantity: z.int(), price: Money }) {}
class OrderShipped extends Event("OrderShipped", { orderId: identifier() }) {}
class Customer extends Aggregate("Customer", { customerId: identifier(), credit: z.int().default(0) }) {}
class Order extends EventSourcedAggregate("Order", {
  orderId: identifier(),
  customerId: reference(Customer),
  delivery: Delivery,
  lines: hasMany(Line),
  state: status({ OPEN: ["SHIPPED"], SHIPPED: [] }, "OPEN"),
})
  .applies(OrderPlaced, (order, { orderId, customerId, delivery }) => {
    Object.assign(order, { orderId, customerId, delivery });
  })
  .applies(LineAdded, (order, event) => {
    order.lines.add(new Line(event));
  })
  .applies(OrderShipped, (order) => {
    order.state = "SHIPPED";
  })
  .precondition("not-shipped", "What is shipped cannot be changed", ({ state }) => state !== "SHIPPED")
  .invariant("one-currency", "An order has one currency", ({ lines }) => {
    return new Set([...lines].map(({ price }) => price.currency)).size <= 1;
  })
  .invariant("not-empty", "An empty order is not shipped", ({ state, lines }) => state === "OPEN" || lines.size > 0) {
  get total(): number {
    return [...this.lines].reduce((sum, { price, quantity }) => sum + price.cents * quantity, 0);
  }
}

// Layer 4, the handler: does it fit with the rest of the world?
class OpenAccount extends Command("OpenAccount", { customerId: identifier(), credit: z.int() }) {}
class PlaceOrder extends Command("PlaceOrder", { orderId: identifier(), customerId: z.string(), delivery: Delivery }) {}
class AddLine extends Command("AddLine", { orderId: identifier(), sku, quantity: z.int().positive(), price: Money }) {}
class ShipOrder extends Command("ShipOrder", { orderId: identifier() }) {}
const customers = commandHandlers(Customer).create(OpenAccount, (command) => new Customer({ ...command }));
const orders = commandHandlers(Order)
  .on(PlaceOrder, async (command, { repository }) => {
    if ((await repository(Customer).find(command.customerId)) === undefined)
      throw refuse("customer", "No such customer");
    await repository(Order).add(Order.create((order) => order.raise(new OrderPlaced({ ...command }))));
  })
  .on(AddLine, async (command, { repository }) => {
    const order = await repository(Order).get(command.orderId);
    order.raise(new LineAdded({ ...command }));
    const { credit } = await repository(Customer).get(order.customerId);
    if (order.total > credit) throw refuse("credit", "This is over the customer's credit");
    await repository(Order).add(order);
  })
  .update(ShipOrder, (order, { orderId }) => order.raise(new OrderShipped({ orderId })));
const refuse = (code: string, message: string) =>
  new ValidationError("VALIDATION_FAILED", "PlaceOrder", [{ path: [], code, message }]);

const window = { from: new Date(0), until: new Date(1) };
const euro = (cents: number) => ({ cents, currency: "EUR" as const });

describe("layer 1, fields: refused before anything is made of them", () => {
  test("every field that does not fit is named, by its path and the code of its schema", () => {
    expect(
      issuesOf(
        () => new AddLine({ orderId: "", sku: "abc", quantity: 0.5, price: { cents: "1", currency: "GBP" } as never }),
      ),
    ).toEqual([
      "orderId too_small",
      "sku invalid_format",
      "quantity invalid_type",
      "price.cents invalid_type",
      "price.currency invalid_value",
    ]);
  });

  test("a schema may be used in many places, and says the same in each", () => {
    const [inCommand, inEvent, inEntity] = [
      () => new AddLine({ orderId: "1", sku: "x", quantity: 1, price: euro(1) }),
      () => new LineAdded({ orderId: "1", sku: "x", quantity: 1, price: euro(1) }),
      () => new Line({ sku: "x", quantity: 1, price: euro(1) }),
    ];
    for (const make of [inCommand, inEvent, inEntity]) {
      expect(make).toThrow("sku: A SKU looks like ABC-123");
    }
  });
});

describe("layer 2, value objects: what is valid by itself may still not go together", () => {
  test("its rules are named by their codes, and where it is part of something by its path", () => {
    const delivery = { from: new Date(1), until: new Date(0) };
    expect(issuesOf(() => new Delivery(delivery))).toEqual(["window"]);
    expect(issuesOf(() => new PlaceOrder({ orderId: "1", customerId: "c", delivery }))).toEqual(["delivery window"]);
    expect(issuesOf(() => new AddLine({ orderId: "1", sku: "x", quantity: 1, price: euro(-1) }))).toEqual([
      "sku invalid_format",
      "price not-negative",
    ]);
  });
});

describe("layer 3, aggregates: before a change, and after it", () => {
  const order = () => {
    const made = Order.create((it) => it.raise(new OrderPlaced({ orderId: "1", customerId: "c", delivery: window })));
    made.raise(new LineAdded({ orderId: "1", sku: "AAA-001", quantity: 2, price: euro(100) }));
    return made;
  };

  test("an entity's rules are checked with its aggregate's, and all that fail are named", () => {
    const it = order();
    const adding = () =>
      it.raise(new LineAdded({ orderId: "1", sku: "BBB-001", quantity: 11, price: { cents: 1, currency: "USD" } }));
    expect(issuesOf(adding)).toEqual(["bulk"]); // such a line does not come about at all
    const usd = new LineAdded({ orderId: "1", sku: "BBB-001", quantity: 1, price: { cents: 1, currency: "USD" } });
    expect(issuesOf(() => it.raise(usd))).toEqual(["one-currency"]);
    expect([it.lines.size, it.version]).toEqual([1, 1]);
  });

  test("a refusal says whose rule it is: which aggregate, or which entity that nothing holds yet", () => {
    const it = order();
    const usd = new LineAdded({ orderId: "1", sku: "BBB-001", quantity: 1, price: { cents: 1, currency: "USD" } });
    const ofOrder = { code: "INVARIANT_FAILED", element: "Order", identity: "1" };
    expect(() => it.raise(usd)).toThrow(expect.objectContaining(ofOrder));
    const bulk = () => new Line({ sku: "DDD-001", quantity: 11, price: euro(1) });
    expect(bulk).toThrow(expect.objectContaining({ element: "Line", identity: "DDD-001" }));
    expect(bulk).toThrow("Line DDD-001: More than 10");
    const noIdentity = { element: "Money", identity: undefined };
    expect(() => new Money({ cents: -1, currency: "EUR" })).toThrow(expect.objectContaining(noIdentity));
  });

  test("so does a refused value of a field, of an aggregate or of an entity in it", () => {
    class Part extends Entity("Part", { code: z.string(), weight: z.number().positive() }, { identifiedBy: "code" }) {}
    class Machine extends Aggregate("Machine", {
      machineId: identifier(),
      name: z.string().min(1),
      marks: z.array(z.string().min(1)).default([]),
      parts: hasMany(Part),
    }) {}
    const machine = new Machine({ machineId: "m-1", name: "loom", parts: [{ code: "p-1", weight: 1 }] });
    const refused = (change: () => void) => {
      expect(change).toThrow(expect.objectContaining({ code: "VALIDATION_FAILED" }));
      try {
        change();
      } catch (error) {
        return [(error as ValidationError).element, (error as ValidationError).identity];
      }
      return [];
    };
    expect(refused(() => Object.assign(machine, { name: "" }))).toEqual(["Machine", "m-1"]);
    expect(refused(() => machine.change(() => machine.marks.push("")))).toEqual(["Machine", "m-1"]);
    expect(refused(() => Object.assign(machine.parts.get("p-1"), { weight: 0 }))).toEqual(["Part", "p-1"]);
    expect([machine.name, machine.marks, machine.parts.get("p-1").weight]).toEqual(["loom", [], 1]);
  });

  test("what may not happen now is refused before it happens", () => {
    const it = order();
    it.raise(new OrderShipped({ orderId: "1" }));
    const late = new LineAdded({ orderId: "1", sku: "CCC-001", quantity: 1, price: euro(1) });
    expect(() => it.raise(late)).toThrow(expect.objectContaining({ code: "PRECONDITION_FAILED" }));
    expect(issuesOf(() => it.raise(late))).toEqual(["not-shipped"]);
    const empty = Order.create((made) =>
      made.raise(new OrderPlaced({ orderId: "2", customerId: "c", delivery: window })),
    );
    expect(issuesOf(() => empty.raise(new OrderShipped({ orderId: "2" })))).toEqual(["not-empty"]);
  });
});

describe.each(places())("layer 4, handlers, on $name: what only the rest of the world can tell", (kind) => {
  let place: Place;
  let shop: Domain;
  beforeEach(async () => {
    place = kind.open();
    shop = await place.start([Customer, Order, customers, orders]);
    await shop.process(new OpenAccount({ customerId: "c", credit: 1000 }));
    await shop.process(new PlaceOrder({ orderId: "1", customerId: "c", delivery: window }));
  });

  test("a handler refuses with issues of the same form, and nothing is stored", async () => {
    const unknown = new PlaceOrder({ orderId: "2", customerId: "nobody", delivery: window });
    await expect(shop.process(unknown)).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
      issues: [{ code: "customer" }],
    });
    await shop.process(new AddLine({ orderId: "1", sku: "AAA-001", quantity: 9, price: euro(100) }));
    const tooMuch = new AddLine({ orderId: "1", sku: "BBB-001", quantity: 2, price: euro(100) });
    await expect(shop.process(tooMuch)).rejects.toMatchObject({ issues: [{ code: "credit" }] });
    await shop.process(new AddLine({ orderId: "1", sku: "BBB-001", quantity: 1, price: euro(100) }));
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["OrderPlaced", "LineAdded", "LineAdded"]);
  });

  test("every layer's refusal reaches the caller as one kind of error, with nothing stored", async () => {
    const before = await storedMessages(place);
    const refusals: [string, () => Promise<unknown>][] = [
      [
        "sku invalid_format",
        async () => shop.process(new AddLine({ orderId: "1", sku: "x", quantity: 1, price: euro(1) })),
      ],
      [
        "price not-negative",
        async () => shop.process(new AddLine({ orderId: "1", sku: "AAA-001", quantity: 1, price: euro(-1) })),
      ],
      ["bulk", () => shop.process(new AddLine({ orderId: "1", sku: "AAA-001", quantity: 11, price: euro(1) }))],
      ["not-empty", () => shop.process(new ShipOrder({ orderId: "1" }))],
      ["credit", () => shop.process(new AddLine({ orderId: "1", sku: "AAA-001", quantity: 1, price: euro(1001) }))],
    ];
    for (const [issue, run] of refusals) {
      const error: unknown = await run().then(
        () => "accepted",
        (reason: unknown) => reason,
      );
      expect(error, issue).toBeInstanceOf(ValidationError);
      const { issues } = error as ValidationError;
      expect(issues.map(({ path, code }) => `${path.join(".")} ${code}`.trim())).toEqual([issue]);
    }
    expect(await storedMessages(place)).toEqual(before);
  });
});
