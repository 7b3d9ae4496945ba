// A state-stored aggregate with every kind of field that queries know, and items that differ in all of them.
import { Aggregate, identifier, reference, status, ValueObject } from "nereus";
import { z } from "zod";

export class Money extends ValueObject("Money", { minor: z.bigint(), currency: z.enum(["EUR", "JPY"]) }) {}
export class Place extends ValueObject("Place", { city: z.string(), zip: z.string().optional() }) {}
export class Maker extends ValueObject("Maker", { name: z.string(), seat: Place }) {}

/** A rich value with a class of its own; stored as text with four digits before the point, so that its order is that of numbers. */
export class Rate {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  toString(): string {
    return this.value.toFixed(2).padStart(7, "0");
  }
}
const rate = z.codec(z.string(), z.instanceof(Rate), {
  decode: (text) => new Rate(Number(text)),
  encode: (value) => value.toString(),
});

export class Owner extends Aggregate("Owner", { ownerId: identifier(), name: z.string() }) {}

export class Item extends Aggregate(
  "Item",
  {
    itemId: identifier(),
    name: z.string(),
    stock: z.number().int(),
    weight: z.number().optional(),
    big: z.bigint().nullable(),
    since: z.date(),
    until: z.date().nullable().default(null),
    active: z.boolean(),
    checked: z.boolean().optional(),
    kind: z.enum(["a", "b", "c"]),
    state: status({ DRAFT: ["LISTED"], LISTED: ["GONE"], GONE: [] }, "DRAFT"),
    owner: reference(Owner).optional(),
    rate,
    price: Money,
    discount: Money.schema().optional(),
    maker: Maker.schema().nullable(),
    size: z.object({
      width: z.number(),
      depth: z.number().optional(),
      packed: z.object({ on: z.date(), by: z.string().nullable() }).optional(),
    }),
    tags: z.array(z.string()).default([]),
  },
  { indexes: [["name"], ["kind", "stock"]] },
) {}

const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));

/** Small sets of values, so that ties are many, with what stores are careless with: huge, negative, strange texts. */
export const values = {
  name: ["", "a", "A", "ä", "a\u0308", "ab", "b%", "b_", "'", '"', "\ud800", "\uffff", "😀", "null", "0", "nul\0l"],
  stock: [0, 1, -1, 2, 10, 9, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  weight: [undefined, 0, 0.5, -0.5, 1e-7, 1e21, 2, 10],
  big: [null, 0n, 9n, 10n, -1n, 2n ** 53n + 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 70n, -(2n ** 70n)],
  date: [day(1), day(2), day(10), new Date(0), new Date(-1), new Date("0001-01-01T00:00:00Z")],
  text: ["", "x", "y", "Y"],
  minor: [0n, 1n, 9n, 10n, -5n, 2n ** 60n, 2n ** 60n + 1n],
  rate: [0, 1, 9.5, 10, 100],
} as const;

/** The values that an item is made from, as the plain predicate sees them. */
export interface ItemValues {
  readonly itemId: string;
  readonly name: string;
  readonly stock: number;
  readonly weight: number | undefined;
  readonly big: bigint | null;
  readonly since: Date;
  readonly until: Date | null;
  readonly active: boolean;
  readonly checked: boolean | undefined;
  readonly kind: "a" | "b" | "c";
  readonly state: "DRAFT" | "LISTED" | "GONE";
  readonly owner: string | undefined;
  readonly rate: Rate;
  readonly price: Money;
  readonly discount: Money | undefined;
  readonly maker: Maker | null;
  readonly size: {
    readonly width: number;
    readonly depth?: number | undefined;
    readonly packed?: { readonly on: Date; readonly by: string | null } | undefined;
  };
}

/** A small generator of numbers with a seed, so that the items are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** So many items, each with its values picked from {@link values}. */
export function items(count: number, seed = 7): ItemValues[] {
  const next = numbers(seed);
  const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T;
  const money = (): Money => new Money({ minor: pick(values.minor), currency: pick(["EUR", "JPY"] as const) });
  const place = (): Place => new Place({ city: pick(values.text), ...pick([{}, { zip: pick(values.text) }]) });
  return Array.from({ length: count }, (_, n) => ({
    itemId: `${pick(["i", "I", "ï", "😀", "\uffff"])}${n}`,
    name: pick(values.name),
    stock: pick(values.stock),
    weight: pick(values.weight),
    big: pick(values.big),
    since: pick(values.date),
    until: pick([null, ...values.date]),
    active: pick([true, false]),
    checked: pick([true, false, undefined]),
    kind: pick(["a", "b", "c"] as const),
    state: pick(["DRAFT", "LISTED", "GONE"] as const),
    owner: pick(["o1", "o2", undefined]),
    rate: new Rate(pick(values.rate)),
    price: money(),
    discount: pick([undefined, money()]),
    maker: pick([null, new Maker({ name: pick(values.text), seat: place() })]),
    size: {
      width: pick([0, 1, 2.5]),
      ...pick([{}, { depth: pick([0, 1]) }]),
      ...pick([{}, { packed: { on: pick(values.date), by: pick([null, ...values.text]) } }]),
    },
  }));
}
