import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  type Shape,
  type SqlClient,
  type Store,
} from "nereus";
import { memory } from "nereus/memory";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { everyStore } from "./support/every-store.ts";
import { missingPostgres, newSchema, storeIn, type TestDatabase, testDatabase } from "./support/postgres.ts";
import { Release } from "./support/priced-release.ts";

const changed = { code: "STORED_SHAPE_CHANGED", element: "Priced" };
function n(schema: z.ZodType): Release {
  const release = new Release({ n: schema });
  onTestFinished(() => release.stop());
  return release;
}

describe.each(everyStore())("on $name", ({ missing, open }) => {
  const on = test.skipIf(missing !== undefined);

  on("a changed type of a stored field is refused at start, and what was stored goes on to be read", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    await first.price("1", { n: 5 });
    await first.stop();
    for (const other of [z.string(), z.object({ amount: z.number() }), z.array(z.number()), z.date(), z.boolean()]) {
      await expect(n(other).start(place())).rejects.toMatchObject(changed);
    }
    await expect(n(z.string()).start(place())).rejects.toMatchObject({
      message: expect.stringContaining("Priced (n was number, and is text now)"),
      fix: expect.stringContaining("event of another name"),
    });
    const again = await n(z.number()).start(place());
    expect(await again.replayed("1")).toMatchObject({ n: 5 });
  });

  on("what fits is read as its class says: a new optional field, one with a default, a wider type", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    await first.price("1", { n: 5 });
    await first.stop();
    const later = await new Release({
      n: z.union([z.number(), z.string()]),
      note: z.string().optional(),
      unit: z.string().default("EUR"),
    }).start(place());
    expect(await later.replayed("1")).toMatchObject({ n: 5, unit: "EUR" });
    await later.price("2", { n: "five", note: "new" });
    await later.stop();
    await expect(n(z.number()).start(place())).rejects.toMatchObject(changed); // the release that is taken back would get the text
    const third = await n(z.union([z.number(), z.string()])).start(place()); // a field that is no more is passed over
    expect(await third.replayed("1")).toEqual({ id: "1", n: 5 });
    expect(await third.replayed("2")).toEqual({ id: "2", n: "five" });
  });

  on("an event that was declared and never stored may change freely", async () => {
    const place = await open();
    await (await n(z.number()).start(place())).stop();
    const second = await n(z.string()).start(place());
    await expect(second.price("1", { n: 5 })).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
    await second.stop();
    const third = await n(z.boolean()).start(place());
    await third.price("1", { n: true });
    await third.stop();
    await expect(n(z.string()).start(place())).rejects.toMatchObject(changed);
  });

  on("of two releases with other shapes that start together, the first to store an event wins", async () => {
    const place = await open();
    const numbers = await n(z.number()).start(place());
    const texts = await n(z.string()).start(place());
    const outcomes = await Promise.allSettled([numbers.price("1", { n: 5 }), texts.price("2", { n: "five" })]);
    const refused = outcomes.filter((one) => one.status === "rejected");
    expect(refused).toMatchObject([{ reason: changed }]);
    const [winner, loser] = outcomes[0].status === "fulfilled" ? [numbers, texts] : [texts, numbers];
    await winner.price("3", { n: winner === numbers ? 6 : "six" });
    await expect(loser.price("4", { n: loser === numbers ? 6 : "six" })).rejects.toMatchObject(changed);
    await loser.stop();
    await expect(loser.start(place())).rejects.toMatchObject(changed);
    await winner.stop();
    await winner.start(place());
  });

  on("a field that was left out and comes again with another type is refused", async () => {
    const place = await open();
    for (const [release, values] of [
      [n(z.number()), { n: 5 }],
      [new Release({}), {}],
    ] as const) {
      await release.start(place());
      await release.price(JSON.stringify(values), values);
      await release.stop();
    }
    await expect(n(z.string().optional()).start(place())).rejects.toMatchObject(changed);
  });

  on("it is one shape for all tenants", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    await first.price("1", { n: 5 }, { tenant: "acme" });
    await first.stop();
    await expect(n(z.string()).start(place())).rejects.toMatchObject(changed);
    const again = await n(z.number().nullable()).start(place());
    expect(await again.replayed("1", { tenant: "acme" })).toMatchObject({ n: 5 });
  });

  on("many callers store the first event at the same time, and one keeps its shape", async () => {
    const place = await open();
    const first = await n(z.number()).start(place());
    const second = await n(z.number()).start(place());
    const all = Array.from({ length: 32 }, (_, at) => (at % 2 === 0 ? first : second).price(String(at), { n: at }));
    await Promise.all(all);
    const store = place();
    await store.open([]);
    const [note, ...others] = await store.records.notes("nereus:shape:");
    expect(others).toEqual([]);
    expect(note).toMatchObject({ name: "nereus:shape:1:Priced", revision: 1 });
    expect((await store.log.readLog({ after: 0, limit: 100 })).messages).toHaveLength(32);
  });

  on("events of before shapes were kept are looked at, and their shape is kept if they fit", async () => {
    const place = await open();
    await withoutShapes(place(), [{ n: 1 }, { n: 2 }, { n: 5.5 }]);
    await expect(n(z.int()).start(place())).rejects.toMatchObject({
      ...changed,
      message: expect.stringContaining("n was 5.5, and is whole number now"),
    });
    const first = await n(z.number()).start(place());
    expect(await first.replayed("1")).toMatchObject({ n: 2 });
    await first.stop();
    const [note, ...others] = await notesOf(place());
    expect(others).toEqual([]);
    expect(note).toMatchObject({ name: "nereus:shape:1:Priced", revision: 1 });
    expect(JSON.parse(note?.data ?? "")).toMatchObject([{ schema: { properties: { n: { type: "number" } } } }]);
    await (await n(z.number().nullable()).start(place())).stop();
  });
});

async function notesOf(store: Store): ReturnType<Store["records"]["notes"]> {
  await store.open([]);
  try {
    return await store.records.notes("nereus:shape:");
  } finally {
    await store.close();
  }
}

/** Stores events `Priced` as a release that keeps no shapes has stored them. */
async function withoutShapes(store: Store, values: readonly object[]): Promise<void> {
  const source = memory();
  const release = await n(z.number()).start(source);
  for (const [at, value] of values.entries()) await release.price(String(at), value);
  const { messages } = await source.log.readLog({ after: 0, limit: 100 });
  await store.open([]);
  for (const { stream, position: _, version: __, ...message } of messages) {
    await store.commit({ appends: [{ stream, expectedVersion: "none", messages: [message] }] });
  }
  await store.close();
  await release.stop();
}

describe.each(everyStore())("sent commands on $name", ({ missing, open }) => {
  test.skipIf(missing !== undefined)(
    "one that another release has sent in another shape waits for a release that knows it",
    async () => {
      const place = await open();
      const release = (schema: z.ZodType) => {
        const handled: unknown[] = [];
        class Item extends Aggregate("Item", { id: identifier() }) {}
        class Order extends Command("Order", { id: identifier(), count: schema, note: z.string().default("none") }) {}
        const handlers = commandHandlers(Item).on(Order, ({ count }) => {
          handled.push(count);
        });
        const log = { warn: () => undefined, error: () => undefined };
        const domain = new Domain("shop", { elements: [Item, handlers], store: place(), log });
        onTestFinished(() => domain.stop());
        const send = (count: unknown) => domain.send(new Order({ id: "1", count } as never));
        return { domain, handled, send };
      };
      const first = release(z.number());
      await first.domain.start();
      await first.send(5);
      await first.domain.stop();
      const second = release(z.string());
      await second.domain.start();
      await expect(second.domain.settle()).rejects.toMatchObject({
        code: "SENT_COMMAND_FAILED",
        cause: {
          code: "STORED_SHAPE_CHANGED",
          element: "Order",
          message: expect.stringContaining("count was 5, and is text now"),
        },
      });
      expect(second.handled).toEqual([]);
      await second.domain.stop();
      const third = release(z.number().nullable());
      await third.domain.start();
      await third.domain.settle();
      expect(third.handled).toEqual([5]);
    },
  );
});

describe.skipIf(missingPostgres !== undefined)("in a caller's transaction on PostgreSQL", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase({ max: 8 });
  });
  afterAll(() => database.drop(), 60_000);

  test("the shape is kept with the events, and gone with them; nothing of it is taken for stored", async () => {
    const schema = newSchema();
    const place = () => storeIn(database, { schema });
    const numbers = await n(z.number()).start(place());
    const client = await database.pool.connect();
    const transaction = client as unknown as SqlClient; // its types take callbacks, too
    const notes = async (): Promise<unknown> =>
      (await database.pool.query(`SELECT name FROM ${schema}.nereus_notes WHERE name LIKE '%:shape:%'`)).rows;
    try {
      await client.query("BEGIN");
      await numbers.price("1", { n: 5 }, { transaction });
      await numbers.price("2", { n: 6 }, { transaction });
      await client.query("ROLLBACK");
      expect(await notes()).toEqual([]);
      const texts = await n(z.string()).start(place()); // nothing was stored
      await client.query("BEGIN");
      await texts.price("1", { n: "five" }, { transaction });
      await client.query("COMMIT");
      expect(await notes()).toEqual([{ name: "nereus:shape:1:Priced" }]);
      await texts.price("2", { n: "six" });
      await expect(numbers.price("3", { n: 7 })).rejects.toMatchObject(changed);
      await client.query("BEGIN");
      await expect(numbers.price("3", { n: 7 }, { transaction })).rejects.toMatchObject(changed);
      await texts.price("3", { n: "seven" }, { transaction });
      await client.query("COMMIT");
      await texts.stop();
      await expect(n(z.number()).start(place())).rejects.toMatchObject(changed);
    } finally {
      client.release(true);
    }
  });
});

test("all events that changed are told at once, and nothing is written", async () => {
  const store = memory();
  const release = (type: z.ZodType) => {
    class Opened extends Event("Opened", { id: identifier(), a: type }) {}
    class Closed extends Event("Closed", { id: identifier(), lines: z.array(z.object({ b: type })) }) {}
    class Item extends EventSourcedAggregate("Item", { id: identifier() })
      .applies(Opened, (item, event) => {
        item.id = event.id;
      })
      .applies(Closed, () => undefined) {}
    class Act extends Command("Act", { id: identifier(), value: z.unknown() }) {}
    class Row extends Projection("Row", { id: identifier(), b: type }) {}
    const rows = projector(Row, { run: "async" }).create(Opened, ({ id, a }) => ({ id, b: a }) as never);
    const acting = commandHandlers(Item).create(Act, ({ id, value }) =>
      Item.create((item) => {
        item.raise(new Opened({ id, a: value } as never));
        item.raise(new Closed({ id, lines: [{ b: value }] } as never));
      }),
    );
    const domain = new Domain("shop", { elements: [Item, acting, Row, rows], store });
    return { domain, act: (value: unknown) => domain.process(new Act({ id: "1", value })) };
  };
  const first = release(z.number());
  await first.domain.start();
  await first.act(5);
  await first.domain.stop();
  await expect(release(z.string()).domain.start()).rejects.toThrow(
    "Opened (a was number, and is text now), Closed (lines[].b was number, and is text now)",
  );
  const again = release(z.number());
  await again.domain.start();
  await again.domain.stop();
});

test("the form is canonical: it is the same text whatever the order of fields, and pinned", async () => {
  const schemaOf = async (fields: Shape): Promise<unknown> => {
    const store = memory();
    const release = await new Release(fields).start(store);
    await release.price("1", { a: 1, b: { y: ["x"], x: new Date(0) }, c: 5n });
    const [note] = await store.records.notes("nereus:shape:");
    await release.stop();
    return JSON.parse(note?.data ?? "");
  };
  const schema = await schemaOf({
    a: z.union([z.null(), z.int(), z.enum(["b", "a"])]),
    b: z.object({ y: z.array(z.string().min(1)), x: z.date() }),
    c: z.bigint().optional(),
    d: z.number().default(1),
  });
  expect(schema).toEqual([
    {
      hash: "4cd882358348b97e51792bbecb094fd8761937e7e61692e3c45d36c3890f9071",
      schema: {
        type: "object",
        properties: {
          a: { anyOf: [{ enum: ["a", "b"] }, { type: "integer" }, { type: "null" }] },
          b: {
            type: "object",
            properties: {
              x: { type: "string", format: "date-time" },
              y: { type: "array", items: { type: "string" } },
            },
            required: ["x", "y"],
            additionalProperties: false,
          },
          c: { type: "string", format: "bigint" },
          d: { type: "number" },
          id: { type: "string" },
        },
        required: ["a", "b", "d", "id"],
        filled: ["d"],
        additionalProperties: false,
      },
    },
  ]);
  const other = await schemaOf({
    d: z.number().default(2).describe("another default"),
    c: z.bigint().optional(),
    b: z.object({ x: z.date(), y: z.array(z.string()) }),
    a: z.union([z.enum(["a", "b"]), z.int().max(9), z.null()]),
  });
  expect(other).toEqual(schema);
});
