import fc from "fast-check";
import {
  Aggregate,
  type Domain,
  Entity,
  hasMany,
  hasOne,
  identifier,
  isNereusError,
  type Selection,
  ValueObject,
  type Where,
} from "nereus";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { compareText } from "../src/adapters/text-order.ts";
import { Item, type ItemValues, items, Owner, Rate, values } from "./support/catalogue.ts";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

const bench = workbench(Item);
const stock = items(120);

async function stocked(kind: ReturnType<typeof places>[number]): Promise<Domain> {
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
  read: (item) =>
    path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], item),
  among,
  ordered,
});

const leaves: readonly Leaf[] = [
  leaf(
    "itemId",
    stock.slice(0, 6).map(({ itemId }) => itemId),
  ),
  leaf("name", values.name),
  leaf("stock", values.stock),
  leaf("weight", values.weight),
  leaf("big", [...values.big, 2n ** 70n + 1n, -(2n ** 63n), -(2n ** 63n) - 1n]),
  leaf("since", values.date),
  leaf("until", values.date),
  leaf("active", [true, false]),
  leaf("checked", [true, false]),
  leaf("kind", ["a", "b", "c"]),
  leaf("state", ["DRAFT", "LISTED", "GONE"]),
  leaf("owner", ["o1", "o2", "o3"]),
  leaf(
    "rate",
    values.rate.map((value) => new Rate(value)),
    false,
  ),
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

const orders = {
  lt: (difference: number) => difference < 0,
  lte: (difference: number) => difference <= 0,
  gt: (difference: number) => difference > 0,
  gte: (difference: number) => difference >= 0,
};

const nested = (path: readonly string[], test: unknown): object =>
  path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), test) as object;

function single({ path, read, among, ordered }: Leaf, asked: string, picked: readonly unknown[]): Asked {
  const op = !ordered && (asked in orders || asked === "contains") ? "eq" : asked;
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
    return {
      where: nested(path, { contains: value }),
      holds: (item) => typeof held(item) === "string" && String(held(item)).includes(value),
    };
  }
  const fits = orders[op as "lt"] ?? orders.lt;
  return {
    where: nested(path, { [op in orders ? op : "lt"]: value }),
    holds: (item) => {
      const own = held(item);
      return own !== null && fits(compare(own, wanted));
    },
  };
}

const operators = ["bare", "null", "ne null", "eq", "ne", "in", "contains", "lt", "lte", "gt", "gte"];

const singles: fc.Arbitrary<Asked> = fc
  .tuple(fc.constantFrom(...leaves), fc.constantFrom(...operators), fc.array(fc.nat(20), { maxLength: 4 }))
  .map(([one, op, picks]) =>
    single(
      one,
      op,
      picks.map((pick) => one.among[pick % one.among.length]),
    ),
  );

/** Whole value objects and objects. */
const wholes: fc.Arbitrary<Asked> = fc
  .tuple(
    fc.constantFrom("price", "discount", "maker", "size.packed"),
    fc.nat(stock.length - 1),
    fc.nat(stock.length - 1),
    fc.constantFrom("bare", "eq", "ne", "in", "null"),
  )
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
    if (op === "eq" || value === null)
      return { where: nested(path, { eq: value }), holds: (item) => same(value, read(item)) };
    return { where: nested(path, value), holds: (item) => same(value, read(item)) };
  });

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => it !== undefined)
      .sort()
      .map(([key, it]) => [key, plain(it)]),
  );
}

const { asked } = fc.letrec<{ asked: Asked }>((tie) => ({
  asked: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { arbitrary: singles, weight: 6 },
    { arbitrary: wholes, weight: 2 },
    {
      arbitrary: fc.array(tie("asked"), { maxLength: 3 }).map(
        (all): Asked => ({
          where: { and: all.map(({ where }) => where) },
          holds: (item) => all.every(({ holds }) => holds(item)),
        }),
      ),
      weight: 2,
    },
    {
      arbitrary: fc.array(tie("asked"), { maxLength: 3 }).map(
        (all): Asked => ({
          where: { or: all.map(({ where }) => where) },
          holds: (item) => all.some(({ holds }) => holds(item)),
        }),
      ),
      weight: 2,
    },
    {
      arbitrary: tie("asked").map(
        ({ where, holds }): Asked => ({ where: { not: where }, holds: (item) => !holds(item) }),
      ),
      weight: 2,
    },
    {
      arbitrary: fc.tuple(singles, tie("asked")).map(
        ([one, other]): Asked => ({
          where: { ...one.where, or: [other.where] },
          holds: (item) => one.holds(item) && other.holds(item),
        }),
      ),
      weight: 1,
    },
  ),
}));

class Note extends ValueObject("Note", { text: z.string().optional(), by: z.string().nullable().default(null) }) {}
class Other extends ValueObject("Other", { text: z.string() }) {}
class Cents {
  readonly #amount: bigint;
  constructor(amount: bigint) {
    this.#amount = amount;
  }
  get amount(): bigint {
    return this.#amount;
  }
}
const cents = z.codec(z.bigint(), z.instanceof(Cents), {
  decode: (amount) => new Cents(amount),
  encode: ({ amount }) => amount,
});
class Tricky extends ValueObject("Tricky", {
  eq: z.string(),
  in: z.number().optional(),
  cost: cents.optional(),
  inner: Note.schema().optional(),
}) {}
class Line extends Entity("Line", { lineId: identifier(), text: z.string() }) {}

/** Names that stores, paths and objects have a meaning for. */
const hostile = [
  "a.b",
  "q\"uo'te`",
  "_id",
  "_data",
  "_version",
  "_tenant",
  "",
  "$",
  "x[0]",
  "select",
  "é",
  "ID",
  "nul\0",
  "line\nbreak",
  "eq",
  "0",
  "?",
  "--",
  "valueOf",
] as const;
type Hostile = Readonly<Record<(typeof hostile)[number], z.ZodOptional<z.ZodString>>>;
const hostileShape = Object.fromEntries(hostile.map((name) => [name, z.string().optional()])) as Hostile;

class Thing extends Aggregate("Thing", {
  id: identifier(),
  note: Note.schema().optional(),
  tricky: Tricky.schema().optional(),
  cents: cents.optional(),
  on: z.date().optional(),
  n: z.number().optional(),
  text: z.string().optional(),
  size: z.object({ width: z.number().optional(), on: z.date().optional() }).optional(),
  mixed: z.union([z.string(), z.number()]).optional(),
  list: z.array(z.string()).optional(),
  toString: z.string().optional(),
  lines: hasMany(Line),
  first: hasOne(Line),
  inside: z.object(hostileShape).optional(),
  ...hostileShape,
}) {
  get isFull(): boolean {
    return this.n !== undefined;
  }
}
const things = workbench(Thing);
const owners = workbench(Owner);

const all = (value: string): object => Object.fromEntries(hostile.map((name) => [name, value]));
/** An object has these from its prototype, so that they are to be given. */
const absent = { toString: undefined, valueOf: undefined };

function handful(): object[] {
  return [
    { ...absent, id: "none", cents: new Cents(-5n) },
    { ...absent, id: "blank", note: new Note({}), size: {}, cents: new Cents(9n) },
    {
      ...all("v"),
      id: "full",
      note: new Note({ text: "x" }),
      tricky: new Tricky({ eq: "e", in: 4, cost: new Cents(10n), inner: new Note({ text: "x" }) }),
      cents: new Cents(10n),
      on: new Date(0),
      n: 5,
      text: "text",
      size: { width: 1, on: new Date(0) },
      mixed: 1,
      list: ["a"],
      toString: "here",
      lines: [{ text: "x" }],
      inside: all("w"),
    },
  ];
}

describe.each(places())("on $name", (kind) => {
  test("a query finds what a plain predicate finds, whatever the conditions and however they are nested", async () => {
    const domain = await stocked(kind);
    await fc.assert(
      fc.asyncProperty(asked, async ({ where, holds }) => {
        const ids = await bench.run(domain, async ({ repository }) => {
          const found = await repository(Item).query({ where: where as Where<Item> });
          expect(await repository(Item).count(where as Where<Item>)).toBe(found.length);
          return found.map(({ itemId }) => itemId);
        });
        const expected = stock
          .filter(holds)
          .map(({ itemId }) => itemId)
          .sort(compareText);
        expect(ids).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  describe("a handful of things", () => {
    let found: (selection: object) => Promise<string[]>;

    beforeEach(async () => {
      const domain = await kind.open().start([Thing, things.handlers]);
      await things.run(domain, async ({ repository }) => {
        for (const one of handful()) await repository(Thing).add(new Thing(one as never));
      });
      found = (selection) =>
        things.run(domain, async ({ repository }) =>
          (await repository(Thing).query(selection as Selection<Thing>)).map(({ id }) => id),
        );
    });

    test.each<[string, object, string[]]>([
      ["a value object that holds nothing, which is not its absence", { note: new Note({}) }, ["blank"]],
      ["any but that value object", { note: { ne: new Note({}) } }, ["full", "none"]],
      ["one of two value objects", { note: { in: [new Note({}), new Note({ text: "x" })] } }, ["blank", "full"]],
      ["an object that holds nothing", { size: { eq: {} } }, ["blank"]],
      ["not an object that holds nothing", { not: { size: { eq: {} } } }, ["full", "none"]],
      ["no value object", { note: null }, ["none"]],
      ["what is within nothing, which is null", { note: { text: null } }, ["blank", "none"]],
      ["a field that is called like a comparison", { tricky: { eq: "e" } }, ["full"]],
      ["two fields that are called like comparisons", { tricky: { eq: "e", in: { gt: 3 } } }, ["full"]],
      [
        "a whole with fields that are called like comparisons",
        { tricky: new Tricky({ eq: "e", in: 4, cost: new Cents(10n), inner: new Note({ text: "x" }) }) },
        ["full"],
      ],
      ["a codec of a bigint, by what is stored", { cents: new Cents(9n) }, ["blank"]],
      ["a codec within a value object", { tricky: { cost: { in: [new Cents(10n)] } } }, ["full"]],
      ["one of several scalars", { mixed: 1 }, ["full"]],
      ["no list", { list: null }, ["blank", "none"]],
      ["either of nothing", { or: [] }, []],
      ["all of nothing", { and: [] }, ["blank", "full", "none"]],
      ["none of nothing", { not: { or: [] } }, ["blank", "full", "none"]],
      ["not everything", { not: {} }, []],
      ["conditions without a prototype", Object.assign(Object.create(null), { id: "none" }), ["none"]],
      ["a negation of a negation", { not: { not: { note: null } } }, ["none"]],
      ["lower than null, which nothing is", { n: { lt: null } }, []],
      ["in a list with null, which it never finds", { n: { in: [null, 5] } }, ["full"]],
      ["a field called toString", { toString: { ne: null } }, ["full"]],
    ])("%s", async (_, where, ids) => {
      expect(await found({ where })).toEqual(ids);
    });

    test.each<[string, object, string[]]>([
      ["what is in an object", { size: { width: "desc" } }, ["full", "blank", "none"]],
      ["what is in a value object that is absent from some", { note: { text: "asc" } }, ["blank", "none", "full"]],
      ["a value object two levels down", { tricky: { inner: { text: "desc" } } }, ["full", "blank", "none"]],
      ["nothing", {}, ["blank", "full", "none"]],
      [
        "a forgotten direction, which is none",
        { n: undefined, note: undefined, id: "desc" },
        ["none", "full", "blank"],
      ],
    ])("ordered by %s", async (_, orderBy, ids) => {
      expect(await found({ orderBy })).toEqual(ids);
    });

    test.each(hostile)("a field called %j is found and ordered like any other", async (name) => {
      expect(await found({ where: { [name]: "v" } })).toEqual(["full"]);
      expect(await found({ where: { not: { [name]: { ne: "v" } } } })).toEqual(["full"]);
      expect(await found({ orderBy: { [name]: "desc" } })).toEqual(["full", "blank", "none"]);
      expect(await found({ where: { inside: { [name]: "w" } } })).toEqual(["full"]);
      expect(await found({ orderBy: { inside: { [name]: "desc" } } })).toEqual(["full", "blank", "none"]);
    });

    test.each<[string, object]>([
      ["a field that there is not", { colour: "red" }],
      ["one from a prototype", { constructor: 1 }],
      ["__proto__", JSON.parse('{ "__proto__": 1 }')],
      ["the version", { version: 0 }],
      ["pending events", { pendingEvents: { eq: null } }],
      ["a getter", { isFull: true }],
      ["a method of a value object", { note: { equals: true } }],
      ["entities", { lines: null }],
      ["an entity", { first: null }],
      ["what is in an entity", { first: { text: "x" } }],
      ["a list", { list: ["a"] }],
      ["a group within a value object", { note: { or: [{ text: "x" }] } }],
      ["a field of what is no object", { tricky: { inner: { text: { eq: "x" }, more: 1 } } }],
    ])("%s is refused by name", async (_, where) => {
      await expect(found({ where })).rejects.toMatchObject({ code: "UNKNOWN_FIELD" });
      await expect(found({ where: { not: { and: [{ or: [where] }] } } })).rejects.toMatchObject({
        code: "UNKNOWN_FIELD",
      });
    });

    test.each<[string, object]>([
      ["an empty comparison", { n: {} }],
      ["an empty comparison of a value object", { note: {} }],
      ["an empty comparison of an object", { size: {} }],
      ["undefined", { n: undefined }],
      ["undefined within", { note: { text: undefined } }],
      ["undefined in a comparison", { n: { gt: undefined } }],
      ["undefined in a list", { n: { in: [undefined] } }],
      ["a value object that is undefined", { note: { eq: undefined } }],
      ["a list of value objects with undefined", { note: { in: [undefined] } }],
      ["and without a list", { and: undefined }],
      ["or without a list", { or: { n: 1 } }],
      ["not of nothing", { not: undefined }],
      ["not of a text", { not: "x" }],
      ["a list of undefined", { and: [undefined] }],
      ["in without a list", { n: { in: 5 } }],
      ["in of value objects without a list", { note: { in: new Note({}) } }],
      ["a comparison that there is not", { n: { like: 5 } }],
      ["a text for a date", { on: "2026-01-01" }],
      ["a date that is none", { on: { gte: new Date("no") } }],
      ["a number for a codec's value", { cents: { eq: 5 } }],
      ["a number for a text", { text: 3 }],
      ["a number in a list of texts", { text: { in: ["a", 3] } }],
      ["a text for a number", { n: { gte: "5" } }],
      ["a date for a text", { text: new Date(0) }],
      ["a boolean for a text", { text: { ne: true } }],
      ["a bigint for a number", { n: 5n }],
      ["a part of a number", { n: { startsWith: "5" } }],
      ["a part of a codec's value", { cents: { contains: "1" } }],
      ["letters of a number", { n: { eq: 5, ignoreCase: true } }],
      ["an order without regard to case", { text: { gte: "a", ignoreCase: true } }],
      ["regard to case and nothing else", { text: { ignoreCase: true } }],
      ["regard to case that is neither true nor false", { text: { eq: "a", ignoreCase: "yes" } }],
      ["an item of what is no list", { text: { has: "x" } }],
      ["a number in a list of texts that is asked for an item", { list: { has: 3 } }],
      ["null as an item", { list: { has: null } }],
      ["a text for a value object", { note: "x" }],
      ["another value object", { note: new Other({ text: "x" }) }],
      ["a number for a value object", { note: { ne: 5 } }],
      ["a text for an object", { size: "x" }],
      ["a list for an object", { size: [] }],
      ["not a number", { n: { ne: Number.NaN } }],
      ["infinity", { n: { lte: Number.POSITIVE_INFINITY } }],
      ["null in a text", { text: { contains: null } }],
      ["a number in a text", { text: { contains: 5 } }],
      ["a text in a list", { list: { contains: "a" } }],
      ["conditions in a list", [{ n: 1 }]],
      ["a date for conditions", new Date()],
    ])("%s is refused, and selects nothing by accident", async (_, where) => {
      await expect(found({ where })).rejects.toSatisfy((error) => isNereusError(error, "OPTION_INVALID"));
      await expect(found({ where: { or: [where] } })).rejects.toSatisfy((error) =>
        isNereusError(error, "OPTION_INVALID"),
      );
    });

    test.each<[string, object, string]>([
      ["a direction that there is not", { n: "up" }, "OPTION_INVALID"],
      ["a value object as a whole", { note: "asc" }, "OPTION_INVALID"],
      ["an object as a whole", { size: "asc" }, "OPTION_INVALID"],
      ["null", { note: null }, "OPTION_INVALID"],
      ["a list of names", ["n"], "OPTION_INVALID"],
      ["a name", "n" as never, "OPTION_INVALID"],
      ["a field that there is not", { colour: "asc" }, "UNKNOWN_FIELD"],
      ["a field that there is not, within", { note: { colour: "asc" } }, "UNKNOWN_FIELD"],
      ["the version", { version: "asc" }, "UNKNOWN_FIELD"],
      ["a list", { list: "asc" }, "FIELD_UNORDERED"],
      ["a codec of one's own", { cents: "asc" }, "FIELD_UNORDERED"],
      ["a union of several kinds", { mixed: "asc" }, "FIELD_UNORDERED"],
      ["entities", { lines: "asc" }, "UNKNOWN_FIELD"],
    ])("an order by %s is refused", async (_, orderBy, code) => {
      await expect(found({ orderBy })).rejects.toMatchObject({ code });
    });

    test.each<[string, object]>([
      ["a codec of one's own", { cents: { lt: new Cents(10n) } }],
      ["a codec within a value object", { tricky: { cost: { gte: new Cents(9n) } } }],
      ["a union of several kinds", { mixed: { lte: "a" } }],
    ])("%s cannot be compared by order", async (_, where) => {
      await expect(found({ where })).rejects.toMatchObject({ code: "FIELD_UNORDERED" });
      await expect(found({ where: { not: where } })).rejects.toMatchObject({ code: "FIELD_UNORDERED" });
    });

    test("limit and offset are whole numbers, however large", async () => {
      const most = Number.MAX_SAFE_INTEGER;
      expect(await found({ limit: most, offset: 1 })).toEqual(["full", "none"]);
      expect(await found({ limit: most, offset: most })).toEqual([]);
      expect(await found({ limit: 1, offset: 2 })).toEqual(["none"]);
      expect(await found({ limit: 0 })).toEqual([]);
      for (const wrong of [
        { limit: -1 },
        { limit: 1.5 },
        { offset: -1 },
        { limit: "1" },
        { limit: 2 ** 53 },
        { limt: 1 },
      ]) {
        await expect(found(wrong)).rejects.toMatchObject({ code: "OPTION_INVALID" });
      }
    });
  });

  test("there is no hidden limit: 2,500 aggregates are found, counted and paged", async () => {
    const domain = await kind.open().start([Owner, owners.handlers]);
    const ids = Array.from({ length: 2500 }, (_, n) => `o${String(n).padStart(4, "0")}`);
    await owners.run(domain, async ({ repository }) => {
      for (const ownerId of ids) await repository(Owner).add(new Owner({ ownerId, name: `n${ownerId.at(-1)}` }));
    });
    await owners.run(domain, async ({ repository }) => {
      const found = await repository(Owner).query();
      expect(found.map(({ ownerId }) => ownerId)).toEqual(ids);
      expect(await repository(Owner).count()).toBe(2500);
      expect(await repository(Owner).count({ name: "n7" })).toBe(250);
      const { items: page, next } = await repository(Owner).page({ limit: 2400 });
      expect([page.length, (await repository(Owner).page({ limit: 2400, after: next })).items.length]).toEqual([
        2400, 100,
      ]);
      expect(await repository(Owner).query({ where: { ownerId: { in: ids } } })).toHaveLength(2500);
    });
  });

  test("a query sees its own tenant only", async () => {
    const domain = await kind.open().start([Owner, owners.handlers]);
    for (const tenant of ["a", "b", ""]) {
      await owners.run(
        domain,
        async ({ repository }) => {
          await repository(Owner).add(new Owner({ ownerId: "same", name: `of ${tenant}` }));
          await repository(Owner).add(new Owner({ ownerId: `own ${tenant}`, name: "x" }));
        },
        { tenant },
      );
    }
    const look = (tenant: string) =>
      owners.run(
        domain,
        async ({ repository }) => [
          (await repository(Owner).query({ orderBy: { ownerId: "desc" } })).map(({ name }) => name),
          await repository(Owner).count(),
          await repository(Owner).count({ not: { name: "of a" } }),
          (await repository(Owner).query({ where: { or: [{ name: "of b" }, { ownerId: "own b" }] } })).length,
          (await repository(Owner).page({ limit: 5 })).items.length,
        ],
        { tenant },
      );
    expect(await look("a")).toEqual([["of a", "x"], 2, 1, 0, 2]);
    expect(await look("b")).toEqual([["of b", "x"], 2, 2, 2, 2]);
    expect(await look("")).toEqual([["of ", "x"], 2, 2, 0, 2]);
    expect(await look("c")).toEqual([[], 0, 0, 0, 0]);
  });
});
