import { setTimeout } from "node:timers/promises";
import { Command, commandHandlers, type Domain, eventHandlers, identifier } from "nereus";
import { fakeClock } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { Account, bank, Deposit, Deposited, Open, OpenBranch, VisitBranch, Withdraw } from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

class Slow extends Command("Slow", { accountId: identifier() }) {}

/** A handler for `Slow` that goes on when it is told to. */
function gated() {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const handlers = commandHandlers(Account).update(Slow, async (account) => {
    begun.resolve();
    await gate.promise;
    account.deposit(1);
  });
  return { handlers, begun: begun.promise, open: gate.resolve };
}

const balanceOf = (domain: Domain) => domain.process(new Withdraw({ accountId: "1", amount: 0 }));

describe.each(places())("on $name", (kind) => {
  test("deadline and timeout say the same; both at once are refused", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const domain = await place.start(bank, { clock });
    const deadline = new Date(clock.now().getTime() + 1000);
    await expect(domain.process(new Open({ accountId: "1" }), { deadline, timeout: 1000 })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
    for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5"]) {
      const refused = domain.process(new Open({ accountId: "1" }), { timeout: timeout as number });
      await expect(refused).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    for (const at of ["2026-01-01", new Date("never"), 5]) {
      const refused = domain.process(new Open({ accountId: "1" }), { deadline: at as Date });
      await expect(refused).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    expect(await storedMessages(place)).toEqual([]);
    await domain.process(new Open({ accountId: "1" }), { deadline, timeout: undefined });
    await domain.process(new Open({ accountId: "2" }), { deadline: undefined, timeout: 1 });
    clock.advance({ seconds: 1 });
    await expect(domain.process(new Open({ accountId: "3" }), { deadline })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    expect(await storedMessages(place)).toHaveLength(2);
  });

  test("a command whose time has passed while it waited for its turn is refused then, and its turn passed on", async () => {
    const place = kind.open();
    const slow = gated();
    const domain = await place.start([...bank, slow.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    const first = domain.process(new Slow({ accountId: "1" }));
    await slow.begun;
    const late = domain.process(new Deposit({ accountId: "1", amount: 10 }), { timeout: 30 });
    const patient = domain.process(new Deposit({ accountId: "1", amount: 100 }), { timeout: 30_000 });
    await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" }); // while the first is still at it
    slow.open();
    await Promise.all([first, patient]);
    await domain.process(new Deposit({ accountId: "1", amount: 1000 }));
    expect(await balanceOf(domain)).toBe(1101);
  });

  test("so is one that waited behind another with its key", async () => {
    const place = kind.open();
    const slow = gated();
    const domain = await place.start([...bank, slow.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    const command = new Slow({ accountId: "1" });
    const first = domain.process(command, { idempotencyKey: "k" });
    await slow.begun;
    const late = domain.process(command, { idempotencyKey: "k", timeout: 30 });
    await expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    slow.open();
    await first;
    await domain.process(command, { idempotencyKey: "k" });
    expect(await balanceOf(domain)).toBe(1);
  });

  test("the deadline goes by the domain's clock, however much real time passes", async () => {
    const place = kind.open();
    const slow = gated();
    const clock = fakeClock();
    const domain = await place.start([...bank, slow.handlers], { clock });
    await domain.process(new Open({ accountId: "1" }));
    const first = domain.process(new Slow({ accountId: "1" }));
    await slow.begun;
    const waiting = domain.process(new Deposit({ accountId: "1", amount: 10 }), { timeout: 20 });
    const late = domain.process(new Deposit({ accountId: "1", amount: 100 }), { timeout: 5000 });
    const refused = expect(late).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await setTimeout(60); // the clock stands still
    slow.open();
    await Promise.all([first, waiting]);
    await late.catch(() => undefined);
    await refused.catch(() => undefined); // it was in time too: nothing had moved the clock
    expect(await balanceOf(domain)).toBe(111);
    const again = gated();
    const other = await place.start([...bank, again.handlers], { clock });
    const held = other.process(new Slow({ accountId: "1" }));
    await again.begun;
    const jumped = other.process(new Deposit({ accountId: "1", amount: 7 }), { timeout: 3_600_000 });
    clock.advance({ hours: 2 });
    await expect(jumped).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    again.open();
    await held;
  });

  test("a handler that asks the domain for its own aggregate in place of its context is refused at once, whatever its deadline", async () => {
    const place = kind.open();
    const holder: { domain?: Domain } = {};
    const selfish = commandHandlers(Account).update(Slow, async () => {
      await holder.domain?.process(new Deposit({ accountId: "1", amount: 1 }), { timeout: 30 });
    });
    holder.domain = await place.start([...bank, selfish]);
    await holder.domain.process(new Open({ accountId: "1" }));
    await expect(holder.domain.process(new Slow({ accountId: "1" }))).rejects.toMatchObject({
      code: "TURN_DEADLOCK",
    });
    expect(await balanceOf(holder.domain)).toBe(0);
  });

  test("a deadline is looked at before each try", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const rival = await place.start(bank);
    await rival.process(new Open({ accountId: "1" }));
    let runs = 0;
    const meddled = script(Account, async ({ repository }) => {
      runs += 1;
      const account = await repository(Account).get("1");
      account.deposit(1);
      await repository(Account).add(account);
      clock.advance({ seconds: 1 });
      await rival.process(new Deposit({ accountId: "1", amount: 10 }));
    });
    const domain = await place.start([...bank, meddled.handlers], { clock });
    await expect(domain.process(meddled.command(), { timeout: 2500 })).rejects.toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    expect(runs).toBe(3);
    expect(await balanceOf(rival)).toBe(30);
  });

  test("keys, inline handlers, sent commands and conflicts at once: each key takes effect once", {
    timeout: 180_000,
  }, async () => {
    const place = kind.open();
    const follow = eventHandlers("Follow", { run: "inline" }).on(
      Deposited,
      async ({ accountId }, { process, send }) => {
        if (accountId === "ledger") return;
        await process(new Deposit({ accountId: "ledger", amount: 1 }));
        await send(new VisitBranch({ branchId: "b" }));
      },
    );
    const later = eventHandlers("Later").on(Deposited, ({ accountId }, { process }) =>
      accountId === "ledger" ? undefined : process(new Withdraw({ accountId, amount: 1 })),
    );
    const domains = [await place.start([...bank, follow, later]), await place.start([...bank, follow, later])] as const;
    const [one, two] = domains;
    for (const accountId of ["ledger", "0", "1", "2", "3"]) await one.process(new Open({ accountId }));
    await one.process(new OpenBranch({ branchId: "b" }));
    for (const domain of domains) await domain.engine().start();
    // 32 keys, each four times, at two processes
    const calls = Array.from({ length: 128 }, (_, n) => {
      const key = n % 32;
      const deposit = new Deposit({ accountId: `${key % 4}`, amount: 2 });
      const domain = domains[n % 3 === 0 ? 0 : 1];
      return n % 5 === 0
        ? domain.send(deposit, { idempotencyKey: `k${key}` })
        : domain.process(deposit, { idempotencyKey: `k${key}` });
    });
    await Promise.all(calls);
    await Promise.all([one.settle(), two.settle()]);
    await one.settle();
    await two.settle();
    for (const accountId of ["0", "1", "2", "3"]) {
      expect(await one.process(new Withdraw({ accountId, amount: 0 }))).toBe(8); // 8 keys, 2 each, 1 taken back each
    }
    expect(await two.process(new Withdraw({ accountId: "ledger", amount: 0 }))).toBe(32);
    expect(await two.process(new VisitBranch({ branchId: "b" }))).toBe(33);
  });

  test.each<[string, object]>([
    ["a key by another name", { key: "k" }],
    ["an expected version", { expectedVersion: 1 }],
    ["a timeout", { timeout: 5 }],
    ["projections to wait for", { visibleIn: [] }],
    ["a time when it happened", { occurredAt: new Date() }],
    ["an option that there is not", { prio: "high" }],
    ["a priority that there is not", { priority: "urgent" }],
    ["a priority of another kind", { priority: 100 }],
    ["a priority of every object", { priority: "toString" }],
    ["a moment that is none", { at: "tomorrow" }],
    ["a moment without a time", { at: new Date("x") }],
    ["an empty key", { idempotencyKey: "" }],
    ["a key of the framework", { idempotencyKey: "nereus:sent:1" }],
    ["a deadline that is none", { deadline: 5 }],
  ])("send refuses %s, from outside and from a handler", async (_, options) => {
    const place = kind.open();
    const sending = script(Account, ({ send }) => send(new Open({ accountId: "1" }), options));
    const domain = await place.start([...bank, sending.handlers]);
    await expect(domain.send(new Open({ accountId: "1" }), options)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(domain.process(sending.command())).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(await storedMessages(place, ["command"])).toEqual([]);
  });

  test("a handler's sent command belongs to its request: it cannot say otherwise", async () => {
    const place = kind.open();
    for (const options of [{ tenant: "x" }, { correlationId: "x" }, { causationId: "x" }, { extensions: {} }]) {
      const sending = script(Account, ({ send }) => send(new Open({ accountId: "1" }), options as never));
      const domain = await place.start([...bank, sending.handlers]);
      await expect(domain.process(sending.command())).rejects.toMatchObject({ code: "OPTION_INVALID" });
    }
    expect(await storedMessages(place, ["command"])).toEqual([]);
  });
});
