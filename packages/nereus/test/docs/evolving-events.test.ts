import { Command, commandHandlers, Domain, decimal, Event, EventSourcedAggregate, identifier } from "nereus";
import { memory } from "nereus/memory";
import { expect, test } from "vitest";
import { z } from "zod";

class PriceSet extends Event("PriceSet", { productId: identifier(), price: z.number() }) {}
class PriceSetExactly extends Event("PriceSetExactly", { productId: identifier(), price: decimal({ scale: 2 }) }) {}
class Product extends EventSourcedAggregate("Product", { productId: identifier(), price: decimal({ scale: 2 }) })
  .applies(PriceSet, (product, { productId, price }) => {
    product.productId = productId;
    product.price = price.toFixed(2);
  })
  .applies(PriceSetExactly, (product, { productId, price }) => {
    product.productId = productId;
    product.price = price;
  }) {}

class Former extends EventSourcedAggregate("Product", { productId: identifier(), price: z.number() }).applies(
  PriceSet,
  (product, { productId, price }) => {
    product.productId = productId;
    product.price = price;
  },
) {}
class Price extends Command("Price", { productId: identifier(), price: z.number() }) {}
class PriceExactly extends Command("PriceExactly", { productId: identifier(), price: z.string() }).returns<string>() {}

test("an event of another name takes what does not fit, beside the one that is stored", async () => {
  const store = memory();
  const pricing = commandHandlers(Former).create(Price, (command) =>
    Former.create((product) => product.raise(new PriceSet(command))),
  );
  const before = new Domain("shop", { elements: [Former, pricing], store });
  await before.start();
  await before.process(new Price({ productId: "1", price: 12.5 }));
  await before.stop();
  const exact = commandHandlers(Product).update(PriceExactly, (product, { productId, price }) => {
    const former = product.price;
    product.raise(new PriceSetExactly({ productId, price }));
    return former;
  });
  const after = new Domain("shop", { elements: [Product, exact], store });
  await after.start();
  expect(await after.process(new PriceExactly({ productId: "1", price: "13.25" }))).toBe("12.50");
  expect(await after.process(new PriceExactly({ productId: "1", price: "1" }))).toBe("13.25");
  await after.stop();
});
