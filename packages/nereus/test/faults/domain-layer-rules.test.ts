import {
  Aggregate,
  domainService,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  isNereusError,
  status,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { storedMessages } from "../support/log.ts";
import { places } from "../support/places.ts";
import { codeOf } from "../support/refusal.ts";
import { script } from "../support/scripts.ts";

const id = { id: identifier() };
class Line extends Entity("Line", { sku: z.string(), n: z.number() }, { identifiedBy: "sku" }).invariant(
  "n",
  "n > 0",
  ({ n }) => n > 0,
) {}
class LineAdded extends Event("LineAdded", { ...id, sku: z.string(), n: z.number() }) {}
class LineChanged extends Event("LineChanged", { ...id, sku: z.string(), n: z.number() }) {}
class Order extends EventSourcedAggregate("Order", {
  ...id,
  lines: hasMany(Line),
  log: z.array(z.object({ sku: z.string() })).default([]),
  state: status({ NEW: ["BUSY"], BUSY: ["BUSY", "DONE"], DONE: [] }, "NEW"),
})
  .applies(LineAdded, (order, event) => {
    order.id = event.id;
    order.log.push({ sku: event.sku });
    order.lines.add({ sku: event.sku, n: event.n });
    order.state = "BUSY";
  })
  .applies(LineChanged, (order, event) => {
    order.log.push({ sku: event.sku });
    order.lines.get(event.sku).n = event.n;
  })
  .invariant("sum", "The sum is at most 10", ({ lines }) => [...lines].reduce((sum, { n }) => sum + n, 0) <= 10) {}
class Box extends Aggregate("Box", { ...id, tags: z.array(z.string()).default([]), lines: hasMany(Line) })
  .raises(LineAdded)
  .invariant("tags", "At most 2 tags", ({ tags }) => tags.length <= 2) {}

const order = () => Order.create((it) => it.raise(new LineAdded({ id: "1", sku: "a", n: 5 })));
const seen = (it: Order | Box) => ({ json: JSON.stringify(it), version: it.version, pending: [...it.pendingEvents] });

describe("B7: raise is atomic", () => {
  test.each<[string, string, LineAdded | LineChanged]>([
    ["a rule of the aggregate", "INVARIANT_FAILED", new LineAdded({ id: "1", sku: "b", n: 6 })],
    ["a rule of an entity that is there", "INVARIANT_FAILED", new LineChanged({ id: "1", sku: "a", n: 0 })],
    ["a rule of an entity that comes in", "INVARIANT_FAILED", new LineAdded({ id: "1", sku: "b", n: -1 })],
    ["an entity that is not there", "ENTITY_NOT_FOUND", new LineChanged({ id: "1", sku: "z", n: 1 })],
    ["an entity that is there twice", "ENTITY_DUPLICATE", new LineAdded({ id: "1", sku: "a", n: 1 })],
  ])(
    "B7: %s fails: state, version, lists and pending events are as before, and the event may be raised elsewhere",
    (_, code, event) => {
      const it = order();
      const before = seen(it);
      expect(codeOf(() => it.raise(event))).toBe(code);
      expect(seen(it)).toEqual(before);
      expect(() => (it.log as { sku: string }[]).push({ sku: "smuggled" })).toThrow(TypeError);
      const other = Order.create((fresh) => fresh.raise(new LineAdded({ id: "1", sku: "z", n: 1 })));
      if (event instanceof LineAdded && event.n > 0) other.raise(event);
      it.raise(new LineChanged({ id: "1", sku: "a", n: 6 }));
      expect([it.version, it.log.length]).toEqual([1, 2]);
    },
  );
});

describe("B8: what fails is rolled back", () => {
  test("B8: an assignment to an entity, a list changed in place, a collection: each as before", () => {
    const box = new Box({ id: "1", tags: ["x"], lines: [{ sku: "a", n: 1 }] });
    const before = seen(box);
    expect(codeOf(() => Object.assign(box.lines.get("a"), { n: 0 }))).toBe("INVARIANT_FAILED");
    expect(codeOf(() => box.change(() => box.tags.push("y", "z")))).toBe("INVARIANT_FAILED");
    expect(codeOf(() => box.change(() => box.tags.push(7 as never)))).toBe("VALIDATION_FAILED");
    expect(codeOf(() => box.lines.add({ sku: "b", n: -1 }))).toBe("INVARIANT_FAILED");
    expect(codeOf(() => box.change(() => void [box.lines.remove("a"), box.tags.push("y", "z")]))).toBe(
      "INVARIANT_FAILED",
    );
    expect(seen(box)).toEqual(before);
  });

  test("B8: a rule that a domain service checks afterwards takes back all of its aggregates", () => {
    const move = domainService("Move", { order: Order, box: Box })
      .invariant("never", "Never", () => false)
      .does(({ order: from, box: to }) => {
        from.raise(new LineChanged({ id: "1", sku: "a", n: 1 }));
        to.lines.add({ sku: "a", n: 4 });
        to.tags.push("x");
        to.raise(new LineAdded({ id: "1", sku: "a", n: 4 }));
      });
    const [from, to] = [order(), new Box({ id: "2" })];
    const before = [seen(from), seen(to)];
    expect(codeOf(() => move({ order: from, box: to }))).toBe("INVARIANT_FAILED");
    expect([seen(from), seen(to)]).toEqual(before);
  });

  test("B8: a rule that only looks at a list leaves it closed to changes from outside", () => {
    const box = new Box({ id: "1", tags: ["x"] });
    box.lines.add({ sku: "a", n: 1 }); // after which the rule reads tags
    expect(() => box.tags.push("y", "z", "smuggled past the rule")).toThrow(TypeError);
    expect(box.tags).toEqual(["x"]);
  });
});

describe("B20: change() reports the error that came first, and nests", () => {
  test("B20: an error thrown in an inner block comes through the outer one as it is, whatever is broken by then", () => {
    const box = new Box({ id: "1" });
    const own = new Error("my own");
    expect(() =>
      box.change(() => {
        box.tags.push("1", "2", "3");
        box.change(() => {
          box.tags.push("4");
          throw own;
        });
      }),
    ).toThrow(own);
    expect(box.tags).toEqual([]);
  });

  test("B20: an inner block that ends does not turn the checks on again for the outer one", () => {
    const box = new Box({ id: "1" });
    box.change(() => {
      box.tags.push("1", "2", "3");
      box.change(() => void box.tags.length);
      box.change(() => box.change(() => box.tags.push("4")));
      box.tags.splice(2);
    });
    expect(box.tags).toEqual(["1", "2"]);
    expect(codeOf(() => box.change(() => box.tags.push("3")))).toBe("INVARIANT_FAILED"); // and they are on now
  });

  test("B20: a service whose steps throw reports that, not the rules that are broken by then", () => {
    const own = new Error("my own");
    const box = new Box({ id: "1" });
    const fill = domainService("Fill", { box: Box, order: Order })
      .invariant("never", "Never", () => false)
      .does(({ box: it }) => {
        it.tags.push("1", "2", "3");
        throw own;
      });
    expect(() => fill({ box, order: order() })).toThrow(own);
    expect(box.tags).toEqual([]);
  });
});

describe.each(places())("on $name", (kind) => {
  test("B7: a handler that catches a refusal and saves stores what was accepted, and it loads as it was", async () => {
    const careless = script(Order, async ({ repository }) => {
      const it = order();
      const box = new Box({ id: "1" });
      for (const run of [
        () => it.raise(new LineAdded({ id: "1", sku: "b", n: 6 })),
        () =>
          it.change(
            () =>
              void [
                it.raise(new LineChanged({ id: "1", sku: "a", n: 1 })),
                it.raise(new LineChanged({ id: "1", sku: "a", n: 0 })),
              ],
          ),
        () => box.change(() => box.tags.push("1", "2", "3")),
        () => it.raise(new LineChanged({ id: "1", sku: "a", n: 10 })),
        () => box.change(() => box.tags.push("1", "2")),
      ]) {
        try {
          run();
        } catch (error) {
          if (!isNereusError(error, "INVARIANT_FAILED")) throw error;
        }
      }
      await repository(Order).add(it);
      await repository(Box).add(box);
      return [JSON.stringify(it), JSON.stringify(box)];
    });
    const look = script(Order, async ({ repository }) => [
      JSON.stringify(await repository(Order).get("1")),
      JSON.stringify(await repository(Box).get("1")),
    ]);
    const place = kind.open();
    const domain = await place.start([Order, Box, careless.handlers, look.handlers], { cachedAggregates: 0 });
    expect(await domain.process(look.command()).catch(() => "none")).toBe("none");
    const live = await domain.process(careless.command());
    expect(await domain.process(look.command())).toEqual(live);
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["LineAdded", "LineChanged"]);
  });
});
