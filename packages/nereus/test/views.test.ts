import {
  Command,
  commandHandlers,
  type Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  type Selection,
} from "nereus";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";

const shape = {
  id: identifier(),
  name: z.string(),
  price: z.number(),
  stock: z.number().int(),
  big: z.bigint(),
  on: z.date(),
  active: z.boolean(),
  kind: z.enum(["a", "b"]),
  note: z.string().nullable(),
  more: z.string().optional(),
  tags: z.array(z.string()).default([]),
};
class Listed extends Event("Listed", shape) {}
class Listing extends EventSourcedAggregate("Listing", { id: identifier() }).applies(Listed, (it, event) => {
  it.id = event.id;
}) {}
class List extends Command("List", shape) {}
class Product extends Projection("Product", shape, { indexes: [["name"], ["kind", "price"]] }) {}
const products = projector(Product, { run: "inline" }).create(Listed, (event) => ({ ...event }));
const commands = commandHandlers(Listing).on(List, async (command, { repository }) => {
  await repository(Listing).add(Listing.create((it) => it.raise(new Listed({ ...command }))));
});
class Cheap extends Query("Cheap", { most: z.number() }).returns<string[]>() {}
class Both extends Query("Both", {}).returns<number>() {}
const queries = queryHandlers(Product)
  .on(Cheap, async ({ most }, { view }) => (await view.find({ where: { price: { lte: most } } })).map(({ id }) => id))
  .on(
    Both,
    async (_, { query }) =>
      (await query(new Cheap({ most: 10 }))).length + (await query(new Cheap({ most: 3 }))).length,
  );

const big = 2n ** 60n;
const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));
const rows = [
  { id: "1", name: "apple", price: 1.5, stock: 10, big: 9n, on: day(1), active: true, kind: "a", note: null },
  {
    id: "2",
    name: "Banana",
    price: 10,
    stock: 9,
    big: 10n,
    on: day(10),
    active: false,
    kind: "b",
    note: "",
    more: "x",
  },
  { id: "3", name: "cherry 100%", price: 2, stock: -1, big, on: day(2), active: true, kind: "a", note: "ripe" },
  {
    id: "4",
    name: "date_1",
    price: 2,
    stock: 100,
    big: big + 1n,
    on: day(20),
    active: false,
    kind: "b",
    note: "null",
    more: "y",
  },
  { id: "5", name: "Éclair \ud800", price: -3, stock: 0, big: -big, on: day(3), active: true, kind: "a", note: null },
  { id: "6", name: "fig'\"\0", price: 2.5, stock: 5, big: 0n, on: day(30), active: true, kind: "b", note: "Ripe" },
] as const;

describe.each(places())("on $name", (kind) => {
  let find: (selection?: Selection<Product>) => Promise<string[]>;
  let count: (where?: Selection<Product>["where"]) => Promise<number>;
  let ask: Domain["query"];

  beforeEach(async () => {
    const domain = await kind.open().start([Listing, commands, Product, products, queries]);
    for (const row of rows) await domain.process(new List(row));
    const view = domain.view(Product);
    find = async (selection) => (await view.find(selection)).map(({ id }) => id);
    count = (where) => view.count(where);
    ask = (query) => domain.query(query);
  });

  test.each<[string, Selection<Product>["where"], string[]]>([
    ["a bare value", { name: "apple" }, ["1"]],
    ["a text in its exact case", { name: "banana" }, []],
    ["a text with a lone surrogate", { name: "Éclair \ud800" }, ["5"]],
    ["another lone surrogate", { name: "Éclair \ud801" }, []],
    ["a text with quotes and NUL", { name: "fig'\"\0" }, ["6"]],
    ["a text up to its NUL", { name: "fig'\"" }, []],
    ["two fields", { kind: "a", active: true, price: 2 }, ["3"]],
    ["eq", { price: { eq: 2 } }, ["3", "4"]],
    ["ne", { price: { ne: 2 } }, ["1", "2", "5", "6"]],
    ["lt", { price: { lt: 2 } }, ["1", "5"]],
    ["lte", { price: { lte: 2 } }, ["1", "3", "4", "5"]],
    ["gt", { price: { gt: 2 } }, ["2", "6"]],
    ["gte", { price: { gte: 2 } }, ["2", "3", "4", "6"]],
    ["a range", { price: { gte: 2, lt: 10 } }, ["3", "4", "6"]],
    ["in", { name: { in: ["apple", "Banana", "none"] } }, ["1", "2"]],
    ["in nothing", { name: { in: [] } }, []],
    ["contains", { name: { contains: "an" } }, ["2"]],
    ["contains a wildcard, which is none", { name: { contains: "%" } }, ["3"]],
    ["contains an underscore, which is no wildcard", { name: { contains: "e_1" } }, ["4"]],
    ["contains in its case", { note: { contains: "ripe" } }, ["3"]],
    ["contains nothing, which every text does", { note: { contains: "" } }, ["2", "3", "4", "6"]],
    ["null", { note: null }, ["1", "5"]],
    ["eq null", { note: { eq: null } }, ["1", "5"]],
    ["ne null", { note: { ne: null } }, ["2", "3", "4", "6"]],
    ["ne a value, which null is", { note: { ne: "ripe" } }, ["1", "2", "4", "5", "6"]],
    ["the text null, which is not null", { note: "null" }, ["4"]],
    ["an empty text, which is not null", { note: "" }, ["2"]],
    ["an absent optional", { more: null }, ["1", "3", "5", "6"]],
    ["a boolean", { active: false }, ["2", "4"]],
    ["a date", { on: day(2) }, ["3"]],
    ["dates in the order of time", { on: { gte: day(3), lt: day(20) } }, ["2", "5"]],
    ["bigints as numbers, not as texts", { big: { lt: 10n } }, ["1", "5", "6"]],
    ["bigints beyond 2^53 exactly", { big: big + 1n }, ["4"]],
    ["bigints beyond 2^53 in order", { big: { gt: big } }, ["4"]],
    ["integers as numbers", { stock: { lt: 10 } }, ["2", "3", "5", "6"]],
    ["an enum", { kind: { in: ["b"] } }, ["2", "4", "6"]],
    ["nothing, which is all", {}, ["1", "2", "3", "4", "5", "6"]],
  ])("where %s", async (_, where, ids) => {
    expect(await find({ where: where! })).toEqual(ids);
    expect(await count(where)).toBe(ids.length);
  });

  test.each<[string, Selection<Product>["orderBy"], string[]]>([
    ["a number", { price: "asc" }, ["5", "1", "3", "4", "6", "2"]],
    ["a number, descending, ties by identity ascending", { price: "desc" }, ["2", "6", "3", "4", "1", "5"]],
    ["two fields", { price: "asc", stock: "desc" }, ["5", "1", "4", "3", "6", "2"]],
    ["a text by its code points", { name: "asc" }, ["2", "1", "3", "4", "6", "5"]],
    ["bigints as numbers", { big: "asc" }, ["5", "6", "1", "2", "3", "4"]],
    ["dates in the order of time", { on: "desc" }, ["6", "4", "2", "5", "3", "1"]],
    ["null first ascending", { note: "asc" }, ["1", "5", "2", "6", "4", "3"]],
    ["null last descending", { note: "desc" }, ["3", "4", "6", "2", "1", "5"]],
    ["a boolean", { active: "asc" }, ["2", "4", "1", "3", "5", "6"]],
    ["the identity", { id: "desc" }, ["6", "5", "4", "3", "2", "1"]],
  ])("ordered by %s", async (_, orderBy, ids) => {
    expect(await find({ orderBy: orderBy! })).toEqual(ids);
  });

  test.each<[Selection<Product>, string[]]>([
    [{ limit: 2 }, ["1", "2"]],
    [{ limit: 2, offset: 1 }, ["2", "3"]],
    [{ offset: 4 }, ["5", "6"]],
    [{ limit: 0 }, []],
    [{ limit: 100, offset: 5 }, ["6"]],
    [{ offset: 100 }, []],
    [{ where: { active: true }, orderBy: { price: "desc" }, limit: 2, offset: 1 }, ["3", "1"]],
  ])("a page %j", async (selection, ids) => {
    expect(await find(selection)).toEqual(ids);
  });

  test("there is no hidden limit", async () => {
    const domain = await kind.open().start([Listing, commands, Product, products]);
    await Promise.all(Array.from({ length: 1500 }, (_, n) => domain.process(new List({ ...rows[0], id: `n${n}` }))));
    expect(await domain.view(Product).find()).toHaveLength(1500);
    expect(await domain.view(Product).count()).toBe(1500);
  });

  test("an unknown field, comparison or value is refused by name", async () => {
    const wrong = [
      { where: { colour: "red" } },
      { where: { tags: ["x"] } },
      { where: { name: "x", "id; drop table Product": 1 } },
      { orderBy: { colour: "asc" } },
    ];
    for (const selection of wrong)
      await expect(find(selection as never)).rejects.toMatchObject({ code: "UNKNOWN_FIELD" });
    const unclear = [
      ...[{ limit: -1 }, { limit: 1.5 }, { offset: -1 }, { limit: Number.NaN }],
      ...[{ where: { price: { like: 3 } } }, { where: { price: {} } }, { where: { price: { in: 3 } } }],
      ...[{ where: { name: undefined } }, { where: { name: { eq: undefined } } }, { where: null }],
      ...[{ were: { name: "x" } }, { orderBy: { name: "up" } }, 5, null],
    ];
    for (const selection of unclear) {
      await expect(find(selection as never)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    expect(await count()).toBe(6);
  });

  test("queries reach the view, and one another", async () => {
    expect(await ask(new Cheap({ most: 2 }))).toEqual(["1", "3", "4", "5"]);
    expect(await ask(new Both({}))).toBe(11);
    class Unasked extends Query("Unasked", {}).returns<string>() {}
    await expect(ask(new Unasked({}))).rejects.toMatchObject({ code: "UNKNOWN_QUERY" });
    await expect(ask({} as never)).rejects.toMatchObject({ code: "UNKNOWN_QUERY" });
  });
});
