import {
  Command,
  commandHandlers,
  Domain,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
} from "nereus";
import { memory } from "nereus/memory";
import { expect, test } from "vitest";
import { z } from "zod";

class Added extends Event("Added", { id: identifier(), n: z.number() }) {}
class Add extends Command("Add", { id: identifier(), n: z.number() }).returns<number>() {}
class Sum extends EventSourcedAggregate("Sum", { id: identifier(), n: z.number().default(0) }).applies(
  Added,
  (sum, event) => {
    sum.id = event.id;
    sum.n += event.n;
  },
) {}
const adding = commandHandlers(Sum).on(Add, async ({ id, n }, { repository }) => {
  const sum = (await repository(Sum).find(id)) ?? Sum.create(() => undefined);
  sum.raise(new Added({ id, n }));
  await repository(Sum).add(sum);
  return sum.n;
});
class Row extends Projection("Row", { id: identifier(), n: z.number() }) {}
const add = (n: number) => new Add({ id: "1", n });

test.each(["inline", "async"] as const)(
  "a row operation that an %s projector does not await is refused",
  async (run) => {
    const careless = projector(Row, { run }).on(Added, async ({ id, n }, { rows }) => {
      rows.create({ id, n });
    });
    const domain = new Domain("sums", { elements: [Sum, adding, Row, careless], store: memory() });
    await domain.start();
    const done = domain.process(add(1)).then(() => domain.settle());
    await expect(done).rejects.toMatchObject(
      run === "inline"
        ? { code: "CHANGE_ASYNCHRONOUS" }
        : { code: "PROJECTION_FAILED", cause: { code: "CHANGE_ASYNCHRONOUS" } },
    );
  },
);

test("a projector's change and an apply handler that are asynchronous are refused", async () => {
  const late = projector(Row, { run: "inline" }).upsert(
    Added,
    ({ id }) => id,
    ({ id }) => ({ id, n: 0 }),
    async (row, { n }) => {
      await undefined;
      row.n += n;
    },
  );
  const domain = new Domain("sums", { elements: [Sum, adding, Row, late], store: memory() });
  await domain.start();
  await expect(domain.process(add(1))).rejects.toMatchObject({ code: "CHANGE_ASYNCHRONOUS" });
  class Late extends EventSourcedAggregate("Late", { id: identifier() }).applies(Added, async (late, event) => {
    await undefined;
    late.id = event.id;
  }) {}
  const code = { code: "CHANGE_ASYNCHRONOUS" };
  expect(() => Late.create((it) => it.raise(new Added({ id: "1", n: 1 })))).toThrow(expect.objectContaining(code));
  expect(() => Sum.create((async () => undefined) as never)).toThrow(expect.objectContaining(code));
});

test("an event that is raised after the handler ended is refused, and no later command sees it", async () => {
  class Slip extends Command("Slip", { id: identifier() }) {}
  let slipped: Promise<unknown> = Promise.resolve();
  const slipping = commandHandlers(Sum).on(Slip, async ({ id }, { repository }) => {
    const sum = await repository(Sum).get(id);
    slipped = Promise.resolve()
      .then(() => undefined)
      .then(() => sum.raise(new Added({ id, n: 1000 })))
      .catch((error: unknown) => error);
  });
  const domain = new Domain("sums", { elements: [Sum, adding, slipping], store: memory() });
  await domain.start();
  await domain.process(add(1));
  await domain.process(new Slip({ id: "1" }));
  expect(await slipped).toMatchObject({ code: "AGGREGATE_READ_ONLY" });
  expect(await domain.process(add(1))).toBe(2);
});

test("what only acts like a promise is awaited before the commit", async () => {
  class Lazy extends Command("Lazy", { id: identifier() }).returns<number>() {}
  const lazily = commandHandlers(Sum).on(Lazy, ({ id }, { repository }) => {
    const work = async () => {
      const sum = await repository(Sum).get(id);
      sum.raise(new Added({ id, n: 5 }));
      await repository(Sum).add(sum);
      return sum.n;
    };
    // biome-ignore lint/suspicious/noThenProperty: this is what query builders are
    return { then: (resolve: never, reject: never) => work().then(resolve, reject) } as Promise<number>;
  });
  const domain = new Domain("sums", { elements: [Sum, adding, lazily], store: memory() });
  await domain.start();
  await domain.process(add(1));
  expect(await domain.process(new Lazy({ id: "1" }))).toBe(6);
  expect(await domain.process(add(1))).toBe(7);
});
