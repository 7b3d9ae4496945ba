import { memory } from "nereus/memory";
import { sqlite } from "nereus/sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import { AddProduct, CancelOrder, Money, OrderRow, OrdersOf, openShop, PayOrder, PlaceOrder } from "./shop.ts";

const euros = (amount: bigint): Money => new Money({ amount, currency: "EUR" });

describe.each([
  ["memory", () => memory()],
  ["sqlite", () => sqlite(":memory:")],
])("the shop on %s", (_, store) => {
  let shop: ReturnType<typeof openShop>;
  let tea: string;
  let pot: string;

  beforeEach(async () => {
    shop = openShop(store());
    await shop.start();
    tea = await shop.process(new AddProduct({ sku: "tea", name: "Tea", price: euros(450n), stock: 10 }));
    pot = await shop.process(new AddProduct({ sku: "pot", name: "Pot", price: euros(2999n), stock: 1 }));
    return () => shop.stop();
  });

  const order = (orderId: string, ...lines: { productId: string; quantity: number }[]): PlaceOrder =>
    new PlaceOrder({ orderId, customer: "ada", lines });

  test("an order takes from the stock and shows its total", async () => {
    await shop.process(order("1", { productId: tea, quantity: 3 }, { productId: pot, quantity: 1 }));
    const [row] = await shop.query(new OrdersOf({ customer: "ada" }));
    expect(row?.total).toEqual(euros(4349n));
    await shop.process(new PayOrder({ orderId: "1" }));
    expect(
      await shop.view(OrderRow).find({ where: { state: "paid", total: { amount: { gte: 4349n } } } }),
    ).toHaveLength(1);
  });

  test("what is not in stock is not sold, and nothing of the order is kept", async () => {
    const tooMany = order("1", { productId: tea, quantity: 3 }, { productId: pot, quantity: 2 });
    await expect(shop.process(tooMany)).rejects.toThrow("There is not enough in stock");
    expect(await shop.view(OrderRow).count()).toBe(0);
    await shop.process(order("2", { productId: tea, quantity: 10 }));
  });

  test("an order without lines is refused", async () => {
    await expect(shop.process(order("1"))).rejects.toThrow("An order has at least one line");
  });

  test("a cancelled order gives back what it took, and cannot be paid", async () => {
    await shop.process(order("1", { productId: pot, quantity: 1 }));
    await expect(shop.process(order("2", { productId: pot, quantity: 1 }))).rejects.toThrow("not enough in stock");
    await shop.process(new CancelOrder({ orderId: "1", reason: "changed my mind" }));
    expect(await shop.query(new OrdersOf({ customer: "ada" }))).toEqual([]);
    await shop.process(order("2", { productId: pot, quantity: 1 }));
    await expect(shop.process(new PayOrder({ orderId: "1" }))).rejects.toMatchObject({
      code: "STATUS_TRANSITION_FORBIDDEN",
    });
  });

  test("a stock keeping unit is there once", async () => {
    const again = new AddProduct({ sku: "tea", name: "Other tea", price: euros(1n), stock: 1 });
    await expect(shop.process(again)).rejects.toMatchObject({ code: "UNIQUE_VIOLATED" });
  });

  test("the last piece is sold once, whoever asks", async () => {
    const rivals = Array.from({ length: 8 }, (_, n) => shop.process(order(`r${n}`, { productId: pot, quantity: 1 })));
    const settled = await Promise.allSettled(rivals);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await shop.view(OrderRow).count()).toBe(1);
  });

  test("an amount is never negative", () => {
    expect(() => euros(5n).plus(new Money({ amount: -6n, currency: "EUR" }))).toThrow("cannot be negative");
    expect(euros(2n).times(3).equals(euros(6n))).toBe(true);
  });
});
