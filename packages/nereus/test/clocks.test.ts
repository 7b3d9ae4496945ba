import { type Clock, type Domain, Domain as DomainClass, type Log } from "nereus";
import { memory } from "nereus/memory";
import { fakeClock } from "nereus/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Account, bank, Deposit, Open, OpenBranch, Withdraw } from "./support/bank.ts";
import { places, RecordedLog } from "./support/places.ts";
import { script } from "./support/scripts.ts";
import { until } from "./support/until.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** What a clock answers that tells no time. */
const faults: readonly (readonly [string, () => unknown])[] = [
  ["an invalid Date", () => new Date(Number.NaN)],
  ["a number", () => 1_700_000_000_000],
  ["nothing", () => undefined],
  ["an object that looks like a Date", () => ({ getTime: () => 5 })],
  ["a year that has five digits", () => new Date("+010000-01-01T00:00:00Z")],
  ["a year before the first", () => new Date("0000-12-31T23:59:59Z")],
  [
    "an error",
    () => {
      throw new Error("no time server");
    },
  ],
];

const balanceOf = (domain: Domain) => domain.process(new Withdraw({ accountId: "1", amount: 0 }));

describe.each(places())("on $name", (kind) => {
  test.each(faults)("a clock that answers %s is refused by a code, and nothing is stored", async (_, answer) => {
    const place = kind.open();
    let isFaulty = false;
    const clock: Clock = { now: () => (isFaulty ? (answer() as Date) : new Date("2026-01-01T00:00:00Z")) };
    const domain = await place.start(bank, { clock });
    await domain.process(new Open({ accountId: "1" }));
    isFaulty = true;
    const calls = [
      () => domain.process(new Deposit({ accountId: "1", amount: 5 })),
      () => domain.process(new Deposit({ accountId: "1", amount: 5 }), { timeout: { seconds: 5 } }),
      () => domain.process(new OpenBranch({ branchId: "1" })),
      () => domain.send(new Deposit({ accountId: "1", amount: 5 })),
      () => domain.settle(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "CLOCK_INVALID" });
    isFaulty = false;
    await domain.settle();
    const { messages } = await (await place.opened()).log.readLog({ after: 0, limit: 9, kinds: ["event", "command"] });
    expect(messages.map(({ type }) => type)).toEqual(["Opened"]);
    await domain.process(new OpenBranch({ branchId: "1" })); // it is not there yet
    expect(await balanceOf(domain)).toBe(0);
  });

  test("the system's clock goes back an hour: a failing sent command is tried again as soon as before", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    let isDown = true;
    let runs = 0;
    const job = script(Account, () => {
      runs += 1;
      if (isDown) throw new Error("the other system is down");
    });
    const domain = await kind.open().start([...bank, job.handlers]);
    const engine = domain.engine();
    await engine.start();
    await domain.send(job.command());
    await until(() => runs >= 6); // it has waited for a while once
    vi.setSystemTime(Date.now() - 3_600_000);
    isDown = false;
    const before = runs;
    await until(() => runs > before);
    await engine.stop();
  });
});

test("a clock that is none is refused when the domain is made", () => {
  for (const clock of [5, {}, null]) {
    expect(() => new DomainClass("bank", { elements: bank, store: memory(), clock: clock as never })).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  }
});

test("an engine whose clock is out of order reports it and goes on when the clock does", async () => {
  let isFaulty = false;
  const real = fakeClock();
  const log: Log & RecordedLog = new RecordedLog();
  const clock: Clock = { now: () => (isFaulty ? new Date(Number.NaN) : real.now()) };
  const domain = new DomainClass("bank", { elements: bank, store: memory(), clock, log });
  await domain.start();
  await domain.process(new Open({ accountId: "1" }));
  await domain.send(new Deposit({ accountId: "1", amount: 5 }));
  isFaulty = true;
  const engine = domain.engine();
  await engine.start();
  await until(() => log.errors.length > 0);
  expect(log.errors[0]?.details).toMatchObject({ code: "CLOCK_INVALID" });
  isFaulty = false;
  await until(async () => (await balanceOf(domain)) === 5);
  await domain.stop();
});

test("a span may be milliseconds or parts that add up", () => {
  const clock = fakeClock(new Date(0));
  clock.advance(5);
  clock.advance({ seconds: 1.5 });
  clock.advance({ days: 1, hours: 1, minutes: 1, milliseconds: 1 });
  expect(clock.now().getTime()).toBe(5 + 1500 + 86_400_000 + 3_600_000 + 60_000 + 1);
});
