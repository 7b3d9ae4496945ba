// docs/guides/decimals.md
import { Big } from "big.js";
import { Decimal } from "decimal.js";
import { Aggregate, type CommandContext, Domain, decimal, identifier, ValueObject } from "nereus";
import { memory } from "nereus/memory";
import { expect, test } from "vitest";
import { z } from "zod";
import { workbench } from "../support/workbench.ts";

const money = decimal({
  scale: 2,
  as: { parse: (digits) => new Decimal(digits), format: (value) => value.toFixed() },
});

class Invoice extends Aggregate(
  "Invoice",
  {
    invoiceId: identifier(),
    holder: z.string(),
    total: money,
    tax: money.optional(),
    tags: z.array(z.string()).default([]),
  },
  { indexes: [["total"]] },
) {}

const weight = decimal({ scale: 3, as: { parse: (digits) => new Big(digits), format: (value) => value.toFixed() } });
const rate = decimal({ scale: 4, precision: 6 }); // digits as text, -99.9999 to 99.9999

class Money extends ValueObject("Money", { amount: money, currency: z.enum(["EUR", "JPY"]) }) {
  plus(other: Money): Money {
    return new Money({ amount: this.amount.plus(other.amount), currency: this.currency });
  }
}

async function large({ repository }: CommandContext) {
  return repository(Invoice).query({ where: { total: { gte: new Decimal(50) } }, orderBy: { total: "desc" } });
}

async function search({ repository }: CommandContext) {
  return repository(Invoice).query({
    where: { holder: { startsWith: "ada", ignoreCase: true }, tags: { has: "paid" } },
  });
}

const bench = workbench(Invoice);

test("the guide's invoices are found by value", async () => {
  const domain = new Domain("billing", { elements: [Invoice, bench.handlers], store: memory() });
  await domain.start();
  await bench.run(domain, async ({ repository }) => {
    for (const [at, total] of ["9.99", "100", "50"].entries()) {
      await repository(Invoice).add(new Invoice({ invoiceId: `${at}`, holder: "Ada L", total, tags: ["paid"] }));
    }
  });
  expect((await bench.run(domain, large)).map(({ total }) => total.toFixed(2))).toEqual(["100.00", "50.00"]);
  expect(await bench.run(domain, search)).toHaveLength(3);
  const sum = new Money({ amount: "0.1", currency: "EUR" }).plus(new Money({ amount: "0.2", currency: "EUR" }));
  expect(JSON.stringify(sum)).toBe('{"amount":"0.30","currency":"EUR"}');
  expect(rate.parse("1.5")).toBe("1.5000");
  expect(weight.parse("1.5").toFixed(3)).toBe("1.500");
  await domain.stop();
});
