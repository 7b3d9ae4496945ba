// A model as data: faithful, the same for the same model, and other for another one.
import {
  Aggregate,
  applicationService,
  Command,
  commandHandlers,
  Domain,
  domainService,
  Entity,
  Event,
  EventSourcedAggregate,
  EventSourcedRepository,
  eventHandlers,
  hasMany,
  hasOne,
  identifier,
  Projection,
  personal,
  projector,
  Query,
  queryHandlers,
  reference,
  status,
  subscriber,
  ValueObject,
} from "nereus";
import { memory } from "nereus/memory";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { describeModel } from "../src/domain/describe-model.ts";
import { describeType } from "../src/domain/describe-type.ts";
import { checkModel } from "../src/domain/model-check.ts";
import { definition } from "../src/model/element.ts";

const any = (value: unknown): any => value;
const nothing = (): undefined => undefined;

/** What a variant of the shop below changes. */
interface Variant {
  readonly aggregateField?: z.ZodType;
  readonly entityField?: z.ZodType;
  readonly valueField?: z.ZodType;
  readonly eventField?: z.ZodType;
  readonly commandField?: z.ZodType;
  readonly queryField?: z.ZodType;
  readonly rowField?: z.ZodType;
  readonly message?: z.ZodType;
  readonly transitions?: Readonly<Record<string, readonly string[]>>;
  readonly initial?: string;
  readonly invariantMessage?: string;
  readonly preconditionCode?: string;
  readonly entityRule?: string;
  readonly valueRule?: string;
  readonly serviceRule?: string;
  readonly eventVersion?: number;
  readonly published?: boolean;
  readonly factEvents?: boolean;
  readonly snapshotEvery?: number;
  readonly indexes?: readonly (readonly string[])[];
  readonly unique?: readonly (readonly string[])[];
  readonly rowIndexes?: readonly (readonly string[])[];
  readonly how?: "update" | "on";
  readonly projectorVersion?: number;
  readonly run?: "inline" | "async";
  readonly step?: boolean;
  readonly handlersRun?: "inline" | "async";
  readonly retries?: number;
  readonly secondHandler?: boolean;
  readonly repositoryMethod?: boolean;
  readonly useCase?: string;
  readonly stream?: string;
  readonly broker?: string;
  readonly part?: string;
}

/** A small domain that uses every kind of element. */
function shop(variant: Variant = {}): unknown[] {
  class Money extends ValueObject("Money", {
    amount: z.bigint(),
    currency: variant.valueField ?? z.string().length(3),
  }).invariant("positive", variant.valueRule ?? "An amount cannot be negative", ({ amount }) => amount >= 0n) {}
  class Note extends Entity("Note", { noteId: identifier(), text: variant.entityField ?? z.string() }) {}
  class Line extends Entity("Line", { sku: z.string(), price: Money, note: hasOne(Note) }, { identifiedBy: "sku" })
    .precondition("priced", "It has a price", nothing as never)
    .invariant(variant.entityRule ?? "sku", "It has a sku", ({ sku }) => sku !== "") {}
  const Ordered = class extends Event(
    "Ordered",
    { orderId: identifier(), customerId: variant.eventField ?? z.string(), total: Money },
    { version: variant.eventVersion ?? 2, published: variant.published ?? true },
  ) {};
  class Shipped extends Event("Shipped", { orderId: identifier(), at: z.date() }) {}
  class Arrived extends Event("Arrived", { parcelId: identifier() }) {}
  class Renamed extends Event("Renamed", { customerId: identifier(), name: z.string() }) {}
  class Customer extends Aggregate(
    "Customer",
    {
      customerId: identifier(),
      name: variant.aggregateField ?? z.string().max(100),
      email: personal(z.email()).optional(),
      homepage: z
        .codec(z.url(), z.instanceof(URL), { decode: (text) => new URL(text), encode: ({ href }) => href })
        .nullable(),
      since: z.date().default(() => new Date()),
    },
    any({
      indexes: variant.indexes ?? [["name", "email"], ["since"]],
      unique: variant.unique ?? [["email"]],
      factEvents: variant.factEvents ?? true,
    }),
  ).raises(Renamed) {}
  class Order extends EventSourcedAggregate(
    "Order",
    {
      orderId: identifier(),
      customerId: reference(() => Customer),
      lines: hasMany(Line),
      labels: z.array(z.enum(["GIFT", "URGENT"])).default([]),
      state: status(
        any(variant.transitions ?? { OPEN: ["SHIPPED", "GONE"], SHIPPED: [], GONE: [] }),
        any(variant.initial ?? "OPEN"),
      ),
      discount: Money.schema().optional(),
    },
    { snapshotEvery: variant.snapshotEvery ?? 100 },
  )
    .applies(Ordered, nothing)
    .applies(Shipped, nothing)
    .precondition(variant.preconditionCode ?? "open", "The order is open", () => true)
    .invariant("lines", variant.invariantMessage ?? "An order has lines", () => true) {}
  const PlaceOrder = class extends Command("PlaceOrder", {
    orderId: identifier(),
    customerId: variant.commandField ?? z.string(),
  }) {};
  class ShipOrder extends Command("ShipOrder", { orderId: identifier() }) {}
  class Tidy extends Command("Tidy", {}) {}
  class OrderRow extends Projection(
    "OrderRow",
    { orderId: identifier(), total: variant.rowField ?? z.number().int().min(0), at: z.date().nullable() },
    { indexes: any(variant.rowIndexes ?? [["total"]]) },
  ) {}
  class FindOrders extends Query("FindOrders", { above: variant.queryField ?? z.number() }) {}
  class Orders extends EventSourcedRepository(Order) {
    openedBy(): undefined {
      return undefined;
    }
    get first(): undefined {
      return undefined;
    }
  }
  if (variant.repositoryMethod) any(Orders.prototype).another = nothing;
  const commands = commandHandlers(Order)
    .create(PlaceOrder, () => any(undefined))
    .on(Tidy, nothing);
  const rows = projector(OrderRow, { run: variant.run ?? "async", version: variant.projectorVersion ?? 1 })
    .create(any(Ordered), nothing as never)
    .update(any(Shipped), nothing as never, nothing as never)
    .on(any(Shipped), nothing as never);
  const mails = eventHandlers("Mails", { run: variant.handlersRun ?? "async", retries: variant.retries ?? 5 })
    .on(Shipped, nothing)
    .on(Ordered, nothing)
    .on(Arrived, nothing);
  return [
    Money,
    Order,
    Customer,
    Arrived,
    variant.how === "on" ? commands.on(ShipOrder, nothing) : commands.update(ShipOrder, nothing),
    OrderRow,
    variant.step ? rows.remove(any(Arrived), nothing as never) : rows,
    queryHandlers(OrderRow).on(FindOrders, nothing),
    variant.secondHandler ? mails.on(Ordered, nothing) : mails,
    Orders,
    domainService("Bill", { order: Order, [variant.part ?? "customer"]: Customer })
      .precondition("same", "It is the customer's order", () => true)
      .invariant("paid", variant.serviceRule ?? "It can be paid", () => true)
      .does(nothing),
    applicationService("Signup", { [variant.useCase ?? "register"]: nothing, confirm: nothing }),
    subscriber(
      "Gateway",
      {
        stream: variant.stream ?? "payments",
        ...(variant.broker === undefined ? {} : { broker: variant.broker }),
        message: variant.message ?? z.object({ order: z.string(), cents: z.number().int() }),
      },
      nothing,
    ),
  ];
}

const textOf = (elements: readonly unknown[]): string =>
  `${JSON.stringify(describeModel(checkModel("shop", elements)), null, 2)}\n`;

test("the description of a small domain that uses every kind of element", async () => {
  expect(checkModel("shop", shop()).faults).toEqual([]);
  await expect(textOf(shop())).toMatchFileSnapshot("describing.snapshot.json");
});

test("a domain describes itself without being started", () => {
  const domain = new Domain("shop", { elements: any(shop()), store: memory() });
  expect(`${JSON.stringify(domain.describe(), null, 2)}\n`).toBe(textOf(shop()));
  expect(domain.check()).toEqual([]);
});

test("the order of the elements, and a second making of the same model, change no byte", () => {
  const text = textOf(shop());
  expect(textOf(shop())).toBe(text);
  expect(textOf(shop().reverse())).toBe(text);
  let seed = 20261123;
  const random = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let run = 0; run < 200; run += 1) {
    const elements = shop();
    for (let at = elements.length - 1; at > 0; at -= 1) {
      const other = Math.floor(random() * (at + 1));
      [elements[at], elements[other]] = [elements[other], elements[at]];
    }
    expect(textOf(elements)).toBe(text);
  }
});

test("the order of what has no order says nothing: fields, lists of fields, successors", () => {
  const text = textOf(shop());
  expect(textOf(shop({ indexes: [["since"], ["name", "email"]] }))).toBe(text);
  expect(textOf(shop({ transitions: { GONE: [], OPEN: ["GONE", "SHIPPED"], SHIPPED: [] } }))).toBe(text);
});

const changes: readonly Variant[] = [
  { aggregateField: z.string().max(99) },
  { aggregateField: z.string().max(100).optional() },
  { aggregateField: z.string().max(100).nullable() },
  { aggregateField: z.string().max(100).default("Ada") },
  {
    aggregateField: z
      .string()
      .max(100)
      .refine(() => true),
  },
  { aggregateField: personal(z.string().max(100)) },
  { aggregateField: z.string().max(100).describe("The full name") },
  { entityField: z.string().min(1) },
  { valueField: z.enum(["CZK", "EUR"]) },
  { eventField: identifier() as never },
  { commandField: z.number() as never },
  { queryField: z.number().positive() },
  { rowField: z.number().min(0) },
  { message: z.object({ order: z.string() }) },
  { transitions: { OPEN: ["SHIPPED"], SHIPPED: [], GONE: [] } },
  { initial: "GONE" },
  { invariantMessage: "An order has a line" },
  { preconditionCode: "opened" },
  { entityRule: "code" },
  { valueRule: "It cannot be negative" },
  { serviceRule: "Somebody pays" },
  { eventVersion: 3 },
  { published: false },
  { factEvents: false },
  { snapshotEvery: 50 },
  { indexes: [["email", "name"], ["since"]] },
  { unique: [] },
  { rowIndexes: [["total"], ["at"]] },
  { how: "on" },
  { projectorVersion: 2 },
  { run: "inline" },
  { step: true },
  { handlersRun: "inline" },
  { retries: 4 },
  { secondHandler: true },
  { repositoryMethod: true },
  { useCase: "enrol" },
  { stream: "invoices" },
  { broker: "partner" },
  { part: "payer" },
];

test.each(changes.map((change) => [Object.keys(change)[0], change] as const))("a change of %s is seen", (_, change) => {
  expect(textOf(shop(change))).not.toBe(textOf(shop()));
});

test("no two of the changes look alike", () => {
  const texts = changes.map((change) => textOf(shop(change)));
  expect(new Set(texts).size).toBe(texts.length);
});

test("a model with faults is described as far as it could be built", () => {
  const broken = [
    null,
    { [definition]: { kind: "aggregate", name: "Forged" } },
    ...shop(),
    class extends Aggregate(
      "Bill",
      { lines: hasMany(any(undefined)), other: reference(any(nothing)) } as any,
      any({ indexes: "x", unique: [[], 7] }),
    ) {},
    commandHandlers(any(shop()[2])).on(any(undefined), nothing),
    class extends Aggregate("Stuck", { id: identifier(), state: status(any({ ON: undefined }), any("OFF")) }) {},
    class Lost extends Command("Lost", {}) {},
    class LostToo extends Query("LostToo", {}) {},
    class Unfilled extends Projection("Unfilled", { name: z.string() }) {},
    domainService("Odd", any({ a: undefined })).does(nothing),
    domainService("None", any(null)).does(nothing),
    applicationService("Empty", any(null)),
    subscriber("Deaf", any({}), any(undefined)),
    eventHandlers("Muddled").on(any("Ordered"), nothing),
  ];
  const checked = checkModel("shop", broken);
  expect(checked.faults.length).toBeGreaterThan(10);
  const text = textOf(broken);
  const described = JSON.parse(text);
  expect(Object.keys(described.aggregates)).toEqual(["Bill", "Customer", "Order", "Stuck"]);
  expect(described.commands.Lost.handler).toBeNull();
  expect(described.queries.LostToo.projection).toBeNull();
  expect(described.projections.Unfilled).toMatchObject({ identifier: null, projector: null });
  expect(textOf(broken)).toBe(text);
});

test("entities of one name in two aggregates are told apart, one that two share is told once", () => {
  const Line = class extends Entity("Line", { lineId: identifier() }) {};
  const Other = class extends Entity("Line", { no: identifier() }) {};
  const of = (name: string, entity: object): any =>
    class extends Aggregate(name, { id: identifier(), lines: hasMany(any(entity)) }) {};
  const elements = [of("Order", Line), of("Bill", Other), of("Offer", Line), Other];
  const { entities } = describeModel(checkModel("shop", elements));
  expect(entities.map(({ name, aggregates, identifier: id }) => [name, aggregates, id])).toEqual([
    ["Line", ["Bill"], "no"],
    ["Line", ["Offer", "Order"], "lineId"],
  ]);
  expect(textOf(elements.toReversed())).toBe(textOf(elements));
});

/** A schema, and how it is described. */
const types: readonly (readonly [name: string, schema: () => unknown, described: object])[] = [
  ["text", () => z.string(), { type: "string" }],
  [
    "text with bounds",
    () => z.string().min(1).max(9).startsWith("a").endsWith("z").includes("m"),
    { type: "string", minLength: 1, maxLength: 9, startsWith: "a", endsWith: "z", includes: "m" },
  ],
  ["text of a length", () => z.string().length(3), { type: "string", length: 3 }],
  ["patterns", () => z.string().regex(/^a/i).regex(/b$/), { type: "string", pattern: ["/^a/i", "/b$/"] }],
  [
    "text that is changed and tested",
    () =>
      z
        .string()
        .trim()
        .toLowerCase()
        .refine(() => true),
    { type: "string", normalised: 2, refined: 1 },
  ],
  ["e-mail", () => z.email(), { type: "string", format: "email" }],
  ["e-mail, the old way", () => z.string().email(), { type: "string", format: "email" }],
  [
    "e-mail with a pattern",
    () => z.email({ pattern: /@example\.org$/ }),
    { type: "string", format: "email", pattern: "/@example\\.org$/" },
  ],
  ["uuid", () => z.uuid({ version: "v7" }), { type: "string", format: "uuid", version: "v7" }],
  ["date text", () => z.iso.date(), { type: "string", format: "date" }],
  [
    "time text",
    () => z.iso.datetime({ offset: true, precision: 3 }),
    { type: "string", format: "datetime", offset: true, precision: 3 },
  ],
  [
    "format of one's own",
    () => z.stringFormat("pin", /^\d{4}$/),
    { type: "string", format: "pin", pattern: "/^\\d{4}$/" },
  ],
  [
    "template",
    () => z.templateLiteral(["A-", z.number().int()]),
    { type: "template_literal", parts: ["A-", { type: "integer" }] },
  ],
  ["number", () => z.number(), { type: "number" }],
  [
    "number with bounds",
    () => z.number().gt(0).lte(10).multipleOf(0.5),
    { type: "number", above: 0, max: 10, multipleOf: 0.5 },
  ],
  ["number, the other bounds", () => z.number().gte(-1).lt(1), { type: "number", min: -1, below: 1 }],
  ["whole number", () => z.number().int().positive(), { type: "integer", above: 0 }],
  ["whole number, as a type", () => z.int(), { type: "integer" }],
  ["whole number of 32 bits", () => z.int32(), { type: "integer", format: "int32" }],
  ["number of 32 bits", () => z.float32(), { type: "number", format: "float32" }],
  ["coerced", () => z.coerce.number(), { type: "number", coerced: true }],
  ["bigint", () => z.bigint().min(3n), { type: "bigint", min: "3" }],
  ["truth", () => z.boolean(), { type: "boolean" }],
  ["date", () => z.date().min(new Date(0)), { type: "date", min: "1970-01-01T00:00:00.000Z" }],
  ["choice", () => z.enum(["b", "a"]), { type: "enum", values: ["b", "a"] }],
  ["choice of an object", () => z.enum({ One: 1, Two: 2 }), { type: "enum", values: [1, 2] }],
  [
    "constants",
    () => z.literal(["a", 1, null, undefined, 2n]),
    { type: "literal", values: ["a", 1, null, "undefined", "2"] },
  ],
  ["null", () => z.null(), { type: "null" }],
  ["anything", () => z.unknown(), { type: "unknown" }],
  ["list", () => z.array(z.date()).min(1).max(5), { type: "array", of: { type: "date" }, minLength: 1, maxLength: 5 }],
  ["set", () => z.set(z.bigint()).min(2), { type: "set", of: { type: "bigint" }, minSize: 2 }],
  ["map", () => z.map(z.string(), z.date()), { type: "map", keys: { type: "string" }, values: { type: "date" } }],
  [
    "record",
    () => z.record(z.string(), z.int()),
    { type: "record", keys: { type: "string" }, values: { type: "integer" } },
  ],
  [
    "partial record",
    () => z.partialRecord(z.enum(["a"]), z.int()),
    { type: "record", keys: { type: "enum", values: ["a"] }, values: { type: "integer" }, partial: true },
  ],
  [
    "tuple",
    () => z.tuple([z.string(), z.int().optional()], z.date()),
    { type: "tuple", items: [{ type: "string" }, { type: "integer", optional: true }], rest: { type: "date" } },
  ],
  [
    "object",
    () => z.object({ b: z.string(), a: z.int().default(1) }),
    { type: "object", fields: { a: { type: "integer", default: 1 }, b: { type: "string" } } },
  ],
  ["strict object", () => z.strictObject({}), { type: "object", fields: {}, further: { type: "never" } }],
  ["union", () => z.union([z.string(), z.date()]), { type: "union", of: [{ type: "string" }, { type: "date" }] }],
  [
    "told apart",
    () => z.discriminatedUnion("k", [z.object({ k: z.literal("a") })]),
    { type: "union", of: [{ type: "object", fields: { k: { type: "literal", values: ["a"] } } }], discriminator: "k" },
  ],
  [
    "both",
    () => z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })),
    {
      type: "intersection",
      of: [
        { type: "object", fields: { a: { type: "integer" } } },
        { type: "object", fields: { b: { type: "integer" } } },
      ],
    },
  ],
  ["optional", () => z.string().optional(), { type: "string", optional: true }],
  ["nullish", () => z.string().nullish(), { type: "string", nullable: true, optional: true }],
  ["not optional again", () => z.string().optional().nonoptional(), { type: "string" }],
  ["read-only", () => z.array(z.string()).readonly(), { type: "array", of: { type: "string" } }],
  ["default", () => z.array(z.bigint()).default([1n]), { type: "array", of: { type: "bigint" }, default: ["1"] }],
  ["default date", () => z.date().default(new Date(0)), { type: "date", default: "1970-01-01T00:00:00.000Z" }],
  [
    "default object",
    () => z.record(z.string(), z.int()).default({ b: 1, a: 2 }),
    { type: "record", keys: { type: "string" }, values: { type: "integer" }, default: { a: 2, b: 1 } },
  ],
  ["default from a function", () => z.string().default(() => "a"), { type: "string", default: "a" }],
  ["default of now", () => z.date().default(() => new Date()), { type: "date", generated: true }],
  [
    "default of today",
    () => z.iso.date().default(() => new Date().toISOString().slice(0, 10)),
    { type: "string", format: "date", generated: true },
  ],
  ["default by a clock", () => z.number().default(() => Date.now()), { type: "number", generated: true }],
  ["default by chance", () => z.string().default(() => crypto.randomUUID()), { type: "string", generated: true }],
  [
    "default that fails",
    () =>
      z.string().default(() => {
        throw new Error("no");
      }),
    { type: "string", generated: true },
  ],
  ["default before parsing", () => z.string().prefault("a"), { type: "string", default: "a" }],
  ["caught", () => z.string().catch("a"), { type: "string", catches: true }],
  [
    "codec",
    () => z.codec(z.string(), z.date(), { decode: (text) => new Date(text), encode: (date) => date.toISOString() }),
    { type: "codec", wire: { type: "string" }, value: { type: "date" } },
  ],
  [
    "one way",
    () => z.string().transform((text) => text.length),
    { type: "pipe", from: { type: "string" }, to: { type: "transform" } },
  ],
  ["custom", () => z.custom(() => true), { type: "custom", refined: 1 }],
  ["identity", () => identifier(), { type: "string" }],
  [
    "personal",
    () => personal(z.email()).nullable(),
    { type: "string", format: "email", personal: true, nullable: true },
  ],
  [
    "personal within a list",
    () => z.array(personal(z.email())),
    { type: "array", of: { type: "string", format: "email", personal: true } },
  ],
  [
    "described",
    () => z.string().describe("A name").optional(),
    { type: "string", description: "A name", optional: true },
  ],
  ["lazy", () => z.lazy(() => z.string()), { type: "string" }],
  ["nothing", () => undefined, { type: "standard", vendor: "unknown" }],
  [
    "another library",
    () => ({ "~standard": { version: 1, vendor: "valibot", validate: nothing } }),
    { type: "standard", vendor: "valibot" },
  ],
];

describe("a type is described faithfully", () => {
  test.each(types)("%s", (_, schema, described) => {
    expect(describeType(schema())).toEqual(described);
  });

  test("value objects, by name", () => {
    class Money extends ValueObject("Money", { amount: z.bigint() }) {}
    expect(describeType(Money)).toEqual({ type: "valueObject", name: "Money" });
    const list = z.array(Money.schema().nullable());
    expect(describeType(list)).toEqual({ type: "array", of: { type: "valueObject", name: "Money", nullable: true } });
  });

  test("types that hold themselves, in whatever way", () => {
    const tree: z.ZodType = z.object({ name: z.string(), children: z.lazy(() => z.array(tree)) });
    const described = describeType(tree) as any;
    expect(described.fields.children).toEqual({ type: "array", of: { type: "recursive", levels: 3 } });
    const endless = (): z.ZodType => z.lazy(() => z.array(endless()));
    expect(JSON.stringify(describeType(endless()))).toContain('"recursive"');
    expect(JSON.stringify(describeType(z.json()))).toContain('"recursive"');
  });

  test("what cannot be described is said to be so", () => {
    const failing = z.lazy(() => {
      throw new Error("not yet");
    });
    expect(describeType(failing)).toEqual({ type: "undescribed" });
    expect(describeType(z.array(failing))).toEqual({ type: "array", of: { type: "undescribed" } });
  });
});
