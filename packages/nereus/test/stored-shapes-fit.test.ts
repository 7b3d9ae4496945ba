import { decimal, identifier, type Shape, ValueObject } from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Release } from "./support/priced-release.ts";

/** What is read of a value that was stored under one shape, under another: or why it is refused. */
async function read(before: Shape, values: object, after: Shape): Promise<unknown> {
  const store = memory();
  const first = await new Release(before).start(store);
  await first.price("1", values);
  await first.stop();
  const second = new Release(after);
  try {
    await second.start(store);
    const { id: _, ...applied } = await second.replayed("1");
    return applied;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "STORED_SHAPE_CHANGED") throw error;
    return (error as Error).message;
  } finally {
    await second.stop();
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
