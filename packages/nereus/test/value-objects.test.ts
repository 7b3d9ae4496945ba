import { inspect } from "node:util";
import { Aggregate, Entity, Event, hasMany, identifier, Projection, projector, ValueObject } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";
import { codeOf, issuesOf } from "./support/refusal.ts";
import { script } from "./support/scripts.ts";

class Decimal {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}
const decimal = z.codec(z.string().regex(/^-?\d+(\.\d+)?$/), z.instanceof(Decimal), {
  decode: (text) => new Decimal(text),
  encode: (value) => value.toString(),
});

class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().length(3).default("EUR") })
  .invariant("positive", "An amount cannot be negative", (money) => money.amount >= 0n)
  .invariant("real", "XXX is no currency", (money) => money.currency !== "XXX") {
  plus(amount: bigint) {
    return this.with({ amount: this.amount + amount });
  }
}
class Period extends ValueObject("Period", { from: z.date(), to: z.date() }).invariant(
  "order",
  "A period ends after it begins",
  (period) => period.from <= period.to,
) {}
class Rate extends ValueObject("Rate", { value: decimal, valid: Period, fees: z.array(Money.schema()).default([]) }) {}

const stored = (value: object): unknown => JSON.parse(JSON.stringify(value));
const day = (n: number) => new Date(Date.UTC(2026, 0, n));
const period = { from: day(1), to: day(2) };

describe("a value object", () => {
  test("is valid from construction on: every broken rule is named, with its code", () => {
    expect(codeOf(() => new Money({ amount: -1n }))).toBe("INVARIANT_FAILED");
    expect(issuesOf(() => new Money({ amount: -1n, currency: "XXX" }))).toEqual(["positive", "real"]);
    expect(issuesOf(() => new Money({ amount: 1, currency: "EURO", more: 1 } as never))).toEqual([
      "amount invalid_type",
      "currency too_big",
      "unrecognized_keys",
    ]);
  });

  test("is equal to another of the same class with the same values, all the way down", () => {
    const rate = (text = "1.5", fees = [{ amount: 1n }]) => new Rate({ value: text, valid: period, fees });
    expect(rate().equals(rate())).toBe(true);
    expect(rate().equals(rate("1.50"))).toBe(false);
    expect(rate().equals(rate("1.5", [{ amount: 2n }]))).toBe(false);
    expect(rate().equals(new Rate({ value: "1.5", valid: { from: day(1), to: day(3) }, fees: [{ amount: 1n }] }))).toBe(
      false,
    );
    for (const other of [undefined, null, 1, "x", { value: "1.5" }, stored(rate()), new Money({ amount: 1n })]) {
      expect(rate().equals(other)).toBe(false);
    }
  });

  test("is equal whatever order keys, sets and maps were filled in", () => {
    class Words extends ValueObject("Words", { set: z.set(z.string()) }) {}
    class Bag extends ValueObject("Bag", {
      record: z.record(z.string(), z.number()),
      rich: z.set(decimal),
      map: z.map(z.string(), decimal),
      inner: z.array(Words.schema()),
      sets: z.set(z.record(z.string(), Money.schema())),
      at: z.object({ a: z.number(), b: z.number().optional() }),
    }) {}
    const one = new Bag({
      record: { a: 1, b: 2 },
      rich: new Set([new Decimal("1"), new Decimal("2")]),
      map: new Map([
        ["a", new Decimal("1")],
        ["b", new Decimal("2")],
      ]),
      inner: [{ set: new Set(["a", "b"]) }],
      sets: new Set([{ a: new Money({ amount: 1n }), b: new Money({ amount: 2n }) }, {}]),
      at: { a: 0, b: undefined },
    });
    const other = {
      record: { b: 2, a: 1 },
      rich: new Set([new Decimal("2"), new Decimal("1")]),
      map: new Map([
        ["b", new Decimal("2")],
        ["a", new Decimal("1")],
      ]),
      inner: [{ set: new Set(["b", "a"]) }],
      sets: new Set([{}, { b: new Money({ amount: 2n }), a: new Money({ amount: 1n }) }]),
      at: { a: -0 },
    };
    expect(one.equals(new Bag(other))).toBe(true);
    expect(one.equals(new Bag({ ...other, rich: new Set([new Decimal("2"), new Decimal("3")]) }))).toBe(false);
    expect(one.equals(new Bag({ ...other, map: new Map([["a", new Decimal("1")]]) }))).toBe(false);
    expect(one.equals(new Bag({ ...other, record: { a: 1, b: 3 } }))).toBe(false);
    expect(one.equals(new Bag({ ...other, inner: [] }))).toBe(false);
  });

  test("keeps the order that sets and maps were filled in, also after it was compared", () => {
    class Tags extends ValueObject("Tags", { names: z.set(z.string()), at: z.map(z.string(), z.number()) }) {}
    const make = (...names: string[]) =>
      new Tags({ names: new Set(names), at: new Map(names.map((name, n) => [name, n])) });
    const tags = make("b", "a");
    expect(tags.equals(make("a", "b"))).toBe(false); // the numbers differ
    expect([...tags.names]).toEqual(["b", "a"]);
    expect(stored(tags)).toEqual({
      names: ["b", "a"],
      at: [
        ["b", 0],
        ["a", 1],
      ],
    });
  });

  test("makes a changed one with everything checked again; the one that is there stays", () => {
    const money = new Money({ amount: 5n });
    expect(money.plus(3n).equals(new Money({ amount: 8n }))).toBe(true);
    expect(money.plus(3n)).toBeInstanceOf(Money);
    expect(codeOf(() => money.plus(-6n))).toBe("INVARIANT_FAILED");
    expect(issuesOf(() => money.with({ amount: 7, currency: "EURO", colour: "red" } as never))).toEqual([
      "amount invalid_type",
      "currency too_big",
      "colour unrecognized_keys",
    ]);
    expect(issuesOf(() => money.with(JSON.parse('{"__proto__": {"amount": 1}}')))).toEqual([
      "__proto__ unrecognized_keys",
    ]);
    expect(money.with({ currency: undefined }).currency).toBe("EUR"); // its default
    expect({ ...money }).toEqual({ amount: 5n, currency: "EUR" });
  });

  test("makes a changed one without passing what stays through its schema again", () => {
    class Code extends ValueObject("Code", {
      size: z.string().transform((text) => text.length),
      name: z.string().trim(),
    }) {}
    const code = new Code({ size: "abc", name: " x " });
    expect({ ...code.with({ name: " y " }) }).toEqual({ size: 3, name: "y" });
    expect({ ...code.with({ size: "abcd" }) }).toEqual({ size: 4, name: "x" });
  });

  test("is frozen, and so is everything in it", () => {
    class Box extends ValueObject("Box", {
      list: z.array(z.object({ n: z.number(), tags: z.array(z.string()) })),
      map: z.map(z.string(), z.array(z.number())),
      inner: Period,
    }) {}
    const list = [{ n: 1, tags: ["a"] }];
    const box = new Box({ list, map: new Map([["a", [1]]]), inner: period });
    list[0]!.tags.push("b");
    const slips = [
      () => Object.assign(box, { list: [] }),
      () => Object.assign(box, { more: 1 }),
      () => box.list.push({ n: 2, tags: [] }),
      () => box.list[0]!.tags.push("c"),
      () => box.map.set("b", []),
      () => box.map.get("a")!.push(2),
      () => box.inner.from.setTime(0),
    ];
    for (const slip of slips) expect(slip).toThrow(TypeError);
    expect(stored(box)).toEqual({
      list: [{ n: 1, tags: ["a"] }],
      map: [["a", [1]]],
      inner: { from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" },
    });
  });

  test("that holds nothing but defaults is a value like any other", () => {
    class Options extends ValueObject("Options", { n: z.number().default(0), on: z.boolean().default(false) }) {}
    class Thing extends Aggregate("Thing", { id: identifier(), options: Options.schema().optional() }) {}
    expect(new Thing({ options: {} }).options).toBeInstanceOf(Options);
    expect(new Thing({}).options).toBeUndefined();
  });

  test("is made from what it knows of a message or another instance; a literal may hold nothing else", () => {
    class Priced extends Event("Priced", { id: identifier(), amount: z.bigint(), currency: z.string() }) {}
    expect(new Money(new Priced({ id: "1", amount: 7n, currency: "USD" })).amount).toBe(7n);
    expect(issuesOf(() => new Money({ id: "1", amount: 7n } as never))).toEqual(["unrecognized_keys"]);
  });

  test("inherits the rules of the class it is made from, and adds its own for itself only", () => {
    class Base extends ValueObject("Base", { n: z.number() }).invariant("small", "n < 10", ({ n }) => n < 10) {}
    class Even extends Base.invariant("even", "n is even", ({ n }) => n % 2 === 0) {}
    expect(issuesOf(() => new Even({ n: 11 }))).toEqual(["small", "even"]);
    expect(new Base({ n: 3 }).n).toBe(3);
    expect(new Even({ n: 2 }).equals(new Base({ n: 2 }))).toBe(false);
  });

  test("shows its class and fields", () => {
    expect(inspect(new Money({ amount: 1n }))).toBe("Money { amount: 1n, currency: 'EUR' }");
    expect(JSON.stringify(new Money({ amount: 1n }))).toBe('{"amount":"1","currency":"EUR"}');
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["a list", [1n, "EUR"]],
    ["a date", new Date(0)],
    ["a map", new Map([["amount", 1n]])],
    ["a function", () => 1],
    ["a class", Money],
    ["a prototype in disguise", JSON.parse('{"__proto__": {"amount": 1}}')],
    ["a huge text", { amount: 1n, currency: "E".repeat(5_000_000) }],
    ["NUL in a text of three", { amount: 1n, currency: "EUR\0" }],
  ])("refuses %s", (_, input) => {
    expect(codeOf(() => new Money(input as never))).toBe("VALIDATION_FAILED");
    class Sold extends Event("Sold", { price: Money, list: z.array(Money.schema()).default([]) }) {}
    expect(codeOf(() => new Sold({ price: input as never }))).toBe("VALIDATION_FAILED");
    expect(codeOf(() => new Sold({ price: { amount: 1n }, list: [input as never] }))).toBe("VALIDATION_FAILED");
  });
});

describe("a value object in something else", () => {
  class Inner extends ValueObject("Inner", { price: Money, more: z.array(z.object({ price: Money.schema() })) }) {}
  class Cart extends Aggregate("Cart", {
    cartId: identifier(),
    inner: Inner,
    list: z.array(Money.schema()).default([]),
  }) {}
  const euro = (amount: bigint) => new Money({ amount });

  test("names every fault by its whole path, rules by their codes", () => {
    const bad = { amount: -1n, currency: "XXX" };
    expect(
      issuesOf(
        () => new Cart({ inner: { price: bad, more: [{ price: { amount: 1n } }, { price: bad }] }, list: [bad] }),
      ),
    ).toEqual([
      "inner.price positive",
      "inner.price real",
      "inner.more.1.price positive",
      "inner.more.1.price real",
      "list.0 positive",
      "list.0 real",
    ]);
  });

  test("is taken as an instance or as its input by a constructor, and as an instance by an assignment", () => {
    const cart = new Cart({ inner: { price: euro(1n), more: [] }, list: [euro(1n), { amount: 2n }] });
    expect(cart.list.every((it) => it instanceof Money)).toBe(true);
    cart.inner = new Inner({ price: euro(2n), more: [] });
    expect(codeOf(() => Object.assign(cart, { inner: { price: euro(3n), more: [] } }))).toBe("VALIDATION_FAILED");
    expect(codeOf(() => Object.assign(cart, { list: [{ amount: 3n }] }))).toBe("VALIDATION_FAILED");
    expect(codeOf(() => cart.change(() => cart.list.push({ amount: 3n } as never)))).toBe("VALIDATION_FAILED");
    cart.change(() => cart.list.push(euro(3n)));
    expect([cart.inner.price.amount, cart.list.map(({ amount }) => amount)]).toEqual([2n, [1n, 2n, 3n]]);
  });

  test("another class of the same fields is not it", () => {
    class Points extends ValueObject("Points", { amount: z.bigint(), currency: z.string() }) {}
    const cart = new Cart({ inner: { price: euro(1n), more: [] } });
    const points = new Points({ amount: 1n, currency: "EUR" });
    expect(codeOf(() => cart.change(() => cart.list.push(points as never)))).toBe("VALIDATION_FAILED");
    expect(new Cart({ inner: { price: points as never, more: [] } }).inner.price).toBeInstanceOf(Money); // its values
  });

  test("z.object around it drops, trims and fills in as it does without, whichever form it is given", () => {
    class Noted extends Event("Noted", {
      line: z.object({ price: Money.schema(), name: z.string().trim().default("?"), count: z.coerce.number() }),
    }) {}
    const line = { name: " x ", count: "5" as never, extra: 1 };
    for (const price of [euro(1n), { amount: 1n }]) {
      expect(new Noted({ line: { ...line, price } }).line).toEqual({ price: euro(1n), name: "x", count: 5 });
    }
    expect(new Noted({ line: { price: euro(1n), count: 1 } as never }).line.name).toBe("?");
  });

  test("a change in place of a list of rich values is a change, also if their class hides what they hold", () => {
    class Rates extends Aggregate("Rates", { id: identifier(), list: z.array(decimal) }) {}
    const rates = new Rates({ list: ["1"] });
    rates.change(() => {
      rates.list[0] = new Decimal("2");
    });
    expect(rates.toJSON()).toMatchObject({ list: ["2"] });
  });

  test("its schema keeps the wire form, whatever is added to it", () => {
    const schemas = [
      Money.schema(),
      Money.schema().describe("a price"),
      Money.schema().meta({ title: "Price" }),
      Money.schema().refine(({ amount }) => amount < 100n, "too dear"),
      Money.schema().optional().describe("x").nullable(),
      Money.schema()
        .refine(({ amount }) => amount < 100n)
        .readonly()
        .default(euro(0n)),
      Money.schema().describe("a").describe("b").prefault({ amount: 1n }),
    ];
    for (const schema of schemas) {
      class Item extends Event("Item", { price: schema }) {}
      expect(JSON.parse(JSON.stringify(new Item({ price: euro(5n) })))).toEqual({
        price: { amount: "5", currency: "EUR" },
      });
      expect(issuesOf(() => new Item({ price: { amount: -1n } }))).toEqual(["price positive"]);
    }
    class Cheap extends Event("Cheap", { price: schemas[3]! }) {}
    expect(issuesOf(() => new Cheap({ price: euro(500n) }))).toEqual(["price custom"]);
  });

  test("its schema is a codec of its own: what it encodes, it decodes", () => {
    const schema = z.object({ price: Money.schema(), at: z.array(Period.schema()) });
    const value = { price: euro(1n), at: [new Period(period)] };
    expect(z.decode(schema, z.encode(schema, value))).toEqual(value);
  });
});

/** Every place in which Zod can put a value object. */
class Everywhere extends ValueObject("Everywhere", {
  direct: Money,
  optional: Money.schema().optional(),
  nullable: Money.schema().nullable(),
  list: z.array(Money.schema()),
  record: z.record(z.string(), Money.schema()),
  map: z.map(z.bigint(), Money.schema()),
  keys: z.map(Money.schema(), z.string()),
  set: z.set(Money.schema()),
  tuple: z.tuple([Money.schema(), z.string()], Period.schema()),
  union: z.union([Money.schema(), Period.schema(), z.string()]),
  unions: z.array(z.union([z.object({ price: Money.schema() }), z.object({ at: z.array(decimal) }), z.null()])),
  object: z.object({ a: z.object({ rate: Rate.schema() }), n: z.number() }),
  kinds: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("price"), price: Money.schema() }),
    z.object({ kind: z.literal("period"), period: Period.schema() }),
  ]),
  lazy: z.lazy(() => z.array(Money.schema())),
}) {}

const rate = { value: "0.50", valid: period, fees: [{ amount: 9n }] };
const everywhere = () =>
  new Everywhere({
    direct: { amount: 1n },
    optional: { amount: 2n },
    nullable: null,
    list: [{ amount: 3n }, { amount: 10n ** 40n }],
    record: { constructor: { amount: 4n }, b: { amount: 5n } },
    map: new Map([[2n ** 70n, { amount: 6n }]]) as never,
    keys: new Map([[{ amount: 7n }, "x"]]) as never,
    set: new Set([{ amount: 8n }]) as never,
    tuple: [{ amount: 9n }, "x", period],
    union: period,
    unions: [{ price: { amount: 1n } }, { at: ["1.0"] }, null] as never,
    object: { a: { rate }, n: 1 },
    kinds: { kind: "period", period },
    lazy: [{ amount: 11n }],
  });

describe.each(places())("on $name", (kind) => {
  test("comes back equal, with its classes, from events, entities, documents and rows", async () => {
    class Happened extends Event("Happened", { id: identifier(), all: Everywhere }) {}
    class Part extends Entity("Part", { partId: identifier(), all: Everywhere }) {}
    class Whole extends Aggregate("Whole", {
      id: identifier(),
      all: Everywhere.schema().describe("all of it"),
      parts: hasMany(Part),
    }).raises(Happened) {}
    class Row extends Projection("Row", { id: identifier(), all: Everywhere }) {}
    const rows = projector(Row, { run: "inline" }).create(Happened, ({ id, all }) => ({ id, all }));
    const write = script(Whole, async ({ repository }) => {
      const whole = new Whole({ id: "1", all: everywhere(), parts: [{ partId: "p", all: everywhere() }] });
      whole.raise(new Happened({ id: "1", all: whole.all }));
      await repository(Whole).add(whole);
    });
    const read = script(Whole, async ({ repository }) => {
      const whole = await repository(Whole).get("1");
      return [whole.all, whole.parts.get("p").all] as unknown;
    });
    const place = kind.open();
    const elements = [Whole, Row, rows, write.handlers, read.handlers];
    await (await place.start(elements)).process(write.command());
    const reader = await place.start(elements, { cachedAggregates: 0 });
    const found = [...((await reader.process(read.command())) as Everywhere[]), (await reader.view(Row).get("1"))!.all];
    for (const all of found) {
      expect(all).toBeInstanceOf(Everywhere);
      expect(all.equals(everywhere())).toBe(true);
      expect(stored(all)).toEqual(stored(everywhere()));
      expect([...all.keys.keys()][0]).toBeInstanceOf(Money);
      expect([...all.set][0]).toBeInstanceOf(Money);
      expect(all.map.get(2n ** 70n)).toBeInstanceOf(Money);
      expect(all.union).toBeInstanceOf(Period);
      expect(String(all.object.a.rate.value)).toBe("0.50");
      expect(String((all.unions[1] as { at: Decimal[] }).at[0])).toBe("1.0");
      expect(all.list[0]!.plus(1n).amount).toBe(4n);
      expect(() => all.list.push(new Money({ amount: 1n }))).toThrow(TypeError);
    }
  });
});

test("a class inside a Zod schema is refused, with what to write", () => {
  class Price extends ValueObject("Price", { amount: z.bigint() }) {}
  const inside = Price as unknown as z.ZodType; // for callers without types
  for (const field of [z.array(inside), z.object({ price: inside }), z.array(inside).optional()]) {
    const Priced = Event("Priced", { field });
    expect(() => new Priced({ field: 1 } as never)).toThrow(expect.objectContaining({ code: "SCHEMA_UNSUPPORTED" }));
  }
});
