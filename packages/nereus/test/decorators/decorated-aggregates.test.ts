import {
  type AggregateClass,
  Command,
  type CommandContext,
  Domain,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  isNereusError,
  NotImplementedError,
} from "nereus";
import { Aggregate, apply, decorators, invariant, precondition } from "nereus/decorators";
import { memory } from "nereus/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { builds, decorate } from "./decorate.ts";

class Placed extends Event("Placed", { orderId: identifier(), total: z.number() }) {}
class Cancelled extends Event("Cancelled", { orderId: identifier() }) {}
class Shipped extends Event("Shipped", { orderId: identifier() }) {}
class Run extends Command("Run", {}).returns<unknown>() {}

const shape = {
  id: identifier(),
  status: z.string().default("draft"),
  total: z.number().default(0),
  tags: z.array(z.string()).default([]),
};

const newDomain = () => new Domain("shop", { elements: [], store: memory(), cachedAggregates: 0 });

/** Starts a domain, and gives what runs steps in a unit of work of it. */
async function start(domain: Domain, aggregate: unknown) {
  let current: (context: CommandContext) => unknown = () => undefined;
  class Runner {
    run(_command: object, context: CommandContext) {
      return current(context);
    }
  }
  const { commandHandler, handle } = decorators(domain);
  decorate(builds[0]!, Runner, { run: handle(Run) }, commandHandler(aggregate as AggregateClass<object>));
  await domain.start();
  onTestFinished(() => domain.stop());
  return (steps: (context: CommandContext) => unknown): Promise<any> => {
    current = steps;
    return domain.process(new Run({}));
  };
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return isNereusError(error) ? error.code : String(error);
  }
}

async function faultsOf(domain: Domain): Promise<readonly string[]> {
  const error = await domain.start().catch((reason) => reason);
  return error.faults.map((fault: { code: string; element: string }) => `${fault.code} ${fault.element}`);
}

describe.each(builds)("in a $mode build", (build) => {
  /** The Order of the event-sourcing page. */
  function orders(domain = newDomain()) {
    const { aggregate } = decorators(domain);
    class Order extends Aggregate("Order", shape) {
      place(total: number) {
        this.raise(new Placed({ orderId: this.id, total }));
      }
      cancel() {
        this.raise(new Cancelled({ orderId: this.id }));
      }
      placed(event: Placed) {
        this.status = "placed";
        this.total = event.total;
        this.tags.push("placed");
      }
      cancelled() {
        this.status = "cancelled";
      }
    }
    const methods = { placed: apply(Placed), cancelled: apply(Cancelled) };
    decorate(build, Order, methods, aggregate({ eventSourced: true, raises: [Placed, Cancelled] }));
    return { domain, Order };
  }

  test("a method with @apply runs when the event is raised, and again in replay", async () => {
    const { domain, Order } = orders();
    const unit = await start(domain, Order);
    const id = await unit(async ({ repository }) => {
      const order = Order.create((it) => it.place(100));
      order.cancel();
      await repository(Order).add(order);
      return order.id;
    });
    const found = await unit(async ({ repository }) => {
      const orders = repository(Order);
      return [(await orders.get(id)).toJSON(), (await orders.get(id, { atVersion: 0 })).toJSON()];
    });
    expect(found).toEqual([
      { id, status: "cancelled", total: 100, tags: ["placed"] },
      { id, status: "placed", total: 100, tags: ["placed"] },
    ]);
  });

  test("an event without @apply is a NotImplementedError that says what to add", () => {
    const { Order } = orders();
    const order = Order.create((it) => it.place(1));
    const raise = () => order.raise(new Shipped({ orderId: order.id }));
    expect(raise).toThrow(NotImplementedError);
    expect(codeOf(raise)).toBe("APPLY_HANDLER_MISSING");
    expect(raise).toThrow(expect.objectContaining({ fix: expect.stringContaining("@apply(Shipped)") }));
    expect(order.pendingEvents).toHaveLength(1);
  });

  test("state changes in methods with @apply only", () => {
    const { Order } = orders();
    const order = Order.create((it) => it.place(1));
    const attempts = [
      () => {
        order.total = 2;
      },
      () => order.placed(new Placed({ orderId: order.id, total: 3 })),
      () => order.change(() => order.cancelled()),
    ];
    expect(attempts.map(codeOf)).toEqual(attempts.map(() => "STATE_CHANGED_OUTSIDE_APPLY"));
    expect(() => order.tags.push("x")).toThrow(TypeError);
    expect(codeOf(() => new Order({ total: 3 }))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
    expect(order.toJSON()).toMatchObject({ status: "placed", total: 1, tags: ["placed"] });
  });

  test("a method with @apply neither raises nor returns a promise", () => {
    const { aggregate } = decorators(newDomain());
    class Order extends Aggregate("Order", shape) {
      placed(event: Placed) {
        this.total = 9;
        this.raise(new Cancelled({ orderId: event.orderId }));
      }
      async cancelled() {
        this.status = "cancelled";
      }
    }
    decorate(build, Order, { placed: apply(Placed), cancelled: apply(Cancelled) }, aggregate({ eventSourced: true }));
    const order = new Order();
    expect(codeOf(() => order.raise(new Placed({ orderId: "1", total: 1 })))).toBe("RAISED_INSIDE_APPLY");
    expect(codeOf(() => order.raise(new Cancelled({ orderId: "1" })))).toBe("CHANGE_ASYNCHRONOUS");
    expect([order.status, order.total, order.version, order.pendingEvents]).toEqual(["draft", 0, -1, []]);
  });

  test("every rule that does not hold is named, and nothing is changed", () => {
    const { aggregate } = decorators(newDomain());
    class Order extends Aggregate("Order", shape) {
      placed(event: Placed) {
        this.total = event.total;
      }
      isPositive() {
        return this.total >= 0;
      }
      isSmall() {
        return Math.abs(this.total) < 1000;
      }
      isOpen() {
        return this.total !== 7;
      }
    }
    const methods = {
      placed: apply(Placed),
      isPositive: invariant("positive", "below zero"),
      isSmall: invariant("small", "too much"),
      isOpen: precondition("open", "is closed"),
    };
    decorate(build, Order, methods, aggregate({ eventSourced: true }));
    const order = Order.create((it) => it.raise(new Placed({ orderId: "1", total: 5 })));
    const raise = (total: number) => () => order.raise(new Placed({ orderId: "1", total }));
    expect(raise(-5000)).toThrow(
      expect.objectContaining({
        code: "INVARIANT_FAILED",
        issues: [expect.objectContaining({ code: "positive" }), expect.objectContaining({ code: "small" })],
      }),
    );
    expect(order.total).toBe(5);
    raise(7)();
    expect(codeOf(raise(8))).toBe("PRECONDITION_FAILED");
  });

  test("a new one has an identity, which its first event keeps or replaces", () => {
    const { Order } = orders();
    const first = new Order();
    const { id } = first;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(first.id).toBe(id);
    expect(new Order().id).not.toBe(id);
    first.place(1);
    expect([first.id, first.toJSON()["id"]]).toEqual([id, id]);
    const second = Order.create((it) => it.raise(new Placed({ orderId: "mine", total: 1 })));
    expect(second.id).toBe("mine");
  });

  test("an identity that the method sets itself holds", () => {
    class Moved extends Event("Moved", { id: identifier(), orderId: identifier() }) {}
    class Copied extends Event("Copied", { from: identifier(), to: identifier() }) {}
    const { aggregate } = decorators(newDomain());
    class Order extends Aggregate("Order", shape) {
      moved(event: Moved) {
        expect(this.id).toBeUndefined();
        this.id = event.orderId;
      }
      copied() {}
    }
    decorate(build, Order, { moved: apply(Moved), copied: apply(Copied) }, aggregate({ eventSourced: true }));
    expect(Order.create((it) => it.raise(new Moved({ id: "event", orderId: "order" }))).id).toBe("order");
    // none of its two identifiers is the one
    expect(Order.create((it) => it.raise(new Copied({ from: "1", to: "2" }))).id).toBeUndefined();
  });

  test("entities are changed by @apply only", () => {
    class Line extends Entity("Line", { sku: z.string(), count: z.number() }, { identifiedBy: "sku" }) {}
    class LineAdded extends Event("LineAdded", { orderId: identifier(), sku: z.string(), count: z.number() }) {}
    const { aggregate } = decorators(newDomain());
    class Order extends Aggregate("Order", { id: identifier(), lines: hasMany(Line) }) {
      lineAdded(event: LineAdded) {
        this.lines.add(new Line(event));
      }
    }
    decorate(build, Order, { lineAdded: apply(LineAdded) }, aggregate({ eventSourced: true }));
    const order = Order.create((it) => it.raise(new LineAdded({ orderId: "1", sku: "a", count: 2 })));
    expect(codeOf(() => order.lines.add({ sku: "b", count: 1 }))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
    expect(order.toJSON()).toEqual({ id: "1", lines: [{ sku: "a", count: 2 }] });
  });

  describe("classes that extend others", () => {
    const archivable = <const N extends string>(name: N) => {
      class Archivable extends Aggregate(name, shape) {
        placed(event: Placed) {
          this.total = event.total;
        }
        isPositive() {
          return this.total >= 0;
        }
      }
      return decorate(build, Archivable, { placed: apply(Placed), isPositive: invariant("positive", "below zero") });
    };

    test("inherit what is decorated in their base, and share nothing with each other", () => {
      const Base = archivable("Document");
      class Invoice extends Base {
        cancelled() {
          this.status = "cancelled";
        }
      }
      class Letter extends Base {
        shipped() {
          this.status = "shipped";
        }
      }
      const { aggregate } = decorators(newDomain());
      decorate(build, Invoice, { cancelled: apply(Cancelled) }, aggregate({ eventSourced: true }));
      decorate(build, Letter, { shipped: apply(Shipped) }, aggregate({ eventSourced: true }));
      const invoice = Invoice.create((it) => it.raise(new Placed({ orderId: "1", total: 1 })));
      const letter = Letter.create((it) => it.raise(new Placed({ orderId: "2", total: 2 })));
      invoice.raise(new Cancelled({ orderId: "1" }));
      letter.raise(new Shipped({ orderId: "2" }));
      expect([invoice.status, invoice.total, letter.status, letter.total]).toEqual(["cancelled", 1, "shipped", 2]);
      expect(codeOf(() => invoice.raise(new Shipped({ orderId: "1" })))).toBe("APPLY_HANDLER_MISSING");
      expect(codeOf(() => letter.raise(new Cancelled({ orderId: "2" })))).toBe("APPLY_HANDLER_MISSING");
      expect(codeOf(() => letter.raise(new Placed({ orderId: "2", total: -1 })))).toBe("INVARIANT_FAILED");
    });

    test("override methods, which run in the place of those they had", () => {
      const { aggregate } = decorators(newDomain());
      class Plain extends archivable("Plain") {
        override placed(event: Placed) {
          super.placed(event);
          this.status = "overridden";
        }
      }
      class Again extends archivable("Again") {
        override placed() {
          this.status = "again";
        }
      }
      decorate(build, Plain, {}, aggregate({ eventSourced: true }));
      decorate(build, Again, { placed: apply(Cancelled) }, aggregate({ eventSourced: true }));
      const plain = Plain.create((it) => it.raise(new Placed({ orderId: "1", total: 1 })));
      expect([plain.status, plain.total]).toEqual(["overridden", 1]);
      const again = Again.create((it) => it.raise(new Cancelled({ orderId: "1" })));
      expect(again.status).toBe("again");
      expect(codeOf(() => again.raise(new Placed({ orderId: "1", total: 1 })))).toBe("APPLY_HANDLER_MISSING");
    });

    test("may be of different kinds, though they share a base", () => {
      const Base = archivable("Document");
      class Sourced extends Base {}
      class Plain extends Aggregate("Plain", shape) {}
      class Stored extends Plain {}
      class SourcedToo extends Plain {
        placed() {
          this.status = "placed";
        }
      }
      const { aggregate } = decorators(newDomain());
      decorate(build, Sourced, {}, aggregate({ eventSourced: true }));
      decorate(build, SourcedToo, { placed: apply(Placed) }, aggregate({ eventSourced: true }));
      decorate(build, Stored, {}, aggregate);
      expect(new Stored({ total: 3 }).total).toBe(3);
      expect(SourcedToo.create((it) => it.raise(new Placed({ orderId: "1", total: 1 }))).status).toBe("placed");
      expect(codeOf(() => new SourcedToo({ total: 3 }))).toBe("STATE_CHANGED_OUTSIDE_APPLY");
    });
  });

  describe("a state-stored aggregate", () => {
    function products() {
      const domain = newDomain();
      const { aggregate } = decorators(domain);
      class Product extends Aggregate("Product", shape, { indexes: [["total"]] }) {
        cancel() {
          this.status = "cancelled";
          this.raise(new Cancelled({ orderId: this.id }));
        }
        isPositive() {
          return this.total >= 0;
        }
      }
      const methods = { isPositive: invariant("positive", "below zero") };
      decorate(build, Product, methods, aggregate({ raises: [Cancelled] }));
      return { domain, Product };
    }

    test("is stored as it is, and found by its fields", async () => {
      const { domain, Product } = products();
      const unit = await start(domain, Product);
      const id = await unit(async ({ repository }) => {
        const product = new Product({ total: 3, tags: ["a"] });
        product.cancel();
        await repository(Product).add(product);
        return product.id;
      });
      const found = await unit(async ({ repository }) =>
        (await repository(Product).query({ where: { total: 3 } })).map((product) => product.toJSON()),
      );
      expect(found).toEqual([{ id, status: "cancelled", total: 3, tags: ["a"] }]);
    });

    test("is checked when it is made, when it is changed, and when it raises", () => {
      const { Product } = products();
      expect(codeOf(() => new Product({ total: -1 }))).toBe("INVARIANT_FAILED");
      const product = new Product({});
      const attempts = [
        () => {
          product.total = -1;
        },
        () => {
          product.total = "1" as never;
        },
        () => product.raise(new Shipped({ orderId: "1" })),
      ];
      expect(attempts.map(codeOf)).toEqual(["INVARIANT_FAILED", "VALIDATION_FAILED", "APPLY_HANDLER_MISSING"]);
      expect(product.total).toBe(0);
    });

    test("has no @apply", () => {
      const { aggregate } = decorators(newDomain());
      class Product extends Aggregate("Product", shape) {
        placed() {}
      }
      expect(codeOf(() => decorate(build, Product, { placed: apply(Placed) }, aggregate()))).toBe("DECORATOR_INVALID");
    });
  });

  describe("start reports", () => {
    test("an aggregate without any @apply", async () => {
      const domain = newDomain();
      class Order extends Aggregate("Order", shape) {}
      decorate(build, Order, {}, decorators(domain).aggregate({ eventSourced: true }));
      expect(await faultsOf(domain)).toEqual(["APPLY_MISSING Order"]);
    });

    test("an event that the aggregate says it raises, and has no @apply for", async () => {
      const domain = newDomain();
      class Order extends Aggregate("Order", shape) {
        placed() {}
      }
      const { aggregate } = decorators(domain);
      decorate(build, Order, { placed: apply(Placed) }, aggregate({ eventSourced: true, raises: [Placed, Shipped] }));
      expect(await faultsOf(domain)).toEqual(["APPLY_MISSING Order"]);
    });

    test("an aggregate without an identifier", async () => {
      const domain = newDomain();
      class Order extends Aggregate("Order", { total: z.number().default(0) }) {
        placed() {}
      }
      decorate(build, Order, { placed: apply(Placed) }, decorators(domain).aggregate({ eventSourced: true }));
      expect(await faultsOf(domain)).toEqual(["IDENTIFIER_MISSING Order"]);
    });

    test("two methods that apply one event", async () => {
      const domain = newDomain();
      class Twice extends Aggregate("Twice", shape) {
        placed() {}
        again() {}
      }
      const { aggregate } = decorators(domain);
      decorate(build, Twice, { placed: apply(Placed), again: apply(Placed) }, aggregate({ eventSourced: true }));
      expect(await faultsOf(domain)).toEqual(["EVENT_APPLIED_TWICE Twice"]);
    });

    test("two of one name", async () => {
      const { domain } = orders();
      orders(domain);
      expect(await faultsOf(domain)).toContain("ELEMENT_DUPLICATE Order");
    });
  });

  test("one class may be in several domains, listed or decorated", async () => {
    const { domain, Order } = orders();
    const other = newDomain();
    build.type(Order, decorators(other).aggregate({ eventSourced: true }));
    const listing = new Domain("shop", { elements: [Order], store: memory() });
    build.type(Order, decorators(listing).aggregate({ eventSourced: true }));
    for (const one of [domain, other, listing]) {
      await one.start();
      await one.stop();
    }
  });

  test.each<[string, (order: { Order: any; aggregate: any; domain: Domain }) => unknown]>([
    ["DECORATOR_INVALID", ({ aggregate }) => build.type(class {}, aggregate())],
    ["DECORATOR_INVALID", ({ aggregate }) => build.type(EventSourcedAggregate("X", shape), aggregate())],
    [
      "DECORATOR_INVALID",
      ({ aggregate }) => {
        class Unique extends Aggregate("Unique", shape, { unique: [["total"]] }) {}
        build.type(Unique, aggregate({ eventSourced: true }));
      },
    ],
    ["DECORATOR_INVALID", () => apply(undefined as never)],
    ["DECORATOR_INVALID", () => apply(Run as never)],
    ["DECORATOR_INVALID", ({ Order }) => build.method(Order, "placed", apply)],
    ["DECORATOR_INVALID", ({ Order, aggregate }) => build.type(Order, aggregate({ raises: [undefined] }))],
  ])("what makes no sense is refused at once: %s %#", (code, attempt) => {
    const { domain, Order } = orders();
    expect(codeOf(() => attempt({ Order, domain, aggregate: decorators(domain).aggregate }))).toBe(code);
  });

  test("after start, nothing is registered", async () => {
    const { domain } = orders();
    await domain.start();
    onTestFinished(() => domain.stop());
    expect(codeOf(() => orders(domain))).toBe("DOMAIN_ALREADY_STARTED");
  });
});

test("a decorator of methods is refused on anything else", () => {
  const decorator = apply(Placed) as (...site: unknown[]) => void;
  const method = () => undefined;
  const context = { kind: "method", name: "placed", static: false, private: false };
  const sites: readonly (readonly unknown[])[] = [
    [method, { ...context, static: true }],
    [method, { ...context, private: true }],
    [undefined, { ...context, kind: "field" }],
    [method, { ...context, kind: "getter" }],
    [class {}, { kind: "class" }],
    [class {}, "placed", { value: method }], // static
    [{}, "placed", { get: method }],
    [{}, "placed", undefined], // a field
    [class {}],
  ];
  expect(sites.map((site) => codeOf(() => decorator(...site)))).toEqual(sites.map(() => "DECORATOR_INVALID"));
});
