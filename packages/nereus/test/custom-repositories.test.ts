import {
  Aggregate,
  Command,
  commandHandlers,
  Event,
  EventSourcedAggregate,
  EventSourcedRepository,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  Repository,
  type RepositoryClass,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

class Repriced extends Event("Repriced", { productId: identifier(), price: z.number() }) {}
class Product extends Aggregate("Product", {
  productId: identifier(),
  name: z.string(),
  price: z.number(),
}).raises(Repriced) {}

class ProductRepository extends Repository(Product) {
  readonly #dear = 100;
  readonly added: string[] = [];
  static readonly cheap = 10;

  cheaperThan(price: number) {
    return this.query({ where: { price: { lt: price } }, orderBy: { price: "asc" } });
  }
  async cheapest(): Promise<Product | undefined> {
    const [first] = await this.cheaperThan(ProductRepository.cheap);
    return first;
  }
  get dear() {
    return this.query({ where: { price: { gte: this.#dear } } });
  }
  async *all() {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await this.page({ limit: 2, after });
      yield* page.items;
      after = page.next;
    }
  }
  override async add(product: Product) {
    this.added.push(product.productId);
    if (product.name === "") throw new Error("a product without a name");
    await super.add(product);
  }
  async clear() {
    for (const product of await this.query()) await this.remove(product);
  }
}

class Opened extends Event("Opened", { accountId: identifier(), holder: z.string() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier(), holder: z.string() }).applies(
  Opened,
  (account, event) => {
    account.accountId = event.accountId;
    account.holder = event.holder;
  },
) {
  static open(accountId: string, holder: string) {
    return Account.create((account) => account.raise(new Opened({ accountId, holder })));
  }
}
class Holder extends Projection("Holder", { accountId: identifier(), holder: z.string() }, { indexes: [["holder"]] }) {}
const holders = projector(Holder, { run: "inline" }).create(Opened, ({ accountId, holder }) => ({ accountId, holder }));
class AccountRepository extends EventSourcedRepository(Account) {
  async openedBy(holder: string) {
    const rows = await this.view(Holder).find({ where: { holder } });
    return Promise.all(rows.map(({ accountId }) => this.get(accountId)));
  }
  async versions(id: string) {
    const found: number[] = [];
    for await (const { version } of this.history(id)) found.push(version);
    return found;
  }
}
class Cheap extends Query("Cheap", { how: z.string() }).returns<unknown>() {}
class Stock extends Command("Stock", { productId: identifier(), name: z.string() }).returns<string>() {}
const stocking = commandHandlers(Product).create(
  Stock,
  ({ productId, name }) => new Product({ productId, name, price: 1 }),
);

const bench = workbench(Product);
const elements = [Product, Repriced, Account, Holder, holders, stocking, bench.handlers];

describe.each(places())("on $name", (kind) => {
  test("both the aggregate's class and its own give it, with what it adds and what every repository has", async () => {
    const domain = await kind.open().start([...elements, ProductRepository]);
    await bench.run(domain, async ({ repository }) => {
      const products = repository(ProductRepository);
      for (const [productId, price] of [
        ["1", 5],
        ["2", 500],
        ["3", 3],
        ["4", 50],
      ] as const) {
        await products.add(new Product({ productId, name: "x", price }));
      }
      expect(products.added).toEqual(["1", "2", "3", "4"]);
    });
    await bench.run(domain, async ({ repository }) => {
      const products = repository(ProductRepository);
      expect(products).toBeInstanceOf(ProductRepository);
      expect(repository(Product)).toBeInstanceOf(ProductRepository);
      expect((await products.cheaperThan(10)).map(({ productId }) => productId)).toEqual(["3", "1"]);
      expect((await products.cheapest())?.productId).toBe("3");
      expect((await products.dear).map(({ productId }) => productId)).toEqual(["2"]);
      const seen: string[] = [];
      for await (const { productId } of products.all()) seen.push(productId);
      expect(seen).toEqual(["1", "2", "3", "4"]);
      // one unit of work, one identity map, whichever repository is asked
      expect(await repository(Product).get("3")).toBe(await products.cheapest());
      expect(await products.count()).toBe(4);
      await products.clear();
      expect(await products.exists("1")).toBe(false);
    });
    expect(await bench.run(domain, ({ repository }) => repository(Product).count())).toBe(0);
  });

  test("an overridden add holds for everyone who asks for the repository, also by the aggregate's class", async () => {
    const domain = await kind.open().start([...elements, ProductRepository]);
    for (const asked of [Product, ProductRepository]) {
      await expect(
        bench.run(domain, ({ repository }) =>
          repository(asked as typeof Product).add(new Product({ productId: "1", name: "", price: 1 })),
        ),
      ).rejects.toThrow("a product without a name");
    }
    expect(await bench.run(domain, ({ repository }) => repository(Product).count())).toBe(0);
  });

  test("an overridden get or add is also that of handlers of .create and .update", async () => {
    class Rename extends Command("Rename", { productId: identifier(), name: z.string() }) {}
    const got: string[] = [];
    class Watched extends ProductRepository {
      override get(id: string) {
        got.push(id);
        return super.get(id.toLowerCase());
      }
    }
    const renaming = commandHandlers(Product).update(Rename, (product, { name }) => {
      product.name = name;
    });
    const domain = await kind.open().start([...elements, renaming, Watched]);
    const refused = "a product without a name";
    await expect(domain.process(new Stock({ productId: "a", name: "" }))).rejects.toThrow(refused);
    expect(await domain.process(new Stock({ productId: "a", name: "x" }))).toBe("a");
    await expect(domain.process(new Rename({ productId: "A", name: "" }))).rejects.toThrow(refused);
    await domain.process(new Rename({ productId: "A", name: "y" }));
    expect(got).toEqual(["A", "A"]);
    const names = await bench.run(domain, ({ repository }) => repository(Product).query());
    expect(names.map(({ name }) => name)).toEqual(["y"]);
  });

  test("each call gives a repository of its own: what it keeps is nobody else's", async () => {
    const domain = await kind.open().start([...elements, ProductRepository]);
    await bench.run(domain, async ({ repository }) => {
      await repository(ProductRepository).add(new Product({ productId: "1", name: "x", price: 1 }));
      expect(repository(ProductRepository).added).toEqual([]);
    });
  });

  test("of an event-sourced aggregate, it looks things up in a projection", async () => {
    const domain = await kind.open().start([...elements, AccountRepository]);
    await bench.run(domain, async ({ repository }) => {
      for (const [id, holder] of [
        ["1", "Ada"],
        ["2", "Bo"],
        ["3", "Ada"],
      ] as const) {
        await repository(Account).add(Account.open(id, holder));
      }
    });
    await bench.run(domain, async ({ repository }) => {
      const accounts = repository(AccountRepository);
      const opened = await accounts.openedBy("Ada");
      expect(opened.map(({ accountId }) => accountId)).toEqual(["1", "3"]);
      expect(await repository(Account).get("1")).toBe(opened[0]);
      expect(await accounts.versions("1")).toEqual([0]);
      expect((await accounts.get("1", { atVersion: 0 })).holder).toBe("Ada");
      expect((accounts as unknown as Record<string, unknown>)["openedBy"]).toBeTypeOf("function");
    });
  });

  test("it sees its tenant's aggregates and rows only", async () => {
    const domain = await kind.open().start([...elements, AccountRepository, ProductRepository]);
    for (const tenant of ["a", "b"]) {
      await bench.run(
        domain,
        async ({ repository }) => {
          await repository(Account).add(Account.open(`of ${tenant}`, "Ada"));
          await repository(Product).add(new Product({ productId: `of ${tenant}`, name: "x", price: 1 }));
        },
        { tenant },
      );
    }
    const seen = await bench.run(
      domain,
      async ({ repository }) => [
        ...(await repository(AccountRepository).openedBy("Ada")).map(({ accountId }) => accountId),
        ...(await repository(ProductRepository).cheaperThan(5)).map(({ productId }) => productId),
      ],
      { tenant: "b" },
    );
    expect(seen).toEqual(["of b", "of b"]);
  });

  test("in a query's handler it reads and saves nothing, whichever way it tries", async () => {
    const queries = queryHandlers(Holder).on(Cheap, async ({ how }, { repository }) => {
      const products = repository(ProductRepository);
      const accounts = repository(AccountRepository);
      if (how === "read") {
        const cheap = await products.cheaperThan(10);
        return [cheap.length, (await accounts.openedBy("Ada")).length, (await repository(Product).find("1"))?.price];
      }
      if (how === "clear") return products.clear();
      const [first] = await products.cheaperThan(10);
      if (how === "change") first!.price = 7;
      const writable = products as unknown as ProductRepository;
      return writable.add(first as Product);
    });
    const domain = await kind.open().start([...elements, AccountRepository, ProductRepository, queries]);
    await bench.run(domain, async ({ repository }) => {
      await repository(Product).add(new Product({ productId: "1", name: "x", price: 1 }));
      await repository(Account).add(Account.open("1", "Ada"));
    });
    expect(await domain.query(new Cheap({ how: "read" }))).toEqual([1, 1, 1]);
    for (const [how, code] of [
      ["clear", "READ_ONLY_CONTEXT"],
      ["add", "READ_ONLY_CONTEXT"],
      ["change", "AGGREGATE_READ_ONLY"],
    ] as const) {
      await expect(domain.query(new Cheap({ how }))).rejects.toMatchObject({ code });
    }
  });

  test("one that is not listed is refused by its name, and one of a foreign aggregate", async () => {
    class Other extends Repository(Product) {}
    class Foreign extends Aggregate("Foreign", { id: identifier() }) {}
    class Foreigners extends Repository(Foreign) {}
    const domain = await kind.open().start([...elements, AccountRepository]);
    const ask = (of: RepositoryClass) => bench.run(domain, ({ repository }) => void repository(of));
    for (const [of, name] of [
      [ProductRepository, "ProductRepository"],
      [Other, "Other"],
      [Foreign, "Foreign"],
      [Foreigners, "Foreign"],
    ] as const) {
      await expect(ask(of as never)).rejects.toMatchObject({
        code: "UNKNOWN_AGGREGATE",
        message: expect.stringContaining(name),
      });
    }
    for (const junk of [undefined, null, {}, "Product", class {}, Holder]) {
      await expect(ask(junk as never)).rejects.toMatchObject({ code: "UNKNOWN_AGGREGATE" });
    }
    await ask(Product);
    await ask(AccountRepository);
  });

  test("one that extends another is itself only where it is listed itself", async () => {
    class Discounts extends ProductRepository {
      halfPrice() {
        return this.cheaperThan(50);
      }
    }
    const listed = await kind.open().start([...elements, Discounts]);
    await bench.run(listed, ({ repository }) => {
      expect(repository(Discounts)).toBeInstanceOf(Discounts);
      expect(repository(ProductRepository)).toBeInstanceOf(Discounts); // it is one
      expect(repository(Product)).toBeInstanceOf(Discounts);
    });
    const base = await kind.open().start([...elements, ProductRepository]);
    await expect(bench.run(base, ({ repository }) => void repository(Discounts))).rejects.toMatchObject({
      code: "UNKNOWN_AGGREGATE",
      message: expect.stringContaining("Discounts"),
    });
  });

  test("two for one aggregate, and one for an aggregate that is not listed, do not start", async () => {
    class Other extends Repository(Product) {}
    await expect(kind.open().start([...elements, ProductRepository, Other])).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("REPOSITORY_DUPLICATE"),
    });
    class Discounts extends ProductRepository {}
    await expect(kind.open().start([...elements, ProductRepository, Discounts])).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("REPOSITORY_DUPLICATE"),
    });
    await expect(kind.open().start([Account, ProductRepository])).rejects.toMatchObject({ code: "MODEL_INVALID" });
  });

  test("a nested command sees what the outer one's repository added", async () => {
    class Look extends Command("Look", { productId: identifier() }).returns<number>() {}
    const looks = commandHandlers(Product).on(
      Look,
      async ({ productId }, { repository }) => (await repository(ProductRepository).get(productId)).price,
    );
    const nested = await kind.open().start([...elements, ProductRepository, looks]);
    const price = await bench.run(nested, async ({ repository, process }) => {
      await repository(ProductRepository).add(new Product({ productId: "1", name: "x", price: 42 }));
      return process(new Look({ productId: "1" }));
    });
    expect(price).toBe(42);
  });
});
