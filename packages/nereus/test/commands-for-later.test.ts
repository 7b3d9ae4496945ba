import { Domain, type DomainOptions, type Store } from "nereus";
import { memory } from "nereus/memory";
import { fakeClock } from "nereus/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { Account, bank, Deposit, Open, Withdraw } from "./support/bank.ts";
import { counting } from "./support/counting-store.ts";
import { everyStore } from "./support/every-store.ts";
import { RecordedLog } from "./support/places.ts";
import { script } from "./support/scripts.ts";
import { until } from "./support/until.ts";
import { watchingLog } from "./support/watched-log.ts";

const start = new Date("2026-03-15T09:00:00Z");
const hour = 3_600_000;

async function started(store: Store, options: Partial<DomainOptions> = {}): Promise<Domain> {
  const domain = new Domain("bank", { elements: bank, store, log: new RecordedLog(), ...options });
  await domain.start();
  onTestFinished(() => domain.stop());
  return domain;
}

const balanceOf = (domain: Domain) => domain.process(new Withdraw({ accountId: "1", amount: 0 }));
const timersOf = (store: Store) => store.records.timers("commands", { until: Number.MAX_SAFE_INTEGER, limit: 10_000 });

async function opened(store: () => Store): Promise<Store> {
  const raw = store();
  await raw.open([]);
  onTestFinished(() => raw.close());
  return raw;
}

const kinds = everyStore();

describe.each(kinds.filter(({ missing }) => missing === undefined))("on $name", ({ open }) => {
  test("those for later wait as timers of the store: a restart reads none of them, and each is done when it is due", async () => {
    const store = await open();
    const clock = fakeClock(start);
    const domain = await started(store(), { clock });
    await domain.process(new Open({ accountId: "1" }));
    const inHours = (hours: number) => ({ at: new Date(start.getTime() + hours * hour) });
    for (let n = 0; n < 450; n++) await domain.send(new Deposit({ accountId: "1", amount: 1 }), inHours(1 + (n % 3)));
    await domain.send(new Deposit({ accountId: "1", amount: 1000 }));
    await domain.settle();
    expect(await balanceOf(domain)).toBe(1000);
    await domain.stop();

    const raw = await opened(store);
    expect(await timersOf(raw)).toHaveLength(450);
    const { store: watched, reads } = watchingLog(store());
    const restarted = await started(watched, { clock });
    await restarted.settle();
    expect(reads.commands).toBe(0);
    clock.advance({ hours: 1 });
    await restarted.settle();
    expect(await balanceOf(restarted)).toBe(1150);
    expect(reads.commands).toBe(0); // found by their place, not by reading on
    expect(await timersOf(raw)).toHaveLength(300);
    clock.advance({ hours: 9 });
    await restarted.settle();
    expect(await balanceOf(restarted)).toBe(1450);
    expect(await timersOf(raw)).toEqual([]);
  });

  test("several processes do each of them once", async () => {
    const store = await open();
    const clock = fakeClock(start);
    const domains = [
      await started(store(), { clock }),
      await started(store(), { clock }),
      await started(store(), { clock }),
    ];
    const [first, second] = domains as [Domain, Domain];
    await first.process(new Open({ accountId: "1" }));
    for (const domain of domains) await domain.engine().start();
    for (let n = 0; n < 30; n++) {
      const at = new Date(start.getTime() + (n % 4) * hour);
      await (n % 2 === 0 ? first : second).send(new Deposit({ accountId: "1", amount: 1 }), { at });
    }
    clock.advance({ hours: 2 });
    await until(async () => (await balanceOf(second)) === 23);
    clock.advance({ hours: 2 });
    await until(async () => (await balanceOf(second)) === 30);
    await Promise.all(domains.map((domain) => domain.settle()));
    expect(await balanceOf(first)).toBe(30);
    expect(await timersOf(await opened(store))).toEqual([]);
  });

  test("a crash between what it did and the end of its timer is no second effect", async () => {
    const store = await open();
    const clock = fakeClock(start);
    const before = await started(store(), { clock });
    await before.process(new Open({ accountId: "1" }));
    await before.send(new Deposit({ accountId: "1", amount: 5 }), { at: new Date(start.getTime() + hour) });
    await before.send(new Withdraw({ accountId: "1", amount: 7 }), { at: new Date(start.getTime() + hour) });
    await before.settle();
    await before.stop();
    clock.advance({ hours: 1 });
    const { store: failing } = watchingLog(store(), ({ timers = [] }) => {
      if (timers.some(({ at }) => at === null)) throw new Error("crash");
    });
    const crashed = await started(failing, { clock });
    await expect(crashed.settle()).rejects.toThrow();
    await crashed.stop();
    const raw = await opened(store);
    expect(await timersOf(raw)).toHaveLength(2);
    const after = await started(store(), { clock });
    await after.settle(); // the refusal is remembered too, and not told again
    expect(await balanceOf(after)).toBe(5);
    expect(await timersOf(raw)).toEqual([]);
  });

  test("a crash between a timer and the checkpoint loses none, and does none twice", async () => {
    const store = await open();
    const clock = fakeClock(start);
    const { store: failing } = watchingLog(store(), ({ checkpoint }) => {
      if (checkpoint !== undefined) throw new Error("crash");
    });
    const crashed = await started(failing, { clock });
    await crashed.process(new Open({ accountId: "1" }));
    await crashed.send(new Deposit({ accountId: "1", amount: 1 }), { at: new Date(start.getTime() + hour) });
    await crashed.send(new Deposit({ accountId: "1", amount: 10 }));
    await expect(crashed.settle()).rejects.toThrow("crash");
    clock.advance({ hours: 1 });
    await expect(crashed.settle()).rejects.toThrow("crash");
    await crashed.stop();
    const after = await started(store(), { clock });
    await after.settle();
    expect(await balanceOf(after)).toBe(11);
    expect(await timersOf(await opened(store))).toEqual([]);
  });
});

describe("moments", () => {
  test("of those that became due together the more urgent first, then in the order of their moments", async () => {
    const clock = fakeClock(start);
    const store = memory();
    const domain = await started(store, { clock });
    await domain.process(new Open({ accountId: "1" }));
    const later = (minutes: number) => new Date(start.getTime() + minutes * 60_000);
    await domain.send(new Deposit({ accountId: "1", amount: 3 }), { at: later(3) });
    await domain.send(new Deposit({ accountId: "1", amount: 2 }), { at: later(2) });
    await domain.send(new Deposit({ accountId: "1", amount: 9 }), { at: later(9), priority: "high" });
    await domain.settle();
    clock.advance({ minutes: 10 });
    await domain.send(new Deposit({ accountId: "1", amount: 10 }));
    await domain.settle();
    const { messages } = await store.log.readLog({ after: 0, limit: 99, types: ["Deposited"] });
    expect(messages.map(({ data }) => JSON.parse(data).amount)).toEqual([9, 10, 2, 3]);
  });

  test("a clock that is set back keeps none waiting for ever, and does none too soon", async () => {
    let now = start.getTime();
    const domain = await started(memory(), { clock: { now: () => new Date(now) } });
    await domain.process(new Open({ accountId: "1" }));
    await domain.send(new Deposit({ accountId: "1", amount: 1 }), { at: new Date(now + 2 * hour) });
    await domain.settle();
    now += hour;
    await domain.settle();
    now -= 5 * hour;
    await domain.send(new Deposit({ accountId: "1", amount: 10 }), { at: new Date(now + hour) });
    await domain.settle();
    expect(await balanceOf(domain)).toBe(0);
    now += hour;
    await domain.settle();
    expect(await balanceOf(domain)).toBe(10);
    now += 5 * hour;
    await domain.settle();
    expect(await balanceOf(domain)).toBe(11);
  });

  test("one that fails is tried again and holds up no other; mended, it is done once", async () => {
    const clock = fakeClock(start);
    const store = memory();
    let broken = true;
    const flaky = script(Account, async ({ process }) => {
      if (broken) throw new Error("bug");
      await process(new Deposit({ accountId: "1", amount: 5 }));
    });
    const domain = new Domain("bank", { elements: [...bank, flaky.handlers], store, clock, log: new RecordedLog() });
    await domain.start();
    onTestFinished(() => domain.stop());
    await domain.process(new Open({ accountId: "1" }));
    await domain.send(flaky.command(), { at: new Date(start.getTime() + hour) });
    await domain.send(new Deposit({ accountId: "1", amount: 10 }), { at: new Date(start.getTime() + 2 * hour) });
    await domain.settle();
    clock.advance({ hours: 3 });
    await expect(domain.settle()).rejects.toMatchObject({ code: "SENT_COMMAND_FAILED" });
    expect(await balanceOf(domain)).toBe(10);
    expect(await timersOf(store)).toHaveLength(1);
    broken = false;
    await domain.settle();
    expect(await balanceOf(domain)).toBe(15);
    expect(await timersOf(store)).toEqual([]);
  });
});

test("commands that become due one after the other cost no more each, however many were done just before", async () => {
  let now = start.getTime();
  const store = counting(memory());
  const next = script(Account, async ({ process }) => {
    await process(new Deposit({ accountId: "1", amount: 1 }));
    now += hour;
  });
  const domain = new Domain("bank", {
    elements: [...bank, next.handlers],
    store,
    clock: { now: () => new Date(now) },
    log: new RecordedLog(),
  });
  await domain.start();
  onTestFinished(() => domain.stop());
  await domain.process(new Open({ accountId: "1" }));
  const count = 100;
  for (let n = 1; n <= count; n++) await domain.send(next.command(), { at: new Date(start.getTime() + n * hour) });
  await domain.settle();
  store.calls.clear();
  now += hour;
  await domain.settle();
  expect(await balanceOf(domain)).toBe(count);
  const most = (name: string) => (store.calls.get(name) ?? 0) / count;
  expect(most("records.idempotency")).toBeLessThan(3);
  expect(most("log.readStream")).toBeLessThan(2);
  expect(most("records.timers")).toBeLessThan(4);
  expect(most("commit")).toBeLessThan(4);
  expect(await timersOf(store)).toEqual([]);
});
