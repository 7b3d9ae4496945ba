import {
  Aggregate,
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  type Store,
  status,
  ValueObject,
} from "nereus";
import { memory } from "nereus/memory";
import { sqlite } from "nereus/sqlite";
import { describe, expect, test } from "vitest";
import { z } from "zod";

class Counted extends Event("Counted", { counterId: identifier(), by: z.number().default(1) }) {}
class Count extends Command("Count", { counterId: identifier() }) {}
class Counter extends EventSourcedAggregate("Counter", { counterId: identifier(), n: z.number().default(0) }).applies(
  Counted,
  (counter, event) => {
    counter.counterId = event.counterId;
    counter.n += event.by;
  },
) {}
const counting = commandHandlers(Counter).on(Count, async ({ counterId }, { repository }) => {
  const counter = (await repository(Counter).find(counterId)) ?? Counter.create(() => undefined);
  counter.raise(new Counted({ counterId }));
  await repository(Counter).add(counter);
});

class Total extends Projection("Total", { counterId: identifier(), n: z.number() }) {}
const totals = (run: "inline" | "async", version = 1, factor = 1) =>
  projector(Total, { run, version }).upsert(
    Counted,
    (event) => event.counterId,
    ({ counterId }) => ({ counterId, n: 0 }),
    (row, { by }) => {
      row.n += by * factor;
    },
  );

/** A store that outlives its domains, as a database does. */
function lasting(store: Store): Store {
  const { open, commit, log, documents, records, onCommit, capabilities, name } = store;
  return {
    ...{ capabilities, name, log, documents, records },
    open: (collections) => open.call(store, collections),
    commit: (commits) => commit.call(store, commits),
    onCommit: (listener) => onCommit.call(store, listener),
    close: async () => undefined,
  };
}

describe.each([
  { name: "memory", make: memory },
  { name: "sqlite", make: () => sqlite(":memory:") },
])("on $name", ({ make }) => {
  /** One run of a program with these elements: so many counts, then what the row shows. */
  async function run(store: Store, elements: readonly Element[], counts: number, settle = true): Promise<number> {
    const domain = new Domain("counters", { elements: [Counter, counting, ...elements], store });
    await domain.start();
    for (let n = 0; n < counts; n++) await domain.process(new Count({ counterId: "1" }));
    if (settle) await domain.settle();
    const shown = elements.length === 0 ? undefined : await domain.view(Total).get("1");
    await domain.stop();
    return shown?.n ?? 0;
  }

  test.each(["inline", "async"] as const)("another version of an %s projection begins anew", async (kind) => {
    const store = lasting(make());
    expect(await run(store, [Total, totals(kind)], 5)).toBe(5);
    expect(await run(store, [Total, totals(kind, 2, 10)], 1)).toBe(60);
    expect(await run(store, [Total, totals(kind, 2, 10)], 1)).toBe(70);
    if (kind === "async") expect(await run(store, [Total, totals(kind)], 1)).toBe(8); // back again: it goes on
  });

  test("an inline projection that is added later begins with the history", async () => {
    const store = lasting(make());
    await run(store, [], 5);
    expect(await run(store, [Total, totals("inline")], 0)).toBe(5);
    expect(await run(store, [Total, totals("inline")], 2)).toBe(7);
    expect(await run(store, [Total, totals("inline")], 0)).toBe(7);
  });

  test("an inline projection of an empty log applies nothing twice at the next start", async () => {
    const store = lasting(make());
    expect(await run(store, [Total, totals("inline")], 0)).toBe(0);
    expect(await run(store, [Total, totals("inline")], 3)).toBe(3);
    expect(await run(store, [Total, totals("inline")], 0)).toBe(3);
  });

  test("a projection may change between async and inline, whatever it has not seen yet", async () => {
    const store = lasting(make());
    expect(await run(store, [Total, totals("async")], 2)).toBe(2);
    await run(store, [Total, totals("async")], 3, false); // left behind
    expect(await run(store, [Total, totals("inline")], 1)).toBe(6);
    expect(await run(store, [Total, totals("async")], 1)).toBe(7);
    expect(await run(store, [Total, totals("inline")], 1)).toBe(8);
    expect(await run(store, [Total, totals("async")], 0)).toBe(8);
  });

  test("a field that is added with a default has it in what was stored before; one without is refused", async () => {
    const store = lasting(make());
    class Add extends Command("Add", { id: identifier() }) {}
    const start = async (fields: Record<string, z.ZodType>, withStock = true, made = fields): Promise<Domain> => {
      class Made extends Event("Made", { id: identifier(), ...made }) {}
      class Thing extends EventSourcedAggregate("Thing", { id: identifier(), seen: z.unknown() }).applies(
        Made,
        (thing, event) => {
          thing.id = event.id as string;
          thing.seen = (event as unknown as Record<string, unknown>)["limit"] ?? null;
        },
      ) {}
      class Stock extends Aggregate("Stock", { id: identifier(), ...fields }) {}
      class Read extends Command("Read", { id: identifier() }).returns<unknown>() {}
      const things = commandHandlers(Thing)
        .on(Add, async ({ id }, { repository }) => {
          await repository(Thing).add(Thing.create((it) => it.raise(new Made({ id } as never) as never)));
          await repository(Stock).add(new Stock({ id } as never));
        })
        .on(Read, async ({ id }, { repository }) => [
          (await repository(Thing).get(id)).seen,
          withStock
            ? (((await repository(Stock).get(id)) as unknown as Record<string, unknown>)["limit"] ?? null)
            : null,
        ]);
      const elements = withStock ? [Thing, Stock, things] : [Thing, things];
      const domain = new Domain("things", { elements, store });
      await domain.start();
      return Object.assign(domain, { read: () => domain.process(new Read({ id: "1" })) });
    };
    const read = (domain: Domain): Promise<unknown> => (domain as unknown as { read(): Promise<unknown> }).read();
    await (await start({})).process(new Add({ id: "1" }));
    expect(await read(await start({ limit: z.number().default(7) }))).toEqual([7, 7]);
    expect(await read(await start({ limit: z.number().optional() }))).toEqual([null, null]);
    await expect(start({ limit: z.number() }, true, {})).rejects.toMatchObject({ code: "STORE_MIGRATION_REFUSED" });
    await expect(start({ limit: z.number() }, false)).rejects.toMatchObject({ code: "STORED_SHAPE_CHANGED" });
  });

  test("a field added with a default is found by it in what was stored before, and orders it", async () => {
    const store = lasting(make());
    class Money extends ValueObject("Money", { cents: z.bigint(), currency: z.string() }) {}
    class Add extends Command("Add", { id: identifier() }) {}
    class Opened extends Event("Opened", { id: identifier() }) {}
    const open = async (fields: Record<string, z.ZodType>) => {
      class Stock extends Aggregate("Stock", { id: identifier(), ...fields }).raises(Opened) {}
      class Row extends Projection("Row", { id: identifier(), ...fields }) {}
      const rows = projector(Row, { run: "inline" }).create(Opened, ({ id }) => ({ id }) as never);
      const adding = commandHandlers(Stock).on(Add, async ({ id }, { repository }) => {
        const stock = new Stock({ id } as never);
        stock.raise(new Opened({ id }));
        await repository(Stock).add(stock);
      });
      const domain = new Domain("things", { elements: [Stock, adding, Row, rows], store });
      await domain.start();
      const ask = async (where: object, orderBy: object = {}): Promise<[string[], string[]]> => {
        const view = domain.view(Row) as unknown as {
          find(query: object): Promise<{ id: string }[]>;
        };
        let found: { id: string }[] = [];
        class Ask extends Command("Ask", {}) {}
        const asking = commandHandlers(Stock).on(Ask, async (_, { repository }) => {
          found = (await repository(Stock).query({ where, orderBy } as never)) as unknown as { id: string }[];
        });
        const other = new Domain("things", { elements: [Stock, adding, Row, rows, asking], store });
        await other.start();
        await other.process(new Ask({}));
        return [found.map(({ id }) => id), (await view.find({ where, orderBy })).map(({ id }) => id)];
      };
      return { domain, ask };
    };
    const before = await open({});
    await before.domain.process(new Add({ id: "1" }));
    const after = await open({
      limit: z.number().int().default(7),
      due: z.date().default(new Date("2026-01-02T00:00:00.000Z")),
      price: Money.schema().default(() => new Money({ cents: 5n, currency: "EUR" })),
      status: status({ OPEN: ["SHUT"], SHUT: [] }, "OPEN"),
      made: z.string().default(() => crypto.randomUUID()),
    });
    await after.domain.process(new Add({ id: "2" }));
    const both = [
      ["1", "2"],
      ["1", "2"],
    ];
    expect(await after.ask({ limit: 7 })).toEqual(both);
    expect(await after.ask({ limit: { gt: 6 }, status: "OPEN" })).toEqual(both);
    expect(await after.ask({ due: { gte: new Date("2026-01-02T00:00:00.000Z") } })).toEqual(both);
    expect(await after.ask({ price: { cents: { lt: 6n }, currency: "EUR" } })).toEqual(both);
    expect(await after.ask({ limit: null })).toEqual([[], []]);
    expect(await after.ask({}, { limit: "asc", id: "desc" })).toEqual([
      ["2", "1"],
      ["2", "1"],
    ]);
    // One that is another each time it is made is in no stored document.
    expect(await after.ask({ made: null })).toEqual([["1"], ["1"]]);
    const changed = await open({ limit: z.number().int().default(8) });
    expect(await changed.ask({ limit: 8 })).toEqual([["1"], ["1"]]);
    expect(await changed.ask({ limit: 7 })).toEqual([["2"], ["2"]]);
  });

  test("a field that was removed is seen no more, and is kept for an earlier release that runs beside", async () => {
    const store = lasting(make());
    const fields = { id: identifier(), name: z.string(), note: z.string() };
    const { note: _, ...fewer } = fields;
    class Save extends Command("Save", { id: identifier(), name: z.string() }).returns<unknown>() {}
    const release = (shape: typeof fields | typeof fewer) => {
      class Item extends Aggregate("Item", shape as typeof fields) {}
      const saving = commandHandlers(Item).on(Save, async ({ id, name }, { repository }) => {
        const item = (await repository(Item).find(id)) ?? new Item({ id, name, note: "kept" });
        item.name = name;
        await repository(Item).add(item);
        return item.toJSON();
      });
      return new Domain("items", { elements: [Item, saving], store });
    };
    const [earlier, later] = [release(fields), release(fewer)];
    await earlier.start();
    expect(await earlier.process(new Save({ id: "1", name: "a" }))).toEqual({ id: "1", name: "a", note: "kept" });
    await later.start();
    expect(await later.process(new Save({ id: "1", name: "b" }))).toEqual({ id: "1", name: "b" });
    expect(await earlier.process(new Save({ id: "1", name: "c" }))).toEqual({ id: "1", name: "c", note: "kept" });
  });

  test("a stored value that the field's new type cannot decode is refused", async () => {
    const store = lasting(make());
    class Read extends Command("Read", { id: identifier() }) {}
    const start = async (at: z.ZodType): Promise<Domain> => {
      class Stock extends Aggregate("Stock", { id: identifier(), at }) {}
      const stocks = commandHandlers(Stock)
        .create(Count, ({ counterId }) => new Stock({ id: counterId, at: "soon" } as never))
        .update(Read, () => undefined);
      const domain = new Domain("stocks", { elements: [Stock, stocks], store });
      await domain.start();
      return domain;
    };
    await (await start(z.string())).process(new Count({ counterId: "1" }));
    const moment = z.codec(z.string(), z.date(), {
      decode: (text) => new Date(text),
      encode: (date) => date.toISOString(),
    });
    const domain = await start(moment);
    await expect(domain.process(new Read({ id: "1" }))).rejects.toMatchObject({ code: "STORED_SHAPE_CHANGED" });
    for (const other of [z.date(), z.bigint()])
      await expect(start(other)).rejects.toMatchObject({ code: "STORE_MIGRATION_REFUSED" });
  });
});

test("what would be lost or do nothing is refused when it is declared or first used", () => {
  const codeOf = (act: () => unknown): unknown => {
    try {
      act();
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
    return "nothing thrown";
  };
  class Lost extends EventSourcedAggregate("Lost", { counterId: identifier() }).applies(Counted, () => undefined) {
    discount = 0;
  }
  expect(codeOf(() => Lost.create(() => undefined))).toBe("FIELD_NOT_IN_SHAPE");
  class Lax extends Aggregate("Lax", { id: identifier() }).invariant("x", "never", (async () => false) as never) {}
  expect(codeOf(() => new Lax({}))).toBe("CHANGE_ASYNCHRONOUS");
  class Slow extends Event("Slow", { text: z.string().refine(async () => true) }) {}
  expect(codeOf(() => new Slow({ text: "x" }))).toBe("SCHEMA_UNSUPPORTED");
  for (const name of ["", undefined, 5, "\0"])
    expect(codeOf(() => new (Event(name as never, {}))({}))).toBe("ELEMENT_NAME_INVALID");
  for (const shape of [undefined, null, [], z.object({})]) {
    expect(codeOf(() => new (Event("X", shape as never))({}))).toBe("SCHEMA_UNSUPPORTED");
  }
  for (const path of ["", " ", undefined]) expect(codeOf(() => sqlite(path as never))).toBe("OPTION_INVALID");
  for (const options of [null, { synchronous: "OFF" }, { busyTimeout: Number.NaN }, { wal: false }]) {
    expect(codeOf(() => sqlite("x.db", options as never))).toBe("OPTION_INVALID");
  }
  for (const options of [undefined, {}, { elements: {}, store: memory() }, { elements: [], store: "bank.db" }]) {
    expect(codeOf(() => new Domain("x", options as never))).toBe("OPTION_INVALID");
  }
  const counter = Counter.create((it) => it.raise(new Counted({ counterId: "1" })));
  for (const event of [undefined, {}, "x"]) {
    expect(codeOf(() => counter.raise(event as never))).toBe("APPLY_HANDLER_MISSING");
  }
});
