import {
  Aggregate,
  Command,
  type CustomRepositoryTools,
  commandHandlers,
  Entity,
  Event,
  EventSourcedAggregate,
  EventSourcedRepository,
  type HistoryEntry,
  hasMany,
  hasOne,
  identifier,
  type OrderBy,
  type Page,
  type PageSelection,
  Projection,
  Query,
  queryHandlers,
  Repository,
  type RepositoryOf,
  reference,
  type Selection,
  status,
  ValueObject,
  type View,
  type Where,
} from "nereus";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Money extends ValueObject("Money", { minor: z.bigint(), currency: z.enum(["EUR", "JPY"]) }) {
  get isNothing() {
    return this.minor === 0n;
  }
}
class Place extends ValueObject("Place", { city: z.string(), zip: z.string().optional() }) {}
class Maker extends ValueObject("Maker", { name: z.string(), seat: Place }) {}
class Line extends Entity("Line", { lineId: identifier(), text: z.string() }) {}
class Rate {
  readonly value = 1;
  times(by: number) {
    return this.value * by;
  }
}
class Renamed extends Event("Renamed", { productId: identifier() }) {}
class Owner extends Aggregate("Owner", { ownerId: identifier() }) {}
class Product extends Aggregate(
  "Product",
  {
    productId: identifier(),
    name: z.string(),
    stock: z.number().int().default(0),
    weight: z.number().optional(),
    until: z.date().nullable(),
    big: z.bigint(),
    active: z.boolean().default(true),
    kind: z.enum(["a", "b"]),
    level: z.literal([1, 2]),
    state: status({ DRAFT: ["LISTED"], LISTED: [] }, "DRAFT"),
    owner: reference(Owner).optional(),
    rate: z.codec(z.string(), z.instanceof(Rate), { decode: () => new Rate(), encode: () => "1" }),
    price: Money,
    discount: Money.schema().optional(),
    maker: Maker,
    size: z.object({ width: z.number(), depth: z.number().optional(), packed: z.object({ on: z.date() }).nullable() }),
    tags: z.array(z.string()),
    scores: z.record(z.string(), z.number()),
    seen: z.set(z.string()),
    lines: hasMany(Line),
    cover: hasOne(Line),
  },
  { unique: [["name"], ["kind", "level"]], indexes: [["stock"]] },
).raises(Renamed) {
  get isCheap() {
    return this.price.minor < 10n;
  }
  rename(name: string) {
    this.name = name;
  }
}
class Opened extends Event("Opened", { accountId: identifier() }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier(), holder: z.string() }).applies(
  Opened,
  () => undefined,
) {}
class Summary extends Projection("Summary", { accountId: identifier(), holder: z.string(), total: Money }) {}

// what a condition may say
const wheres: Where<Product>[] = [
  {},
  { name: "x", stock: 1, weight: null, until: new Date(), big: 1n, active: true, kind: "a", level: 2, state: "DRAFT" },
  { owner: "o1", rate: new Rate(), productId: { in: ["1"] } },
  { name: { contains: "x", ne: null }, stock: { gte: 1, lt: 5 }, until: { gt: new Date() }, big: { in: [1n] } },
  { active: { ne: true }, kind: { in: ["a"] }, state: { ne: "LISTED" }, rate: { eq: new Rate() } },
  { price: new Money({ minor: 1n, currency: "EUR" }), discount: null },
  { price: { minor: { lt: 100n }, currency: "EUR" }, discount: { minor: 1n } },
  { price: { in: [new Money({ minor: 1n, currency: "EUR" })] }, discount: { ne: null } },
  { maker: { name: "x", seat: { city: { contains: "a" }, zip: null } } },
  { maker: { seat: new Place({ city: "x" }) } },
  { size: { width: { gt: 1 }, depth: null, packed: { on: { lt: new Date() } } } },
  { name: { startsWith: "x", ignoreCase: true }, kind: { startsWith: "a" }, tags: { has: "x" }, seen: { has: "y" } },
  { size: { eq: { width: 1, packed: null } }, name: "x" },
  { and: [{ name: "x" }, { or: [{ stock: 1 }, { not: { price: { minor: 1n } } }] }] },
];
export const conditions: readonly Where<Product>[] = wheres;

// @ts-expect-error not a field
export const unknown: Where<Product> = { colour: "red" };
// @ts-expect-error a method
export const method: Where<Product> = { rename: "x" };
// @ts-expect-error a getter
export const getter: Where<Product> = { isCheap: true };
// @ts-expect-error what every aggregate has besides its fields
export const version: Where<Product> = { version: 1 };
// @ts-expect-error what every aggregate has besides its fields
export const pending: Where<Product> = { pendingEvents: [] };
// @ts-expect-error entities are not searched
export const many: Where<Product> = { lines: null };
// @ts-expect-error entities are not searched
export const one: Where<Product> = { cover: { text: "x" } };
// @ts-expect-error lists are not searched
export const list: Where<Product> = { tags: "x" };
// @ts-expect-error lists are not searched
export const inList: Where<Product> = { tags: { contains: "x" } };
// @ts-expect-error records are not searched
export const record: Where<Product> = { scores: { x: 1 } };
// @ts-expect-error sets are not searched
export const set: Where<Product> = { seen: { size: 1 } };
// @ts-expect-error a value of the wrong type
export const text: Where<Product> = { name: 1 };
// @ts-expect-error a value of the wrong type
export const number: Where<Product> = { stock: "1" };
// @ts-expect-error a value of the wrong type
export const bigint: Where<Product> = { big: 1 };
// @ts-expect-error a value of the wrong type
export const date: Where<Product> = { until: "2026-01-01" };
// @ts-expect-error a value that the field never has
export const literal: Where<Product> = { kind: "c" };
// @ts-expect-error a value that the field never has
export const literals: Where<Product> = { kind: { in: ["c"] } };
// @ts-expect-error a value that the field never has
export const state: Where<Product> = { state: "SOLD" };
// @ts-expect-error a value that the field never has
export const level: Where<Product> = { level: 3 };
// @ts-expect-error a codec's value is compared as a whole
export const inside: Where<Product> = { rate: { value: 1 } };
// @ts-expect-error a codec's value is compared by its rich form
export const wire: Where<Product> = { rate: "1" };
// @ts-expect-error not a field of the value object
export const innerName: Where<Product> = { price: { amount: 1n } };
// @ts-expect-error a value of the wrong type
export const innerValue: Where<Product> = { price: { minor: 1 } };
// @ts-expect-error a getter of the value object
export const innerGetter: Where<Product> = { price: { isNothing: true } };
// @ts-expect-error a method of the value object
export const innerMethod: Where<Product> = { price: { equals: true } };
// @ts-expect-error a value of the wrong type, two levels down
export const deep: Where<Product> = { maker: { seat: { city: 1 } } };
// @ts-expect-error not a field, two levels down
export const deepName: Where<Product> = { maker: { seat: { street: "x" } } };
// @ts-expect-error not a field of the object
export const objectName: Where<Product> = { size: { height: 1 } };
// @ts-expect-error a value of the wrong type in an object
export const objectValue: Where<Product> = { size: { packed: { on: "x" } } };
// @ts-expect-error not a comparison
export const like: Where<Product> = { name: { like: "x" } };
// @ts-expect-error numbers contain nothing
export const contains: Where<Product> = { stock: { contains: "1" } };
// @ts-expect-error value objects have no order
export const orderedWhole: Where<Product> = { price: { lt: new Money({ minor: 1n, currency: "EUR" }) } };
// @ts-expect-error undefined would select everything
export const forgotten: Where<Product> = { name: undefined };
// @ts-expect-error undefined would select everything
export const forgottenInside: Where<Product> = { price: { minor: undefined } };
// @ts-expect-error or takes a list
export const either: Where<Product> = { or: { name: "x" } };
// @ts-expect-error not takes conditions
export const negated: Where<Product> = { not: [{ name: "x" }] };
// @ts-expect-error the field has another type, also within or
export const within: Where<Product> = { or: [{ name: 1 }] };
// @ts-expect-error groups stand at the top
export const group: Where<Product> = { price: { or: [{ minor: 1n }] } };

// what an order may say
const orders: OrderBy<Product>[] = [
  {},
  { name: "asc", stock: "desc", until: "asc", big: "desc", active: "asc", kind: "asc", state: "desc", owner: "asc" },
  { price: { minor: "asc" }, discount: { currency: "desc" }, maker: { seat: { city: "asc" } } },
  { size: { width: "asc", packed: { on: "desc" } } },
];
export const ordered: readonly OrderBy<Product>[] = orders;
// @ts-expect-error a codec of one's own has no order
export const orderCodec: OrderBy<Product> = { rate: "asc" };
// @ts-expect-error nor can it be compared by one
export const belowCodec: Where<Product> = { rate: { lt: new Rate() } };
// @ts-expect-error a number for a text
export const numberForText: Where<Product> = { name: 3 };
// @ts-expect-error a number in a list of texts
export const numberInTexts: Where<Product> = { tags: { has: 3 } };
// @ts-expect-error a part of a number
export const partOfNumber: Where<Product> = { stock: { startsWith: "3" } };
// @ts-expect-error numbers have no letters
export const lettersOfNumber: Where<Product> = { stock: { eq: 3, ignoreCase: true } };
// @ts-expect-error not a field
export const orderName: OrderBy<Product> = { colour: "asc" };
// @ts-expect-error not a direction
export const orderWay: OrderBy<Product> = { name: "up" };
// @ts-expect-error a value object has no order of its own
export const orderWhole: OrderBy<Product> = { price: "asc" };
// @ts-expect-error an object has no order of its own
export const orderObject: OrderBy<Product> = { size: "asc" };
// @ts-expect-error a list has no order
export const orderList: OrderBy<Product> = { tags: "asc" };
// @ts-expect-error entities have no order
export const orderEntities: OrderBy<Product> = { lines: "asc" };
// @ts-expect-error not a field of the value object
export const orderInner: OrderBy<Product> = { price: { amount: "asc" } };
// @ts-expect-error what every aggregate has besides its fields
export const orderVersion: OrderBy<Product> = { version: "asc" };

// @ts-expect-error a page has a limit
export const endless: PageSelection<Product> = { orderBy: { name: "asc" } };
// @ts-expect-error a page goes on from a cursor, not from an offset
export const offset: PageSelection<Product> = { limit: 1, offset: 1 };
export const firstPage: PageSelection<Product> = { limit: 10, after: undefined, orderBy: { name: "asc" }, where: {} };
// @ts-expect-error a query has no cursor
export const cursor: Selection<Product> = { after: "x" };
// @ts-expect-error a limit is a number
export const limit: Selection<Product> = { limit: "10" };

// @ts-expect-error unique lists name fields
Aggregate("X", { id: identifier(), sku: z.string() }, { unique: [["name"]] });
// @ts-expect-error an event-sourced aggregate has no stored fields
EventSourcedAggregate("X", { id: identifier(), sku: z.string() }, { unique: [["sku"]] });
// @ts-expect-error unique lists name fields
Projection("X", { id: identifier(), sku: z.string() }, { unique: [["name"]] });

// repositories by kind
type Products = RepositoryOf<typeof Product>;
type Accounts = RepositoryOf<typeof Account>;
assertType<Equal<Products, Repository<Product>>>();
assertType<Equal<Accounts, EventSourcedRepository<Account>>>();
assertType<Equal<keyof Products, "get" | "find" | "exists" | "query" | "page" | "count" | "add" | "remove">>();
assertType<Equal<keyof Accounts, "get" | "find" | "exists" | "history" | "add">>();

class ProductRepository extends Repository(Product) {
  readonly #most = 10;
  cheaperThan(minor: bigint) {
    return this.query({ where: { price: { minor: { lt: minor } } }, limit: this.#most });
  }
  override async add(product: Product) {
    assertType<Equal<typeof product, Product>>();
    await super.add(product);
  }
}
class AccountRepository extends EventSourcedRepository(Account) {
  async openedBy(holder: string) {
    const rows = await this.view(Summary).find({ where: { holder, total: { minor: 1n } } });
    assertType<Equal<typeof rows, Summary[]>>();
    return Promise.all(rows.map((row) => this.get(row.accountId)));
  }
  // @ts-expect-error an event-sourced aggregate is not searched by its fields
  bad = () => this.query({ where: { holder: "x" } });
  // @ts-expect-error an event-sourced aggregate is not removed
  worse = (account: Account) => this.remove(account);
}
assertType<Equal<RepositoryOf<typeof ProductRepository>, ProductRepository>>();
assertType<Equal<RepositoryOf<typeof AccountRepository>, AccountRepository>>();
assertType<Equal<keyof CustomRepositoryTools, "view">>();

// @ts-expect-error an event-sourced aggregate's repository is another
Repository(Account);
// @ts-expect-error a state-stored aggregate's repository is another
EventSourcedRepository(Product);
// @ts-expect-error not an aggregate
Repository(Summary);
// @ts-expect-error not an aggregate
EventSourcedRepository(Opened);
export class Wrong extends Repository(Product) {
  // @ts-expect-error a state-stored aggregate has no history
  past = () => this.history("1");
}

class Work extends Command("Work", {}) {}
export const commands = commandHandlers(Product).on(Work, async (_, { repository }) => {
  const products = repository(Product);
  const found = await products.query({
    where: { name: "x" },
    orderBy: { price: { minor: "asc" } },
    limit: 1,
    offset: 1,
  });
  assertType<Equal<typeof found, Product[]>>();
  const page = await products.page({ limit: 10, after: undefined });
  assertType<Equal<typeof page, Page<Product>>>();
  assertType<Equal<typeof page.next, string | undefined>>();
  assertType<Equal<Awaited<ReturnType<typeof products.count>>, number>>();
  await products.remove(await products.get("1"));
  // @ts-expect-error an aggregate of another class
  await products.remove(new Owner({}));
  // @ts-expect-error a state-stored aggregate has no history
  products.history("1");
  // @ts-expect-error a state-stored aggregate has no past
  await products.get("1", { atVersion: 1 });
  // @ts-expect-error not a field
  await products.query({ where: { colour: "red" } });
  // @ts-expect-error not a field
  await products.count({ colour: "red" });
  // @ts-expect-error a page has a limit
  await products.page({});
  // @ts-expect-error only custom repositories look at the read side
  products.view(Summary);

  const accounts = repository(Account);
  for await (const entry of accounts.history("1")) assertType<Equal<typeof entry, HistoryEntry>>();
  await accounts.get("1", { atVersion: 1 });
  // @ts-expect-error what an event-sourced aggregate was is never removed
  await accounts.remove(await accounts.get("1"));
  // @ts-expect-error an event-sourced aggregate is not searched by its fields
  await accounts.query({ where: { holder: "x" } });
  // @ts-expect-error an event-sourced aggregate is not searched by its fields
  await accounts.page({ limit: 1 });
  // @ts-expect-error an event-sourced aggregate is not searched by its fields
  await accounts.count();

  const custom = repository(ProductRepository);
  assertType<Equal<typeof custom, ProductRepository>>();
  assertType<Equal<Awaited<ReturnType<typeof custom.cheaperThan>>, Product[]>>();
  const view = custom.view(Summary);
  assertType<Equal<typeof view, View<Summary>>>();
  assertType<Equal<Awaited<ReturnType<AccountRepository["openedBy"]>>, Account[]>>();
  // @ts-expect-error its own class gives its methods
  products.cheaperThan(1n);
  // @ts-expect-error an entity has no repository
  repository(Line);
  // @ts-expect-error a projection has no repository
  repository(Summary);
});

class Ask extends Query("Ask", {}).returns<string[]>() {}
export const queries = queryHandlers(Summary).on(Ask, async (_, { repository, view }) => {
  const products = repository(Product);
  assertType<Equal<keyof typeof products, "get" | "find" | "exists" | "query" | "page" | "count">>();
  // @ts-expect-error queries only read
  products.add;
  // @ts-expect-error queries only read
  products.remove;
  // @ts-expect-error queries only read
  repository(ProductRepository).add;
  // @ts-expect-error queries only read
  repository(Account).add;
  await view.find({ where: { total: { minor: { gt: 1n } } }, orderBy: { total: { currency: "asc" } } });
  const page = await view.page({ limit: 1 });
  assertType<Equal<typeof page, Page<Summary>>>();
  // @ts-expect-error not a field of the value object
  await view.find({ where: { total: { amount: 1n } } });
  return (await repository(ProductRepository).cheaperThan(10n)).map(({ name }) => name);
});
