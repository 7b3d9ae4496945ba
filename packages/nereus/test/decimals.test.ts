import Big from "big.js";
import BigNumber from "bignumber.js";
import { Decimal } from "decimal.js";
import fc from "fast-check";
import {
  Aggregate,
  Command,
  commandHandlers,
  type DecimalLibrary,
  decimal,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  ValidationError,
  ValueObject,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";
import { workbench } from "./support/workbench.ts";

const libraries: readonly (readonly [string, DecimalLibrary<object>])[] = [
  [
    "decimal.js",
    library<Decimal>(
      (digits) => new Decimal(digits),
      (value) => value.toFixed(),
    ),
  ],
  [
    "decimal.js, with exponents",
    library<Decimal>(
      (digits) => new Decimal(digits),
      (value) => value.toExponential(),
    ),
  ],
  [
    "big.js",
    library<Big>(
      (digits) => new Big(digits),
      (value) => value.toFixed(),
    ),
  ],
  [
    "bignumber.js",
    library<BigNumber>(
      (digits) => new BigNumber(digits),
      (value) => value.toFixed(),
    ),
  ],
];

/** Libraries of several types in one list; each is only given its own values. */
function library<D>(parse: (digits: string) => D, format: (value: D) => string): DecimalLibrary<object> {
  return { parse, format } as unknown as DecimalLibrary<object>;
}

const money = decimal({
  scale: 2,
  as: { parse: (digits: string) => new Decimal(digits), format: (value) => value.toFixed() },
});
const amount = decimal({ scale: 2 });

class Price extends ValueObject("Price", { net: money, tax: money.optional() }) {}
class Invoice extends Aggregate(
  "Invoice",
  {
    invoiceId: identifier(),
    total: money,
    digits: amount,
    discount: money.optional(),
    fee: money.default(new Decimal(1)),
    price: Price,
    nested: z.object({ amount: amount.nullable() }).optional(),
    parts: z.array(money).default([]),
  },
  { indexes: [["total"], ["fee", "digits"]], unique: [["total", "digits"]] },
) {}
const bench = workbench(Invoice);

function invoice(invoiceId: string, digits: string, more: object = {}): Invoice {
  return new Invoice({ invoiceId, total: digits, digits, price: { net: digits }, nested: { amount: digits }, ...more });
}

describe("a decimal", () => {
  test.each([
    ["12.5", "12.50"],
    ["1e3", "1000.00"],
    ["1E-2", "0.01"],
    ["+5", "5.00"],
    ["-0", "0.00"],
    ["-0.00", "0.00"],
    ["007", "7.00"],
    ["1.500", "1.50"],
    ["0.1e1", "1.00"],
    [`${"9".repeat(500)}.99`, `${"9".repeat(500)}.99`],
  ])("takes %s as %s", (given, kept) => {
    const made = invoice("1", given);
    expect([made.digits, made.total.toFixed(2), made.price.net.toFixed(2)]).toEqual([kept, kept, kept]);
    expect(JSON.parse(JSON.stringify(made))).toMatchObject({ total: kept, digits: kept, price: { net: kept } });
  });

  test.each([
    "",
    " 5",
    "5 ",
    "1.005",
    "1e-3",
    ".5",
    "5.",
    "1,5",
    "0x10",
    "NaN",
    "Infinity",
    "--1",
    "1e99999",
    "9".repeat(999),
  ])("refuses %j, and never rounds", (given) => {
    expect(() => invoice("1", given)).toThrow(ValidationError);
    expect(() => new Price({ net: given })).toThrow(ValidationError);
  });

  test("refuses numbers, and values of another kind", () => {
    for (const wrong of [12.5, 12, 12n, true, {}, [], new Date(), null]) {
      expect(() => new Price({ net: wrong as never })).toThrow(ValidationError);
    }
    const made = invoice("1", "1");
    expect(() => {
      made.total = 12.5 as never;
    }).toThrow(ValidationError);
    expect(() => {
      made.total = new Decimal("1.005");
    }).toThrow(ValidationError);
  });

  test.each(libraries)("holds values of %s, with their methods", (_, as) => {
    class Held extends ValueObject("Held", {
      value: decimal({ scale: 3, as }),
      list: z.array(decimal({ scale: 0, as })),
    }) {}
    const own = as.parse("1234567890123456789012345678901234567890.125");
    const held = new Held({ value: own, list: ["1", "1e30"].map(as.parse) });
    const text =
      '{"value":"1234567890123456789012345678901234567890.125","list":["1","1000000000000000000000000000000"]}';
    expect(JSON.stringify(held)).toBe(text);
    expect(held.value.constructor).toBe(own.constructor);
    expect(held.equals(new Held(JSON.parse(text)))).toBe(true);
    expect(() => new Held({ value: as.parse("0.0001"), list: [] })).toThrow(ValidationError);
  });

  test("has at most so many digits before its point as precision leaves", () => {
    class Small extends ValueObject("Small", { value: decimal({ scale: 2, precision: 5 }) }) {}
    expect(new Small({ value: "-999.99" }).value).toBe("-999.99");
    expect(() => new Small({ value: "1000" })).toThrow(/at most 3 digits before the point/);
  });

  test.each([
    { scale: -1 },
    { scale: 1.5 },
    { scale: 1001 },
    { scale: "2" as never },
    { scale: 5, precision: 4 },
    { scale: 2, as: { parse: Number, format: String } },
  ])("cannot be declared with %j", (options) => {
    expect(() => decimal(options as { scale: number })).toThrow(
      expect.objectContaining({ code: "SCHEMA_UNSUPPORTED" }),
    );
  });
});

const exact = (digits: string): bigint => {
  const [whole = "", fraction = ""] = digits.replace("-", "").split(".");
  return BigInt(whole + fraction.padEnd(2, "0")) * (digits.startsWith("-") ? -1n : 1n);
};
const anyDigits = fc.oneof(
  fc.constantFrom("0", "-0.01", "0.01", "9.99", "100", "50", "-100", "-9.99", "1e3"),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 300n), max: 10n ** 300n }), fc.integer({ min: 10, max: 99 }))
    .map(([a, b]) => `${a}.${b}`),
);

describe.each(places())("on $name", (kind) => {
  test("decimals are found and ordered by their exact value, wherever they stand", async () => {
    const given = [...new Set(fc.sample(anyDigits, { numRuns: 40, seed: 7 }))];
    const domain = await kind.open().start([Invoice, bench.handlers]);
    const stock = [...given.entries()].map(([at, digits]) => invoice(String(at).padStart(2, "0"), digits));
    await bench.run(domain, async ({ repository }) => {
      for (const one of stock) await repository(Invoice).add(one);
      await repository(Invoice).add(invoice("none", "1.11", { nested: undefined }));
    });
    const kept = stock.map(({ invoiceId, digits }) => ({ invoiceId, value: exact(digits), digits }));
    const sorted = kept.toSorted((a, b) =>
      a.value < b.value ? -1 : a.value > b.value ? 1 : a.invoiceId < b.invoiceId ? -1 : 1,
    );
    await bench.run(domain, async ({ repository }) => {
      const ids = async (selection: object): Promise<string[]> =>
        (await repository(Invoice).query(selection)).map(({ invoiceId }) => invoiceId).filter((id) => id !== "none");
      const wanted = sorted.map(({ invoiceId }) => invoiceId);
      for (const orderBy of [
        { total: "asc" },
        { digits: "asc" },
        { price: { net: "asc" } },
        { nested: { amount: "asc" } },
      ]) {
        expect(await ids({ orderBy })).toEqual(wanted);
      }
      for (const { value, digits } of kept) {
        const bound = new Decimal(digits);
        const where = (holds: (other: bigint) => boolean) =>
          sorted.filter((one) => holds(one.value)).map(({ invoiceId }) => invoiceId);
        const orderBy = { digits: "asc" };
        expect(await ids({ where: { total: { gte: bound } }, orderBy })).toEqual(where((other) => other >= value));
        expect(await ids({ where: { price: { net: { lt: bound } } }, orderBy })).toEqual(
          where((other) => other < value),
        );
        expect(await ids({ where: { nested: { amount: { lte: digits } } }, orderBy })).toEqual(
          where((other) => other <= value),
        );
        expect(await ids({ where: { total: bound }, orderBy })).toEqual(where((other) => other === value));
        expect(await ids({ where: { digits: { in: [digits] } }, orderBy })).toEqual(where((other) => other === value));
      }
      const paged: string[] = [];
      for (let after: string | undefined, more = true; more; more = after !== undefined) {
        const page = await repository(Invoice).page({ orderBy: { total: "desc" }, limit: 7, after });
        paged.push(...page.items.map(({ invoiceId }) => invoiceId));
        after = page.next;
      }
      expect(paged.filter((id) => id !== "none")).toEqual(wanted.toReversed());
    });
  });

  test("what is absent is null, a default counts, a bound may be finer than the field, and a list has its items", async () => {
    const domain = await kind.open().start([Invoice, bench.handlers]);
    await bench.run(domain, async ({ repository }) => {
      await repository(Invoice).add(invoice("a", "100", { discount: "9.99" }));
      await repository(Invoice).add(invoice("b", "9.99", { discount: "50", fee: "0.5", parts: ["1", "2.50"] }));
      await repository(Invoice).add(invoice("c", "-3"));
    });
    await bench.run(domain, async ({ repository }) => {
      const ids = async (where: object) =>
        (await repository(Invoice).query({ where })).map(({ invoiceId }) => invoiceId);
      expect(await ids({ discount: null })).toEqual(["c"]);
      expect(await ids({ discount: { lt: new Decimal(50) } })).toEqual(["a"]);
      expect(await ids({ fee: { gte: new Decimal(1) } })).toEqual(["a", "c"]);
      expect(await ids({ total: { gt: new Decimal("9.989999") } })).toEqual(["a", "b"]);
      expect(await ids({ total: new Decimal("9.990001") })).toEqual([]);
      expect(await ids({ parts: { has: new Decimal("2.5") } })).toEqual(["b"]);
      for (const wrong of [50, "50", 50n, {}, new Date()]) {
        await expect(ids({ total: { eq: wrong } })).rejects.toMatchObject({ code: "OPTION_INVALID" });
      }
      const order = await repository(Invoice).query({ orderBy: { discount: "asc" } });
      expect(order.map(({ invoiceId }) => invoiceId)).toEqual(["c", "a", "b"]);
    });
  });

  test("another scale leaves the values that are stored what they are, also where only one may have them", async () => {
    const place = kind.open();
    const fields = (scale: number) => ({ id: identifier(), value: decimal({ scale }) });
    class Before extends Aggregate("Kept", fields(2), { unique: [["value"]], indexes: [["value"]] }) {}
    const former = workbench(Before);
    const before = await place.start([Before, former.handlers]);
    await former.run(before, ({ repository }) => repository(Before).add(new Before({ id: "1", value: "12.5" })));
    class After extends Aggregate("Kept", fields(4), { unique: [["value"]], indexes: [["value"]] }) {}
    const latter = workbench(After);
    const after = await place.start([After, latter.handlers]);
    await latter.run(after, ({ repository }) => repository(After).add(new After({ id: "2", value: "12.5001" })));
    const again = latter.run(after, ({ repository }) => repository(After).add(new After({ id: "3", value: "12.5" })));
    await expect(again).rejects.toMatchObject({ code: "UNIQUE_VIOLATED" });
    await latter.run(after, async ({ repository }) => {
      expect((await repository(After).get("1")).value).toBe("12.5000");
      expect((await repository(After).query({ where: { value: "12.5" } })).map(({ id }) => id)).toEqual(["1"]);
      expect((await repository(After).query({ orderBy: { value: "desc" } })).map(({ id }) => id)).toEqual(["2", "1"]);
    });
  });

  test("events, state and rows hold them", async () => {
    const fields = { id: identifier(), amount: money };
    class Paid extends Event("Paid", fields) {}
    class Pay extends Command("Pay", fields) {}
    class Purse extends EventSourcedAggregate("Purse", {
      id: identifier(),
      sum: money.default(new Decimal(0)),
    }).applies(Paid, (purse, event) => {
      purse.id = event.id;
      purse.sum = purse.sum.plus(event.amount);
    }) {}
    class Row extends Projection("Row", fields, { indexes: [["amount"]] }) {}
    const rows = projector(Row, { run: "inline" }).upsert(
      Paid,
      (event) => event.id,
      (event) => ({ id: event.id, amount: "0" }),
      (row, event) => {
        row.amount = row.amount.plus(event.amount);
      },
    );
    const commands = commandHandlers(Purse).on(Pay, async (command, { repository }) => {
      const purse = await repository(Purse).find(command.id);
      if (purse === undefined) await repository(Purse).add(Purse.create((it) => it.raise(new Paid({ ...command }))));
      else {
        purse.raise(new Paid({ ...command }));
        await repository(Purse).add(purse);
      }
    });
    const place = kind.open();
    const domain = await place.start([Purse, commands, Row, rows]);
    for (const [id, paid] of [
      ["a", "0.1"],
      ["a", "0.2"],
      ["b", "100"],
      ["c", "9.99"],
    ] as const) {
      await domain.process(new Pay({ id, amount: paid }));
    }
    const again = await place.start([Purse, commands, Row, rows]);
    const found = await again
      .view(Row)
      .find({ where: { amount: { gte: new Decimal("0.3") } }, orderBy: { amount: "desc" } });
    expect(found.map(({ id, amount: sum }) => `${id} ${sum}`)).toEqual(["b 100", "c 9.99", "a 0.3"]);
  });
});
