import { eventHandlers } from "nereus";
import { fakeClock } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { Account, bank, Deposit, Deposited, Open, OpenBranch, Opened, VisitBranch, Withdraw } from "../support/bank.ts";
import { storedMessages } from "../support/log.ts";
import { places } from "../support/places.ts";
import { script } from "../support/scripts.ts";

const balance = new Withdraw({ accountId: "1", amount: 0 });

describe.each(places())("on $name", (kind) => {
  test("B9: a failure that an event's handler swallows refuses the whole, inline; async, it is reported", async () => {
    const place = kind.open();
    const swallow = (run: "inline" | "async") =>
      eventHandlers("Swallow", { run, retries: 0 }).on(Deposited, async ({ accountId }, { process }) => {
        await process(new VisitBranch({ branchId: "b" }));
        await process(new Withdraw({ accountId, amount: 1000 })).catch(() => 0);
      });
    const inline = await place.start([...bank, swallow("inline")]);
    await inline.process(new Open({ accountId: "1" }));
    await inline.process(new OpenBranch({ branchId: "b" }));
    await expect(inline.process(new Deposit({ accountId: "1", amount: 1 }))).rejects.toMatchObject({
      code: "INNER_FAILURE_SWALLOWED",
      cause: expect.objectContaining({ code: "INVARIANT_FAILED" }),
    });
    const later = await place.start([...bank, swallow("async")]);
    await later.process(new Deposit({ accountId: "1", amount: 1 }));
    await expect(later.settle()).rejects.toMatchObject({
      code: "EVENT_HANDLER_FAILED",
      cause: expect.objectContaining({ code: "INNER_FAILURE_SWALLOWED" }),
    });
    expect(await later.process(new VisitBranch({ branchId: "b" }))).toBe(1);
    expect(await later.process(balance)).toBe(1);
  });

  test("B10: a failed handler leaves no unit of work open for the next message to join", async () => {
    const place = kind.open();
    let broken = true;
    const failing = eventHandlers("Failing", { retries: 0 }).on(
      Opened,
      async ({ accountId }, { process, repository }) => {
        await process(new Deposit({ accountId, amount: 1 }));
        if (accountId === "2") return;
        const other = Account.open("2", "Eve");
        await repository(Account).add(other);
        if (broken) throw new Error("broken");
      },
    );
    const domain = await place.start([...bank, failing]);
    await domain.process(new Open({ accountId: "1", holder: "Ada" }));
    await domain.settle().catch(() => undefined);
    await domain.process(new OpenBranch({ branchId: "b" }));
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["Opened"]);
    broken = false;
    await domain.settle();
    expect(await domain.process(balance)).toBe(1);
  });

  test("B11: a conflict that an event's handler meets runs the command again before anything was stored, never after", async () => {
    const place = kind.open();
    const rival = await place.start(bank);
    await rival.process(new Open({ accountId: "shared" }));
    let commands = 0;
    let handlers = 0;
    const open = script(Account, async ({ repository }) => {
      commands += 1;
      await repository(Account).add(Account.open(`${commands}`, "Ada")); // an identity of its own each time
    });
    const meeting = eventHandlers("Meeting", { run: "inline" }).on(Opened, async (_, { repository }) => {
      handlers += 1;
      const shared = await repository(Account).get("shared");
      shared.deposit(1);
      await repository(Account).add(shared);
      if (handlers < 4) await rival.process(new Deposit({ accountId: "shared", amount: 100 }));
    });
    const domain = await place.start([...bank, open.handlers, meeting]);
    await domain.process(open.command());
    expect([commands, handlers]).toEqual([4, 4]);
    const stored = (await storedMessages(place)).map(({ type, stream }) => `${type} ${stream.id}`);
    expect(stored.filter((text) => text.startsWith("Opened"))).toEqual(["Opened shared", "Opened 4"]);
    expect(await rival.process(new Withdraw({ accountId: "shared", amount: 0 }))).toBe(301);
  });

  test("B11: the conflicts of an async handler are its own: the command that led to it never runs again", async () => {
    const place = kind.open();
    const rival = await place.start(bank);
    await rival.process(new Open({ accountId: "shared" }));
    let handlers = 0;
    const meeting = eventHandlers("Meeting").on(Opened, async (_, { repository }) => {
      handlers += 1;
      const shared = await repository(Account).get("shared");
      shared.deposit(1);
      await repository(Account).add(shared);
      if (handlers < 4) await rival.process(new Deposit({ accountId: "shared", amount: 100 }));
    });
    const domain = await place.start([...bank, meeting]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.settle();
    expect(handlers).toBe(4);
    expect((await storedMessages(place)).filter(({ type }) => type === "Opened")).toHaveLength(2);
    expect(await rival.process(new Withdraw({ accountId: "shared", amount: 0 }))).toBe(301);
  });

  test("B15: a deadline binds its own command; what follows from it by events or sent commands is not bound", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const follow = eventHandlers("Follow").on(Opened, async ({ accountId }, { process, send }) => {
      await process(new Deposit({ accountId, amount: 1 }));
      await send(new Deposit({ accountId, amount: 10 }));
    });
    const domain = await place.start([...bank, follow], { clock });
    await domain.process(new Open({ accountId: "1" }), { timeout: 1000 });
    await domain.send(new Deposit({ accountId: "1", amount: 100 }), {
      deadline: new Date(clock.now().getTime() + 1000),
    });
    clock.advance({ hours: 1 });
    await expect(domain.settle()).rejects.toMatchObject({ cause: { code: "DEADLINE_EXCEEDED" } }); // the one that has it
    await domain.settle();
    expect(await domain.process(balance)).toBe(11);
  });

  test("B15: nested commands and inline handlers are part of the command, and looked at with it", async () => {
    const place = kind.open();
    const clock = fakeClock();
    const slow = eventHandlers("Slow", { run: "inline" }).on(Opened, async ({ accountId }, { process }) => {
      clock.advance({ hours: 1 });
      await process(new Deposit({ accountId, amount: 1 }));
    });
    const domain = await place.start([...bank, slow], { clock });
    await domain.process(new Open({ accountId: "1" }), { timeout: 1000 }); // it was begun in time
    expect(await domain.process(balance)).toBe(1);
  });

  test("B19: a result that is not JSON is refused before anything is stored, also with inline handlers", async () => {
    const place = kind.open();
    const odd = script(Account, async ({ process }) => {
      await process(new Open({ accountId: "1" }));
      return new Date(0);
    });
    const bonus = eventHandlers("Bonus", { run: "inline" }).on(Opened, ({ accountId }, { send }) =>
      send(new Deposit({ accountId, amount: 1 })),
    );
    const domain = await place.start([...bank, odd.handlers, bonus]);
    await expect(domain.process(odd.command(), { idempotencyKey: "k" })).rejects.toMatchObject({
      code: "RESULT_NOT_SERIALISABLE",
    });
    expect(await storedMessages(place, ["event", "command"])).toEqual([]);
  });

  test("B19: concurrent duplicates run the handlers of events once", async () => {
    const place = kind.open();
    let runs = 0;
    const counted = eventHandlers("Counted", { run: "inline" }).on(Deposited, () => void runs++);
    const domain = await place.start([...bank, counted]);
    await domain.process(new Open({ accountId: "1" }));
    const deposit = new Deposit({ accountId: "1", amount: 1 });
    await Promise.all(Array.from({ length: 20 }, () => domain.process(deposit, { idempotencyKey: "k" })));
    expect(runs).toBe(1);
    expect(await domain.process(balance)).toBe(1);
    await expect(
      domain.process(new Deposit({ accountId: "1", amount: 2 }), { idempotencyKey: "k" }),
    ).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  });
});
