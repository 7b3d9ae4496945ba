import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  type Element,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  hasOne,
  identifier,
  isNereusError,
  type ModelError,
  personal,
  reference,
  ValueObject,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { RecordedLog } from "./support/places.ts";
import { codeOf, issuesOf } from "./support/refusal.ts";

class Customer extends Aggregate("Customer", {
  customerId: identifier(),
  email: personal(z.email()),
  phone: personal(z.string().max(20)).optional().describe("with its country code"),
}) {}
/** Two that name each other: TypeScript wants to be told the type of the function. */
const elsewhere = (): Element<"aggregate"> => Voucher;
class Line extends Entity(
  "Line",
  { sku: z.string(), supplierId: reference(() => Supplier).optional() },
  { identifiedBy: "sku" },
) {}
class Order extends Aggregate("Order", {
  orderId: identifier(),
  customerId: reference(Customer),
  voucherIds: z.array(reference(elsewhere)).default([]),
  previousId: reference((): Element<"aggregate"> => Order)
    .nullable()
    .describe("what it follows")
    .default(null),
  lines: hasMany(Line),
}) {}
class Supplier extends Aggregate("Supplier", { supplierId: identifier() }) {}
class Voucher extends Aggregate("Voucher", { voucherId: identifier(), orderId: reference(Order).max(50).optional() }) {}

async function faultsOf(elements: readonly unknown[]): Promise<string[]> {
  const domain = new Domain("shop", { elements: elements as never, store: memory(), log: new RecordedLog() });
  try {
    await domain.start();
    await domain.stop();
    return [];
  } catch (error) {
    if (!isNereusError(error, "MODEL_INVALID")) throw error;
    return (error as ModelError).faults.map(({ code, element }) => `${code} ${element}`);
  }
}

describe("a reference", () => {
  test("is the identity of another aggregate: any text that can be one", () => {
    expect(new Order({ customerId: "c 1" }).customerId).toBe("c 1");
    for (const id of ["", "\0", "\ud800", "x".repeat(1001), 7, null, undefined, new Customer({ email: "a@b.co" })]) {
      expect(issuesOf(() => new Order({ customerId: id as never }))).toHaveLength(1);
    }
    const order = new Order({ customerId: "c1", voucherIds: ["v1", "v2"] });
    expect(codeOf(() => order.change(() => order.voucherIds.push("")))).toBe("VALIDATION_FAILED");
    order.customerId = "c2"; // no identity of its own: it may change
    expect(codeOf(() => Object.assign(order, { orderId: "other" }))).toBe("IDENTITY_IMMUTABLE");
    expect([order.customerId, order.voucherIds]).toEqual(["c2", ["v1", "v2"]]);
  });

  test("keeps what it refers to in whatever it is wrapped, and what is checked beside it", async () => {
    expect(issuesOf(() => new Voucher({ orderId: "x".repeat(51) }))).toEqual(["orderId too_big"]);
    expect(await faultsOf([Customer, Order, Supplier, Voucher])).toEqual([]);
    expect((await faultsOf([Order])).sort()).toEqual([
      "REFERENCE_UNKNOWN Line",
      "REFERENCE_UNKNOWN Order",
      "REFERENCE_UNKNOWN Order",
    ]);
    expect(await faultsOf([Voucher])).toEqual(["REFERENCE_UNKNOWN Voucher"]);
  });

  test("names what it refers to in the description of the model", () => {
    const domain = new Domain("shop", { elements: [Customer, Order, Supplier, Voucher], store: memory() });
    const text = JSON.stringify(domain.describe());
    for (const name of ["Customer", "Voucher", "Order", "Supplier"]) expect(text).toContain(`"references":"${name}"`);
    expect(text).toContain('"description":"what it follows"');
  });
});

describe("personal data", () => {
  test("is marked, and changes nothing else: the schema it was made from is not marked", () => {
    const email = z.email();
    const marked = personal(email);
    expect(marked).not.toBe(email);
    class Known extends Aggregate("Known", { id: identifier(), email, marked }) {}
    const [known] = describedFields([Known]);
    expect(known).toEqual({ id: false, email: false, marked: true });
    expect(issuesOf(() => new Known({ email: "x", marked: "y" }))).toEqual([
      "email invalid_format",
      "marked invalid_format",
    ]);
  });

  test("is found in whatever it is wrapped, and on what is marked already", async () => {
    class Money extends ValueObject("Money", { amount: z.bigint() }) {}
    class Person extends Aggregate("Person", {
      id: identifier(),
      optional: personal(z.string()).optional(),
      described: personal(z.string()).describe("x"),
      longer: personal(z.string()).min(2).max(5),
      refined: personal(z.string().optional()).refine((text) => text !== "no"),
      money: personal(Money.schema()),
      friend: personal(reference((): Element<"aggregate"> => Person)).optional(),
      plain: z.string(),
    }) {}
    const [person] = describedFields([Person]);
    expect(person).toEqual({
      id: false,
      optional: true,
      described: true,
      longer: true,
      refined: true,
      money: true,
      friend: true,
      plain: false,
    });
    const it = new Person({ described: "d", longer: "long", money: { amount: 5n }, plain: "p" });
    expect(JSON.parse(JSON.stringify(it))).toMatchObject({ money: { amount: "5" } });
    expect(it.money).toBeInstanceOf(Money);
    class Friendless extends Aggregate("Friendless", { id: identifier(), friend: personal(reference(Customer)) }) {}
    expect(await faultsOf([Friendless])).toEqual(["REFERENCE_UNKNOWN Friendless"]);
  });

  test("may be a codec, and comes back as it was", () => {
    const born = personal(z.date());
    class Member extends Aggregate("Member", { id: identifier(), born }) {}
    const member = new Member({ id: "1", born: new Date(0) });
    expect(JSON.parse(JSON.stringify(member))).toEqual({ id: "1", born: "1970-01-01T00:00:00.000Z" });
  });
});

function describedFields(elements: readonly unknown[]): Record<string, boolean>[] {
  const domain = new Domain("shop", { elements: elements as never, store: memory() });
  const { aggregates } = domain.describe() as unknown as {
    aggregates: Record<string, { fields: Record<string, { personal?: boolean }> }>;
  };
  return Object.values(aggregates).map(({ fields }) =>
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.personal === true])),
  );
}

describe("an identifier", () => {
  test("is generated for an aggregate or entity that has none, never for a message", () => {
    class Opened extends Event("Opened", { accountId: identifier() }) {}
    class Open extends Command("Open", { accountId: identifier() }) {}
    for (const Message of [Opened, Open]) {
      expect(issuesOf(() => new Message({} as never))).toEqual(["accountId invalid_type"]);
    }
    expect(new Customer({ email: "a@b.co" }).customerId).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Customer({ email: "a@b.co", customerId: undefined }).customerId).toMatch(/^[0-9a-f-]{36}$/);
    expect(issuesOf(() => new Customer({ email: "a@b.co", customerId: null as never }))).toEqual([
      "customerId invalid_type",
    ]);
  });

  test("that generates what cannot be an identity is found out", () => {
    for (const generated of ["", "\0", 7, undefined]) {
      class Bad extends Aggregate("Bad", { id: identifier({ generate: () => generated as string }) }) {}
      expect(codeOf(() => new Bad({}))).toBe("VALIDATION_FAILED");
    }
  });

  test("of an event-sourced aggregate comes from its first event, and is set once", () => {
    class Made extends Event("Made", { id: identifier() }) {}
    class Thing extends EventSourcedAggregate("Thing", { id: identifier() }).applies(Made, (thing, event) => {
      thing.id = event.id;
    }) {}
    const thing = Thing.create((it) => it.raise(new Made({ id: "a" })));
    thing.raise(new Made({ id: "a" })); // the same is no change
    expect(codeOf(() => thing.raise(new Made({ id: "b" })))).toBe("IDENTITY_IMMUTABLE");
    expect([thing.id, thing.version]).toEqual(["a", 1]);
  });
});

test("what is held three levels deep is typed, found, changed and stored like what is held directly", async () => {
  class Leaf extends Entity("Leaf", { leafId: identifier(), at: z.date(), notes: z.array(z.string()).default([]) }) {}
  class Twig extends Entity("Twig", { twigId: identifier(), leaves: hasMany(Leaf), last: hasOne(Leaf) }) {}
  class Branch extends Entity("Branch", { branchId: identifier(), twigs: hasMany(Twig) }) {}
  class Tree extends Aggregate("Tree", { treeId: identifier(), branches: hasMany(Branch) }) {}
  class Grow extends Command("Grow", { treeId: identifier() }) {}
  class Look extends Command("Look", { treeId: identifier() }).returns<unknown>() {}
  const handlers = commandHandlers(Tree)
    .create(
      Grow,
      ({ treeId }) =>
        new Tree({
          treeId,
          branches: [
            {
              branchId: "b",
              twigs: [{ twigId: "t", leaves: [{ leafId: "l", at: new Date(1) }], last: { at: new Date(2) } }],
            },
          ],
        }),
    )
    .update(Look, (tree) => {
      const twig = tree.branches.get("b").twigs.get("t");
      const leaf = twig.leaves.get("l");
      tree.change(() => leaf.notes.push("seen"));
      leaf.at = new Date(leaf.at.getTime() + 1);
      twig.leaves.add({ at: new Date(0), notes: ["new"] });
      twig.last = undefined;
      return [leaf.at.getTime(), leaf.notes.length, twig.leaves.size, twig.last === undefined];
    });
  const domain = new Domain("wood", { elements: [Tree, handlers], store: memory() });
  await domain.start();
  await domain.process(new Grow({ treeId: "1" }));
  expect(await domain.process(new Look({ treeId: "1" }))).toEqual([2, 1, 2, true]);
  expect(await domain.process(new Look({ treeId: "1" }))).toEqual([3, 2, 3, true]);
  await domain.stop();
});

describe("references in a circle", () => {
  class Husband extends Aggregate("Husband", { husbandId: identifier(), wifeId: reference("Wife") }) {}
  class Wife extends Aggregate("Wife", {
    wifeId: identifier(),
    husbandId: reference(Husband),
    motherId: reference("Wife").optional(),
  }) {}

  test("go by name, and hold identities like any other", () => {
    expect(new Domain("family", { elements: [Husband, Wife], store: memory() }).check()).toEqual([]);
    expect(new Wife({ husbandId: "1" }).husbandId).toBe("1");
    expect(() => new Wife({ husbandId: "" })).toThrow();
  });

  test("a name that no aggregate has is a fault", () => {
    const faults = new Domain("family", { elements: [Husband], store: memory() }).check();
    expect(faults.map(({ code, element }) => `${code} ${element}`)).toEqual(["REFERENCE_UNKNOWN Husband"]);
  });
});
