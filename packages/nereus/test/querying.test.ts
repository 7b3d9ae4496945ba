import { type Domain, type Selection, type Where } from "nereus";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { compareText } from "../src/adapters/text-order.ts";
import { Item, type ItemValues, items, Maker, Money, Owner, Place, Rate, values } from "./support/catalogue.ts";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

const bench = workbench(Item);
const stock = items(120);

async function stocked(kind: (typeof places)[number]): Promise<Domain> {
  const domain = await kind.open().start([Item, Owner, bench.handlers]);
  await bench.run(domain, async ({ repository }) => {
    for (const one of stock) await repository(Item).add(new Item(one as never));
  });
  return domain;
}

/** How a place in an item is named in a condition, and what is there; undefined counts as null. */
interface Leaf {
  readonly path: readonly string[];
  readonly read: (item: ItemValues) => unknown;
  readonly among: readonly unknown[];
  readonly ordered: boolean;
}

const leaf = (path: string, among: readonly unknown[], ordered = true): Leaf => ({
  path: path.split("."),
  read: (item) => path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], item),
  among,
  ordered,
});

const leaves: readonly Leaf[] = [
  leaf("itemId", stock.slice(0, 6).map(({ itemId }) => itemId)),
  leaf("name", values.name),
  leaf("stock", values.stock),
  leaf("weight", values.weight),
  leaf("big", [...values.big, 2n ** 70n + 1n]),
  leaf("since", values.date),
  leaf("until", values.date),
  leaf("active", [true, false]),
  leaf("checked", [true, false]),
  leaf("kind", ["a", "b", "c"]),
  leaf("state", ["DRAFT", "LISTED", "GONE"]),
  leaf("owner", ["o1", "o2", "o3"]),
  leaf("rate", values.rate.map((value) => new Rate(value))),
  leaf("price.minor", values.minor),
  leaf("price.currency", ["EUR", "JPY"]),
  leaf("discount.minor", values.minor),
  leaf("maker.name", values.text),
  leaf("maker.seat.city", values.text),
  leaf("maker.seat.zip", values.text),
  leaf("size.width", [0, 1, 2.5, 2]),
  leaf("size.depth", [0, 1]),
  leaf("size.packed.on", values.date),
  leaf("size.packed.by", values.text),
];

type Predicate = (item: ItemValues) => boolean;
interface Asked {
  readonly where: object;
  readonly holds: Predicate;
}

function comparable(value: unknown): string | number | bigint | null {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.getTime();
  if (value instanceof Rate) return value.value;
  return typeof value === "boolean" ? Number(value) : (value as string | number | bigint);
}

function compare(a: string | number | bigint, b: string | number | bigint): number {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As bigints beyond 64 bits are ordered. */
const nearest = (value: string | number | bigint): string | number | bigint =>
  typeof value === "bigint" && BigInt.asIntN(64, value) !== value ? Number(value) : value;

const orders = {
  lt: (difference: number) => difference < 0,
  lte: (difference: number) => difference <= 0,
  gt: (difference: number) => difference > 0,
  gte: (difference: number) => difference >= 0,
};

const nested = (path: readonly string[], test: unknown): object =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), test) as object;

function single({ path, read, among }: Leaf, op: string, picked: readonly unknown[]): Asked {
  const present = picked.filter((value) => value !== undefined && value !== null);
  const value = present[0] ?? among.find((one) => one !== undefined && one !== null);
  const held = (item: ItemValues) => comparable(read(item));
  const wanted = comparable(value) as string | number | bigint;
  if (op === "bare") return { where: nested(path, value), holds: (item) => held(item) === wanted };
  if (op === "null") return { where: nested(path, null), holds: (item) => held(item) === null };
  if (op === "ne null") return { where: nested(path, { ne: null }), holds: (item) => held(item) !== null };
  if (op === "eq") return { where: nested(path, { eq: value }), holds: (item) => held(item) === wanted };
  if (op === "ne") return { where: nested(path, { ne: value }), holds: (item) => held(item) !== wanted };
  if (op === "in") {
    const set = new Set(present.map(comparable));
    return { where: nested(path, { in: present }), holds: (item) => held(item) !== null && set.has(held(item)) };
  }
  if (op === "contains" && typeof value === "string") {
    return { where: nested(path, { contains: value }), holds: (item) => typeof held(item) === "string" && String(held(item)).includes(value) };
  }
  const fits = orders[op as "lt"] ?? orders.lt;
  return {
    where: nested(path, { [op in orders ? op : "lt"]: value }),
    holds: (item) => {
      const own = held(item);
      return own !== null && fits(compare(nearest(own), nearest(wanted)));
    },
  };
}

const operators = ["bare", "null", "ne null", "eq", "ne", "in", "contains", "lt", "lte", "gt", "gte"];

const singles: fc.Arbitrary<Asked> = fc
  .tuple(fc.constantFrom(...leaves), fc.constantFrom(...operators), fc.array(fc.nat(20), { maxLength: 4 }))
  .map(([one, op, picks]) => single(one, op, picks.map((pick) => one.among[pick % one.among.length])));

/** Whole value objects and objects. */
const wholes: fc.Arbitrary<Asked> = fc
  .tuple(fc.constantFrom("price", "discount", "maker", "size.packed"), fc.nat(stock.length - 1), fc.nat(stock.length - 1), fc.constantFrom("bare", "eq", "ne", "in", "null"))
  .map(([name, one, other, op]): Asked => {
    const read = (item: ItemValues): unknown =>
      name.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], item) ?? null;
    const [value, second] = [read(stock[one]!), read(stock[other]!)];
    const same = (a: unknown, b: unknown): boolean => {
      if (a === null || b === null) return a === b;
      return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
    };
    const path = name.split(".");
    if (op === "in") {
      const list = [value, second].filter((it) => it !== null);
      return { where: nested(path, { in: list }), holds: (item) => list.some((it) => same(it, read(item))) };
    }
    if (op === "ne") return { where: nested(path, { ne: value }), holds: (item) => !same(value, read(item)) };
    if (op === "null") return { where: nested(path, null), holds: (item) => read(item) === null };
    if (op === "eq" || value === null) return { where: nested(path, { eq: value }), holds: (item) => same(value, read(item)) };
    return { where: nested(path, value), holds: (item) => same(value, read(item)) };
  });

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, it]) => it !== undefined).sort().map(([key, it]) => [key, plain(it)]));
}

const { asked } = fc.letrec<{ asked: Asked }>((tie) => ({
  asked: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { arbitrary: singles, weight: 6 },
    { arbitrary: wholes, weight: 2 },
    { arbitrary: fc.array(tie("asked"), { maxLength: 3 }).map((all): Asked => ({ where: { and: all.map(({ where }) => where) }, holds: (item) => all.every(({ holds }) => holds(item)) })), weight: 2 },
    { arbitrary: fc.array(tie("asked"), { maxLength: 3 }).map((all): Asked => ({ where: { or: all.map(({ where }) => where) }, holds: (item) => all.some(({ holds }) => holds(item)) })), weight: 2 },
    { arbitrary: tie("asked").map(({ where, holds }): Asked => ({ where: { not: where }, holds: (item) => !holds(item) })), weight: 2 },
    { arbitrary: fc.tuple(singles, tie("asked")).map(([one, other]): Asked => ({ where: { ...one.where, or: [other.where] }, holds: (item) => one.holds(item) && other.holds(item) })), weight: 1 },
  ),
}));

describe.each(places)("on $name", (kind) => {
  test("a query finds what a plain predicate finds, whatever the conditions and however they are nested", async () => {
    const domain = await stocked(kind);
    await fc.assert(
      fc.asyncProperty(asked, async ({ where, holds }) => {
        const ids = await bench.run(domain, async ({ repository }) => {
          const found = await repository(Item).query({ where: where as Where<Item> });
          expect(await repository(Item).count(where as Where<Item>)).toBe(found.length);
          return found.map(({ itemId }) => itemId);
        });
        const expected = stock.filter(holds).map(({ itemId }) => itemId).sort(compareText);
        expect(ids).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
