import {
  Command,
  commandHandlers,
  Domain,
  type DomainOptions,
  decimal,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  type Shape,
  type Store,
  ValueObject,
} from "nereus";
import { memory } from "nereus/memory";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { everyStore } from "./support/every-store.ts";

const started = new Set<Domain>();
afterEach(async () => {
  for (const domain of started) await domain.stop();
  started.clear();
});

/** A release of a domain whose event `Priced` has these fields besides its identity, and version. */
class Release {
  /** What `.applies` was given last. */
  applied: Record<string, unknown> = {};
  readonly elements: readonly Element[];
  readonly #price: new (input: {
    id: string;
    values: unknown;
  }) => object;
  readonly #touch: new (input: {
    id: string;
  }) => object;
  #domain: Domain | undefined;

  constructor(fields: Shape, { version = 1, more = [] }: { version?: number; more?: readonly Element[] } = {}) {
    class Priced extends Event("Priced", { id: identifier(), ...fields }, { version }) {}
    class Item extends EventSourcedAggregate("Item", { id: identifier() }).applies(Priced, (item, event) => {
      item.id = String(event.id);
      this.applied = { ...event };
    }) {}
    class Price extends Command("Price", { id: identifier(), values: z.custom<object>() }) {}
    class Touch extends Command("Touch", { id: identifier() }) {}
    const handlers = commandHandlers(Item)
      .on(Price, async ({ id, values }, { repository }) => {
        const priced = new Priced({ id, ...values } as never);
        const item = (await repository(Item).find(id)) ?? Item.create(() => undefined);
        item.raise(priced);
        await repository(Item).add(item);
      })
      .update(Touch, () => undefined);
    this.elements = [Item, handlers, ...more];
    this.#price = Price as never; // of values as they come
    this.#touch = Touch as never;
  }

  async start(store: Store, options: Partial<DomainOptions> = {}): Promise<this> {
    this.#domain = new Domain("shop", { elements: this.elements, store, ...options });
    await this.#domain.start();
    started.add(this.#domain);
    return this;
  }

  price(id: string, values: object, options: { tenant?: string } = {}): Promise<unknown> {
    return this.domain.process(new this.#price({ id, values }) as never, options);
  }

  /** The event as `.applies` gets it from the log. */
  async replayed(id: string, options: { tenant?: string } = {}): Promise<Record<string, unknown>> {
    await this.domain.process(new this.#touch({ id }) as never, options);
    return this.applied;
  }

  get domain(): Domain {
    if (this.#domain === undefined) throw new Error("It is not started");
    return this.#domain;
  }

  async stop(): Promise<void> {
    await this.domain.stop();
  }
}

const changed = { code: "STORED_SHAPE_CHANGED", element: "Priced" };
const n = (schema: z.ZodType): Release => new Release({ n: schema });

describe.each(everyStore())("on $name", ({ missing, open }) => {
  const on = test.skipIf(missing !== undefined);

  on("a changed type of a stored field is refused at start, and what was stored goes on to be read", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    await first.price("1", { n: 5 });
    await first.stop();
    for (const other of [z.string(), z.object({ amount: z.number() }), z.array(z.number()), z.date(), z.boolean()]) {
      await expect(n(other).start(place())).rejects.toMatchObject(changed);
    }
    await expect(n(z.string()).start(place())).rejects.toMatchObject({
      message: expect.stringContaining("Priced (n was number, and is text now)"),
      fix: expect.stringContaining("event of another name"),
    });
    const again = await n(z.number()).start(place());
    expect(await again.replayed("1")).toMatchObject({ n: 5 });
  });

  on("what fits is read as its class says: a new optional field, one with a default, a wider type", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    await first.price("1", { n: 5 });
    await first.stop();
    const later = await new Release({
      n: z.union([z.number(), z.string()]),
      note: z.string().optional(),
      unit: z.string().default("EUR"),
    }).start(place());
    expect(await later.replayed("1")).toMatchObject({ n: 5, unit: "EUR" });
    await later.price("2", { n: "five", note: "new" });
    await later.stop();
    await expect(n(z.number()).start(place())).rejects.toMatchObject(changed); // the release that is taken back would get the text
    const third = await n(z.union([z.number(), z.string()])).start(place()); // a field that is no more is passed over
    expect(await third.replayed("1")).toEqual({ id: "1", n: 5 });
    expect(await third.replayed("2")).toEqual({ id: "2", n: "five" });
  });

  on("an event that was declared and never stored may change freely", async () => {
    const place = await open();
    await (await n(z.number()).start(place())).stop();
    const second = await n(z.string()).start(place());
    await expect(second.price("1", { n: 5 })).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
    await second.stop();
    const third = await n(z.boolean()).start(place());
    await third.price("1", { n: true });
    await third.stop();
    await expect(n(z.string()).start(place())).rejects.toMatchObject(changed);
  });

  on("of two releases with other shapes that start together, the first to store an event wins", async () => {
    const place = await open();
    const numbers = await n(z.number()).start(place());
    const texts = await n(z.string()).start(place());
    const outcomes = await Promise.allSettled([numbers.price("1", { n: 5 }), texts.price("2", { n: "five" })]);
    const refused = outcomes.filter((one) => one.status === "rejected");
    expect(refused).toMatchObject([{ reason: changed }]);
    const [winner, loser] = outcomes[0].status === "fulfilled" ? [numbers, texts] : [texts, numbers];
    await winner.price("3", { n: winner === numbers ? 6 : "six" });
    await expect(loser.price("4", { n: loser === numbers ? 6 : "six" })).rejects.toMatchObject(changed);
    await loser.stop();
    await expect(loser.start(place())).rejects.toMatchObject(changed);
    await winner.stop();
    await winner.start(place());
  });

  on("a field that was left out and comes again with another type is refused", async () => {
    const place = await open();
    for (const release of [n(z.number()), new Release({}), n(z.number().optional())]) {
      await release.start(place());
      await release.price(String(started.size), { n: 5 }).catch(() => release.price("x", {}));
      await release.stop();
    }
    await expect(n(z.string().optional()).start(place())).rejects.toMatchObject(changed);
  });

  on("it is one shape for all tenants", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    await first.price("1", { n: 5 }, { tenant: "acme" });
    await first.stop();
    await expect(n(z.string()).start(place())).rejects.toMatchObject(changed);
    const again = await n(z.number().nullable()).start(place());
    expect(await again.replayed("1", { tenant: "acme" })).toMatchObject({ n: 5 });
  });

  on("many callers store the first event at the same time, and one keeps its shape", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    const second = await n(z.number()).start(place());
    const all = Array.from({ length: 32 }, (_, at) => (at % 2 === 0 ? first : second).price(String(at), { n: at }));
    await Promise.all(all);
    const store = place();
    await store.open([]);
    const [note, ...others] = await store.records.notes("nereus:shape:");
    expect(others).toEqual([]);
    expect(note).toMatchObject({ name: "nereus:shape:1:Priced", revision: 1 });
    expect((await store.log.readLog({ after: 0, limit: 100 })).messages).toHaveLength(32);
  });

  on("events of before shapes were kept are looked at, and their shape is kept if they fit", async () => {
    const place = await open();
    await withoutShapes(place(), [{ n: 1 }, { n: 2 }, { n: 5.5 }]);
    await expect(n(z.int()).start(place())).rejects.toMatchObject({
      ...changed,
      message: expect.stringContaining("n was 5.5, and is whole number now"),
    });
    const first = await n(z.number()).start(place());
    expect(await first.replayed("1")).toMatchObject({ n: 2 });
    await first.stop();
    const [note, ...others] = await notesOf(place());
    expect(others).toEqual([]);
    expect(note).toMatchObject({ name: "nereus:shape:1:Priced", revision: 1 });
    expect(JSON.parse(note?.data ?? "")).toMatchObject([{ schema: { properties: { n: { type: "number" } } } }]);
    await (await n(z.number().nullable()).start(place())).stop();
  });
});

async function notesOf(store: Store): ReturnType<Store["records"]["notes"]> {
  await store.open([]);
  try {
    return await store.records.notes("nereus:shape:");
  } finally {
    await store.close();
  }
}

/** Stores events `Priced` as a release that keeps no shapes has stored them. */
async function withoutShapes(store: Store, values: readonly object[]): Promise<void> {
  const source = memory();
  const release = await n(z.number()).start(source);
  for (const [at, value] of values.entries()) await release.price(String(at), value);
  const { messages } = await source.log.readLog({ after: 0, limit: 100 });
  await store.open([]);
  for (const { stream, position: _, version: __, ...message } of messages) {
    await store.commit({ appends: [{ stream, expectedVersion: "none", messages: [message] }] });
  }
  await store.close();
  await release.stop();
}

/** What is read of a value that was stored under one shape, under another: or why it is refused. */
async function read(before: Shape, values: object, after: Shape): Promise<unknown> {
  const store = memory();
  const first = await new Release(before).start(store);
  await first.price("1", values);
  await first.stop();
  try {
    const second = await new Release(after).start(store);
    const { id: _, ...applied } = await second.replayed("1");
    return applied;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "STORED_SHAPE_CHANGED") throw error;
    return (error as Error).message;
  }
}

class Money extends ValueObject("Money", { amount: z.number(), currency: z.string() }) {}
class Price extends ValueObject("Money", { amount: z.number(), currency: z.string(), tax: z.number().default(0) }) {}
class Strict extends ValueObject("Money", { amount: z.number(), currency: z.string(), tax: z.number() }) {}
const money = { amount: 5, currency: "EUR" };
const tree = (leaf: z.ZodType): z.ZodType => {
  const node: z.ZodType = z.object({ leaf, children: z.array(z.lazy(() => node)) });
  return node;
};
const leaves = (leaf: unknown): object => ({ leaf, children: [{ leaf, children: [] }] });
const circle = z.object({ type: z.literal("circle"), radius: z.number() });
const square = z.object({ type: z.literal("square"), side: z.number() });
const codec = z.codec(
  z.string(),
  z.custom<URL>((value) => value instanceof URL),
  {
    decode: (text) => new URL(text),
    encode: (url) => url.href,
  },
);

describe("what fits", () => {
  test.each<
    [what: string, before: z.ZodType | Shape[string], value: unknown, after: z.ZodType | Shape[string], read?: unknown]
  >([
    ["a whole number as a number", z.int(), 5, z.number()],
    ["a whole number as a bigint", z.int(), 5, z.bigint(), 5n],
    ["a date as text", z.date(), new Date(0), z.string(), "1970-01-01T00:00:00.000Z"],
    ["a bigint as text", z.bigint(), 5n, z.string(), "5"],
    ["a decimal with more digits", decimal({ scale: 2 }), "5.25", decimal({ scale: 4 }), "5.2500"],
    ["a decimal as text", decimal({ scale: 2 }), "5.2", z.string(), "5.20"],
    ["one more name", z.enum(["a", "b"]), "b", z.enum(["c", "b", "a"])],
    ["a name as text", z.enum(["a", "b"]), "b", z.string()],
    ["a boolean as literals", z.boolean(), true, z.literal([true, false])],
    ["null where it may be", z.string(), "a", z.string().nullable()],
    ["a required field as optional", z.string(), "a", z.string().optional()],
    ["bounds that have become narrower", z.number(), 5, z.number().min(100)],
    ["a text with a format", z.string(), "a", z.email()],
    ["a brand", z.string(), "a", z.string().brand<"Id">()],
    ["an identity", z.string(), "a", identifier()],
    [
      "an object with an optional field more",
      z.object({ a: z.number() }),
      { a: 1 },
      z.object({ a: z.number(), b: z.string().optional() }),
    ],
    [
      "an object with a field less",
      z.object({ a: z.number(), b: z.number() }),
      { a: 1, b: 2 },
      z.object({ a: z.number() }),
    ],
    ["an object as a record", z.object({ a: z.number() }), { a: 1 }, z.record(z.string(), z.number())],
    ["a list of more", z.array(z.number()), [1], z.array(z.union([z.number(), z.null()]))],
    ["a list as a set", z.array(z.number()), [1, 1], z.set(z.number()), new Set([1])],
    ["a tuple as a list", z.tuple([z.number(), z.number()]), [1, 2], z.array(z.number())],
    [
      "pairs as a map",
      z.array(z.tuple([z.string(), z.int()])),
      [["a", 1]],
      z.map(z.string(), z.number()),
      new Map([["a", 1]]),
    ],
    [
      "one more kind in a union",
      z.discriminatedUnion("type", [circle]),
      { type: "circle", radius: 1 },
      z.discriminatedUnion("type", [square, circle]),
    ],
    [
      "one more option after those of a union with dates",
      z.union([z.date(), z.number()]),
      5,
      z.union([z.date(), z.number(), z.string()]),
    ],
    ["a value object with a default more", Money, money, Price, { ...money, tax: 0 }],
    ["a value object as an object", Money, money, z.object({ amount: z.number(), currency: z.string() })],
    ["a tree", tree(z.number()), leaves(1), tree(z.union([z.string(), z.number()]))],
    ["what is not known, as what is not known", z.unknown(), { a: [1] }, z.any()],
    ["a number as what is not known", z.number(), 5, z.unknown()],
    ["the form that a codec has in JSON", z.string(), "https://example.org/", codec, new URL("https://example.org/")],
    [
      "an intersection as an object",
      z.intersection(z.object({ a: z.int() }), z.object({ b: z.string() })),
      { a: 1, b: "b" },
      z.object({ a: z.number(), b: z.string() }),
    ],
    ["a template as text", z.templateLiteral([z.number(), "px"]), "5px", z.string()],
    ["what a transform answers", z.string().transform((text) => text.length), "abc", z.unknown(), 3],
    ["what is piped, as it is stored", z.string().pipe(z.coerce.number()), "5", z.number(), 5],
    ["a list of value objects", z.array(Money.schema()), [money], z.array(Price.schema()), [{ ...money, tax: 0 }]],
  ])("%s", async (_, before, value, after, expected = value) => {
    const found = await read({ n: before }, { n: value }, { n: after });
    expect(found).toEqual({ n: expected });
  });

  test("a field that was optional, as one with a default", async () => {
    expect(await read({ n: z.number().optional() }, {}, { n: z.number().default(7) })).toEqual({ n: 7 });
  });
});

describe("what does not fit", () => {
  test.each<
    [what: string, before: z.ZodType | Shape[string], value: unknown, after: z.ZodType | Shape[string], told: string]
  >([
    ["a number as a whole one", z.number(), 5.5, z.int(), "n was number, and is whole number now"],
    ["a number as a bigint", z.number(), 5.5, z.bigint(), "n was number, and is bigint now"],
    ["a bigint as a number", z.bigint(), 5n, z.number(), "n was bigint, and is number now"],
    ["text as a date", z.string(), "a", z.date(), "n was text, and is date now"],
    [
      "a decimal with fewer digits",
      decimal({ scale: 4 }),
      "5.1234",
      decimal({ scale: 2 }),
      "n was decimal with 4 digits",
    ],
    [
      "a decimal with less room",
      decimal({ scale: 2, precision: 10 }),
      "5",
      decimal({ scale: 4, precision: 10 }),
      "n was decimal",
    ],
    ["a name that is no more", z.enum(["a", "b"]), "b", z.enum(["a"]), 'n was "a" | "b", and is "a" now'],
    ["text as a name", z.string(), "a", z.enum(["a"]), 'n was text, and is "a" now'],
    ["null where it may not be", z.string().nullable(), null, z.string(), "and is text now"],
    [
      "an optional field as a required one",
      z.number().optional(),
      undefined,
      z.number(),
      "n was not always there, and is required number now",
    ],
    [
      "what may be absent, as what may be null",
      z.number().optional(),
      undefined,
      z.number().nullable(),
      "not always there",
    ],
    [
      "a field within an object",
      z.object({ a: z.object({ b: z.number() }) }),
      { a: { b: 1 } },
      z.object({ a: z.object({ b: z.string() }) }),
      "n.a.b was number, and is text now",
    ],
    [
      "a default within an object, which nobody fills in",
      z.object({ a: z.number() }),
      { a: 1 },
      z.object({ a: z.number(), b: z.number().default(1) }),
      "n.b was not there, and is required number now",
    ],
    [
      "a record as an object",
      z.record(z.string(), z.number()),
      { a: 1 },
      z.object({ a: z.number() }),
      "n.a was not always there",
    ],
    [
      "an object as a record of another type",
      z.object({ a: z.number(), b: z.string() }),
      { a: 1, b: "b" },
      z.record(z.string(), z.number()),
      "n.b was text, and is number now",
    ],
    [
      "a record of another type",
      z.record(z.string(), z.number()),
      { a: 1 },
      z.record(z.string(), z.string()),
      "n{} was number, and is text now",
    ],
    [
      "a record with a key more",
      z.record(z.enum(["a"]), z.number()),
      { a: 1 },
      z.record(z.enum(["a", "b"]), z.number()),
      "n.b was not there",
    ],
    ["items of another type", z.array(z.number()), [1], z.array(z.string()), "n[] was number, and is text now"],
    [
      "a list as a tuple",
      z.array(z.number()),
      [1],
      z.tuple([z.number()]),
      "n was list of number, and is tuple of 1 now",
    ],
    [
      "a tuple that is longer",
      z.tuple([z.number()]),
      [1],
      z.tuple([z.number(), z.number()]),
      "n was tuple of 1, and is tuple of 2 now",
    ],
    [
      "a kind of a union that is no more",
      z.discriminatedUnion("type", [circle, square]),
      { type: "square", side: 1 },
      z.discriminatedUnion("type", [circle]),
      "n.type",
    ],
    [
      "options of a union with dates in another order",
      z.union([z.date(), z.number()]),
      5,
      z.union([z.number(), z.date()]),
      "n was",
    ],
    [
      "an option of a union that makes it stored in another way",
      z.union([z.number(), z.string()]),
      5,
      z.union([z.number(), z.string(), z.date()]),
      "n was",
    ],
    [
      "a value object with a required field more",
      Money,
      money,
      Strict,
      "n.tax was not there, and is required number now",
    ],
    [
      "items of another value object",
      z.array(Money.schema()),
      [money],
      z.array(Strict.schema()),
      "n[].tax was not there",
    ],
    ["a tree", tree(z.number()), leaves(1), tree(z.string()), "n.leaf was number, and is text now"],
    ["what is not known", z.unknown(), 5, z.number(), "n was anything, and is number now"],
    [
      "another template",
      z.templateLiteral([z.number(), "px"]),
      "5px",
      z.templateLiteral([z.number(), "em"]),
      "n was text of the form",
    ],
    [
      "a map with other keys",
      z.map(z.string(), z.number()),
      new Map([["a", 1]]),
      z.map(z.date(), z.number()),
      "n[][0] was text, and is date now",
    ],
  ])("%s", async (_, before, value, after, told) => {
    expect(await read({ n: before }, { n: value }, { n: after })).toContain(told);
  });
});
