import { Aggregate, Entity, Event, EventSourcedAggregate, hasMany, identifier, ValueObject } from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { inMemory } from "./support/places.ts";
import { codeOf, issuesOf } from "./support/refusal.ts";
import { script } from "./support/scripts.ts";

const id = { id: identifier() };
class Made extends Event("Made", { ...id, n: z.number() }) {}
class Other extends Event("Other", { ...id, n: z.number() }) {}

describe("two classes made from one base share nothing", () => {
  test("rules of state-stored aggregates", () => {
    const Base = Aggregate("Base", { ...id, n: z.number() }).invariant("positive", "n > 0", ({ n }) => n > 0);
    class Small extends Base.invariant("small", "n < 10", ({ n }) => n < 10) {}
    class Even extends Base.invariant("even", "n is even", ({ n }) => n % 2 === 0).precondition(
      "locked",
      "4 stays",
      ({ n }) => n !== 4,
    ) {}
    class Plain extends Base {}
    expect(issuesOf(() => new Small({ n: -11 }))).toEqual(["positive"]);
    expect(issuesOf(() => new Small({ n: 11 }))).toEqual(["small"]);
    expect(issuesOf(() => new Even({ n: -1 }))).toEqual(["positive", "even"]);
    const [small, even, plain] = [new Small({ n: 4 }), new Even({ n: 4 }), new Plain({ n: 4 })];
    small.n = 5;
    plain.n = 15;
    expect(issuesOf(() => (even.n = 6))).toEqual(["locked"]);
    expect([small.n, even.n, plain.n]).toEqual([5, 4, 15]);
  });

  test("events of state-stored aggregates", () => {
    const Base = Aggregate("Base", id);
    class One extends Base.raises(Made) {}
    class Two extends Base.raises(Other) {}
    const event = new Made({ id: "1", n: 1 });
    expect(codeOf(() => new Two({ id: "1" }).raise(event as never))).toBe("APPLY_HANDLER_MISSING");
    new One({ id: "1" }).raise(event);
    class Neither extends Base {}
    expect(codeOf(() => new Neither({ id: "1" }).raise(event as never))).toBe("APPLY_HANDLER_MISSING");
  });

  test("appliers and rules of event-sourced aggregates", () => {
    const Base = EventSourcedAggregate("Base", { ...id, n: z.number().default(0) }).applies(Made, (it, event) => {
      it.id = event.id;
      it.n += event.n;
    });
    const OneBase = Base.invariant("small", "n < 10", ({ n }) => n < 10);
    class One extends OneBase {}
    class Two extends Base.applies(Other, (it, event) => {
      it.n -= event.n;
    }) {}
    const one = One.create((it) => it.raise(new Made({ id: "1", n: 9 })));
    expect(codeOf(() => one.raise(new Made({ id: "1", n: 1 })))).toBe("INVARIANT_FAILED");
    const two = Two.create((it) => it.raise(new Made({ id: "1", n: 90 })));
    two.raise(new Other({ id: "1", n: 5 }));
    expect([one.n, two.n]).toEqual([9, 85]);
    expect(codeOf(() => one.raise(new Other({ id: "1", n: 1 }) as never))).toBe("APPLY_HANDLER_MISSING");
    class Later extends Base.applies(Other, () => undefined) {} // Two has not taken it
    expect(Later.create((it) => it.raise(new Made({ id: "1", n: 1 }))).n).toBe(1);
    class Twice extends Base.applies(Made, () => undefined) {}
    expect(codeOf(() => Twice.create(() => undefined))).toBe("EVENT_APPLIED_TWICE");
  });

  test("rules of entities and of value objects", () => {
    const Line = Entity("Line", { sku: z.string(), n: z.number() }, { identifiedBy: "sku" });
    class Strict extends Line.invariant("n", "n > 0", ({ n }) => n > 0) {}
    class Lax extends Line.precondition("locked", "…", ({ n }) => n !== 13) {}
    expect(issuesOf(() => new Strict({ sku: "a", n: 0 }))).toEqual(["n"]);
    const lax = new Lax({ sku: "a", n: 0 });
    lax.n = 13;
    expect(issuesOf(() => (lax.n = 1))).toEqual(["locked"]);
    const strict = new Strict({ sku: "a", n: 13 });
    strict.n = 14;
    const Money = ValueObject("Money", { n: z.number() });
    class Euro extends Money.invariant("n", "n > 0", ({ n }) => n > 0) {}
    class Debt extends Money.invariant("n", "n < 0", ({ n }) => n < 0) {}
    expect([new Euro({ n: 1 }).n, new Debt({ n: -1 }).n]).toEqual([1, -1]);
    expect(new Euro({ n: 1 }).equals(new Debt({ n: -1 }).with({ n: -2 }))).toBe(false);
  });
});

describe("inheritance", () => {
  abstract class Document extends Aggregate("Document", {
    ...id,
    title: z.string(),
    words: z.array(z.string()).default([]),
  })
    .invariant("title", "A title is needed", ({ title }) => title !== "")
    .precondition("open", "Closed", ({ title }) => !title.startsWith("[closed]")) {
    abstract kind(): string;
    close() {
      this.title = `[closed] ${this.title}`;
    }
    static titled<D extends Document>(this: new (input: { title: string }) => D, title: string): D {
      return new this({ title });
    }
  }
  class Letter extends Document {
    kind() {
      return "letter";
    }
    override close() {
      super.close();
      return this;
    }
  }

  test("an abstract base gives its rules, methods and statics to the classes below", () => {
    const letter = Letter.titled("Dear");
    expect([letter.kind(), letter instanceof Document]).toEqual(["letter", true]);
    expect(issuesOf(() => (letter.title = ""))).toEqual(["title"]);
    expect(letter.close()).toBe(letter);
    expect(issuesOf(() => letter.change(() => letter.words.push("x")))).toEqual(["open"]);
    expect(letter.title).toBe("[closed] Dear");
  });

  test("a class under a user's class keeps what that class can do, and adds rules for itself", async () => {
    class Account extends Aggregate("Account", { ...id, balance: z.number().default(0) }) {
      pay(amount: number) {
        this.balance += amount;
      }
    }
    // the type of the builder knows the fields only: what the user's class adds, a subclass says again
    const Guarded = (
      Account as unknown as ReturnType<
        typeof Aggregate<"Account", { id: ReturnType<typeof identifier>; balance: z.ZodDefault<z.ZodNumber> }>
      >
    ).invariant("funds", "…", ({ balance }) => balance >= 0) as unknown as typeof Account;
    class Saving extends Guarded {}
    const saving = new Saving({ id: "1" });
    saving.pay(5);
    expect(issuesOf(() => saving.pay(-6))).toEqual(["funds"]);
    const account = new Account({ id: "1" });
    account.pay(-6);
    expect([saving.balance, account.balance, saving instanceof Account]).toEqual([5, -6, true]);
    const place = inMemory();
    const save = script(Saving, ({ repository }) => repository(Saving).add(saving));
    const load = script(Saving, async ({ repository }) => {
      const found = await repository(Saving).get("1");
      return [found instanceof Saving, issuesOf(() => found.pay(-6))];
    });
    const domain = await place.start([Saving, save.handlers, load.handlers]);
    await domain.process(save.command());
    expect(await domain.process(load.command())).toEqual([true, ["funds"]]);
  });

  test("getters and private methods of a user's class work on the fields, in rules too", () => {
    class Basket extends Aggregate("Basket", { ...id, prices: z.array(z.number()).default([]) }).invariant(
      "sum",
      "At most 10",
      (basket) => (basket as unknown as { sum: number }).sum <= 10, // a class cannot name itself in its own base
    ) {
      get sum(): number {
        return this.prices.reduce((sum, price) => sum + price, 0);
      }
      #add(price: number) {
        this.prices.push(price);
      }
      add(price: number) {
        this.change(() => this.#add(price));
      }
    }
    const basket = new Basket({});
    basket.add(7);
    expect(issuesOf(() => basket.add(4))).toEqual(["sum"]);
    expect(basket.prices).toEqual([7]);
  });

  test("an entity of a class below may stand in a collection of the class above", () => {
    class Line extends Entity("Line", { sku: z.string() }, { identifiedBy: "sku" }) {}
    class Fragile extends Line {
      warn() {
        return `careful: ${this.sku}`;
      }
    }
    class Order extends Aggregate("Order", { ...id, lines: hasMany(Line) }) {}
    const order = new Order({ lines: [new Fragile({ sku: "a" })] });
    expect((order.lines.get("a") as Fragile).warn()).toBe("careful: a");
  });
});

describe("schemas that contain themselves", () => {
  test("by getters, as Zod writes them", async () => {
    const node = z.object({
      at: z.date(),
      get children() {
        return z.array(node);
      },
      get parent() {
        return node.optional();
      },
    });
    const plain = z.object({
      name: z.string(),
      get children() {
        return z.array(plain);
      },
    });
    class Grown extends Event("Grown", { ...id, node, plain }) {}
    class Tree extends EventSourcedAggregate("Tree", { ...id, node: node.optional(), plain: plain.optional() }).applies(
      Grown,
      (tree, event) => {
        tree.id = event.id;
        tree.node = event.node;
        tree.plain = event.plain;
      },
    ) {}
    const value = {
      at: new Date(0),
      children: [{ at: new Date(1), children: [] }],
      parent: { at: new Date(2), children: [] },
    };
    const names = { name: "a", children: [{ name: "b", children: [] }] };
    const place = inMemory();
    const write = script(Tree, ({ repository }) =>
      repository(Tree).add(Tree.create((it) => it.raise(new Grown({ id: "1", node: value, plain: names })))),
    );
    const read = script(Tree, async ({ repository }) => {
      const tree = await repository(Tree).get("1");
      return [tree.node, tree.plain];
    });
    const domain = await place.start([Tree, write.handlers, read.handlers], { cachedAggregates: 0 });
    await domain.process(write.command());
    expect(await domain.process(read.command())).toEqual([value, names]);
  });
});

describe("union fields", () => {
  const at = z.codec(z.iso.datetime(), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  });
  test.each<[string, z.ZodType, unknown]>([
    ["a codec in an object", z.union([z.object({ at }), z.object({ n: z.bigint() })]), { at: new Date(5) }],
    ["the other option", z.union([z.object({ at }), z.object({ n: z.bigint() })]), { n: 5n }],
    ["a codec in a list", z.union([z.string(), z.array(at)]), [new Date(5)]],
    [
      "a codec in a record in a union",
      z.union([z.union([z.record(z.string(), at), z.bigint()]), z.null()]),
      { a: new Date(5) },
    ],
    [
      "a codec in a tuple",
      z.union([z.tuple([z.literal("at"), at]), z.tuple([z.literal("n"), z.bigint()])]),
      ["at", new Date(5)],
    ],
  ])("%s comes back as it was", async (_, schema, value) => {
    class Kept extends Aggregate("Kept", { ...id, value: schema }) {}
    const place = inMemory();
    const write = script(Kept, ({ repository }) => repository(Kept).add(new Kept({ id: "1", value })));
    const read = script(Kept, async ({ repository }) => (await repository(Kept).get("1")).value);
    const domain = await place.start([Kept, write.handlers, read.handlers]);
    await domain.process(write.command());
    expect(await domain.process(read.command())).toEqual(value);
  });

  test("what no option can store is refused, not stored as something else", () => {
    const schema = z.union([z.string().transform((text) => new Date(text)), z.bigint()]);
    class Kept extends Event("Kept", { value: schema }) {}
    const kept = new Kept({ value: "2026-01-01" });
    expect(codeOf(() => JSON.stringify(kept))).toBe("PAYLOAD_NOT_SERIALISABLE");
  });
});
