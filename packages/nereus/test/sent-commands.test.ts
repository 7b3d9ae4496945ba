import { setTimeout } from "node:timers/promises";
import { Command, commandHandlers, type Domain, eventHandlers, type Priority } from "nereus";
import { fakeClock } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  Branch,
  bank,
  Deposit,
  Deposited,
  Open,
  OpenBranch,
  Opened,
  VisitBranch,
  Withdraw,
} from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { places, RecordedLog } from "./support/places.ts";
import { script } from "./support/scripts.ts";
import { until } from "./support/until.ts";

const balanceOf = (domain: Domain, accountId: string, tenant = "") =>
  domain.process(new Withdraw({ accountId, amount: 0 }), { tenant });

describe.each(places())("on $name", (kind) => {
  test("a sent command is stored at once and handled later, also by another process", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    const command = new Open({ accountId: "1" });
    const receipt = await domain.send(command);
    expect(receipt).toEqual({ commandId: expect.stringMatching(/^[0-9a-f-]{36}$/), position: 1 });
    expect(await storedMessages(place)).toEqual([]); // no reader of events meets it
    const [stored] = await storedMessages(place, ["command"]);
    expect(stored).toMatchObject({
      id: receipt.commandId,
      type: "Open",
      correlationId: receipt.commandId,
      causationId: null,
      stream: { kind: "command", category: "Account" },
    });
    const store = await place.opened();
    expect((await store.log.readLog({ after: 0, limit: 9, categories: ["Account"] })).messages).toEqual([]);
    const other = await place.start(bank);
    await other.settle();
    await domain.settle();
    const [opened, ...more] = await storedMessages(place);
    expect(opened).toMatchObject({ type: "Opened", causationId: receipt.commandId, correlationId: receipt.commandId });
    expect(more).toEqual([]);
  });

  test("the same command object sent again is one command", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    await domain.process(new Open({ accountId: "1" }));
    const deposit = new Deposit({ accountId: "1", amount: 5 });
    expect(await domain.send(deposit)).toEqual(await domain.send(deposit));
    await domain.settle();
    await domain.send(deposit);
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(5);
  });

  test("what a handler sends is stored with its unit of work, or not at all, and not twice after a conflict", async () => {
    const place = kind.open();
    const rival = await place.start(bank);
    await rival.process(new Open({ accountId: "1" }));
    let runs = 0;
    const sending = script(Account, async ({ repository, send }) => {
      const account = await repository(Account).get("1");
      account.deposit(1);
      await send(new Deposit({ accountId: "1", amount: 10 }), { priority: "high" });
      await repository(Account).add(account);
      if (++runs === 1) await rival.process(new Deposit({ accountId: "1", amount: 100 }));
    });
    const failing = script(Account, async ({ send }) => {
      await send(new Deposit({ accountId: "1", amount: 1000 }));
      throw new Error("no");
    });
    const domain = await place.start([...bank, sending.handlers, failing.handlers]);
    await domain.process(sending.command());
    await expect(domain.process(failing.command())).rejects.toThrow("no");
    expect(runs).toBe(2);
    expect(await storedMessages(place, ["command"])).toHaveLength(1);
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(111);
  });

  test("a handler sends commands for several aggregates, and the same one twice at the most once", async () => {
    const place = kind.open();
    const deposit = new Deposit({ accountId: "1", amount: 5 });
    const sending = script(Branch, async ({ send }) => {
      await send(new Open({ accountId: "1" }));
      await send(new OpenBranch({ branchId: "b" }));
      await send(deposit);
    });
    const domain = await place.start([...bank, sending.handlers]);
    await domain.process(sending.command());
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(5);
    expect(await domain.process(new VisitBranch({ branchId: "b" }))).toBe(1);
  });

  test("a query, an event, a foreign command or no message at all is refused where it is sent", async () => {
    const place = kind.open();
    class Foreign extends Command("Foreign", {}) {}
    const sending = script(Account, async ({ send }) => send(new Foreign({})));
    const domain = await place.start([...bank, sending.handlers]);
    for (const wrong of [new Foreign({}), new Opened({ accountId: "1", holder: "Ada" }), {}, undefined, null, "Open"]) {
      await expect(domain.send(wrong as never)).rejects.toMatchObject({ code: "UNKNOWN_COMMAND" });
    }
    await expect(domain.process(sending.command())).rejects.toMatchObject({ code: "UNKNOWN_COMMAND" });
    expect(await storedMessages(place, ["command"])).toEqual([]);
  });

  test("an unawaited send is refused after its handler has ended", async () => {
    const place = kind.open();
    let late: Promise<unknown> | undefined;
    const careless = script(Account, ({ send }) => {
      late = setTimeout(20)
        .then(() => send(new Open({ accountId: "1" })))
        .catch((error: unknown) => error);
    });
    const domain = await place.start([...bank, careless.handlers]);
    await domain.process(careless.command());
    expect(await late).toMatchObject({ code: "UNIT_OF_WORK_CLOSED" });
    expect(await storedMessages(place, ["command"])).toEqual([]);
  });

  test("at: not before its moment by the domain's clock, whatever is sent after it", async () => {
    const place = kind.open();
    const clock = fakeClock(new Date("2026-03-15T09:00:00Z"));
    const domain = await place.start(bank, { clock });
    await domain.process(new Open({ accountId: "1" }));
    await domain.send(new Deposit({ accountId: "1", amount: 1 }), { at: new Date("2026-03-15T09:05:00Z") });
    await domain.send(new Deposit({ accountId: "1", amount: 10 }));
    await domain.send(new Deposit({ accountId: "1", amount: 100 }), { at: new Date("2026-03-15T10:00:00Z") });
    await domain.send(new Deposit({ accountId: "1", amount: 1000 }), { at: new Date("2026-03-15T09:00:00Z") });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(1010);
    clock.advance({ minutes: 4, seconds: 59 });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(1010);
    clock.advance({ seconds: 1 });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(1011);
    // a restart forgets none of those that wait, and repeats none of those that are done
    const restarted = await place.start(bank, { clock });
    await restarted.settle();
    expect(await balanceOf(restarted, "1")).toBe(1011);
    clock.advance({ hours: 1 });
    await restarted.settle();
    await domain.settle();
    expect(await balanceOf(restarted, "1")).toBe(1111);
  });

  test("at: an idle engine notices when the moment has come", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const domain = await place.start(bank, { clock });
    const handler = script(Account, ({ send }) =>
      send(new Open({ accountId: "1" }), { at: new Date(clock.now().getTime() + 60_000) }),
    );
    const sender = await place.start([...bank, handler.handlers], { clock });
    await domain.engine().start();
    await sender.process(handler.command());
    await setTimeout(50);
    expect(await storedMessages(place)).toEqual([]);
    clock.advance({ minutes: 1 });
    await until(async () => (await storedMessages(place)).length === 1);
  });

  test("priority: of those that are due the more urgent first, then in the order in which they were sent", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const domain = await place.start(bank, { clock });
    await domain.process(new Open({ accountId: "1" }));
    const order: (Priority | undefined)[] = [
      "low",
      undefined,
      "bulk",
      "critical",
      "high",
      "normal",
      "critical",
      "bulk",
    ];
    for (const [n, priority] of order.entries()) {
      await domain.send(new Deposit({ accountId: "1", amount: n }), priority === undefined ? {} : { priority });
    }
    const inAMinute = { at: new Date(clock.now().getTime() + 60_000), priority: "critical" } as const;
    await domain.send(new Deposit({ accountId: "1", amount: 99 }), inAMinute);
    await domain.settle();
    const amounts = (await storedMessages(place)).slice(1).map(({ data }) => JSON.parse(data).amount);
    expect(amounts).toEqual([3, 6, 4, 1, 5, 0, 2, 7]);
    const marks = (await storedMessages(place, ["command"])).map(
      ({ extensions }) => JSON.parse(extensions ?? "").nereus,
    );
    expect(marks.map((mark) => mark.priority)).toEqual([...order, "critical"]);
  });

  test("a more urgent command that comes in between is next", async () => {
    const place = kind.open();
    const urgent = eventHandlers("Urgent", { run: "inline" }).on(Deposited, async ({ amount }, { send }) => {
      if (amount === 0) await send(new Deposit({ accountId: "1", amount: 100 }), { priority: "critical" });
    });
    const domain = await place.start([...bank, urgent]);
    await domain.process(new Open({ accountId: "1" }));
    for (const amount of [0, 1, 2]) await domain.send(new Deposit({ accountId: "1", amount }));
    await domain.settle();
    const amounts = (await storedMessages(place)).slice(1).map(({ data }) => JSON.parse(data).amount);
    expect(amounts).toEqual([0, 100, 1, 2]);
  });

  test("idempotencyKey: takes effect once, however it comes", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    await domain.process(new Open({ accountId: "1" }));
    const deposit = (amount = 5) => new Deposit({ accountId: "1", amount });
    await domain.send(deposit(), { idempotencyKey: "k" });
    await domain.send(deposit(), { idempotencyKey: "k" });
    await domain.settle();
    await domain.send(deposit(), { idempotencyKey: "k" });
    await domain.process(deposit(), { idempotencyKey: "k" });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(5);
    await domain.process(deposit(), { idempotencyKey: "l" });
    await domain.send(deposit(), { idempotencyKey: "l" });
    await domain.send(deposit(), { idempotencyKey: "k", tenant: "" });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(10);
    await domain.send(deposit(6), { idempotencyKey: "k" });
    await expect(domain.settle()).rejects.toMatchObject({
      code: "SENT_COMMAND_FAILED",
      cause: expect.objectContaining({ code: "IDEMPOTENCY_KEY_REUSED" }),
    });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(10);
  });

  test("idempotencyKey: a command that was refused leaves it free, and is not tried again itself", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    await domain.process(new Open({ accountId: "1" }));
    const withdraw = () => new Withdraw({ accountId: "1", amount: 5 });
    await domain.send(withdraw(), { idempotencyKey: "k" });
    await expect(domain.settle()).rejects.toMatchObject({ code: "SENT_COMMAND_FAILED" });
    await domain.process(new Deposit({ accountId: "1", amount: 20 }));
    const restarted = await place.start(bank);
    await restarted.settle();
    expect(await balanceOf(restarted, "1")).toBe(20);
    await domain.send(withdraw(), { idempotencyKey: "k" });
    await restarted.settle();
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(15);
  });

  test("deadline: too late is refused, reported, and not tried again", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const domain = await place.start(bank, { clock });
    await domain.process(new Open({ accountId: "1" }));
    const inAnHour = { deadline: new Date(clock.now().getTime() + 3_600_000) };
    await domain.send(new Deposit({ accountId: "1", amount: 1 }), inAnHour);
    await domain.settle();
    await domain.send(new Deposit({ accountId: "1", amount: 10 }), inAnHour);
    clock.advance({ hours: 1 });
    await expect(domain.settle()).rejects.toMatchObject({
      code: "SENT_COMMAND_FAILED",
      cause: expect.objectContaining({ code: "DEADLINE_EXCEEDED" }),
    });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(1);
  });

  test("a refusal is remembered and reported once; others go on", async () => {
    const place = kind.open();
    const domain = await place.start(bank);
    await domain.process(new Open({ accountId: "1" }));
    await domain.send(new Withdraw({ accountId: "1", amount: 7 }));
    await domain.send(new Deposit({ accountId: "nobody", amount: 7 }));
    await domain.send(new Deposit({ accountId: "1", amount: 50 }));
    const failure = await domain.settle().catch((error) => error);
    expect(failure).toMatchObject({ code: "SETTLE_FAILED" });
    expect(failure.cause.errors).toMatchObject([
      { code: "SENT_COMMAND_FAILED", element: "Withdraw", cause: { code: "INVARIANT_FAILED" } },
      { code: "SENT_COMMAND_FAILED", element: "Deposit", cause: { code: "AGGREGATE_NOT_FOUND" } },
    ]);
    expect(failure.cause.errors[0].fix).toMatch(/not tried again/);
    for (const again of [domain, await place.start(bank)]) await again.settle();
    expect(await balanceOf(domain, "1")).toBe(50);
  });

  test("refusals by several inline handlers are refusals too", async () => {
    const place = kind.open();
    const strict = eventHandlers("Strict", { run: "inline" })
      .on(Deposited, (_, { process }) => process(new Withdraw({ accountId: "1", amount: 1000 })))
      .on(Deposited, (_, { process }) => process(new VisitBranch({ branchId: "nowhere" })));
    const domain = await place.start([...bank, strict]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.send(new Deposit({ accountId: "1", amount: 1 }));
    await expect(domain.settle()).rejects.toMatchObject({
      code: "SENT_COMMAND_FAILED",
      cause: expect.objectContaining({ code: "EVENT_HANDLERS_FAILED" }),
    });
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(0);
  });

  test("a bug is tried again, holds up no other command, and takes effect once it is mended", async () => {
    const place = kind.open();
    const log = new RecordedLog();
    let broken = true;
    let tries = 0;
    class Buggy extends Command("Buggy", { n: z.number() }) {}
    const buggy = commandHandlers(Account).on(Buggy, async (_, { process }) => {
      tries += 1;
      await process(new Deposit({ accountId: "1", amount: 5 }));
      if (broken) throw new Error("bug");
    });
    const domain = await place.start([...bank, buggy], { log });
    await domain.process(new Open({ accountId: "1" }));
    await domain.send(new Buggy({ n: 1 }), { priority: "critical" });
    await domain.send(new Deposit({ accountId: "1", amount: 10 }), { priority: "bulk" });
    for (const n of [1, 2]) {
      const refused = { code: "SENT_COMMAND_FAILED", element: "Buggy", cause: new Error("bug") };
      await expect(domain.settle()).rejects.toMatchObject(refused); // it never says that nothing is pending
      expect(tries).toBe(n * 3);
    }
    expect(await balanceOf(domain, "1")).toBe(10);
    const engine = domain.engine();
    await engine.start();
    await until(() => log.errors.length > 0);
    expect(log.errors[0]).toMatchObject({ message: "A sent command failed", details: { code: "SENT_COMMAND_FAILED" } });
    for (let n = 0; n < 10; n++) await domain.send(new Deposit({ accountId: "1", amount: 1 }));
    await until(async () => (await balanceOf(domain, "1")) === 20);
    broken = false;
    await until(async () => (await balanceOf(domain, "1")) === 25);
    await engine.stop();
    await domain.settle();
    expect(await balanceOf(domain, "1")).toBe(25);
  });

  test("a flood of refused commands does not slow down the others", async () => {
    const place = kind.open();
    const log = new RecordedLog();
    const domain = await place.start(bank, { log });
    await domain.process(new Open({ accountId: "1" }));
    await domain.engine().start();
    for (let n = 0; n < 12; n++) {
      await domain.send(new Withdraw({ accountId: "1", amount: 1 }));
      await until(() => log.errors.length > n); // twelve growing pauses would take minutes
    }
    await domain.send(new Open({ accountId: "2" }));
    await until(async () => (await storedMessages(place)).length === 2);
  });

  test("a command that nothing handles any more waits, and is reported", async () => {
    const place = kind.open();
    class Old extends Command("Old", {}) {}
    let ran = 0;
    const handlers = commandHandlers(Account).on(Old, () => ++ran);
    const before = await place.start([...bank, handlers]);
    await before.send(new Old({}));
    const domain = await place.start(bank);
    await domain.send(new Open({ accountId: "1" }));
    await expect(domain.settle()).rejects.toMatchObject({
      code: "SENT_COMMAND_FAILED",
      cause: expect.objectContaining({ code: "UNKNOWN_COMMAND" }),
    });
    expect(await balanceOf(domain, "1")).toBe(0);
    await (await place.start([...bank, handlers])).settle();
    expect(ran).toBe(1);
    await domain.settle();
  });

  test("results that are not JSON matter only to commands with a key", async () => {
    const place = kind.open();
    class Odd extends Command("Odd", {}).returns<unknown>() {}
    const odd = commandHandlers(Account).on(Odd, () => new Map([[1, 2n]]));
    const domain = await place.start([...bank, odd]);
    await domain.send(new Odd({}));
    await domain.settle();
  });

  test("tenant, correlation, causation, trace and extensions go with a command", async () => {
    const place = kind.open();
    let enrichments = 0;
    const seen: unknown[] = [];
    class See extends Command("See", {}) {}
    const see = commandHandlers(Account).on(See, async (_, { metadata, process }) => {
      seen.push(metadata);
      await process(new Open({ accountId: "1" }));
    });
    const requests: { current: string | undefined } = { current: "r-1" };
    const enrich = () => {
      enrichments += 1;
      return requests.current === undefined ? { requestId: "outside of any request" } : { requestId: requests.current };
    };
    const domain = await place.start([...bank, see], { enrichers: { commands: [enrich] } });
    const { commandId } = await domain.send(new See({}), {
      tenant: "acme",
      correlationId: "c-1",
      causationId: "click-1",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      extensions: { agent: "browser" },
      priority: "high",
    });
    requests.current = undefined;
    await domain.settle();
    expect(enrichments).toBe(1);
    const extensions = { agent: "browser", requestId: "r-1" };
    expect(seen).toMatchObject([
      { id: commandId, correlationId: "c-1", causationId: "click-1", tenant: "acme", extensions },
    ]);
    const [opened] = await storedMessages(place);
    expect(opened).toMatchObject({ correlationId: "c-1", stream: { tenant: "acme" }, traceparent: expect.any(String) });
    expect(JSON.parse(opened?.extensions ?? "")).toEqual(extensions); // and not how it was sent
  });

  test("two engines on the same data: each command takes effect once, those for later are forgotten by neither", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const logs = [new RecordedLog(), new RecordedLog()];
    const [one, two] = (await Promise.all(logs.map((log) => place.start(bank, { log, clock })))) as [Domain, Domain];
    for (let n = 0; n < 8; n++) await one.process(new Open({ accountId: `${n}` }));
    const later = { at: new Date(clock.now().getTime() + 60_000) };
    for (let n = 0; n < 8; n++) await two.send(new Deposit({ accountId: `${n}`, amount: 1000 }), later);
    const engines = [one.engine(), two.engine()] as const;
    for (const engine of engines) await engine.start();
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        (n % 2 ? one : two).send(new Deposit({ accountId: `${n % 8}`, amount: 1 })),
      ),
    );
    await Promise.all([one.settle(), two.settle()]);
    for (let n = 0; n < 8; n++) expect(await balanceOf(one, `${n}`)).toBe(25);
    await engines[0].stop(); // whichever of them did the work: the other one has to know what is left
    await setTimeout(20);
    clock.advance({ minutes: 1 });
    await until(async () => (await balanceOf(two, "7")) === 1025);
    await engines[1].stop();
    await two.settle();
    await one.settle();
    for (let n = 0; n < 8; n++) expect(await balanceOf(two, `${n}`)).toBe(1025);
    expect(logs.flatMap(({ errors }) => errors)).toEqual([]);
  });

  test("a process that another one has overtaken still knows of the commands for later", async () => {
    const place = kind.open();
    const clock = fakeClock();
    class Wait extends Command("Wait", {}) {}
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const waiting = commandHandlers(Account).on(Wait, () => {
      begun.resolve();
      return gate.promise;
    });
    const slow = await place.start([...bank, waiting], { clock });
    const quick = await place.start([...bank, commandHandlers(Account).on(Wait, () => undefined)], { clock });
    await slow.send(new Wait({}));
    await slow.send(new Open({ accountId: "1" }), { at: new Date(clock.now().getTime() + 60_000) });
    const settled = slow.settle();
    await begun.promise;
    await quick.settle(); // has done the first one, and says so
    gate.resolve();
    await settled;
    clock.advance({ minutes: 1 }); // nothing else is stored meanwhile
    await slow.settle();
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["Opened"]);
  });

  test("thousands of waiting commands are handled in order", { timeout: 180_000 }, async () => {
    const place = kind.open();
    const domain = await place.start(bank, { clock: fakeClock() });
    await domain.process(new Open({ accountId: "1" }));
    const count = 3000;
    await Promise.all(
      Array.from({ length: count }, (_, amount) => domain.send(new Deposit({ accountId: "1", amount }))),
    );
    await domain.settle();
    const amounts = (await storedMessages(place)).slice(1).map(({ data }) => JSON.parse(data).amount);
    expect(amounts).toEqual((await storedMessages(place, ["command"])).map(({ data }) => JSON.parse(data).amount));
    expect(amounts).toHaveLength(count);
  });
});
