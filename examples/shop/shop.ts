import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  type DomainOptions,
  Entity,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  hasMany,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  reference,
  status,
  ValueObject,
} from "nereus";
import { z } from "zod";

/** An amount in minor units: cents are whole numbers, and JSON carries them as text. */
export class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().length(3) }) //
  .invariant("not_negative", "An amount cannot be negative", (money) => money.amount >= 0n) {
  plus({ amount, currency }: Money): Money {
    if (currency !== this.currency) throw new Error(`${currency} cannot be added to ${this.currency}`);
    return this.with({ amount: this.amount + amount });
  }
  times(factor: number): Money {
    return this.with({ amount: this.amount * BigInt(factor) });
  }
}

// Products are stored as they are, in a table of their own.

const details = { sku: z.string(), name: z.string().max(100), price: Money, stock: z.number().int() };

export class Product extends Aggregate(
  "Product",
  { productId: identifier(), ...details },
  { unique: [["sku"]] },
).invariant("stock", "There is not enough in stock", (product) => product.stock >= 0) {
  take(quantity: number): void {
    this.stock -= quantity;
  }
}

export class AddProduct extends Command("AddProduct", details).returns<string>() {}

const productCommands = commandHandlers(Product).create(AddProduct, (command) => new Product({ ...command }));

// Orders are what has happened to them.

const quantity = z.number().int().positive();
const orderId = identifier();
export class OrderPlaced extends Event("OrderPlaced", { orderId, customer: z.string(), total: Money }) {}
export class LineAdded extends Event("LineAdded", { orderId, productId: z.string(), quantity, price: Money }) {}
export class OrderPaid extends Event("OrderPaid", { orderId }) {}
export class OrderCancelled extends Event("OrderCancelled", { orderId, reason: z.string() }) {}

const lineFields = { productId: reference(Product), quantity, price: Money };
class Line extends Entity("Line", lineFields, { identifiedBy: "productId" }) {}

const states = { OPEN: ["PAID", "CANCELLED"], PAID: ["CANCELLED"], CANCELLED: [] } as const;

export class Order extends EventSourcedAggregate("Order", {
  orderId: identifier(),
  customer: z.string(),
  status: status(states, "OPEN"),
  lines: hasMany(Line),
})
  .applies(OrderPlaced, (order, { orderId, customer }) => Object.assign(order, { orderId, customer }))
  .applies(LineAdded, (order, event) => order.lines.add(new Line(event)))
  .applies(OrderPaid, (order) => {
    order.status = "PAID";
  })
  .applies(OrderCancelled, (order) => {
    order.status = "CANCELLED";
  })
  .invariant("lines", "An order has at least one line", (order) => order.lines.size > 0) {
  /** @param taken what is ordered of each product, each product once */
  static place(orderId: string, customer: string, taken: readonly { product: Product; quantity: number }[]): Order {
    const [first, ...others] = taken.map(({ product, quantity }) => product.price.times(quantity));
    const total = others.reduce((sum, price) => sum.plus(price), first ?? new Money({ amount: 0n, currency: "EUR" }));
    return Order.create((order) =>
      order.change(() => {
        order.raise(new OrderPlaced({ orderId, customer, total }));
        for (const { product, quantity } of taken) {
          const { productId, price } = product;
          order.raise(new LineAdded({ orderId, productId, quantity, price }));
        }
      }),
    );
  }
}

const wanted = z.array(z.object({ productId: z.string(), quantity }));
export class PlaceOrder extends Command("PlaceOrder", { orderId, customer: z.string(), lines: wanted }) {}
export class PayOrder extends Command("PayOrder", { orderId }) {}
export class CancelOrder extends Command("CancelOrder", { orderId, reason: z.string() }) {}

const orderCommands = commandHandlers(Order)
  .on(PlaceOrder, async ({ orderId, customer, lines }, { repository }) => {
    const taken: { product: Product; quantity: number }[] = [];
    for (const { productId, quantity } of lines) {
      const product = await repository(Product).get(productId);
      product.take(quantity);
      await repository(Product).add(product);
      taken.push({ product, quantity });
    }
    await repository(Order).add(Order.place(orderId, customer, taken)); // order and stock commit together, or neither
  })
  .update(PayOrder, (order, { orderId }) => order.raise(new OrderPaid({ orderId })))
  .update(CancelOrder, (order, { orderId, reason }) => order.raise(new OrderCancelled({ orderId, reason })));

/** What is cancelled goes back to the shelf, in the same transaction. */
const restocking = eventHandlers("Restocking", { run: "inline" }).on(OrderCancelled, async (event, { repository }) => {
  const order = await repository(Order).get(event.orderId);
  for (const line of order.lines) {
    const product = await repository(Product).get(line.productId);
    product.take(-line.quantity);
    await repository(Product).add(product);
  }
});

const rowFields = { orderId, customer: z.string(), total: Money, state: z.string() };
export class OrderRow extends Projection("OrderRow", rowFields, { indexes: [["customer"]] }) {}

const idOf = (event: { orderId: string }): string => event.orderId;
const orderRows = projector(OrderRow, { run: "inline" })
  .create(OrderPlaced, ({ orderId, customer, total }) => ({ orderId, customer, total, state: "open" }))
  .update(OrderPaid, idOf, (row) => Object.assign(row, { state: "paid" }))
  .update(OrderCancelled, idOf, (row) => Object.assign(row, { state: "cancelled" }));

export class OrdersOf extends Query("OrdersOf", { customer: z.string() }).returns<OrderRow[]>() {}
const orderQueries = queryHandlers(OrderRow).on(OrdersOf, ({ customer }, { view }) =>
  view.find({ where: { customer, state: { ne: "cancelled" } }, orderBy: { orderId: "asc" } }),
);

export const openShop = (store: DomainOptions["store"]): Domain =>
  new Domain("shop", {
    store,
    elements: [Product, productCommands, Order, orderCommands, restocking, OrderRow, orderRows, orderQueries],
  });
