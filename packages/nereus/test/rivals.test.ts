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
} from "nereus";
import { memory } from "nereus/memory";
import { expect, test } from "vitest";
import { z } from "zod";
import { counting } from "./support/counting-store.ts";

class Added extends Event("Added", { id: identifier(), n: z.number() }) {}
class Sum extends EventSourcedAggregate("Sum", { id: identifier(), n: z.number().default(0) })
  .applies(Added, (sum, event) => {
    sum.id = event.id;
    sum.n += event.n;
  })
  .invariant("positive", "A sum cannot be negative", (sum) => sum.n >= 0) {}
class Add extends Command("Add", { id: identifier(), n: z.number() }).returns<number>() {}
class AddToBoth extends Command("AddToBoth", { n: z.number() }) {}
class AddDifference extends Command("AddDifference", {}).returns<string>() {}
class Put extends Command("Put", { thingId: z.string() }) {}
class Thing extends Aggregate("Thing", { thingId: identifier(), n: z.number().default(0) }) {}

const add = (sum: Sum, n: number): number => {
  sum.raise(new Added({ id: sum.id, n }));
  return sum.n;
};
const sums = (before: () => Promise<unknown> = async () => undefined) =>
  commandHandlers(Sum)
    .update(Add, async (sum, { n }) => {
      await before();
      return add(sum, n);
    })
    .on(AddToBoth, async ({ n }, { repository }) => {
      for (const id of ["a", "b"]) {
        const sum = (await repository(Sum).find(id)) ?? Sum.create((it) => it.raise(new Added({ id, n: 0 })));
        add(sum, n);
        await repository(Sum).add(sum);
      }
    })
    .on(AddDifference, async (_, { repository }) => {
      const [a, b] = [await repository(Sum).get("a"), await repository(Sum).get("b")];
      await before();
      const seen = `${a.n},${b.n}`;
      add(a, 1);
      await repository(Sum).add(a);
      return seen;
    })
    .on(Put, async ({ thingId }, { repository }) => repository(Thing).add(new Thing({ thingId })));

/** A store that several domains share, as processes share a database. */
function shared(store: Store): Store {
  return Object.assign(Object.create(store) as Store, {
    open: (collections: never) => store.open(collections),
    commit: (commit: never) => store.commit(commit),
    onCommit: (listener: () => void) => store.onCommit(listener),
    close: async () => undefined,
    ...{ log: store.log, documents: store.documents, records: store.records },
    ...{ name: store.name, capabilities: store.capabilities },
  });
}

async function started(store: Store, elements: readonly Element[]): Promise<Domain> {
  const domain = new Domain("sums", { elements, store });
  await domain.start();
  return domain;
}

test("a retry sees no half of what a rival did in one transaction", async () => {
  const store = shared(memory());
  const rival = await started(store, [Sum, Thing, sums()]);
  await rival.process(new AddToBoth({ n: 1 }));
  let once = true;
  const mine = await started(store, [
    Sum,
    Thing,
    sums(async () => {
      if (once) await rival.process(new AddToBoth({ n: 100 }));
      once = false;
    }),
  ]);
  expect(await mine.process(new AddDifference({}))).toBe("101,101");
});

test("a command that has met conflicts and waited takes note of what rivals did meanwhile", async () => {
  const store = memory();
  const rival = await started(shared(store), [Sum, Thing, sums()]);
  await rival.process(new AddToBoth({ n: 1 }));
  // A rival that comes after every conflict: whoever goes on with what the conflict told meets the next one.
  let conflicts = 0;
  const mine = counting(shared(store));
  const { commit } = mine;
  mine.commit = async (asked) => {
    const outcome = await commit(asked);
    if (outcome.status === "conflict" && ++conflicts < 10) await rival.process(new Add({ id: "a", n: 10 }));
    return outcome;
  };
  let once = true;
  const early = async () => {
    if (once) await rival.process(new Add({ id: "a", n: 100 }));
    once = false;
  };
  const domain = await started(mine, [Sum, Thing, sums(early)]);
  expect(await domain.process(new Add({ id: "a", n: 1000 }))).toBe(1121);
  expect(conflicts).toBe(2);
  expect(mine.calls.get("log.replay")).toBe(2);
});

test("an expected version that is right is not refused for another aggregate's conflict", async () => {
  class Outer extends Command("Outer", { id: identifier() }) {}
  const store = shared(memory());
  const rival = await started(store, [Sum, Thing, sums()]);
  await rival.process(new AddToBoth({ n: 1 }));
  const outer = commandHandlers(Sum).update(Outer, async (sum, _, { process }) => {
    add(sum, 1);
    await process(new Add({ id: "b", n: 1 }));
  });
  const mine = await started(store, [Sum, Thing, sums(), outer]);
  await mine.process(new Add({ id: "b", n: 1 })); // now b is cached here
  await rival.process(new Add({ id: "b", n: 1 })); // and stale
  await mine.process(new Outer({ id: "a" }), { expectedVersion: 1 });
  await expect(mine.process(new Outer({ id: "a" }), { expectedVersion: 1 })).rejects.toMatchObject({
    code: "EXPECTED_VERSION_MISMATCH",
  });
});

test("another aggregate that exists already is named at once, and a new one knows its version", async () => {
  const domain = await started(memory(), [Sum, Thing, sums()]);
  await domain.process(new Put({ thingId: "1" }));
  await expect(domain.process(new Put({ thingId: "1" }))).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
});

test("a refusal leaves the aggregate in the cache: the next command reads no events", async () => {
  const store = shared(memory());
  const domain = await started(store, [Sum, Thing, sums()]);
  await domain.process(new AddToBoth({ n: 1 }));
  const { log } = store;
  let read = 0;
  const replay = log.replay.bind(log);
  log.replay = async (...where) => {
    const messages = await replay(...where);
    read += messages.filter(({ version }) => version > (where[1] || -1)).length; // besides the one that it is known by
    return messages;
  };
  for (let n = 0; n < 5; n++) {
    await expect(domain.process(new Add({ id: "a", n: -100 }))).rejects.toMatchObject({ code: "INVARIANT_FAILED" });
  }
  expect(await domain.process(new Add({ id: "a", n: 1 }))).toBe(2);
  expect(read).toBe(0);
});

test("processes that start an inline projection at the same time apply no event twice", async () => {
  class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
  const rows = () =>
    projector(Row, { run: "inline" }).upsert(
      Added,
      ({ id }) => id,
      ({ id }) => ({ id, n: 0 }),
      (row, { n }) => {
        row.n += n;
      },
    );
  const store = shared(memory());
  await (await started(store, [Sum, Thing, sums()])).process(new AddToBoth({ n: 10 }));
  const all = [Sum, Thing, sums(), Row];
  const domains = await Promise.all(Array.from({ length: 4 }, () => started(store, [...all, rows()])));
  for (const domain of domains) await domain.process(new AddToBoth({ n: 1 }));
  for (const domain of domains) expect((await domain.view(Row).get("a"))?.n).toBe(14);
});

test("starts and stops that overlap happen one after the other", async () => {
  const domain = new Domain("sums", { elements: [Sum, Thing, sums()], store: shared(memory()) });
  await Promise.all([domain.start(), domain.start(), domain.stop(), domain.start()]);
  await domain.process(new AddToBoth({ n: 1 }));
  const [first, second, again] = [domain.stop(), domain.stop(), domain.start()];
  await Promise.all([first, second, again]);
  expect(await domain.process(new Add({ id: "a", n: 1 }))).toBe(2);
  await domain.stop();
});

test("a projection that finds the work of another process done goes on after it", async () => {
  class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
  const rows = projector(Row, { run: "async" }).create(Added, ({ id, n }) => ({ id: `${id}${n}`, n }));
  const store = memory();
  const elements = [Sum, Thing, sums(), Row, rows];
  const rival = await started(shared(store), elements);
  await rival.process(new AddToBoth({ n: 1 }));
  const mine = shared(store);
  const domain = await started(mine, elements);
  const { documents } = store;
  let overtaken = false;
  Object.assign(mine, {
    documents: Object.assign(Object.create(documents), {
      async get(...asked: Parameters<typeof documents.get>) {
        if (!overtaken) await rival.settle();
        overtaken = true;
        return documents.get(...asked);
      },
    }),
  });
  await domain.settle();
  expect(overtaken).toBe(true);
  expect(await rival.view(Row).count()).toBe(4);
});

test("a row that a rival has made meanwhile is a conflict like any other, not a fault of the projector", async () => {
  class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
  class Make extends Command("Make", { id: identifier() }) {}
  class Ensure extends Command("Ensure", { id: identifier() }).returns<string>() {}
  class EnsureThing extends Command("EnsureThing", { id: identifier() }).returns<string>() {}
  class ThingMade extends Event("ThingMade", { id: identifier(), n: z.number() }) {}
  class Made extends Aggregate("Made", { id: identifier() }).raises(ThingMade) {}
  const madeRows = projector(Row, { run: "inline" })
    .create(Added, ({ id, n }) => ({ id, n }))
    .create(ThingMade, ({ id, n }) => ({ id, n }));
  const handlers = (before: () => Promise<unknown>) =>
    commandHandlers(Sum)
      .create(Make, ({ id }) => Sum.create((it) => it.raise(new Added({ id, n: 1 }))))
      .on(Ensure, async ({ id }, { repository }) => {
        if ((await repository(Sum).find(id)) !== undefined) return "found";
        await before();
        await repository(Sum).add(Sum.create((it) => it.raise(new Added({ id, n: 2 }))));
        return "made";
      })
      .on(EnsureThing, async ({ id }, { repository }) => {
        if ((await repository(Made).find(id)) !== undefined) return "found";
        await before();
        const made = new Made({ id });
        made.raise(new ThingMade({ id, n: 3 }));
        await repository(Made).add(made);
        return "made";
      });
  const store = shared(memory());
  const rival = await started(store, [Sum, Made, handlers(async () => undefined), Row, madeRows]);
  let runs = 0;
  const slow = await started(store, [
    Sum,
    Made,
    handlers(async () => {
      runs += 1;
      await rival.process(new Ensure({ id: "a" }));
      await rival.process(new EnsureThing({ id: "b" }));
    }),
    Row,
    madeRows,
  ]);
  expect(await slow.process(new Ensure({ id: "a" }))).toBe("found");
  expect(runs).toBe(1);
  expect(await slow.process(new EnsureThing({ id: "b" }))).toBe("found");
  // a repetition whose first run ended meanwhile, in another process, has its outcome
  let raced = false;
  const idle = store.records.idempotency;
  store.records.idempotency = async (tenant, key) => {
    const known = await idle.call(store.records, tenant, key);
    if (!raced) {
      raced = true;
      await rival.process(new Make({ id: "c" }), { idempotencyKey: "k" });
    }
    return known;
  };
  expect(await slow.process(new Make({ id: "c" }), { idempotencyKey: "k" })).toBe("c");
  store.records.idempotency = idle;
  // nobody raced here: it is there, and that is what is said
  await expect(slow.process(new Make({ id: "a" }))).rejects.toMatchObject({ code: "AGGREGATE_EXISTS" });
  expect(await slow.view(Row).get("a")).toMatchObject({ n: 2 });
});

test("a projector that is wrong by itself is still told, however many rivals there are", async () => {
  class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
  const wrong = projector(Row, { run: "inline" }).create(Added, ({ id, n }) => ({ id, n }));
  const domain = await started(shared(memory()), [Sum, sums(), Thing, Row, wrong]);
  await expect(domain.process(new AddToBoth({ n: 1 }))).rejects.toMatchObject({ code: "PROJECTION_ROW_EXISTS" });
  expect(await domain.view(Row).find()).toEqual([]);
});
