import fc from "fast-check";
import { Entity, Event, EventSourcedAggregate, hasMany, hasOne, identifier, isNereusError, ValueObject } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

// An event-sourced aggregate with entities in entities, lists, a set, a map and a value object, and beside it the same as plain data.
class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.enum(["EUR", "USD"]) }) {}
class Remark extends Entity("Remark", { remarkId: identifier(), text: z.string() }) {}
class Line extends Entity(
  "Line",
  {
    sku: z.string(),
    quantity: z.number().int(),
    price: Money,
    tags: z.array(z.string()).default([]),
    remarks: hasMany(Remark),
  },
  { identifiedBy: "sku" },
) {}
class Address extends Entity("Address", { addressId: identifier(), city: z.string() }) {}

const id = { orderId: identifier() };
class Placed extends Event("Placed", id) {}
class LineAdded extends Event("LineAdded", { ...id, sku: z.string(), quantity: z.number().int(), price: Money }) {}
class LineChanged extends Event("LineChanged", {
  ...id,
  sku: z.string(),
  quantity: z.number().int(),
  tag: z.string(),
}) {}
class LineRemoved extends Event("LineRemoved", { ...id, sku: z.string() }) {}
class Remarked extends Event("Remarked", { ...id, sku: z.string(), remarkId: z.string(), text: z.string() }) {}
class Moved extends Event("Moved", { ...id, city: z.string().optional() }) {}
class Noted extends Event("Noted", { ...id, note: z.string(), at: z.date() }) {}
class Discounted extends Event("Discounted", { ...id, by: Money }) {}

class Order extends EventSourcedAggregate("Order", {
  orderId: identifier(),
  lines: hasMany(Line),
  address: hasOne(Address),
  notes: z.array(z.object({ text: z.string(), at: z.date() })).default([]),
  words: z.set(z.string()).default(() => new Set<string>()),
  counts: z.map(z.string(), z.number()).default(() => new Map<string, number>()),
  discount: Money,
  total: z.number().default(0),
})
  .applies(Placed, (order, { orderId }) => {
    order.orderId = orderId;
    order.discount = new Money({ amount: 0n, currency: "EUR" });
  })
  .applies(LineAdded, (order, { sku, quantity, price }) => {
    order.lines.add({ sku, quantity, price });
    order.total += quantity;
  })
  .applies(LineChanged, (order, { sku, quantity, tag }) => {
    const line = order.lines.get(sku);
    order.total += quantity - line.quantity;
    line.quantity = quantity;
    line.tags.push(tag);
  })
  .applies(LineRemoved, (order, { sku }) => {
    order.total -= order.lines.get(sku).quantity;
    order.lines.remove(sku);
  })
  .applies(Remarked, (order, { sku, remarkId, text }) => {
    const { remarks } = order.lines.get(sku);
    const known = remarks.find(remarkId);
    if (known === undefined) remarks.add({ remarkId, text });
    else known.text += text;
  })
  .applies(Moved, (order, { city }) => {
    if (city === undefined) order.address = undefined;
    else if (order.address === undefined) order.address = new Address({ addressId: "a", city });
    else order.address.city = city;
  })
  .applies(Noted, (order, { note, at }) => {
    order.notes.push({ text: note, at });
    const { words, counts } = order;
    words.add(note);
    counts.set(note, (order.counts.get(note) ?? 0) + 1);
    counts.set("all", (counts.get("all") ?? 0) + 1);
  })
  .applies(Discounted, (order, { by }) => {
    order.discount = order.discount.with({ amount: order.discount.amount + by.amount, currency: by.currency });
  })
  .invariant("total", "The total is at most 50", (order) => order.total <= 50)
  .invariant("notes", "At most 6 notes", (order) => order.notes.length <= 6)
  .invariant("loud", "No empty remark", (order) =>
    [...order.lines].every((line) => [...line.remarks].every(({ text }) => text !== "")),
  ) {}

interface PlainLine {
  sku: string;
  quantity: number;
  price: { amount: string; currency: string };
  tags: string[];
  remarks: { remarkId: string; text: string }[];
}
interface Plain {
  orderId: string;
  lines: PlainLine[];
  address: { addressId: string; city: string } | undefined;
  notes: { text: string; at: string }[];
  words: string[];
  counts: [string, number][];
  discount: { amount: string; currency: string };
  total: number;
}

type Step =
  | { do: "add"; sku: string; quantity: number; amount: bigint }
  | { do: "change"; sku: string; quantity: number; tag: string }
  | { do: "remove"; sku: string }
  | { do: "remark"; sku: string; remarkId: string; text: string }
  | { do: "move"; city: string | undefined }
  | { do: "note"; note: string; at: number }
  | { do: "discount"; amount: bigint; currency: "EUR" | "USD" };

const blank = (): Plain => ({
  orderId: "1",
  lines: [],
  address: undefined,
  notes: [],
  words: [],
  counts: [],
  discount: { amount: "0", currency: "EUR" },
  total: 0,
});

/** The plain model: what the step makes of the data; undefined where it must be refused. */
function plainly(before: Plain, step: Step): Plain | undefined {
  const after = structuredClone(before);
  const line = "sku" in step ? after.lines.find(({ sku }) => sku === step.sku) : undefined;
  if (step.do === "add") {
    if (line !== undefined) return undefined;
    after.lines.push({
      sku: step.sku,
      quantity: step.quantity,
      price: { amount: `${step.amount}`, currency: "EUR" },
      tags: [],
      remarks: [],
    });
  } else if (step.do === "change") {
    if (line === undefined) return undefined;
    line.quantity = step.quantity;
    line.tags.push(step.tag);
  } else if (step.do === "remove") {
    if (line === undefined) return undefined;
    after.lines.splice(after.lines.indexOf(line), 1);
  } else if (step.do === "remark") {
    if (line === undefined) return undefined;
    const known = line.remarks.find(({ remarkId }) => remarkId === step.remarkId);
    if (known === undefined) line.remarks.push({ remarkId: step.remarkId, text: step.text });
    else known.text += step.text;
  } else if (step.do === "move") {
    after.address = step.city === undefined ? undefined : { addressId: "a", city: step.city };
  } else if (step.do === "note") {
    after.notes.push({ text: step.note, at: new Date(step.at).toISOString() });
    if (!after.words.includes(step.note)) after.words.push(step.note);
    const counts = new Map(after.counts);
    counts.set(step.note, (counts.get(step.note) ?? 0) + 1);
    counts.set("all", (counts.get("all") ?? 0) + 1);
    after.counts = [...counts];
  } else {
    after.discount = { amount: `${BigInt(after.discount.amount) + step.amount}`, currency: step.currency };
  }
  after.total = after.lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const silent = after.lines.every(({ remarks }) => remarks.every(({ text }) => text !== ""));
  return after.total <= 50 && after.notes.length <= 6 && silent ? after : undefined;
}

function perform(order: Order, step: Step): void {
  const { orderId } = order;
  const events = {
    add: (it: Extract<Step, { do: "add" }>) =>
      new LineAdded({ orderId, sku: it.sku, quantity: it.quantity, price: { amount: it.amount, currency: "EUR" } }),
    change: (it: Extract<Step, { do: "change" }>) =>
      new LineChanged({ orderId, sku: it.sku, quantity: it.quantity, tag: it.tag }),
    remove: (it: Extract<Step, { do: "remove" }>) => new LineRemoved({ orderId, sku: it.sku }),
    remark: (it: Extract<Step, { do: "remark" }>) =>
      new Remarked({ orderId, sku: it.sku, remarkId: it.remarkId, text: it.text }),
    move: (it: Extract<Step, { do: "move" }>) => new Moved({ orderId, city: it.city }),
    note: (it: Extract<Step, { do: "note" }>) => new Noted({ orderId, note: it.note, at: new Date(it.at) }),
    discount: (it: Extract<Step, { do: "discount" }>) =>
      new Discounted({ orderId, by: { amount: it.amount, currency: it.currency } }),
  };
  order.raise(events[step.do](step as never));
}

const sku = fc.constantFrom("a", "b", "c", "__proto__");
const text = fc.oneof(fc.constantFrom("", "x", "__proto__"), fc.string({ maxLength: 4, unit: "binary" }));
const quantity = fc.integer({ min: -5, max: 30 });
const amount = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("add" as const), sku, quantity, amount }),
  fc.record({ do: fc.constant("change" as const), sku, quantity, tag: text }),
  fc.record({ do: fc.constant("remove" as const), sku }),
  fc.record({ do: fc.constant("remark" as const), sku, remarkId: fc.constantFrom("r1", "r2"), text }),
  fc.record({ do: fc.constant("move" as const), city: fc.option(text, { nil: undefined }) }),
  fc.record({ do: fc.constant("note" as const), note: text, at: fc.integer({ min: 0, max: 4e12 }) }),
  fc.record({
    do: fc.constant("discount" as const),
    amount,
    currency: fc.constantFrom("EUR" as const, "USD" as const),
  }),
);

const shapeOf = (order: Order): unknown => JSON.parse(JSON.stringify(order));
const plainShape = (plain: Plain): unknown => JSON.parse(JSON.stringify(plain));
const isRefusal = (error: unknown): boolean =>
  ["INVARIANT_FAILED", "ENTITY_DUPLICATE", "ENTITY_NOT_FOUND"].some((code) => isNereusError(error, code as never));

test("any sequence of operations, refused ones included, leaves the aggregate equal to the plain model", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const order = Order.create((it) => it.raise(new Placed({ orderId: "1" })));
      let plain = blank();
      let accepted = 0;
      for (const one of steps) {
        const next = plainly(plain, one);
        const before = { shape: shapeOf(order), version: order.version, pending: order.pendingEvents };
        try {
          perform(order, one);
          expect(next).toBeDefined();
          accepted += 1;
          plain = next as Plain;
        } catch (error) {
          if (!isRefusal(error)) throw error;
          expect(next).toBeUndefined();
          expect({ shape: shapeOf(order), version: order.version, pending: order.pendingEvents }).toEqual(before);
        }
        expect(shapeOf(order)).toEqual(plainShape(plain));
        expect([order.version, order.pendingEvents.length]).toEqual([accepted, accepted + 1]);
      }
    }),
    { numRuns: 150 },
  );
});

test("any block of operations in change() happens wholly, if the rules hold at its end, or not at all", () => {
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }), (blocks) => {
      const order = Order.create((it) => it.raise(new Placed({ orderId: "1" })));
      for (const block of blocks) {
        const before = { shape: shapeOf(order), version: order.version, pending: order.pendingEvents };
        try {
          order.change(() => {
            for (const one of block) perform(order, one);
          });
          expect(order.version).toBe(before.version + block.length);
          expect(order.total).toBeLessThanOrEqual(50);
        } catch (error) {
          if (!isRefusal(error)) throw error;
          expect({ shape: shapeOf(order), version: order.version, pending: order.pendingEvents }).toEqual(before);
        }
      }
    }),
    { numRuns: 100 },
  );
});

describe.each(places())("on $name", (kind) => {
  test("any history replays to the state it had live, in one load, over a warm cache, and at every version", async () => {
    const place = kind.open();
    const histories: { id: string; steps: Step[]; cuts: number[] }[] = fc
      .sample(
        fc.record({
          steps: fc.array(step, { minLength: 1, maxLength: 30 }),
          cuts: fc.array(fc.nat(5), { minLength: 1, maxLength: 10 }),
        }),
        40,
      )
      .map((one, n) => ({ ...one, id: `${n}` }));
    let current = histories[0]!;
    let at = 0;
    let until = 0;
    const states: unknown[] = [];
    const advance = script(Order, async ({ repository }) => {
      const order =
        (await repository(Order).find(current.id)) ??
        Order.create((it) => it.raise(new Placed({ orderId: current.id })));
      for (const one of current.steps.slice(at, until)) {
        try {
          perform(order, one);
        } catch (error) {
          if (!isRefusal(error)) throw error;
        }
      }
      await repository(Order).add(order);
      return { shape: shapeOf(order), version: order.version };
    });
    const read = script(Order, async ({ repository }) => {
      const order = await repository(Order).get(current.id);
      const past = await repository(Order).get(current.id, { atVersion: order.version });
      expect(shapeOf(past)).toEqual(shapeOf(order));
      return { shape: shapeOf(order), version: order.version };
    });
    const warm = await place.start([Order, advance.handlers, read.handlers]);
    const cold = await place.start([Order, read.handlers], { cachedAggregates: 0 });
    const follower = await place.start([Order, read.handlers]); // catches up a cached instance
    for (current of histories) {
      for (at = 0, until = 0; until < current.steps.length; at = until) {
        until = Math.min(current.steps.length, until + 1 + (current.cuts[until % current.cuts.length] ?? 0));
        const live = await warm.process(advance.command());
        states.push(live);
        expect(await cold.process(read.command())).toEqual(live);
        expect(await follower.process(read.command())).toEqual(live);
        expect(await warm.process(read.command())).toEqual(live);
      }
    }
    expect(states.length).toBeGreaterThan(40);
  });
});
