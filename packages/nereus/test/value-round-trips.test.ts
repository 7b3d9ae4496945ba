import {
  Aggregate,
  Command,
  commandHandlers,
  Event,
  EventSourcedAggregate,
  type Field,
  identifier,
  Projection,
  projector,
  type StandardSchema,
  ValueObject,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Place, places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

/** A decimal as users write them: a class of their own behind a codec. */
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
const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

class Currency extends ValueObject("Currency", { code: z.string().length(3) }) {}
class Money extends ValueObject("Money", { amount: z.bigint(), currency: Currency, since: z.date() }) {}

/** A schema of no library: five lines of the Standard Schema contract. */
const evenNumber: StandardSchema<number> = {
  "~standard": {
    version: 1,
    vendor: "by-hand",
    validate: (value) =>
      typeof value === "number" && value % 2 === 0 ? { value } : { issues: [{ message: "must be even", path: [] }] },
  },
};

const when = new Date("2026-03-15T12:34:56.789Z");
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ at: z.date(), children: z.array(tree) }));
interface Tree {
  at: Date;
  children: Tree[];
}

/** Every kind of value, with its schema, and how to tell that it is the same. */
const cases: readonly [name: string, schema: Field, value: unknown][] = [
  ["text", z.string(), "Grüße, 世界 🎉 \u0000 \ud800 \\ \" ' % _"],
  ["an empty text", z.string(), ""],
  ["a text with lone surrogates at its ends", z.string(), "\udfffmiddle\ud800"],
  ["a text that looks like JSON", z.string(), '{"a":[1,2]}'],
  ["an integer", z.number().int(), Number.MAX_SAFE_INTEGER],
  ["a fraction", z.number(), 0.1],
  ["the smallest and largest numbers", z.array(z.number()), [5e-324, 1.7976931348623157e308, -1.7976931348623157e308]],
  ["a boolean", z.boolean(), false],
  ["null", z.string().nullable(), null],
  ["an absent optional", z.string().optional(), undefined],
  ["an enum", z.enum(["a", "b"]), "b"],
  ["a literal", z.literal(["x", 7, true]), 7],
  ["a date", z.date(), when],
  ["a date far away", z.date(), new Date(8.64e15)],
  ["a date long before", z.date(), new Date(-62_198_755_200_000)],
  ["an optional date", z.date().optional(), when],
  ["a nullable date that is null", z.date().nullable(), null],
  ["2^53 + 1 as a bigint", z.bigint(), 9_007_199_254_740_993n],
  ["a negative bigint of 100 digits", z.bigint(), -(10n ** 100n)],
  ["a bigint literal", z.literal([1n, 2n]), 2n],
  ["a codec to a class", decimal, new Decimal("0.10")],
  ["a codec to a date", isoDate, when],
  ["an optional codec", isoDate.optional(), when],
  ["a list of codecs", z.array(decimal), [new Decimal("1.0"), new Decimal("-2")]],
  [
    "a value object with a bigint, a date and a value object",
    Money,
    new Money({ amount: 1n, currency: { code: "EUR" }, since: when }),
  ],
  [
    "a map",
    z.map(z.string(), z.number()),
    new Map([
      ["__proto__", 1],
      ["b", 2],
    ]),
  ],
  ["a map of dates by bigints", z.map(z.bigint(), z.date()), new Map([[2n ** 60n, when]])],
  ["a set", z.set(z.string()), new Set(["a", "b"])],
  ["a set of bigints", z.set(z.bigint()), new Set([1n, -1n])],
  ["a list of dates", z.array(z.date()), [when, new Date(0)]],
  ["an empty list", z.array(z.date()), []],
  ["nested lists", z.array(z.array(z.bigint())), [[1n], [], [2n, 3n]]],
  [
    "an object with a date",
    z.object({ at: z.date(), inner: z.object({ n: z.bigint() }) }),
    { at: when, inner: { n: 1n } },
  ],
  ["an object with absent parts", z.object({ a: z.date().optional(), b: z.string().optional() }), {}],
  ["a loose object", z.looseObject({ at: z.date() }), { at: when, more: [1, { x: "y" }] }],
  ["a record", z.record(z.string(), z.bigint()), { a: 1n, constructor: 2n }],
  ["a tuple", z.tuple([z.date(), z.string()]), [when, "x"]],
  ["a tuple with a rest", z.tuple([z.string()], z.bigint()), ["x", 1n, 2n]],
  ["the first option of a union", z.union([z.string(), z.date()]), "2026-03-15T12:34:56.789Z"],
  ["the second option of a union", z.union([z.string(), z.date()]), when],
  ["a nullable union", z.union([z.bigint(), z.date()]).nullable(), 5n],
  ["a union of plain options", z.union([z.string(), z.number(), z.null()]), null],
  [
    "a discriminated union",
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("at"), at: z.date() }),
      z.object({ kind: z.literal("n"), n: z.bigint() }),
    ]),
    { kind: "n", n: 1n },
  ],
  ["an intersection", z.intersection(z.object({ a: z.date() }), z.object({ b: z.bigint() })), { a: when, b: 1n }],
  ["a recursive schema", tree, { at: when, children: [{ at: new Date(0), children: [] }] }],
  ["JSON of any shape", z.json(), { a: [1, "x", null, { b: false }], "": {} }],
  ["an unknown that is JSON", z.unknown(), { a: [1, { b: null }] }],
  ["what a transform makes", z.string().transform((text) => text.trim()), "trimmed"],
  ["a schema of no library", evenNumber, 42],
];

const plain = (value: unknown): unknown => (value instanceof Decimal ? `Decimal ${value}` : value);
const comparable = (value: unknown): unknown => (Array.isArray(value) ? value.map(plain) : plain(value));

/** A domain with one event, event-sourced aggregate, state-stored aggregate and projections around a field. */
function modelOf(schema: Field) {
  class Kept extends Event("Kept", { id: identifier(), value: schema }) {}
  class Sourced extends EventSourcedAggregate("Sourced", { id: identifier(), value: schema }).applies(
    Kept,
    (it, event) => {
      it.id = event.id;
      it.value = event.value as never;
    },
  ) {}
  class Stored extends Aggregate("Stored", { id: identifier(), value: schema }) {}
  class Inline extends Projection("Inline", { id: identifier(), value: schema }) {}
  class Async extends Projection("Async", { id: identifier(), value: schema }) {}
  const rowOf = (event: Kept) => ({ id: event.id, value: event.value }) as never;
  const inline = projector(Inline, { run: "inline" }).create(Kept, rowOf);
  const later = projector(Async, { run: "async" }).create(Kept, rowOf);
  class Keep extends Command("Keep", { id: identifier(), value: schema }) {}
  const commands = commandHandlers(Sourced).on(Keep, async (command, { repository }) => {
    const input = { id: command.id, value: command.value } as never;
    await repository(Sourced).add(Sourced.create((it) => it.raise(new Kept(input))));
    await repository(Stored).add(new Stored(input));
  });
  const look = script(Sourced, async ({ repository }) => {
    const sourced = await repository(Sourced).get("1");
    const stored = await repository(Stored).get("1");
    let event: unknown;
    for await (const entry of repository(Sourced).history("1")) event = (entry.event as Kept).value;
    return { sourced: sourced.value, stored: stored.value, event };
  });
  return {
    Keep,
    Inline,
    Async,
    look,
    elements: [Sourced, Stored, Inline, Async, inline, later, commands, look.handlers],
  };
}

async function stored(place: Place, schema: Field, value: unknown): Promise<Record<string, unknown>> {
  const { Keep, Inline, Async, look, elements } = modelOf(schema);
  const writer = await place.start(elements);
  await writer.process(new Keep({ id: "1", value } as never));
  await writer.settle();
  const reader = await place.start(elements);
  const inline = await reader.view(Inline).get("1");
  const later = await reader.view(Async).get("1");
  return { ...(await reader.process(look.command())), inline: inline?.value, async: later?.value };
}

describe.each(places())("on $name", (kind) => {
  test.each(cases)("%s comes back as it was, from events, states and rows", async (_, schema, value) => {
    const found = await stored(kind.open(), schema, value);
    const expected = comparable(value);
    for (const [where, got] of Object.entries(found)) expect(comparable(got), where).toEqual(expected);
    if (value instanceof Object) {
      for (const got of Object.values(found)) expect(got?.constructor).toBe(value.constructor);
    }
  });

  test("a text of 10 MB comes back as it was", async () => {
    const text = "äxy".repeat(2_600_000);
    const found = await stored(kind.open(), z.string(), text);
    for (const got of Object.values(found)) expect(got === text).toBe(true);
  });

  test("a value object keeps its class and its methods", async () => {
    const found = await stored(kind.open(), Money, { amount: 5n, currency: { code: "EUR" }, since: when });
    for (const got of Object.values(found)) {
      expect(got).toBeInstanceOf(Money);
      expect((got as Money).currency).toBeInstanceOf(Currency);
      expect((got as Money).with({ amount: 6n }).amount).toBe(6n);
    }
  });

  test("a key named __proto__ is data or refused, never lost and never a prototype", async () => {
    const value = JSON.parse('{"__proto__": {"admin": true}, "a": 1}');
    const found = await stored(kind.open(), z.unknown(), value);
    for (const got of Object.values(found)) {
      expect(Object.keys(got as object)).toEqual(["__proto__", "a"]);
      expect((got as { admin?: boolean }).admin).toBeUndefined();
      expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a bigint", 1n],
    ["a date", new Date(0)],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["an instance of a class", new Decimal("1")],
    ["a map", new Map()],
    ["a hole in a list", [1, undefined]],
    ["something deep inside", { a: [{ b: new Set() }] }],
  ])("%s in a field whose schema does not say so is refused, and nothing is stored", async (_, value) => {
    const place = kind.open();
    await expect(stored(place, z.unknown(), value)).rejects.toMatchObject({ code: "PAYLOAD_NOT_SERIALISABLE" });
    const store = await place.opened();
    expect(await store.log.head()).toBe(0);
  });

  test.each([
    "a b",
    'quote"d',
    "semi;colon",
    "ünï",
    "select",
    "data",
    "tenant",
    "id2",
    "position",
    "then",
    "toString",
    "hasOwnProperty",
    "0",
    "--",
    "a.b",
    "$x",
    "valueOf",
  ])("a field may be named %s", async (name) => {
    const place = kind.open();
    class Made extends Event("Made", { key: identifier(), [name]: z.string() }) {}
    class Thing extends EventSourcedAggregate("Thing", { key: identifier(), [name]: z.string() }).applies(
      Made,
      (it, event) => {
        Object.assign(it, { ...event });
      },
    ) {}
    class Doc extends Aggregate("Doc", { key: identifier(), [name]: z.string() }) {}
    class Row extends Projection("Row", { key: identifier(), [name]: z.string() }, { indexes: [[name]] }) {}
    const rows = projector(Row, { run: "inline" }).create(Made, (event) => ({ ...event }) as never);
    class Make extends Command("Make", { key: identifier() }) {}
    const commands = commandHandlers(Thing).on(Make, async ({ key }, { repository }) => {
      const input = { key, [name]: "value" } as never;
      await repository(Thing).add(Thing.create((it) => it.raise(new Made(input))));
      await repository(Doc).add(new Doc(input));
    });
    const look = script(Thing, async ({ repository }) => {
      const [thing, doc] = [await repository(Thing).get("1"), await repository(Doc).get("1")];
      return [thing.toJSON()[name], doc.toJSON()[name]];
    });
    const elements = [Thing, Doc, Row, rows, commands, look.handlers];
    await (await place.start(elements)).process(new Make({ key: "1" }));
    const reader = await place.start(elements);
    expect(await reader.process(look.command())).toEqual(["value", "value"]);
    const selection = { where: { [name]: "value" }, orderBy: { [name]: "asc" } } as never;
    expect((await reader.view(Row).find(selection)).map((row) => ({ ...row }))).toEqual([
      { key: "1", [name]: "value" },
    ]);
    expect(await reader.view(Row).count({ [name]: "other" } as never)).toBe(0);
  });

  test("fields whose names differ in case only are two fields", async () => {
    const place = kind.open();
    class Made extends Event("Made", { key: identifier() }) {}
    class Thing extends EventSourcedAggregate("Thing", { key: identifier() }).applies(Made, (it, event) => {
      it.key = event.key;
    }) {}
    class Row extends Projection("Row", { key: identifier(), name: z.string(), NAME: z.string() }) {}
    const rows = projector(Row, { run: "inline" }).create(Made, ({ key }) => ({ key, name: "small", NAME: "LARGE" }));
    class Make extends Command("Make", { key: identifier() }).returns<string>() {}
    const commands = commandHandlers(Thing).create(Make, ({ key }) =>
      Thing.create((it) => it.raise(new Made({ key }))),
    );
    const domain = await place.start([Thing, Row, rows, commands]);
    await domain.process(new Make({ key: "1" }));
    expect(await domain.view(Row).count({ name: "small", NAME: "LARGE" })).toBe(1);
    expect(await domain.view(Row).count({ name: "LARGE" })).toBe(0);
  });
});

test.each(["version", "pendingEvents", "raise", "change", "toJSON", "__proto__", "constructor"])(
  "a field cannot be named %s, which every aggregate has",
  (name) => {
    const shape = Object.fromEntries([[name, z.string()]]);
    const reserved = expect.objectContaining({ code: "FIELD_NAME_RESERVED" });
    const [Stored, Sourced] = [Aggregate("Reserved", shape), EventSourcedAggregate("Reserved", shape)];
    expect(() => new Stored({} as never)).toThrow(reserved);
    expect(() => Sourced.create(() => undefined)).toThrow(reserved);
  },
);

describe("a class with a schema that cannot be stored makes no instance", () => {
  test.each<[string, unknown]>([
    ["a function schema", z.function()],
    ["a symbol schema", z.symbol()],
    ["a file schema", z.file()],
    ["a promise schema", z.promise(z.string())],
    ["no schema at all", { type: "string" }],
    ["undefined", undefined],
    ["a string", "string"],
  ])("%s", (_, schema) => {
    const Bad = Event("Bad", { field: schema as Field });
    expect(() => new Bad({ field: "x" } as never)).toThrow(expect.objectContaining({ code: "SCHEMA_UNSUPPORTED" }));
  });
});

test("what the types allow to be left out may be left out: codecs with optional or default, and schemas that fill in", () => {
  const seven: StandardSchema<number | undefined, number> = {
    "~standard": {
      version: 1,
      vendor: "by-hand",
      validate: (value) => ({ value: (value as number | undefined) ?? 7 }),
    },
  };
  class Sparse extends Event("Sparse", {
    optional: isoDate.optional(),
    filled: isoDate.default(() => new Date(5)),
    any: z.unknown(),
    seven,
  }) {}
  const event = new Sparse({});
  expect({ ...event }).toEqual({ optional: undefined, filled: new Date(5), any: undefined, seven: 7 });
});

describe("a schema of no library", () => {
  test("validates, transforms and names its faults at the field", () => {
    const doubled: StandardSchema<number> = {
      "~standard": { version: 1, vendor: "by-hand", validate: (value) => ({ value: (value as number) * 2 }) },
    };
    class Noted extends Event("Noted", { even: evenNumber, doubled }) {}
    expect({ ...new Noted({ even: 2, doubled: 4 }) }).toEqual({ even: 2, doubled: 8 });
    expect(() => new Noted({ even: 3, doubled: 4 })).toThrow(
      expect.objectContaining({ issues: [expect.objectContaining({ path: ["even"], message: "must be even" })] }),
    );
  });

  test("may not be asynchronous", () => {
    const slow: StandardSchema<number> = {
      "~standard": { version: 1, vendor: "by-hand", validate: async (value) => ({ value: value as number }) },
    };
    class Slow extends Event("Slow", { slow }) {}
    expect(() => new Slow({ slow: 1 })).toThrow(/synchronous/);
  });

  test("is checked when a field is assigned", () => {
    class Counter extends Aggregate("Counter", { id: identifier(), even: evenNumber }) {}
    const counter = new Counter({ id: "1", even: 2 });
    expect(() => {
      counter.even = 3;
    }).toThrow("must be even");
    expect(counter.even).toBe(2);
  });
});
