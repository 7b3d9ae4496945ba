import { sValidator } from "@hono/standard-validator";
import fc from "fast-check";
import { Hono } from "hono";
import {
  Command,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  hasOne,
  identifier,
  isNereusError,
  Projection,
  Query,
  reference,
  status,
  ValidationError,
  ValueObject,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";

class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().length(3) }).invariant(
  "positive",
  "An amount cannot be negative",
  (money) => money.amount >= 0n,
) {}
class Line extends Entity("Line", { lineId: identifier(), price: Money, due: z.date().optional() }) {}
class Customer extends EventSourcedAggregate("Customer", { customerId: identifier() }) {}
const hours = z.codec(z.string(), z.instanceof(URL), {
  decode: (text) => new URL(text),
  encode: (url) => url.href,
});

interface Category {
  readonly name: string;
  readonly since: Date;
  readonly parts: readonly Category[];
}
const category: z.ZodType<Category> = z.lazy(() =>
  z.object({ name: z.string(), since: z.date(), parts: z.array(category) }),
);

const fields = {
  invoiceId: identifier(),
  customerId: reference(Customer),
  issuedAt: z.date().describe("When it was issued"),
  total: Money,
  discount: Money.schema().optional(),
  number: z.bigint(),
  count: z.number().int().positive().default(1),
  state: status({ OPEN: ["PAID"], PAID: [] }, "OPEN"),
  dates: z.array(z.date()).max(3).default([]),
  rates: z.map(z.string(), z.bigint()).optional(),
  tags: z.set(z.string()).optional(),
  place: z.tuple([z.number(), z.date()]).optional(),
  nested: z.object({ at: z.date().nullable(), fee: Money.schema() }).optional(),
  byDay: z.record(z.string(), z.date()).optional(),
  either: z.union([z.date(), z.number()]).optional(),
  page: hours.optional(),
  category: category.optional(),
  any: z.unknown(),
};
class IssueInvoice extends Command("IssueInvoice", fields).returns<string>() {
  get isLarge(): boolean {
    return this.total.amount > 100n;
  }
}
class InvoiceIssued extends Event("InvoiceIssued", fields) {}
class InvoicesOf extends Query("InvoicesOf", { since: z.date(), customerId: identifier() }).returns<object[]>() {}
class InvoiceRow extends Projection("InvoiceRow", { invoiceId: identifier(), at: z.date() }) {}
class Cart extends Entity("Cart", { cartId: identifier(), lines: hasMany(Line), first: hasOne(Line) }) {}

const json = {
  invoiceId: "1",
  customerId: "c",
  issuedAt: "2026-11-30T12:00:00.000Z",
  total: { amount: "5", currency: "EUR" },
  number: "12",
};
const rich = {
  invoiceId: "1",
  customerId: "c",
  issuedAt: new Date("2026-11-30T12:00:00Z"),
  total: new Money({ amount: 5n, currency: "EUR" }),
  number: 12n,
};
const full = {
  ...rich,
  discount: new Money({ amount: 1n, currency: "EUR" }),
  count: 2,
  state: "PAID" as const,
  dates: [new Date(0)],
  rates: new Map([["a", 1n]]),
  tags: new Set(["x"]),
  place: [1, new Date(1)] as [number, Date],
  nested: { at: null, fee: new Money({ amount: 2n, currency: "EUR" }) },
  byDay: { monday: new Date(2) },
  either: new Date(3),
  page: new URL("https://example.org/"),
  category: { name: "a", since: new Date(4), parts: [{ name: "b", since: new Date(5), parts: [] }] },
  any: { free: [1, null, "x"] },
};
const issuesOf = (make: () => unknown): string[] => {
  try {
    make();
  } catch (error) {
    if (error instanceof ValidationError)
      return error.issues.map(({ path, code }) => `${path.join(".")} ${code}`.trim());
    throw error;
  }
  throw new Error("nothing was refused");
};
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("fromJSON", () => {
  test("makes a message of the class, with dates, bigints and value objects, and defaults for what is left out", () => {
    const command = IssueInvoice.fromJSON(JSON.parse(JSON.stringify(json)));
    expect(command).toBeInstanceOf(IssueInvoice);
    expect(command).toEqual(new IssueInvoice(rich));
    expect(command.total).toBeInstanceOf(Money);
    expect(command.isLarge).toBe(false);
    expect(command.count).toBe(1);
    expect(Object.isFrozen(command)).toBe(true);
  });

  test("takes what toJSON gives, whatever the fields are made of", () => {
    const event = new InvoiceIssued(full);
    expect(InvoiceIssued.fromJSON(throughJson(event))).toEqual(event);
    expect(IssueInvoice.fromJSON(throughJson(new IssueInvoice(full)))).toEqual(new IssueInvoice(full));
  });

  test("takes whatever toJSON gives of any date, bigint and text", () => {
    const drawn = fc.record({
      invoiceId: fc
        .string({ minLength: 1, maxLength: 50 })
        .filter((text) => text.isWellFormed() && !text.includes("\0")),
      customerId: fc.constant("c"),
      issuedAt: fc.date({ noInvalidDate: true }),
      total: fc.bigInt({ min: 0n, max: 10n ** 40n }).map((amount) => new Money({ amount, currency: "EUR" })),
      number: fc.bigInt(),
      dates: fc.array(fc.date({ noInvalidDate: true }), { maxLength: 3 }),
      rates: fc.array(fc.tuple(fc.string(), fc.bigInt())).map((entries) => new Map(entries)),
      any: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))), // which has no -0
    });
    fc.assert(
      fc.property(drawn, (input) => {
        const event = new InvoiceIssued(input);
        expect(InvoiceIssued.fromJSON(throughJson(event)).toJSON()).toEqual(event.toJSON());
      }),
      { numRuns: 100, seed: 20_261_130 },
    );
  });

  test("leaves to a schema that coerces, catches or transforms what that takes", () => {
    class Loose extends Event("Loose", {
      id: identifier(),
      day: z.coerce.date(),
      count: z.coerce.number(),
      big: z.coerce.bigint(),
      caught: z.date().catch(new Date(7)),
      length: z.string().transform((text) => text.length),
      name: z.string().trim().toLowerCase(),
    }) {}
    const json = { id: "1", day: "2026-11-30", count: "5", big: 12, caught: "no date", length: "four", name: " Ada " };
    expect({ ...Loose.fromJSON(json) }).toEqual({
      id: "1",
      day: new Date("2026-11-30"),
      count: 5,
      big: 12n,
      caught: new Date(7),
      length: 4,
      name: "ada",
    });
    expect(Loose.fromJSON({ ...json, caught: "2026-11-30T00:00:00Z" }).caught).toEqual(new Date("2026-11-30"));
  });

  test("is there for queries, value objects, entities and rows as well", () => {
    const since = "2026-01-01T00:00:00Z";
    expect(InvoicesOf.fromJSON({ since, customerId: "c" })).toEqual(
      new InvoicesOf({ since: new Date(since), customerId: "c" }),
    );
    expect(Money.fromJSON({ amount: "5", currency: "EUR" }).equals(rich.total)).toBe(true);
    expect(InvoiceRow.fromJSON({ invoiceId: "1", at: since })).toEqual(
      new InvoiceRow({ invoiceId: "1", at: new Date(since) }),
    );
    const cart = Cart.fromJSON({
      lines: [{ lineId: "a", price: json.total, due: since }],
      first: { price: json.total },
    });
    expect(cart.lines.get("a").due).toEqual(new Date(since));
    expect(cart.first?.price).toBeInstanceOf(Money);
    expect(cart.cartId).not.toBe("");
    expect(Cart.fromJSON(throughJson(cart)).toJSON()).toEqual(cart.toJSON());
  });

  test("names every field that does not fit, by its path, and those beside that break a bound of their own", () => {
    const bad = {
      ...json,
      issuedAt: "yesterday",
      number: 12,
      count: -1,
      total: { amount: "five", currency: "EURO" },
      dates: ["2026-02-30T00:00:00Z"],
      nested: { at: 1, fee: { amount: "1" } },
      colour: "red",
    };
    expect(issuesOf(() => IssueInvoice.fromJSON(bad)).sort()).toEqual(
      [
        "colour unrecognized_keys",
        "count too_small",
        "dates.0 custom",
        "issuedAt custom",
        "nested.at invalid_type",
        "nested.fee.currency invalid_type",
        "number invalid_type",
        "total.amount invalid_format",
        "total.currency too_big",
      ].sort(),
    );
    expect(issuesOf(() => IssueInvoice.fromJSON({}))).toEqual(
      expect.arrayContaining(["invoiceId invalid_type", "issuedAt invalid_type", "total invalid_type"]),
    );
    expect(issuesOf(() => IssueInvoice.fromJSON({ ...json, total: { amount: "-5", currency: "EUR" } }))).toEqual([
      "total positive",
    ]);
    for (const none of [null, undefined, "text", 7, [], [json]]) {
      expect(issuesOf(() => IssueInvoice.fromJSON(none))).toEqual(["invalid_type"]);
    }
  });

  test("refuses hostile JSON: __proto__, what is nested without end, circles", () => {
    const hostile = (text: string): unknown => JSON.parse(`${JSON.stringify(json).slice(0, -1)},${text}}`);
    expect(issuesOf(() => IssueInvoice.fromJSON(hostile('"__proto__":{"count":5}')))).toEqual([
      "__proto__ unrecognized_keys",
    ]);
    expect(issuesOf(() => IssueInvoice.fromJSON(hostile('"constructor":1,"toString":2')))).toEqual([
      "constructor unrecognized_keys",
      "toString unrecognized_keys",
    ]);
    expect(issuesOf(() => IssueInvoice.fromJSON(hostile('"byDay":{"__proto__":"2026-11-30T12:00:00Z"}')))).toEqual([
      "byDay.__proto__ custom",
    ]);
    const kept = IssueInvoice.fromJSON(hostile('"any":{"__proto__":{"a":1}}'));
    expect(JSON.stringify(kept.any)).toBe('{"__proto__":{"a":1}}');
    expect(Object.getPrototypeOf(kept.any)).toBe(Object.prototype);
    const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    let tree = '{"name":"x","since":"2026-11-30T12:00:00Z","parts":[]}';
    for (let level = 0; level < 5000; level++) tree = `{"name":"x","since":"2026-11-30T12:00:00Z","parts":[${tree}]}`;
    for (const text of [`"any":${deep(501)}`, `"any":${deep(200_000)}`, `"category":${tree}`]) {
      expect(() => IssueInvoice.fromJSON(hostile(text))).toThrow(expect.objectContaining({ code: "VALUE_TOO_DEEP" }));
    }
    const circle: Record<string, unknown> = { ...json };
    circle["any"] = circle;
    expect(() => IssueInvoice.fromJSON(circle)).toThrow(expect.objectContaining({ code: "VALUE_TOO_DEEP" }));
  });
});

describe("a message class is a Standard Schema", () => {
  const app = new Hono();
  app.post("/invoices", sValidator("json", IssueInvoice), (c) => {
    const command = c.req.valid("json");
    return c.json({
      type: command.$type,
      made: command instanceof IssueInvoice,
      year: command.issuedAt.getUTCFullYear(),
    });
  });
  const post = (body: unknown): Promise<Response> =>
    Promise.resolve(
      app.request("/invoices", {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      }),
    );

  test("that a web framework's validator takes: the handler gets the command", async () => {
    const answer = await post(json);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ type: "IssueInvoice", made: true, year: 2026 });
  });

  test("whose refusal is answered with the issues and their paths", async () => {
    const answer = await post({ ...json, total: { amount: "x", currency: "EUR" } });
    expect(answer.status).toBe(400);
    const { error } = (await answer.json()) as { error: readonly { readonly path: readonly string[] }[] };
    expect(error.map(({ path }) => path)).toEqual([["total", "amount"]]);
  });

  test("and takes an instance, or what the constructor takes, as well", () => {
    const validate = (value: unknown) => IssueInvoice["~standard"].validate(value);
    const command = new IssueInvoice(rich);
    expect(validate(command)).toEqual({ value: command });
    expect(validate(rich)).toMatchObject({ value: expect.any(IssueInvoice) });
    expect(IssueInvoice["~standard"]).toMatchObject({ version: 1, vendor: "nereus" });
    expect(Money["~standard"].validate({ amount: "5", currency: "EUR" })).toMatchObject({ value: expect.any(Money) });
  });
});

test("a class of messages is no field of another: value objects are", () => {
  class Bad extends Event("Bad", { id: identifier(), inner: InvoiceIssued as never }) {}
  expect(() => new Bad({ id: "1" } as never)).toThrow(expect.objectContaining({ code: "SCHEMA_UNSUPPORTED" }));
});

test("$type is the stored name, on the prototype: not in JSON, not among the keys; its name is taken", () => {
  const event = new InvoiceIssued(rich);
  expect(event.$type).toBe("InvoiceIssued");
  expect(Object.keys(event)).not.toContain("$type");
  expect(event.toJSON()).not.toHaveProperty("$type");
  expect({ ...event }).not.toHaveProperty("$type");
  for (const name of ["$type", "toJSON", "equals"]) {
    const Taken = Event("Taken", { id: identifier(), [name]: z.string() } as never);
    expect(() => new Taken({ id: "1" } as never)).toThrow(expect.objectContaining({ code: "FIELD_NAME_RESERVED" }));
  }
});

describe("toJSONSchema", () => {
  test("says what fromJSON takes", () => {
    const { $schema, ...schema } = IssueInvoice.toJSONSchema();
    expect($schema).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(schema).toMatchSnapshot();
  });

  test("of value objects, entities, queries and rows", () => {
    expect(Money.toJSONSchema()).toMatchObject({
      type: "object",
      properties: { amount: { type: "string", pattern: "^-?\\d+$" }, currency: { type: "string", minLength: 3 } },
      required: ["amount", "currency"],
      additionalProperties: false,
    });
    expect(Cart.toJSONSchema()).toMatchObject({
      properties: {
        lines: { type: "array", items: { type: "object", required: ["price"] } },
        first: { type: "object" },
      },
    });
    expect(Cart.toJSONSchema()["required"] ?? []).toEqual([]);
    expect(InvoicesOf.toJSONSchema()).toMatchObject({ properties: { since: { type: "string", format: "date-time" } } });
    expect(InvoiceRow.toJSONSchema()).toMatchObject({ required: ["invoiceId", "at"] });
  });

  test("a schema of another library, without a JSON Schema, is {}", () => {
    const foreign = {
      "~standard": { version: 1, vendor: "other", validate: (value: unknown) => ({ value }) },
    } as const;
    class Odd extends Event("Odd", { id: identifier(), foreign }) {}
    expect(Odd.toJSONSchema()).toMatchObject({ properties: { foreign: {} } });
    expect(Odd.fromJSON({ id: "1", foreign: { any: 1 } }).foreign).toEqual({ any: 1 });
  });

  test("a description is where it was said, and on no other field of the same schema", () => {
    const text = z.string();
    class Two extends Event("Two", { id: identifier(), one: text.describe("the first"), other: text }) {}
    expect(Two.toJSONSchema()).toMatchObject({
      properties: { one: { description: "the first" }, other: { type: "string" } },
    });
    expect(JSON.stringify(Two.toJSONSchema()).split("the first").length).toBe(2);
  });
});

test("an error that is no refusal of the input is not taken for one", () => {
  const asynchronous = z.string().refine(async () => true);
  class Later extends Command("Later", { id: identifier(), text: asynchronous }) {}
  try {
    Later.fromJSON({ id: "1", text: "x" });
    expect.unreachable();
  } catch (error) {
    expect(isNereusError(error, "SCHEMA_UNSUPPORTED")).toBe(true);
  }
});
