import { inspect } from "node:util";
import { Command, Event, identifier, isNereusError, Query, ValidationError, ValueObject } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";

class Ordered extends Event("Ordered", {
  orderId: identifier(),
  quantity: z.number().int().positive(),
  note: z.string().max(5).optional(),
  tags: z.array(z.string()).default([]),
}) {}
class Order extends Command("Order", {
  orderId: identifier(),
  quantity: z.number().int().positive(),
}).returns<string>() {}
class Orders extends Query("Orders", { customer: z.string() }).returns<string[]>() {}

function issuesOf(run: () => unknown): [string, string][] {
  try {
    run();
  } catch (error) {
    if (error instanceof ValidationError) return error.issues.map(({ path, code }) => [path.join("."), code]);
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe.each([
  ["an event", Ordered],
  ["a command", Order],
])("%s", (_, Message) => {
  const make = Message as unknown as new (input: unknown) => Record<string, unknown>;

  test("has the values it was made of", () => {
    expect(new make({ orderId: "1", quantity: 2 })).toMatchObject({ orderId: "1", quantity: 2 });
  });

  test("is frozen", () => {
    const message = new make({ orderId: "1", quantity: 2 });
    expect(() => {
      message["quantity"] = 3;
    }).toThrow(TypeError);
    expect(() => {
      message["more"] = 3;
    }).toThrow(TypeError);
  });

  test("collects every fault of every field in one error", () => {
    expect(issuesOf(() => new make({ orderId: "", quantity: -1 }))).toEqual([
      ["orderId", "too_small"],
      ["quantity", "too_small"],
    ]);
  });

  test("refuses unknown keys, a missing identity and what is no object", () => {
    expect(issuesOf(() => new make({ orderId: "1", quantity: 1, amount: 1 }))).toEqual([["", "unrecognized_keys"]]);
    expect(issuesOf(() => new make({ quantity: 1 }))).toEqual([["orderId", "invalid_type"]]);
    for (const input of [undefined, null, 7, "text", []]) expect(issuesOf(() => new make(input))).toHaveLength(1);
  });

  test("is equal to itself only, whatever its fields", () => {
    const input = { orderId: "1", quantity: 1 };
    const message = new make(input) as unknown as { equals(other: unknown): boolean };
    expect(message.equals(message)).toBe(true);
    for (const other of [new make(input), input, undefined, null]) expect(message.equals(other)).toBe(false);
  });

  test("shows its fields and nothing else, to JSON, spreads and inspect", () => {
    const message = new make({ orderId: "1", quantity: 2 });
    expect(JSON.parse(JSON.stringify(message))).toMatchObject({ orderId: "1", quantity: 2 });
    expect(Object.keys({ ...message }).filter((key) => !["note", "tags"].includes(key))).toEqual([
      "orderId",
      "quantity",
    ]);
    expect(inspect(message)).toContain("orderId: '1'");
    expect(Reflect.ownKeys(message).every((key) => typeof key === "string")).toBe(true);
  });
});

test("a default fills a field that is left out, and an optional field may be left out", () => {
  const event = new Ordered({ orderId: "1", quantity: 1 });
  expect(event.tags).toEqual([]);
  expect(event.note).toBeUndefined();
  expect(new Ordered({ orderId: "1", quantity: 1, note: "hi", tags: ["a"] })).toMatchObject({
    note: "hi",
    tags: ["a"],
  });
});

test("a query is validated like every message", () => {
  expect(new Orders({ customer: "Ada" }).customer).toBe("Ada");
  expect(issuesOf(() => new Orders({ customer: 7 as never }))).toEqual([["customer", "invalid_type"]]);
});

test("an error of validation has a stable code, names the element and describes itself", () => {
  try {
    new Ordered({ orderId: "1", quantity: 0 });
    expect.unreachable();
  } catch (error) {
    if (!isNereusError(error, "VALIDATION_FAILED")) throw error;
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.element).toBe("Ordered");
    expect(error.message).toContain("quantity");
    expect(error.describe()).toMatch(/^VALIDATION_FAILED: .*\n {2}fix: /);
  }
});

test("isNereusError tells errors of Nereus from others, and one code from another", () => {
  expect(isNereusError(new Error("x"))).toBe(false);
  expect(isNereusError(null)).toBe(false);
  const error = (() => {
    try {
      return new Ordered({ orderId: "1", quantity: 0 });
    } catch (caught) {
      return caught;
    }
  })();
  expect([isNereusError(error), isNereusError(error, "AGGREGATE_EXISTS")]).toEqual([true, false]);
});

test("a version is a whole number from 1", () => {
  for (const version of [0, -1, 1.5, Number.NaN]) {
    const Bad = Event("Bad", { x: z.string() }, { version });
    expect(() => new Bad({ x: "" })).toThrow(/version/);
  }
});

describe("a value object", () => {
  class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().length(3) })
    .invariant("positive", "An amount cannot be negative", (money) => money.amount >= 0n)
    .invariant("known", "Only euros", (money) => money.currency === "EUR") {
    plus(other: Money): Money {
      return this.with({ amount: this.amount + other.amount });
    }
  }
  class Price extends ValueObject("Price", { net: Money, tags: z.array(z.object({ name: z.string() })) }) {}
  const euros = (amount: bigint): Money => new Money({ amount, currency: "EUR" });

  test("is equal by value, all the way down, and only to its own class", () => {
    expect(euros(1n).equals(euros(1n))).toBe(true);
    expect(euros(1n).equals(euros(2n))).toBe(false);
    const price = (): Price => new Price({ net: euros(1n), tags: [{ name: "a" }] });
    expect(price().equals(price())).toBe(true);
    expect(price().equals(price().with({ tags: [] }))).toBe(false);
    class Other extends ValueObject("Other", { amount: z.bigint(), currency: z.string() }) {}
    expect(euros(1n).equals(new Other({ amount: 1n, currency: "EUR" }))).toBe(false);
    expect(euros(1n).equals(null)).toBe(false);
  });

  test("is checked from its construction on, with every rule that fails named", () => {
    expect(issuesOf(() => new Money({ amount: -1n, currency: "USD" }))).toEqual([
      ["", "positive"],
      ["", "known"],
    ]);
    expect(issuesOf(() => euros(1n).with({ amount: -1n }))).toEqual([["", "positive"]]);
    expect(issuesOf(() => new Money({ amount: 1n, currency: "E" }))).toEqual([["currency", "too_small"]]);
  });

  test("makes changed copies and stays as it is", () => {
    const one = euros(1n);
    const three = one.plus(euros(2n));
    expect(three).toBeInstanceOf(Money);
    expect([one.amount, three.amount]).toEqual([1n, 3n]);
  });

  test("is frozen all the way down", () => {
    const price = new Price({ net: euros(1n), tags: [{ name: "a" }] });
    expect(() => Object.assign(price, { net: euros(2n) })).toThrow(TypeError);
    expect(() => Object.assign(price.net, { amount: 2n })).toThrow(TypeError);
    expect(() => price.tags.push({ name: "b" })).toThrow(TypeError);
    expect(() => Object.assign(price.tags[0]!, { name: "b" })).toThrow(TypeError);
  });

  test("as a field takes an instance or its input, and reports faults at the field", () => {
    class Paid extends Event("Paid", { price: Money }) {}
    expect(new Paid({ price: { amount: 1n, currency: "EUR" } }).price).toBeInstanceOf(Money);
    const money = euros(1n);
    expect(new Paid({ price: money }).price).toBe(money);
    expect(issuesOf(() => new Paid({ price: { amount: -1n, currency: "EUR" } })).map(([path]) => path)).toEqual([
      "price",
    ]);
    expect(issuesOf(() => new Paid({ price: undefined as never })).map(([path]) => path)).toEqual(["price"]);
    expect(issuesOf(() => new Paid({ price: { amount: 1n, currency: "EUROS" } })).map(([path]) => path)).toEqual([
      "price.currency",
    ]);
  });
});
