import { Command, commandHandlers, Domain, type DomainOptions, identifier, type Priority, type Store } from "nereus";
import { fakeClock } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Account, bank } from "./support/bank.ts";
import { everyStore } from "./support/every-store.ts";
import { heap } from "./support/heap.ts";
import { RecordedLog } from "./support/places.ts";
import { until } from "./support/until.ts";

class Note extends Command("Note", { n: z.number(), text: z.string().default("") }) {}
class Break extends Command("Break", { accountId: identifier() }) {}

/** What was handled, in order; a function that is called at each. */
function noting(each: (n: number) => void | Promise<void> = () => undefined) {
  const seen: number[] = [];
  const state = { isBroken: true };
  const handlers = commandHandlers(Account)
    .on(Note, async ({ n }) => {
      seen.push(n);
      await each(n);
    })
    .on(Break, () => {
      if (state.isBroken) throw new Error("broken");
    });
  return { elements: [...bank, handlers], seen, state };
}

async function started(elements: DomainOptions["elements"], store: Store, clock = fakeClock()): Promise<Domain> {
  const domain = new Domain("bank", { elements, store, log: new RecordedLog(), clock });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

async function sendAll(count: number, send: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - n) }, (_, at) => send(n + at)));
  }
}

// what is in memory does not depend on the store; these are the fastest
const stores = everyStore().filter(({ name }) => name === "memory" || name === "sqlite");

describe.each(stores)("more sent commands than there is room for, on $name", (kind) => {
  test("the most urgent is next, whichever of them it is, and those of one urgency come in the order in which they were sent", async () => {
    const store = await kind.open();
    const { elements, seen } = noting();
    const domain = await started(elements, store());
    const urgencies: readonly Priority[] = ["normal", "normal", "normal", "bulk", "normal", "high", "normal"];
    const urgencyOf = (n: number): Priority =>
      n === 3400 ? "critical" : (urgencies[n % urgencies.length] as Priority);
    for (let n = 0; n < 3500; n++) await domain.send(new Note({ n }), { priority: urgencyOf(n) });
    await domain.settle();
    const order: readonly Priority[] = ["critical", "high", "normal", "bulk"];
    const all = Array.from({ length: 3500 }, (_, n) => n);
    expect(seen).toEqual(order.flatMap((urgency) => all.filter((n) => urgencyOf(n) === urgency)));
  });

  test("those that fail take no room: what was sent after thousands of them is handled, and they are when they no longer fail", async () => {
    const store = await kind.open();
    const { elements, seen, state } = noting();
    const domain = await started(elements, store());
    await sendAll(1200, (n) => domain.send(new Break({ accountId: String(n) })));
    await domain.send(new Note({ n: 1 }));
    await expect(domain.settle()).rejects.toMatchObject({ code: "SETTLE_FAILED" });
    expect(seen).toEqual([1]);
    state.isBroken = false;
    await domain.settle();
    expect(seen).toEqual([1]);
  });

  test("a process that ends in between leaves none out, and none is handled twice by the next", async () => {
    const store = await kind.open();
    const gate = { after: 1300, release: Promise.withResolvers<void>() };
    const first = noting((n) => (n === gate.after ? gate.release.promise : undefined));
    const domain = await started(first.elements, store());
    await sendAll(3000, (n) => domain.send(new Note({ n }), { priority: n % 3 === 0 ? "high" : "normal" }));
    const engine = domain.engine();
    await engine.start();
    await until(() => first.seen.includes(gate.after));
    const stopped = engine.stop();
    gate.release.resolve();
    await stopped;
    await domain.stop();
    const second = noting();
    await (await started(second.elements, store())).settle();
    expect(first.seen.length).toBeGreaterThan(1000);
    expect(first.seen.length).toBeLessThan(3000);
    expect([...first.seen, ...second.seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, n) => n));
  });

  test("those that become due together are all handled, in the order of their moments", async () => {
    const store = await kind.open();
    const clock = fakeClock();
    const { elements, seen } = noting();
    const domain = await started(elements, store(), clock);
    const due = clock.now().getTime() + 60_000;
    for (let n = 0; n < 2300; n++) await domain.send(new Note({ n }), { at: new Date(due + n) });
    await domain.settle();
    expect(seen).toEqual([]);
    clock.advance({ hours: 1 });
    await domain.settle();
    expect(seen).toEqual(Array.from({ length: 2300 }, (_, n) => n));
  });

  const text = "x".repeat(50_000);
  const count = 1600; // 80 million characters
  const held = 45_000_000;

  test.skipIf(kind.name === "memory")("large ones are not all in memory at once", async () => {
    const store = await kind.open();
    const most = { heap: 0 };
    const { elements, seen } = noting((n) => {
      if (n % 200 === 0) most.heap = Math.max(most.heap, heap());
    });
    const domain = await started(elements, store());
    await sendAll(count, (n) => domain.send(new Note({ n, text })));
    const before = heap();
    await domain.settle();
    expect(seen).toHaveLength(count);
    expect(most.heap - before).toBeLessThan(held);
  });

  test.skipIf(kind.name === "memory")("large ones that become due together are not all in memory at once", async () => {
    const store = await kind.open();
    const clock = fakeClock();
    const most = { heap: 0 };
    const { elements, seen } = noting((n) => {
      if (n % 200 === 0) most.heap = Math.max(most.heap, heap());
    });
    const domain = await started(elements, store(), clock);
    const at = new Date(clock.now().getTime() + 60_000);
    await sendAll(count, (n) => domain.send(new Note({ n, text }), { at }));
    await domain.settle();
    const before = heap();
    clock.advance({ hours: 1 });
    await domain.settle();
    expect(seen).toHaveLength(count);
    expect(most.heap - before).toBeLessThan(held);
  });
});
