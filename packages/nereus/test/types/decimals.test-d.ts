import { Decimal } from "decimal.js";
import { Aggregate, decimal, Event, identifier, type OrderBy, ValueObject, type Where } from "nereus";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

const money = decimal({ scale: 2, as: { parse: (digits) => new Decimal(digits), format: (value) => value.toFixed() } });
const digits = decimal({ scale: 2 });
class Own {
  readonly value = 1;
}
const own = z.codec(z.string(), z.instanceof(Own), { decode: () => new Own(), encode: () => "1" });
class Price extends ValueObject("Price", { net: money, tax: money.optional() }) {}
class Paid extends Event("Paid", { id: identifier(), amount: money, parts: z.array(money) }) {}
class Invoice extends Aggregate("Invoice", {
  invoiceId: identifier(),
  total: money,
  digits,
  fee: money.default(new Decimal(1)).nullable(),
  own: own.optional(),
  price: Price,
  parts: z.array(money),
  mixed: z.union([z.string(), z.number()]),
  either: z.union([z.literal("a"), z.email()]),
  any: z.unknown(),
  piped: z.string().pipe(z.coerce.number()),
}) {}

declare const paid: Paid;
assertType<Equal<typeof paid.amount, Decimal>>();
assertType<Equal<typeof paid.parts, Decimal[]>>();
new Paid({ id: "1", amount: "12.50", parts: ["1"] });
new Paid({ id: "1", amount: new Decimal(1), parts: [new Decimal(1)] });
// @ts-expect-error a number is no exact decimal
new Paid({ id: "1", amount: 12.5, parts: [] });
// @ts-expect-error nor is one in a list
new Price({ net: 12.5 });
// @ts-expect-error a scale is needed
decimal({});

const wheres: Where<Invoice>[] = [
  { total: { gte: new Decimal(50), lt: new Decimal(100) }, digits: { lt: "50" }, fee: { lte: new Decimal(1) } },
  {
    total: new Decimal(1),
    own: { in: [new Own()] },
    price: { net: { gt: new Decimal(1) } },
    parts: { has: new Decimal(1) },
  },
  { mixed: { ne: 1 }, either: { contains: "a" }, piped: { lt: 3 } },
];
const orders: OrderBy<Invoice>[] = [
  { total: "asc", digits: "desc", fee: "asc", price: { net: "desc" }, either: "asc", piped: "desc" },
];
export const usable = [wheres, orders];
// @ts-expect-error a number for a decimal
export const number: Where<Invoice> = { total: { gte: 50 } };
// @ts-expect-error a text for one of a library
export const text: Where<Invoice> = { total: "50" };
// @ts-expect-error a codec of one's own has no order
export const codec: Where<Invoice> = { own: { gte: new Own() } };
// @ts-expect-error a codec of one's own has no order
export const codecOrder: OrderBy<Invoice> = { own: "asc" };
// @ts-expect-error a union of several kinds has none
export const union: Where<Invoice> = { mixed: { lt: 1 } };
// @ts-expect-error a union of several kinds has none
export const unionOrder: OrderBy<Invoice> = { mixed: "asc" };
// @ts-expect-error what may be anything has none
export const anyOrder: OrderBy<Invoice> = { any: "asc" };
// @ts-expect-error a decimal has no parts
export const part: Where<Invoice> = { digits: { contains: "5" } };
