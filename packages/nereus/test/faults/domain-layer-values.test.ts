import {
  Aggregate,
  Command,
  commandHandlers,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  status,
  ValueObject,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { inMemory, places } from "../support/places.ts";
import { issuesOf } from "../support/refusal.ts";
import { script } from "../support/scripts.ts";

describe("B23: value objects", () => {
  class Tags extends ValueObject("Tags", {
    names: z.array(z.string()).default([]),
    by: z.record(z.string(), z.array(z.number())).default({}),
  }) {}

  test("B23: one with lists and records is compared and found by value", () => {
    const tags = () => new Tags({ names: ["a"], by: { x: [1] } });
    expect(tags().equals(tags())).toBe(true);
    expect([tags()].some((it) => it.equals(tags()))).toBe(true);
    expect(tags().equals(new Tags({ names: ["a"], by: { x: [2] } }))).toBe(false);
  });

  test("B23: nested lists cannot be changed", () => {
    const tags = new Tags({ names: ["a"], by: { x: [1] } });
    for (const slip of [() => tags.names.push("b"), () => tags.by["x"]?.push(2), () => delete tags.by["x"]]) {
      expect(slip).toThrow(TypeError);
    }
  });

  test("B23: one of nothing but defaults is there, wherever it is looked for", () => {
    class Post extends Aggregate("Post", { id: identifier(), tags: Tags.schema().optional() }) {}
    const post = new Post({ tags: {} });
    expect(post.tags !== undefined && Boolean(post.tags)).toBe(true);
    expect(post.toJSON()).toMatchObject({ tags: { names: [], by: {} } });
  });

  test("B23: one made from an entity keeps every constraint of it, since both are made of one shape", () => {
    const line = { sku: z.string().min(1), quantity: z.number().int().min(1) };
    class Line extends Entity("Line", line, { identifiedBy: "sku" }) {}
    class LineValue extends ValueObject("LineValue", line) {}
    const value = new LineValue(new Line({ sku: "a", quantity: 2 }));
    expect({ ...value }).toEqual({ sku: "a", quantity: 2 });
    expect(new Line(value).quantity).toBe(2);
    for (const make of [() => new Line({ sku: "", quantity: 0 }), () => new LineValue({ sku: "", quantity: 0 })]) {
      expect(issuesOf(make)).toEqual(["sku too_small", "quantity too_small"]);
    }
  });
});

describe("B24: enums and identity", () => {
  const State = { Active: "ACTIVE", Closed: "CLOSED" } as const;
  class Account extends Aggregate("Account", {
    id: identifier(),
    state: status({ [State.Active]: [State.Closed], [State.Closed]: [] }, State.Active),
  }) {}

  test("B24: a status takes the members of an enum, which are its values", () => {
    const account = new Account({ state: State.Active });
    account.state = State.Closed;
    expect(account.state).toBe("CLOSED");
  });

  test("B24: two commands without an identity are two commands, whatever they hold", () => {
    class Ping extends Command("Ping", { n: z.number() }) {}
    const [one, other] = [new Ping({ n: 1 }), new Ping({ n: 2 })];
    expect([one.equals(other), one.equals(one), one.equals(new Ping({ n: 1 }))]).toEqual([false, true, false]);
  });
});

describe("replay gives what was there when the events were raised", () => {
  const template = { n: 1, list: ["t"] };
  const item = z.object({ n: z.number(), list: z.array(z.string()) });
  const id = { id: identifier() };
  class Given extends Event("Given", { ...id, item, list: z.array(z.string()) }) {}
  class Taken extends Event("Taken", id) {}
  class Tied extends Event("Tied", id) {}
  class Edited extends Event("Edited", { ...id, n: z.number(), word: z.string() }) {}
  class Shelf extends EventSourcedAggregate("Shelf", {
    ...id,
    items: z.array(item).default([]),
    first: item.optional(),
    list: z.array(z.string()).default([]),
    former: z.array(z.string()).default([]),
    all: z.array(z.array(z.string())).default([]),
    at: z.date().default(() => new Date(0)),
    times: z.array(z.date()).default([]),
    seen: z.map(z.string(), z.array(z.string())).default(() => new Map<string, string[]>()),
  })
    .applies(Given, (shelf, event) => {
      shelf.id = event.id;
      shelf.items.push(event.item); // a part of the event becomes a part of the state
      shelf.first ??= event.item; // and of another field of it
      shelf.list = event.list;
    })
    .applies(Taken, (shelf) => {
      shelf.former = shelf.list; // one field in another
      shelf.all.push(shelf.list);
      shelf.seen.set(`${shelf.seen.size}`, shelf.list);
      shelf.times.push(shelf.at);
      shelf.items.push(template); // a constant of the model
    })
    .applies(Tied, (shelf) => {
      const [oldest] = shelf.items;
      if (oldest !== undefined) oldest.list = shelf.list; // into what was there already
    })
    .applies(Edited, (shelf, { n, word }) => {
      shelf.list.push(word);
      for (const it of shelf.items) {
        it.n += n;
        it.list.push(word);
      }
      if (shelf.first !== undefined) shelf.first.n -= n;
      shelf.at.setTime(n);
    }) {}

  test.each(places())(
    "although parts of events, of other fields and of the model were put into the state, on $name",
    async (kind) => {
      const given = (n: number) => new Given({ id: "1", item: { n, list: ["a"] }, list: [`l${n}`] });
      const edited = (n: number) => new Edited({ id: "1", n, word: `w${n}` });
      const taken = () => new Taken({ id: "1" });
      const write = script(Shelf, async ({ repository }) => {
        const shelf = Shelf.create((it) => it.raise(given(1)));
        for (const event of [
          edited(1),
          taken(),
          edited(2),
          given(2),
          taken(),
          edited(3),
          taken(),
          edited(4),
          new Tied({ id: "1" }),
          edited(7),
        ])
          shelf.raise(event);
        await repository(Shelf).add(shelf);
        return JSON.stringify(shelf);
      });
      const more = script(Shelf, async ({ repository }) => {
        const shelf = await repository(Shelf).get("1");
        shelf.raise(edited(5));
        shelf.raise(taken());
        shelf.raise(edited(6));
        await repository(Shelf).add(shelf);
        return JSON.stringify(shelf);
      });
      const read = script(Shelf, async ({ repository }) => JSON.stringify(await repository(Shelf).get("1")));
      const place = kind.open();
      const elements = [Shelf, write.handlers, more.handlers, read.handlers];
      const warm = await place.start(elements);
      const cold = await place.start(elements, { cachedAggregates: 0 });
      let live = await warm.process(write.command());
      for (let round = 0; round < 3; round++) {
        expect(await cold.process(read.command())).toBe(live);
        expect(await warm.process(read.command())).toBe(live);
        live = await [cold, warm][round % 2]!.process(more.command());
      }
      expect(template).toEqual({ n: 1, list: ["t"] });
      const parsed = JSON.parse(live) as { former: string[]; list: string[] };
      expect(parsed.former).not.toEqual(parsed.list);
    },
  );

  test.each(places())(
    "and what leaves the framework is frozen, though replay takes it over, on $name",
    async (kind) => {
      const write = script(Shelf, async ({ repository }) => {
        const input = { id: "1", item: { n: 1, list: ["a"] }, list: ["b"] };
        await repository(Shelf).add(Shelf.create((it) => it.raise(new Given(input))));
      });
      const read = script(Shelf, async ({ repository }) => {
        const slips: (() => void)[] = [];
        for await (const { event } of repository(Shelf).history("1")) {
          const { item: held, list } = event as Given;
          slips.push(
            () => Object.assign(event, { list: [] }),
            () => list.push("x"),
            () => Object.assign(held, { n: 2 }),
            () => held.list.push("x"),
          );
        }
        const shelf = await repository(Shelf).get("1");
        slips.push(
          () => (shelf.list as string[]).push("x"),
          () => (shelf.items as unknown as { list: string[] }[])[0]?.list.push("x"),
        );
        return slips.map((slip) => {
          try {
            slip();
            return "changed";
          } catch (error) {
            return (error as Error).name;
          }
        });
      });
      const domain = await kind.open().start([Shelf, write.handlers, read.handlers], { cachedAggregates: 0 });
      await domain.process(write.command());
      expect(new Set(await domain.process(read.command()))).toEqual(new Set(["TypeError"]));
    },
  );

  test("B17: a field that was added to an entity or a value object since gets its default, and is typed", async () => {
    class OldMoney extends ValueObject("Money", { cents: z.number() }) {}
    class OldLine extends Entity("Line", { sku: z.string(), price: OldMoney }, { identifiedBy: "sku" }) {}
    class OldCart extends Aggregate("Cart", { id: identifier(), lines: hasMany(OldLine) }) {}
    class Money extends ValueObject("Money", { cents: z.number(), currency: z.string().default("EUR") }) {}
    class Line extends Entity(
      "Line",
      { sku: z.string(), price: Money, tags: z.array(z.string()).default([]) },
      { identifiedBy: "sku" },
    ) {}
    class Cart extends Aggregate("Cart", { id: identifier(), lines: hasMany(Line) }) {}
    const place = inMemory();
    class Fill extends Command("Fill", { id: identifier() }) {}
    const before = commandHandlers(OldCart).create(
      Fill,
      (command) => new OldCart({ id: command.id, lines: [{ sku: "a", price: { cents: 5 } }] }),
    );
    await (await place.start([OldCart, before])).process(new Fill({ id: "1" }));
    const read = script(Cart, async ({ repository }) => {
      const cart = await repository(Cart).get("1");
      const line = cart.lines.get("a");
      cart.change(() => line.tags.push("new"));
      await repository(Cart).add(cart);
      return [JSON.stringify(line), line.price instanceof Money];
    });
    const after = await place.start([Cart, read.handlers]);
    expect(await after.process(read.command())).toEqual([
      '{"sku":"a","price":{"cents":5,"currency":"EUR"},"tags":["new"]}',
      true,
    ]);
  });
});
