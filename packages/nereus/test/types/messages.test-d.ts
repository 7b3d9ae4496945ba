import { Command, Event, identifier, Query, type StandardSchema, ValueObject } from "nereus";
import { z } from "zod";
import { assertType, type Equal } from "./equal.ts";

class Decimal {
  readonly text: string = "";
}
const decimal = z.codec(z.string(), z.instanceof(Decimal), { decode: () => new Decimal(), encode: ({ text }) => text });
declare const byHand: StandardSchema<string, number>;
class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string() }).invariant(
  "positive",
  "…",
  (money) => {
    assertType<Equal<typeof money.amount, bigint>>();
    // @ts-expect-error a rule cannot change the value
    money.amount = 1n;
    // @ts-expect-error not a field
    return money.colour === "red";
  },
) {}

class Sold extends Event("Sold", {
  saleId: identifier(),
  quantity: z.number(),
  note: z.string().optional(),
  tags: z.array(z.string()).default([]),
  price: Money,
  rate: decimal,
  length: z.string().transform((text) => text.length),
  custom: byHand,
}) {}

export const sold = new Sold({
  saleId: "1",
  quantity: 1,
  price: { amount: 1n, currency: "EUR" },
  rate: "1.5",
  length: "abc",
  custom: "7",
});
new Sold({
  saleId: "1",
  quantity: 1,
  note: "x",
  tags: ["a"],
  price: new Money({ amount: 1n, currency: "EUR" }),
  rate: new Decimal(),
  length: "",
  custom: "",
});
assertType<Equal<typeof sold.saleId, string>>();
assertType<Equal<typeof sold.quantity, number>>();
assertType<Equal<typeof sold.note, string | undefined>>();
assertType<Equal<typeof sold.tags, string[]>>();
assertType<Equal<typeof sold.price, Money>>();
assertType<Equal<typeof sold.rate, Decimal>>();
assertType<Equal<typeof sold.length, number>>();
assertType<Equal<typeof sold.custom, number>>();

// @ts-expect-error an event cannot be changed
sold.quantity = 2;
// @ts-expect-error not a field
sold.colour;
// @ts-expect-error a field is missing
new Sold({ saleId: "1" });
// @ts-expect-error an unknown key
new Sold({ saleId: "1", quantity: 1, price: sold.price, rate: "1", length: "", custom: "", colour: "red" });
// @ts-expect-error a field of the wrong type
new Sold({ saleId: 1, quantity: 1, price: sold.price, rate: "1", length: "", custom: "" });
// @ts-expect-error a value object's input of the wrong type
new Sold({ saleId: "1", quantity: 1, price: { amount: 1, currency: "EUR" }, rate: "1", length: "", custom: "" });
// @ts-expect-error what a transform takes, not what it makes
new Sold({ saleId: "1", quantity: 1, price: sold.price, rate: "1", length: 3, custom: "" });
// @ts-expect-error a field is described by a schema
Event("Wrong", { name: "string" });
// @ts-expect-error a version is a number
Event("Wrong", { name: z.string() }, { version: "2" });
// @ts-expect-error an unknown option
Event("Wrong", { name: z.string() }, { versoin: 2 });

class Twin extends Event("Twin", { saleId: identifier() }) {}
class Single extends Event("Single", { saleId: identifier() }) {}
export const twin: Twin = new Twin({ saleId: "1" });
// @ts-expect-error events of the same fields but another name are another type
export const single: Single = new Twin({ saleId: "1" });

class Open extends Command("Open", { accountId: identifier() }).returns<string>() {}
class Close extends Command("Close", { accountId: identifier(), at: z.date().optional() }) {}
class Find extends Query("Find", { holder: z.string() }).returns<{ id: string }[]>() {}
export const open = new Open({ accountId: "1" });
export const close = new Close({ accountId: "1" });
export const find = new Find({ holder: "Ada" });
assertType<Equal<typeof open.accountId, string>>();
assertType<Equal<typeof close.at, Date | undefined>>();
assertType<Equal<typeof find.holder, string>>();
// @ts-expect-error a command cannot be changed
open.accountId = "2";
// @ts-expect-error a field is missing
new Open({});
// @ts-expect-error an unknown key
new Find({ holder: "Ada", colour: "red" });

export const money = new Money({ amount: 1n, currency: "EUR" });
assertType<Equal<typeof money.amount, bigint>>();
export const more: Money = money.with({ amount: 2n });
// @ts-expect-error a value object cannot be changed
money.amount = 2n;
// @ts-expect-error a change of the wrong type
money.with({ amount: 2 });
// @ts-expect-error not a field
money.with({ colour: "red" });
// @ts-expect-error an unknown key
new Money({ amount: 1n, currency: "EUR", colour: "red" });

// from JSON and to it
class Wired extends Event("Wired", {
  id: identifier(),
  at: z.date(),
  amount: z.bigint(),
  note: z.string().optional(),
  days: z.set(z.date()),
  lines: z.array(z.object({ due: z.date() })).default([]),
}) {
  get year(): number {
    return this.at.getFullYear();
  }
}
const wired = Wired.fromJSON(JSON.parse("{}"));
assertType<Equal<typeof wired, Wired>>();
assertType<Equal<typeof wired.$type, "Wired">>();
const wire = wired.toJSON();
assertType<Equal<typeof wire.at, string>>();
assertType<Equal<typeof wire.amount, string>>();
assertType<Equal<typeof wire.note, string | undefined>>();
assertType<Equal<typeof wire.days, readonly string[]>>();
assertType<Equal<(typeof wire.lines)[number]["due"], string>>();
class WireCommand extends Command("WireCommand", { id: identifier(), at: z.date() }).returns<string>() {}
assertType<Equal<ReturnType<typeof WireCommand.fromJSON<WireCommand>>, WireCommand>>();
const standard: StandardSchema<{ readonly id: string; readonly at: Date }, object> = WireCommand;

export { standard };

// @ts-expect-error $type cannot be assigned
wired.$type = "Wired";
// @ts-expect-error every message has toJSON
Event("Taken", { id: identifier(), toJSON: z.string() });
// @ts-expect-error every message has $type
Command("Taken", { id: identifier(), $type: z.string() });
// @ts-expect-error every message has equals
Query("Taken", { equals: z.string() });
Event("Free", { id: identifier(), type: z.string(), version: z.number() });
// @ts-expect-error a class of messages is no field
Event("Nested", { id: identifier(), wired: Wired });
