// The product that docs/recipes/moving-an-aggregate.md moves; a test holds the recipe's snippets to this file.
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
  Projection,
  projector,
  Query,
  queryHandlers,
  reference,
} from "nereus";
import { z } from "zod";

export class ProductRepriced extends Event("ProductRepriced", { productId: identifier(), price: z.bigint() }) {}

export class Part extends Entity("Part", { partId: identifier(), quantity: z.number().int() }) {}

const productFields = { productId: identifier(), sku: z.string(), price: z.bigint(), parts: hasMany(Part) };

// its documents are in the collection "Product", and stay there until each is moved
export class StoredProduct extends Aggregate("Product", productFields, { unique: [["sku"]] }).raises(ProductRepriced) {
  reprice(price: bigint) {
    this.price = price;
    this.raise(new ProductRepriced({ productId: this.productId, price }));
  }
}

export class ProductListed extends Event("ProductListed", {
  productId: identifier(),
  sku: z.string(),
  price: z.bigint(),
}) {}

export class ProductImported extends Event("ProductImported", {
  productId: identifier(),
  sku: z.string(),
  price: z.bigint(),
  parts: z.array(z.object({ partId: z.string(), quantity: z.number().int() })),
}) {}

export class ProductMovedBack extends Event("ProductMovedBack", { productId: identifier() }) {}

const partOf = ({ partId, quantity }: { partId: string; quantity: number }) => ({ partId, quantity });

// its events are in the category "CatalogueProduct"
export class Product extends EventSourcedAggregate("CatalogueProduct", {
  ...productFields,
  movedBack: z.boolean().default(false),
})
  .applies(ProductListed, (product, { productId, sku, price }) => {
    product.productId = productId;
    product.sku = sku;
    product.price = price;
  })
  .applies(ProductImported, (product, { productId, sku, price, parts }) => {
    product.productId = productId;
    product.sku = sku;
    product.price = price;
    for (const part of [...product.parts]) product.parts.remove(part); // of an earlier stay
    for (const part of parts) product.parts.add(part);
    product.movedBack = false;
  })
  .applies(ProductRepriced, (product, { price }) => {
    product.price = price;
  })
  .applies(ProductMovedBack, (product) => {
    product.movedBack = true;
  }) {
  static list(productId: string, sku: string, price: bigint) {
    return Product.create((product) => product.raise(new ProductListed({ productId, sku, price })));
  }
  import({ productId, sku, price, parts }: StoredProduct) {
    this.raise(new ProductImported({ productId, sku, price, parts: [...parts].map((part) => partOf(part)) }));
  }
  reprice(price: bigint) {
    this.raise(new ProductRepriced({ productId: this.productId, price }));
  }
  moveBack() {
    this.raise(new ProductMovedBack({ productId: this.productId }));
  }
}

export class CatalogueRow extends Projection(
  "CatalogueRow",
  { productId: identifier(), sku: z.string(), price: z.bigint() },
  { unique: [["sku"]] },
) {}
export const catalogueRows = projector(CatalogueRow, { run: "inline" })
  .create(ProductListed, ({ productId, sku, price }) => ({ productId, sku, price }))
  .create(ProductImported, ({ productId, sku, price }) => ({ productId, sku, price }))
  .on(ProductRepriced, async ({ productId, price }, { rows }) => {
    const row = await rows.get(productId);
    if (row !== undefined) row.price = price; // there is none while the product is stored as a document
  })
  .remove(ProductMovedBack, ({ productId }) => productId);

export class MoveProduct extends Command("MoveProduct", { productId: identifier() }).returns<boolean>() {}

/** One document, in one transaction: its state as an event, and its removal. True if there was one to move. */
export const moving = commandHandlers(Product).on(MoveProduct, async ({ productId }, { repository }) => {
  const stored = await repository(StoredProduct).find(productId);
  if (stored === undefined) return false;
  const product = (await repository(Product).find(productId)) ?? Product.create(() => undefined);
  product.import(stored);
  await repository(Product).add(product);
  await repository(StoredProduct).remove(stored);
  return true;
});

export class ProductsToMove extends Query("ProductsToMove", { limit: z.number().int() }).returns<string[]>() {}
export const productsToMove = queryHandlers(CatalogueRow).on(ProductsToMove, async ({ limit }, { repository }) => {
  const stored = await repository(StoredProduct).query({ limit });
  return stored.map(({ productId }) => productId);
});

/** Moves all documents of a tenant. It may be stopped and started again, and run twice at once. */
export async function moveAll(domain: Domain, tenant: string): Promise<number> {
  let moved = 0;
  for (;;) {
    const ids = await domain.query(new ProductsToMove({ limit: 100 }), { tenant });
    if (ids.length === 0) return moved;
    for (const productId of ids) {
      if (await domain.process(new MoveProduct({ productId }), { tenant })) moved += 1;
    }
  }
}

export class Reprice extends Command("Reprice", { productId: identifier(), price: z.bigint() }) {}

/** Whoever comes before the script moves the product itself: `process` joins this unit of work. */
export const repricing = commandHandlers(Product).on(Reprice, async ({ productId, price }, { process, repository }) => {
  await process(new MoveProduct({ productId }));
  const product = await repository(Product).get(productId);
  product.reprice(price);
  await repository(Product).add(product);
});

export class MoveProductBack extends Command("MoveProductBack", { productId: identifier() }).returns<boolean>() {}

/** The state as a document, and an event that ends the history. */
export const movingBack = commandHandlers(StoredProduct).on(MoveProductBack, async ({ productId }, { repository }) => {
  const product = await repository(Product).get(productId);
  if (product.movedBack) return false;
  const { sku, price } = product;
  const parts = [...product.parts].map((part) => partOf(part));
  await repository(StoredProduct).add(new StoredProduct({ productId, sku, price, parts }));
  product.moveBack();
  await repository(Product).add(product);
  return true;
});

// who refers to products, and a read model of their events, know nothing of the move
export class Offer extends Aggregate("Offer", { offerId: identifier(), productId: reference(Product) }) {}
export class PriceChanges extends Projection("PriceChanges", { productId: identifier(), count: z.number().int() }) {}
export const priceChanges = projector(PriceChanges, { run: "async" }).upsert(
  ProductRepriced,
  ({ productId }) => productId,
  ({ productId }) => ({ productId, count: 0 }),
  (row) => {
    row.count += 1;
  },
);
