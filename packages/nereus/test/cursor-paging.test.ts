import fc from "fast-check";
import {
  Aggregate,
  type Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  type OrderBy,
  type PageSelection,
  Projection,
  projector,
  type Where,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { compareText } from "../src/adapters/text-order.ts";
import { Item, type ItemValues, items, Owner } from "./support/catalogue.ts";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

const bench = workbench(Item);
const stock = items(90, 11);

/** Goes from page to page to the end. */
async function ids(domain: Domain, selection: PageSelection<Item>): Promise<string[]> {
  const all: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await bench.run(domain, ({ repository }) => repository(Item).page({ ...selection, after }));
    expect(page.items.length).toBeLessThanOrEqual(selection.limit);
    all.push(...page.items.map(({ itemId }) => itemId));
    after = page.next;
    if (after === undefined) return all;
    expect(page.items.length).toBe(selection.limit);
    expect(all.length).toBeLessThanOrEqual(stock.length);
  }
}

type Read = (item: ItemValues) => string | number | bigint | null;
interface Term {
  readonly path: string;
  readonly read: Read;
}

/** Beyond 64 bits, bigints are ordered by their nearest floating-point number. */
const nearest = (value: bigint): bigint | number => (BigInt.asIntN(64, value) === value ? value : Number(value));

const terms: readonly Term[] = [
  { path: "itemId", read: ({ itemId }) => itemId },
  { path: "name", read: ({ name }) => name },
  { path: "stock", read: (item) => item.stock },
  { path: "weight", read: ({ weight }) => weight ?? null },
  { path: "big", read: ({ big }) => (big === null ? null : nearest(big)) },
  { path: "since", read: ({ since }) => since.getTime() },
  { path: "until", read: ({ until }) => until?.getTime() ?? null },
  { path: "active", read: ({ active }) => Number(active) },
  { path: "checked", read: ({ checked }) => (checked === undefined ? null : Number(checked)) },
  { path: "kind", read: ({ kind }) => kind },
  { path: "state", read: ({ state }) => state },
  { path: "owner", read: ({ owner }) => owner ?? null },
  { path: "price.minor", read: ({ price }) => price.minor },
  { path: "price.currency", read: ({ price }) => price.currency },
  { path: "discount.minor", read: ({ discount }) => discount?.minor ?? null },
  { path: "maker.seat.city", read: ({ maker }) => maker?.seat.city ?? null },
  { path: "maker.seat.zip", read: ({ maker }) => maker?.seat.zip ?? null },
  { path: "size.depth", read: ({ size }) => size.depth ?? null },
  { path: "size.packed.on", read: ({ size }) => size.packed?.on.getTime() ?? null },
  { path: "size.packed.by", read: ({ size }) => size.packed?.by ?? null },
];

function compare(a: ReturnType<Read>, b: ReturnType<Read>): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

type Order = readonly { readonly term: Term; readonly direction: "asc" | "desc" }[];

function plainSort(order: Order, from: readonly ItemValues[]): string[] {
  const sorted = [...from].sort((a, b) => {
    for (const { term, direction } of order) {
      const difference = compare(term.read(a), term.read(b));
      if (difference !== 0) return direction === "asc" ? difference : -difference;
    }
    return compareText(a.itemId, b.itemId);
  });
  return sorted.map(({ itemId }) => itemId);
}

/** Terms of one field follow one another, as they must in an object that names each field once. */
function orderBy(order: Order): OrderBy<Item> {
  const made: Record<string, unknown> = {};
  for (const { term, direction } of order) {
    const path = term.path.split(".");
    let at = made;
    for (const key of path.slice(0, -1)) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    at[path.at(-1) as string] = direction;
  }
  return made as OrderBy<Item>;
}

const orders: fc.Arbitrary<Order> = fc
  .uniqueArray(fc.record({ term: fc.constantFrom(...terms), direction: fc.constantFrom("asc", "desc") }), {
    minLength: 0,
    maxLength: 3,
    selector: ({ term }) => term.path.split(".")[0],
  })
  .map((order) => order as Order);

const wheres: readonly [Where<Item>, (item: ItemValues) => boolean][] = [
  [{}, () => true],
  [{ active: true }, ({ active }) => active],
  [{ or: [{ kind: "a" }, { until: null }] }, ({ kind, until }) => kind === "a" || until === null],
  [{ not: { maker: null } }, ({ maker }) => maker !== null],
];

class Wide {
  readonly a: number;
  constructor(a: number) {
    this.a = a;
  }
}

const owners = workbench(Owner);

describe.each(places())("on $name", (kind) => {
  async function stocked(): Promise<Domain> {
    const domain = await kind.open().start([Item, Owner, bench.handlers]);
    await bench.run(domain, async ({ repository }) => {
      for (const one of stock) await repository(Item).add(new Item(one as never));
    });
    return domain;
  }

  test("page by page, in any order, one sees what a plain sort gives: all of it, and nothing twice", async () => {
    const domain = await stocked();
    await fc.assert(
      fc.asyncProperty(
        orders,
        fc.constantFrom(...wheres),
        fc.constantFrom(1, 2, 7, 30, 89, 90, 91),
        async (order, [where, holds], limit) => {
          const expected = plainSort(order, stock.filter(holds));
          expect(await ids(domain, { where, orderBy: orderBy(order), limit })).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each(terms)("ordered by $path, both ways, one by one", async (term) => {
    const domain = await stocked();
    for (const direction of ["asc", "desc"] as const) {
      const order = [{ term, direction }];
      expect(await ids(domain, { orderBy: orderBy(order), limit: 8 })).toEqual(plainSort(order, stock));
    }
  });

  test("what is added or removed between two pages moves nothing else: no row is skipped or seen twice", async () => {
    const domain = await kind.open().start([Owner, owners.handlers]);
    const add = (...names: string[]) =>
      owners.run(domain, async ({ repository }) => {
        for (const name of names) await repository(Owner).add(new Owner({ ownerId: name, name: name.slice(0, 1) }));
      });
    const remove = (...names: string[]) =>
      owners.run(domain, async ({ repository }) => {
        for (const name of names) await repository(Owner).remove(await repository(Owner).get(name));
      });
    const page = (after: string | undefined) =>
      owners.run(domain, async ({ repository }) => {
        const { items: found, next } = await repository(Owner).page({ orderBy: { name: "desc" }, limit: 2, after });
        return { found: found.map(({ ownerId }) => ownerId), next };
      });
    await add("a1", "a3", "b1", "b3", "b5", "c1", "c3");
    const first = await page(undefined);
    expect(first.found).toEqual(["c1", "c3"]);
    await remove("c1", "b3"); // one that was seen, one that was not
    await add("c0", "c2", "d1"); // before the place
    await add("b2", "a2"); // after it
    const second = await page(first.next);
    expect(second.found).toEqual(["b1", "b2"]);
    await remove("b2"); // the very one that the page ended with
    const third = await page(second.next);
    expect(third.found).toEqual(["b5", "a1"]);
    await add("b9"); // tied with what was seen, but behind the place: the place is past the b
    const fourth = await page(third.next);
    expect(fourth.found).toEqual(["a2", "a3"]);
    expect(fourth.next).toBeUndefined();
    await remove("a1", "a2", "a3", "b1", "b5", "b9", "c0", "c2", "c3", "d1");
    expect(await page(third.next)).toEqual({ found: [], next: undefined });
  });

  test("a page that ends with the last row says so, and an empty one too", async () => {
    const domain = await kind.open().start([Owner, owners.handlers]);
    const page = (limit: number) =>
      owners.run(domain, async ({ repository }) => {
        const { items: found, next } = await repository(Owner).page({ limit });
        return [found.length, next === undefined];
      });
    expect(await page(1)).toEqual([0, true]);
    await owners.run(domain, async ({ repository }) => {
      for (const ownerId of ["1", "2"]) await repository(Owner).add(new Owner({ ownerId, name: "x" }));
    });
    expect([await page(1), await page(2), await page(3), await page(Number.MAX_SAFE_INTEGER)]).toEqual([
      [1, false],
      [2, true],
      [2, true],
      [2, true],
    ]);
  });

  test("a cursor of another order, or none at all, is refused", async () => {
    const domain = await stocked();
    const page = (selection: object) =>
      bench.run(domain, ({ repository }) => repository(Item).page({ limit: 2, ...selection }));
    const { next } = await page({ orderBy: { name: "asc", stock: "desc" } });
    expect(next).toMatch(/^[\w-]+$/); // fit for a URL
    await page({ orderBy: { name: "asc", stock: "desc" }, after: next });
    const others = [
      ...[{}, { name: "asc" }, { name: "desc", stock: "desc" }, { name: "asc", stock: "asc" }],
      ...[
        { stock: "desc", name: "asc" },
        { kind: "asc", stock: "desc" },
        { name: "asc", stock: "desc", kind: "asc" },
      ],
      ...[{ price: { minor: "asc" } }, { maker: { name: "asc", seat: { city: "desc" } } }],
    ];
    for (const other of others) {
      await expect(page({ orderBy: other, after: next })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const [mark] = JSON.parse(Buffer.from(String(next), "base64url").toString());
    const junk = [
      ...["", " ", "x", "null", String(next).slice(2), "a".repeat(100_000), "\ud800", 5, null, {}, [], Number.NaN],
      ...[text([]), text(null), text({}), text([mark]), text([mark, ["a"], "x"]), text([mark, ["a", 1], 5])],
      ...[text([mark, ["a", 1, 2], "x"]), text([mark, "ab", "x"]), text([mark, [{}, []], "x"])],
    ];
    for (const after of junk) {
      await expect(page({ orderBy: { name: "asc", stock: "desc" }, after })).rejects.toMatchObject({
        code: "OPTION_INVALID",
      });
    }
    const wrong = [{ limit: 0 }, { limit: 1.5 }, { limit: undefined }, { limit: "2" }, { offset: 2 }, { before: next }];
    for (const selection of wrong) await expect(page(selection)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("fields whose values are of several types, or objects that no schema tells of, have no order to page by; what has them is paged by its identity", async () => {
    class Odd extends Aggregate("Odd", {
      id: identifier(),
      mixed: z.union([z.string(), z.number(), z.boolean()]).optional(),
      coded: z.union([z.date(), z.string()]).optional(),
      any: z.unknown(),
      wide: z.codec(
        z.object({ a: z.number() }),
        z.custom<Wide>((it) => it instanceof Wide),
        {
          decode: ({ a }) => new Wide(a),
          encode: ({ a }) => ({ a }),
        },
      ),
    }) {}
    const odds = workbench(Odd);
    const domain = await kind.open().start([Odd, odds.handlers]);
    const all = [undefined, "a", "1", 1, 2, true, false, "", "[", "\u{1f600}", -1];
    const objects = [null, { a: 1 }, [1], [0], "x", 5, true, { a: { b: ["\ud800"] } }, "[0]", {}, []];
    await odds.run(domain, async ({ repository }) => {
      for (const [at, mixed] of all.entries()) {
        const coded = at % 3 === 0 ? new Date(at) : at % 3 === 1 ? `t${at}` : undefined;
        await repository(Odd).add(new Odd({ id: `${at}`, mixed, coded, any: objects[at], wide: new Wide(at % 3) }));
      }
    });
    for (const field of ["mixed", "coded", "any", "wide"] as const) {
      await odds.run(domain, async ({ repository }) => {
        const page = repository(Odd).page({ orderBy: { [field]: "asc" } as never, limit: 3 });
        await expect(page, field).rejects.toMatchObject({ code: "FIELD_UNORDERED" });
      });
    }
    const seen = await odds.run(domain, async ({ repository }) => {
      const ids: string[] = [];
      for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
        const page = await repository(Odd).page({ limit: 3, after });
        ids.push(...page.items.map(({ id }) => id));
        after = page.next;
      }
      return ids;
    });
    expect(seen).toEqual(all.map((_, at) => `${at}`).sort());
  });

  test("the rows of a projection are paged alike", async () => {
    class Counted extends Event("Counted", { id: identifier(), n: z.bigint().nullable() }) {}
    class Counter extends EventSourcedAggregate("Counter", { id: identifier() }).applies(Counted, (it, event) => {
      it.id = event.id;
    }) {}
    class Row extends Projection("Row", { id: identifier(), n: z.bigint().nullable() }) {}
    const rows = projector(Row, { run: "inline" }).create(Counted, ({ id, n }) => ({ id, n }));
    const counters = workbench(Counter);
    const domain = await kind.open().start([Counter, Row, rows, counters.handlers]);
    const numbers = [null, 9n, 10n, null, 10n, 2n ** 63n - 1n, 2n ** 53n, 2n ** 53n + 1n, -1n];
    for (const tenant of ["a", "b"]) {
      await counters.run(
        domain,
        async ({ repository }) => {
          for (const [at, n] of numbers.entries()) {
            await repository(Counter).add(Counter.create((it) => it.raise(new Counted({ id: `${tenant}${at}`, n }))));
          }
        },
        { tenant },
      );
    }
    const view = domain.view(Row, { tenant: "b" });
    const seen: string[] = [];
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await view.page({ orderBy: { n: "desc" }, limit: 2, after });
      seen.push(...page.items.map(({ id }) => id));
      after = page.next;
    }
    expect(seen).toEqual(["b5", "b7", "b6", "b2", "b4", "b1", "b8", "b0", "b3"]);
    await expect(view.page({ limit: 0 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });
});
