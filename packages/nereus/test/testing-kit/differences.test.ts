import { AssertionError } from "node:assert";
import { Aggregate, Entity, Event, EventSourcedAggregate, hasMany, hasOne, identifier, ValueObject } from "nereus";
import { given, type State } from "nereus/testing";
import { expect, test } from "vitest";
import { z } from "zod";

class Money extends ValueObject("Money", { amount: z.bigint(), currency: z.string().default("EUR") }) {}
/** Says nothing of itself but its JSON. */
class Decimal {
  readonly #digits: string;
  constructor(digits: string) {
    this.#digits = digits;
  }
  toString() {
    return this.#digits;
  }
}
const decimal = z.codec(z.string(), z.instanceof(Decimal), {
  decode: (digits) => new Decimal(digits),
  encode: String,
});
class Line extends Entity("Line", { sku: z.string(), price: Money, since: z.date() }, { identifiedBy: "sku" }) {}
class Address extends Entity("Address", { addressId: identifier(), city: z.string() }) {}

const shape = {
  orderId: identifier(),
  total: z.bigint(),
  on: z.date(),
  price: Money,
  rate: decimal,
  labels: z.map(z.string(), z.number()),
  tags: z.set(z.string()),
  parts: z.array(z.object({ name: z.string(), note: z.string().optional() })),
  note: z.string().optional(),
  comment: z.string().nullable(),
};
class Placed extends Event("Placed", shape) {}
class Other extends Event("Other", { orderId: identifier() }) {}
class Order extends EventSourcedAggregate("Order", { orderId: identifier() })
  .applies(Placed, () => undefined)
  .applies(Other, () => undefined) {}

const fields = () => ({
  orderId: "o",
  total: 5n,
  on: new Date("2026-01-02T03:04:05Z"),
  price: new Money({ amount: 7n }),
  rate: new Decimal("1.50"),
  labels: new Map([
    ["a", 1],
    ["b", 2],
  ]),
  tags: new Set(["x", "y"]),
  parts: [{ name: "leg" }, { name: "seat", note: "red" }],
  note: undefined as string | undefined,
  comment: null as string | null,
});
type Fields = ReturnType<typeof fields>;
const placing = (own: Partial<Fields> = {}) =>
  given(Order).when((order) => order.raise(new Placed({ ...fields(), ...own } as never)));

/** What the failure of an expectation says. */
async function failureOf(expectation: PromiseLike<unknown>): Promise<AssertionError> {
  const error = await Promise.resolve(expectation).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AssertionError);
  return error as AssertionError;
}

test("equal values of every kind are equal", async () => {
  await placing().then(new Placed(fields() as never));
  const labels = new Map([...fields().labels].reverse());
  await placing({ labels, tags: new Set(["y", "x"]) }).then(new Placed(fields() as never));
  await placing({ parts: [{ name: "leg", note: undefined } as never, { name: "seat", note: "red" }] }).then(
    new Placed(fields() as never),
  );
});

test.each<[string, Partial<Fields>, string]>([
  ["a bigint", { total: 6n }, "total: expected 5n, but it is 6n"],
  [
    "a date",
    { on: new Date("2027-01-02T03:04:05Z") },
    "on: expected 2026-01-02T03:04:05.000Z, but it is 2027-01-02T03:04:05.000Z",
  ],
  ["a value object", { price: new Money({ amount: 8n }) }, "price.amount: expected 7n, but it is 8n"],
  [
    "an entry of a map",
    {
      labels: new Map([
        ["a", 1],
        ["b", 3],
      ]),
    },
    'labels.get("b"): expected 2, but it is 3',
  ],
  [
    "a key of a map",
    {
      labels: new Map([
        ["a", 1],
        ["c", 2],
      ]),
    },
    'labels.get("b"): expected 2, but it is missing',
  ],
  [
    "a member of a set",
    { tags: new Set(["x", "z"]) },
    "tags{}: expected 'y', but it is missing\n       tags{}: expected missing, but it is 'z'",
  ],
  [
    "a field deep inside",
    { parts: [{ name: "arm" }, { name: "seat", note: "red" }] },
    "parts[0].name: expected 'leg', but it is 'arm'",
  ],
  [
    "a missing part",
    { parts: [{ name: "leg" }] },
    "parts[1]: expected { name: 'seat', note: 'red' }, but it is missing",
  ],
  [
    "a part too many",
    { parts: [...fields().parts, { name: "arm" }] },
    "parts[2]: expected missing, but it is { name: 'arm' }",
  ],
  [
    "a field that is left out",
    { parts: [{ name: "leg" }, { name: "seat" }] },
    "parts[1].note: expected 'red', but it is missing",
  ],
  ["null", { comment: "no" }, "comment: expected null, but it is 'no'"],
  ["undefined", { note: "yes" }, "note: expected undefined, but it is 'yes'"],
])("the difference in %s is shown, and no other", async (_, own, line) => {
  const { message } = await failureOf(placing(own).then(new Placed(fields() as never)));
  expect(message).toBe(
    `Other events than expected\n  1. Placed\n       ${line}${line.startsWith("labels.get") && own.labels?.has("c") ? '\n       labels.get("c"): expected missing, but it is 2' : ""}`,
  );
});

test("values that hide what they hold are compared by how they are stored", async () => {
  const { message } = await failureOf(placing({ rate: new Decimal("1.51") }).then(new Placed(fields() as never)));
  expect(message).toContain("1. Placed\n       rate: expected");
});

test("several events are compared one by one", async () => {
  const three = () =>
    given(Order).when((order) => {
      order.raise(new Placed(fields() as never));
      order.raise(new Other({ orderId: "o" }));
      order.raise(new Other({ orderId: "p" }));
    });
  const placed = new Placed({ ...fields(), total: 4n } as never);
  const { message } = await failureOf(three().then(new Other({ orderId: "o" }), new Other({ orderId: "o" })));
  expect(message.split("\n").filter((line) => /^ {2}\d/.test(line))).toEqual([
    "  1. Other: another one",
    "  2. Other: as expected",
    "  3. Other: not expected",
  ]);
  const longer = await failureOf(
    three().then(placed, new Other({ orderId: "o" }), new Other({ orderId: "p" }), new Other({ orderId: "q" })),
  );
  expect(longer.message).toBe(
    "Other events than expected\n  1. Placed\n       total: expected 4n, but it is 5n\n  2. Other: as expected\n  3. Other: as expected\n  4. Other: missing\n       Other { orderId: 'q' }",
  );
});

class Cart extends Aggregate("Cart", {
  cartId: identifier(),
  lines: hasMany(Line),
  address: hasOne(Address),
  price: Money.schema().optional(),
}) {
  get size(): number {
    return this.lines.size;
  }
}
const since = new Date("2026-01-01T00:00:00Z");
const cart = () =>
  given(Cart, {
    cartId: "c",
    lines: [{ sku: "A", price: { amount: 1n }, since }],
    address: { addressId: "a", city: "Rome" },
  }).when(() => undefined);

test("entities and value objects may be expected as plain data, in their rich form or as JSON carries it", async () => {
  await cart().thenState({ lines: [{ sku: "A", price: new Money({ amount: 1n }), since }], size: 1 });
  await cart().thenState({ lines: [{ sku: "A", price: { amount: 1n, currency: "EUR" }, since }] });
  await cart().thenState({
    lines: [{ sku: "A", price: { amount: "1", currency: "EUR" }, since: since.toISOString() }],
  });
  await cart().thenState({ lines: [new Line({ sku: "A", price: { amount: 1n }, since })] });
  await cart().thenState({ address: { addressId: "a", city: "Rome" }, price: undefined });
  const failure = await failureOf(
    cart().thenState({ lines: [{ sku: "A", price: { amount: 2n, currency: "EUR" }, since }], size: 2 }),
  );
  expect(failure.message).toBe(
    "Cart is not as expected\n  lines[0].price.amount: expected 2n, but it is 1n\n  size: expected 2, but it is 1",
  );
  expect((await failureOf(cart().thenState({ address: { city: "Oslo" } }))).message).toContain(
    "address.city: expected 'Oslo', but it is 'Rome'",
  );
  expect((await failureOf(cart().thenState({ lines: [{ colour: "red" } as never] }))).message).toContain(
    "lines[0].colour: expected 'red', but it is missing",
  );
});

test("long values take a line each", async () => {
  const [short, long] = ["a".repeat(50), "b".repeat(50)];
  const { message } = await failureOf(
    given()
      .when(() => ({ text: short }))
      .thenResult({ text: long }),
  );
  expect(message).toBe(`The answer is not as expected\n  text: \n    expected: '${long}'\n    actual:   '${short}'`);
});

test("the error has what runners show differences by: Vitest, Jest and node:test", async () => {
  const error = await failureOf(placing({ total: 6n, tags: new Set(["z"]) }).then(new Placed(fields() as never)));
  const one = { Placed: { ...new Placed(fields() as never) } };
  expect(error).toMatchObject({
    name: "AssertionError",
    code: "ERR_ASSERTION",
    operator: "deepEqual",
    generatedMessage: false,
  });
  expect(error.expected).toEqual([one]);
  expect(error.actual).toEqual([{ Placed: { ...one.Placed, total: 6n, tags: new Set(["z"]) } }]);
  // where nothing differs, both have the same value, so that no runner shows a difference
  const [actual] = error.actual as [{ Placed: Fields }];
  const [expected] = error.expected as [{ Placed: Fields }];
  expect(actual.Placed.price).toBe(expected.Placed.price);
  // Jest takes the message out of the stack, and shows what remains of it
  expect(error.stack).toContain(error.message);
  expect(error.stack?.replace(error.message, "").split("\n")[1]).toMatch(/differences\.test\.ts/);
});

test("the stack begins where the expectation was written", async () => {
  const written = () => placing().thenNothing();
  const { stack = "" } = await failureOf(written());
  expect(stack.split("\n").find((line) => /^\s+at /.test(line))).toMatch(/written .*differences\.test\.ts/);
  expect(stack).not.toContain("src/testing");
});

class Parcel extends Aggregate("Parcel", {
  parcelId: identifier(),
  address: z.object({ city: z.string(), street: z.string(), note: z.string().optional() }),
  stops: z.array(z.object({ city: z.string(), at: z.date(), fee: z.bigint(), rate: decimal })),
  counts: z.record(z.string(), z.object({ sent: z.number(), lost: z.number() })),
  labels: z.map(z.string(), z.object({ text: z.string(), colour: z.string() })),
  price: Money,
}) {}
const stop = { city: "Oslo", at: since, fee: 3n, rate: new Decimal("1.50") };
const parcel = () =>
  given(Parcel, {
    parcelId: "p",
    address: { city: "Rome", street: "Via Appia" },
    stops: [stop],
    counts: { a: { sent: 1, lost: 0 } },
    labels: new Map([["a", { text: "t", colour: "red" }]]),
    price: { amount: 7n },
  }).when(() => undefined);

test("of plain data, entities and value objects only what is named is compared, also inside of lists", async () => {
  await parcel().thenState({ address: { city: "Rome" }, stops: [{ city: "Oslo" }], price: { amount: 7n } });
  await parcel().thenState({ address: { note: undefined }, counts: { a: { sent: 1 } } });
  await cart().thenState({ lines: [{ sku: "A" }], address: { city: "Rome" } });
  const failure = await failureOf(
    parcel().thenState({ address: { city: "Oslo" }, stops: [{ fee: 4n }], price: { amount: 8n } }),
  );
  expect(failure.message).toBe(
    "Parcel is not as expected\n  address.city: expected 'Oslo', but it is 'Rome'\n  stops[0].fee: expected 4n, but it is 3n\n  price.amount: expected 8n, but it is 7n",
  );
  // the diff has what was expected, and nothing else
  expect(failure.actual).toEqual({ address: { city: "Rome" }, stops: [{ fee: 3n }], price: { amount: 7n } });
  expect(failure.expected).toEqual({ address: { city: "Oslo" }, stops: [{ fee: 4n }], price: { amount: 8n } });
});

test("lists have as many items as expected; records, maps, instances and {} are compared whole", async () => {
  const messageOf = async (state: State<Parcel>) => (await failureOf(parcel().thenState(state))).message;
  expect(await messageOf({ stops: [] })).toContain("stops[0]: expected missing");
  expect(await messageOf({ stops: [{ city: "Oslo" }, { city: "Rome" }] })).toContain(
    "stops[1]: expected { city: 'Rome' }",
  );
  expect(await messageOf({ counts: {} })).toContain("counts.a: expected missing");
  expect(await messageOf({ counts: { b: { sent: 1 } } })).toContain("counts.a: expected missing");
  expect(await messageOf({ address: {} })).toContain("address.city: expected missing");
  expect(await messageOf({ labels: new Map([["a", { text: "t" } as never]]) })).toContain(
    "labels.get(\"a\").colour: expected missing, but it is 'red'",
  );
  expect(await messageOf({ price: new Money({ amount: 7n, currency: "USD" }) })).toContain(
    "price.currency: expected 'USD', but it is 'EUR'",
  );
});

test("an answer is compared whole", async () => {
  const answer = () => given().when(() => new Money({ amount: 7n }));
  await answer().thenResult({ amount: 7n, currency: "EUR" });
  expect((await failureOf(answer().thenResult({ amount: 7n } as never))).message).toContain(
    "currency: expected missing, but it is 'EUR'",
  );
});

test("what is expected in the form of JSON is shown against the actual value in that form", async () => {
  const json = { city: "Oslo", at: "2027-01-01T00:00:00.000Z", fee: "4", rate: "1.51" };
  const failure = await failureOf(parcel().thenState({ stops: [json as never], price: { amount: "8" } }));
  expect(failure.message).toBe(
    "Parcel is not as expected\n  stops[0].at: expected '2027-01-01T00:00:00.000Z', but it is '2026-01-01T00:00:00.000Z'\n  stops[0].fee: expected '4', but it is '3'\n  stops[0].rate: expected '1.51', but it is '1.50'\n  price.amount: expected '8', but it is '7'",
  );
  expect(failure.actual).toEqual({
    stops: [{ city: "Oslo", at: "2026-01-01T00:00:00.000Z", fee: "3", rate: "1.50" }],
    price: { amount: "7" },
  });
  await parcel().thenState({ stops: [{ ...json, at: since.toISOString(), fee: "3", rate: "1.50" } as never] });
});

test("a value that hides what it holds is told apart deep inside plain data, and shown by how it is stored", async () => {
  const failure = await failureOf(parcel().thenState({ stops: [{ rate: new Decimal("1.51") }] }));
  expect(failure.message).toBe("Parcel is not as expected\n  stops[0].rate: expected '1.51', but it is '1.50'");
  const answered = given().when(() => ({ rate: new Decimal("1.50") }));
  expect((await failureOf(answered.thenResult({ rate: new Decimal("1.51") }))).message).toContain(
    "rate: expected '1.51', but it is '1.50'",
  );
});

test("a diff shows the members of a collection, and the fields of entities", async () => {
  const { actual, expected } = await failureOf(
    cart().thenState({ lines: [new Line({ sku: "B", price: { amount: 1n }, since })] }),
  );
  const line = { price: { amount: 1n, currency: "EUR" }, since };
  expect(actual).toEqual({ lines: [{ sku: "A", ...line }] });
  expect(expected).toEqual({ lines: [{ sku: "B", ...line }] });
  expect(Object.getPrototypeOf((actual as { lines: object[] }).lines[0])).toBe(Object.prototype);
});
