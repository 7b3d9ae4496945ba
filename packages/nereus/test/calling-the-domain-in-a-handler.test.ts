// Handlers that call the domain instead of their context: what would wait for itself is refused, what would not works.
import { setTimeout } from "node:timers/promises";
import {
  applicationService,
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
} from "nereus";
import { memory } from "nereus/memory";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";

class Added extends Event("Added", { id: identifier(), n: z.number() }) {}
class Sum extends EventSourcedAggregate("Sum", { id: identifier(), n: z.number().default(0) }).applies(
  Added,
  (sum, event) => {
    sum.id = event.id;
    sum.n += event.n;
  },
) {}
class Begin extends Command("Begin", { id: identifier() }) {}
class Add extends Command("Add", { id: identifier(), n: z.number() }) {}
/** Adds 1, and does meanwhile what the test says. */
class Act extends Command("Act", { id: identifier() }) {}
class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
class Ask extends Query("Ask", {}).returns<unknown>() {}

type Deed = (id: string) => unknown;

const rows = projector(Row, { run: "async" }).upsert(
  Added,
  ({ id }) => id,
  ({ id }) => ({ id, n: 0 }),
  (row, { n }) => {
    row.n += n;
  },
);

const sums = (deed: Deed) =>
  commandHandlers(Sum)
    .on(Begin, async ({ id }, { repository }) =>
      repository(Sum).add(Sum.create((it) => it.raise(new Added({ id, n: 0 })))),
    )
    .update(Add, (sum, { id, n }) => sum.raise(new Added({ id, n })))
    .update(Act, async (sum, { id }) => {
      sum.raise(new Added({ id, n: 1 }));
      await deed(id);
    });

const open: Domain[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((domain) => domain.stop()));
});

async function started(deed: Deed, elements: readonly Element[] = [rows]): Promise<Domain> {
  const all = [Sum, Row, sums(deed), ...elements, ...(elements.includes(rows) ? [] : [rows])];
  const domain = new Domain("sums", {
    elements: all,
    store: memory(),
    log: { warn: () => undefined, error: () => undefined },
  });
  open.push(domain);
  await domain.start();
  for (const id of ["a", "b", "c"]) await domain.process(new Begin({ id }));
  await domain.settle();
  return domain;
}

const read = async (domain: Domain, id: string): Promise<number | undefined> => {
  await domain.settle();
  return (await domain.view(Row).get(id))?.n;
};

test("a command for the aggregate that the handler itself has is refused, and the error names the way out", async () => {
  const domain: Domain = await started(() => domain.process(new Add({ id: "a", n: 10 })));
  await expect(domain.process(new Act({ id: "a" }))).rejects.toMatchObject({
    code: "TURN_DEADLOCK",
    element: "Sum",
    message: expect.stringMatching(/Add .*Sum a.*Act/),
    fix: expect.stringContaining("context.process"),
  });
  expect(await read(domain, "a")).toBe(0);
});

test("a command for another aggregate is a unit of work of its own", async () => {
  const domain: Domain = await started(async () => {
    await domain.process(new Add({ id: "b", n: 10 }));
    throw new Error("the outer one fails");
  });
  await expect(domain.process(new Act({ id: "a" }))).rejects.toThrow("the outer one fails");
  expect([await read(domain, "a"), await read(domain, "b")]).toEqual([0, 10]);
});

test("a chain of commands that comes back to the first one's aggregate is refused", async () => {
  const next: Record<string, string> = { a: "b", b: "c", c: "a" };
  const domain: Domain = await started((id) => domain.process(new Act({ id: next[id] ?? "" })));
  await expect(domain.process(new Act({ id: "a" }))).rejects.toMatchObject({ code: "TURN_DEADLOCK" });
  expect([await read(domain, "a"), await read(domain, "b"), await read(domain, "c")]).toEqual([0, 0, 0]);
});

test("two handlers that wait for each other's aggregates: one is refused, the other goes on", async () => {
  let entered = 0;
  const domain: Domain = await started(async (id) => {
    entered += 1;
    while (entered < 2) await setTimeout(1);
    await domain.process(new Add({ id: id === "a" ? "b" : "a", n: 10 }));
  });
  const outcomes = await Promise.allSettled([
    domain.process(new Act({ id: "a" })),
    domain.process(new Act({ id: "b" })),
  ]);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(refused).toMatchObject([{ reason: { code: "TURN_DEADLOCK" } }]);
  expect([await read(domain, "a"), await read(domain, "b")].sort()).toEqual([1, 10].sort());
});

test("commands of one handler side by side that wait for each other are refused, also behind a third", async () => {
  let entered = 0;
  const other: Record<string, string> = { b: "c", c: "b" };
  const domain: Domain = await started(async (id) => {
    if (id === "a") await Promise.all([domain.process(new Act({ id: "b" })), domain.process(new Act({ id: "c" }))]);
    else {
      entered += 1;
      while (entered < 2) await setTimeout(1);
      await domain.process(new Add({ id: other[id] ?? "", n: 10 }));
    }
  });
  await expect(domain.process(new Act({ id: "a" }))).rejects.toMatchObject({ code: "TURN_DEADLOCK" });
});

test("many commands of one handler for one other aggregate wait in line, and are no deadlock", async () => {
  const domain: Domain = await started(() =>
    Promise.all(Array.from({ length: 20 }, () => domain.process(new Add({ id: "b", n: 1 })))),
  );
  await Promise.all([domain.process(new Act({ id: "a" })), domain.process(new Act({ id: "c" }))]);
  expect(await read(domain, "b")).toBe(40);
});

test("the same idempotency key within is refused, another one is not", async () => {
  const domain: Domain = await started(() => domain.process(new Add({ id: "b", n: 1 }), { idempotencyKey: "k" }));
  await expect(domain.process(new Act({ id: "a" }), { idempotencyKey: "k" })).rejects.toMatchObject({
    code: "TURN_DEADLOCK",
    message: expect.stringContaining("idempotency key k"),
  });
  await domain.process(new Act({ id: "a" }), { idempotencyKey: "another" });
  expect(await read(domain, "b")).toBe(1);
});

test("what has a key and waits for an aggregate is found to hold up the handler that waits for the key", async () => {
  let isInside = false;
  let goOn = false;
  const domain: Domain = await started(async () => {
    isInside = true;
    while (!goOn) await setTimeout(1);
    await domain.process(new Add({ id: "b", n: 1 }), { idempotencyKey: "k" });
  });
  const outer = domain.process(new Act({ id: "a" }));
  while (!isInside) await setTimeout(1);
  const rival = domain.process(new Add({ id: "a", n: 1 }), { idempotencyKey: "k" });
  await setTimeout(5);
  goOn = true;
  const [first, second] = await Promise.allSettled([outer, rival]);
  expect([first.status, second.status].sort()).toEqual(["fulfilled", "rejected"]);
});

test("a use case, an event handler and a subscriber's kind of work may process commands of their own", async () => {
  const service = applicationService("Twice", {
    add: async (_, id: string) => {
      for (const n of [1, 2]) await domain.process(new Add({ id, n }));
    },
  });
  const policies = eventHandlers("Policies").on(Added, async ({ id, n }) => {
    if (n === 2) await domain.process(new Add({ id: "b", n: 30 }));
    if (id === "b" && n === 30) await domain.send(new Add({ id: "c", n: 4 }));
  });
  const domain: Domain = await started(() => undefined, [service, policies]);
  await domain.service(service).add("a");
  expect([await read(domain, "a"), await read(domain, "b"), await read(domain, "c")]).toEqual([3, 30, 4]);
});

test("an inline handler that processes a command for the aggregate of its command is refused", async () => {
  const policies = eventHandlers("Policies", { run: "inline" }).on(Added, async ({ id, n }) => {
    if (n === 1) await domain.process(new Add({ id, n: 10 }));
  });
  const domain: Domain = await started(() => undefined, [policies]);
  await expect(domain.process(new Act({ id: "a" }))).rejects.toMatchObject({ code: "TURN_DEADLOCK" });
  expect(await read(domain, "a")).toBe(0);
});

test("a query's handler may process a command, but not one that its caller holds up", async () => {
  const questions = queryHandlers(Row).on(Ask, async () => domain.process(new Add({ id: "a", n: 10 })));
  const domain: Domain = await started(() => domain.query(new Ask({})), [questions]);
  await domain.query(new Ask({}));
  await expect(domain.process(new Act({ id: "a" }))).rejects.toMatchObject({ code: "TURN_DEADLOCK" });
  expect(await read(domain, "a")).toBe(10);
});

test.each(["settle", "stop"] as const)("%s in a handler is refused, and the domain goes on", async (call) => {
  const domain: Domain = await started(() => domain[call]());
  await expect(domain.process(new Act({ id: "a" }))).rejects.toMatchObject({
    code: "CALLED_IN_HANDLER",
    message: expect.stringContaining(call),
  });
  await domain.process(new Add({ id: "a", n: 1 }));
  expect(await read(domain, "a")).toBe(1);
});

test("start in a handler changes nothing, and is refused where it would wait for a stop under way", async () => {
  const domain: Domain = await started(() => domain.start());
  await domain.process(new Act({ id: "a" }));
  expect(await read(domain, "a")).toBe(1);
  let stopped: Promise<void> | undefined;
  const other: Domain = await started(async () => {
    while (stopped === undefined) await setTimeout(1);
    await other.start();
  });
  const refused = expect(other.process(new Act({ id: "a" }))).rejects.toMatchObject({ code: "CALLED_IN_HANDLER" });
  stopped = other.stop();
  await stopped;
  await refused;
});

test("an engine's stop in a handler that it runs is refused", async () => {
  let outcome: unknown;
  const policies = eventHandlers("Policies").on(Added, async ({ n }) => {
    if (n === 5) outcome = await engine.stop().catch((error: unknown) => error);
  });
  const domain: Domain = await started(() => undefined, [policies]);
  const engine = domain.engine();
  await engine.start();
  await domain.process(new Add({ id: "a", n: 5 }));
  while (outcome === undefined) await setTimeout(1);
  expect(outcome).toMatchObject({ code: "CALLED_IN_HANDLER" });
});

test.each(["async", "inline"] as const)(
  "a projector's step (%s) may call nothing that changes or waits",
  async (run) => {
    class Other extends Projection("Other", { id: identifier(), n: z.number() }) {}
    const refusals: unknown[] = [];
    const keep = (error: unknown): unknown => refusals.push(error);
    const steps = projector(Other, { run }).on(Added, async ({ n }) => {
      if (n !== 7) return;
      await domain.process(new Add({ id: "b", n: 1 })).catch(keep);
      await domain.send(new Add({ id: "b", n: 1 })).catch(keep);
      await domain.settle().catch(keep);
      await domain.stop().catch(keep);
    });
    const domain: Domain = await started(() => undefined, [Other, steps]);
    await domain.process(new Add({ id: "a", n: 7 }));
    expect(await read(domain, "b")).toBe(0);
    expect(refusals).toMatchObject(Array.from({ length: 4 }, () => ({ code: "CALLED_IN_HANDLER" })));
  },
);

test("what a handler started without awaiting it may do all of it once the handler has ended", async () => {
  const done: string[] = [];
  let released = false;
  const floating = async (): Promise<void> => {
    while (!released) await setTimeout(1);
    await domain.process(new Add({ id: "a", n: 10 }));
    await domain.settle();
    done.push("settled");
    await domain.stop();
    done.push("stopped");
  };
  let floats: Promise<void> | undefined;
  const domain: Domain = await started(() => {
    floats = floating();
  });
  await domain.process(new Act({ id: "a" }));
  released = true;
  await floats;
  expect(done).toEqual(["settled", "stopped"]);
  await domain.start();
  expect(await read(domain, "a")).toBe(11);
});

test("a timer that a handler sets may process a command for its aggregate", async () => {
  let late: Promise<unknown> | undefined;
  const domain: Domain = await started(() => {
    late = setTimeout(1).then(() => domain.process(new Add({ id: "a", n: 10 })));
  });
  await domain.process(new Act({ id: "a" }));
  await late;
  expect(await read(domain, "a")).toBe(11);
});

test("a handler may drive another domain, but not back to what it holds", async () => {
  const far: Domain = await started(() => near.process(new Add({ id: "a", n: 10 })));
  const near: Domain = await started(async () => {
    await far.settle();
    await far.process(new Add({ id: "a", n: 1 }));
  });
  await near.process(new Act({ id: "a" }));
  expect([await read(near, "a"), await read(far, "a")]).toEqual([1, 1]);
  const back: Domain = await started(() => far.process(new Act({ id: "b" })));
  await back.process(new Act({ id: "a" }));
  expect(await read(near, "a")).toBe(11);
  const round: Domain = await started((id) => (id === "a" ? other.process(new Act({ id: "a" })) : undefined));
  const other: Domain = await started(() => round.process(new Add({ id: "a", n: 1 })));
  await expect(round.process(new Act({ id: "a" }))).rejects.toMatchObject({ code: "TURN_DEADLOCK" });
});

test("a command that conflicts at the aggregate of the handler that awaits it goes on without its turn", async () => {
  class Both extends Command("Both", {}) {}
  let tries = 0;
  let isTold = false;
  const both = commandHandlers(Sum).on(Both, async (_, { repository }) => {
    const sum = await repository(Sum).get("a");
    tries += 1;
    // a rival that the turns do not know of, as another process would be
    if (tries === 1) await domain.process(new Rival({}));
    sum.raise(new Added({ id: "a", n: 100 }));
    await repository(Sum).add(sum);
  });
  class Rival extends Command("Rival", {}) {}
  const rival = commandHandlers(Sum).on(Rival, async (_, { repository }) => {
    const sum = await repository(Sum).get("a");
    sum.raise(new Added({ id: "a", n: 1000 }));
    await repository(Sum).add(sum);
  });
  const domain: Domain = await started(async () => {
    if (isTold) return;
    isTold = true;
    await domain.process(new Both({}));
  }, [both, rival]);
  await domain.process(new Act({ id: "a" }));
  expect(tries).toBe(2);
  expect(await read(domain, "a")).toBe(1101);
});

test("stop ends a settle after what it has under way, tells its caller so, and loses nothing", async () => {
  const seen: string[] = [];
  let isInside = false;
  const policies = eventHandlers("Policies").on(Added, async ({ n }) => {
    if (n !== 9) return;
    isInside = true;
    for (let tick = 0; tick < 5; tick++) await setTimeout(1);
    seen.push("handled");
  });
  const domain: Domain = await started(() => undefined, [policies]);
  await domain.process(new Add({ id: "a", n: 9 }));
  const settled = domain.settle().then(
    () => seen.push("settled"),
    (error: unknown) => seen.push((error as { code: string }).code),
  );
  while (!isInside) await setTimeout(1);
  await domain.stop();
  seen.push("stopped");
  await settled;
  expect(seen).toEqual(["handled", "DOMAIN_NOT_STARTED", "stopped"]);
  await domain.start();
  expect(await read(domain, "a")).toBe(9);
});

test("stop ends a settle that would never end, and says so", async () => {
  const policies = eventHandlers("Policies").on(Added, async ({ id }, { send }) => {
    await setTimeout(0); // in memory, nothing else would ever have its turn
    await send(new Add({ id, n: 2 }));
  });
  const domain = new Domain("sums", { elements: [Sum, Row, rows, sums(() => undefined), policies], store: memory() });
  await domain.start();
  await domain.process(new Begin({ id: "a" }));
  const settled = domain.settle().catch((error: unknown) => error);
  while (((await domain.view(Row).get("a"))?.n ?? 0) < 10) await setTimeout(1);
  await domain.stop();
  expect(await settled).toMatchObject({ code: "DOMAIN_NOT_STARTED" });
});
