import { setTimeout } from "node:timers/promises";
import {
  type Engine,
  type EventContext,
  eventHandlers,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
} from "nereus";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  Branch,
  BranchRenamed,
  bank,
  Close,
  Closed,
  Deposit,
  Deposited,
  Open,
  OpenBranch,
  Opened,
  RenameBranch,
  VisitBranch,
  Withdraw,
  Withdrawn,
} from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { type Place, places, RecordedLog } from "./support/places.ts";
import { script } from "./support/scripts.ts";
import { until } from "./support/until.ts";

/** What is stored, as `Opened 1`. */
async function told(place: Place): Promise<string[]> {
  return (await storedMessages(place)).map(({ type, stream }) => `${type} ${stream.id}`);
}

const balanceOf = (accountId: string) => new Withdraw({ accountId, amount: 0 });

describe.each(places())("inline, on $name", (kind) => {
  test("a handler's changes are stored with those of the command", async () => {
    const place = kind.open();
    const welcome = eventHandlers("Welcome", { run: "inline" }).on(
      Opened,
      async ({ accountId }, { repository, process }) => {
        await process(new Deposit({ accountId, amount: 5 })); // the aggregate that raised the event
        const account = await repository(Account).get(accountId);
        account.deposit(2);
        await repository(Account).add(account);
        const branch = await repository(Branch).get("b"); // a state-stored one
        branch.rename("North");
        await repository(Branch).add(branch);
      },
    );
    const domain = await place.start([...bank, welcome]);
    await domain.process(new OpenBranch({ branchId: "b" }));
    expect(await domain.process(new Open({ accountId: "1" }))).toBe("1");
    expect(await told(place)).toEqual(["Opened 1", "Deposited 1", "Deposited 1", "BranchRenamed b"]);
    expect(await domain.process(balanceOf("1"))).toBe(7);
    const fresh = await place.start(bank);
    expect(await fresh.process(balanceOf("1"))).toBe(7);
  });

  test("first raised, first handled; what handlers raise comes after that, and everything in the order of the lists", async () => {
    const place = kind.open();
    const seen: string[] = [];
    const see = (who: string) => (event: object) => void seen.push(`${who} ${event.constructor.name}`);
    const first = eventHandlers("First", { run: "inline" })
      .on(Opened, async (event, { process }) => {
        see("first")(event);
        await process(new Deposit({ accountId: event.accountId, amount: 1 }));
      })
      .on(Deposited, see("first"))
      .on(BranchRenamed, see("first"));
    const second = eventHandlers("Second", { run: "inline" })
      .on(Deposited, see("second"))
      .on(Opened, see("second"))
      .on(Opened, see("second again"));
    const both = script(Account, async ({ repository }) => {
      const account = Account.open("1", "Ada");
      const branch = new Branch({ branchId: "b", name: "Main" });
      branch.rename("North");
      await repository(Branch).add(branch);
      await repository(Account).add(account);
    });
    const domain = await place.start([...bank, first, second, both.handlers]);
    await domain.process(both.command());
    expect(seen).toEqual([
      "first Opened",
      "second Opened",
      "second again Opened",
      "first BranchRenamed",
      "first Deposited",
      "second Deposited",
    ]);
  });

  test("one failure reaches the caller as it is, after every sibling has run, and nothing is stored", async () => {
    const place = kind.open();
    const seen: string[] = [];
    const own = new Error("no account on Sundays");
    const failing = eventHandlers("Failing", { run: "inline" })
      .on(Opened, () => {
        throw own;
      })
      .on(Opened, async (_, { process }) => {
        seen.push("sibling");
        await process(new OpenBranch({ branchId: "b" }));
      });
    const other = eventHandlers("Other", { run: "inline" })
      .on(Opened, () => void seen.push("other list"))
      .on(Deposited, () => void seen.push("later"));
    const domain = await place.start([...bank, failing, other]);
    const open = script(Account, async ({ repository }) => {
      const account = Account.open("1", "Ada");
      account.deposit(1);
      await repository(Account).add(account);
    });
    const opening = await place.start([...bank, failing, other, open.handlers]);
    expect(await domain.process(new Open({ accountId: "1" })).catch((error: unknown) => error)).toBe(own);
    expect(seen).toEqual(["sibling", "other list"]);
    expect(await opening.process(open.command()).catch((error: unknown) => error)).toBe(own);
    expect(seen.slice(2)).toEqual(["sibling", "other list", "later"]);
    expect(await told(place)).toEqual([]);
    const look = await place.start(bank);
    await expect(look.process(new VisitBranch({ branchId: "b" }))).rejects.toMatchObject({
      code: "AGGREGATE_NOT_FOUND",
    });
  });

  test("several failures come as one, with all of them in its cause", async () => {
    const place = kind.open();
    const failing = eventHandlers("Failing", { run: "inline" })
      .on(Opened, () => {
        throw new Error("one");
      })
      .on(Opened, async (_, { process }) => {
        await process(new Withdraw({ accountId: "1", amount: 100 }));
      })
      .on(Opened, async () => Promise.reject("three"));
    const domain = await place.start([...bank, failing]);
    const failure = await domain.process(new Open({ accountId: "1" })).catch((error) => error);
    expect(failure).toMatchObject({ code: "EVENT_HANDLERS_FAILED", cause: expect.any(AggregateError) });
    expect(failure.message).toMatch(/3 event handlers failed: one; Account 1: Insufficient funds; three/);
    expect(failure.cause.errors.map((error: { code?: string }) => error.code ?? String(error))).toEqual([
      "Error: one",
      "INVARIANT_FAILED",
      "three",
    ]);
    expect(await told(place)).toEqual([]);
  });

  test("a failed handler leaves neither a cached aggregate changed nor a document", async () => {
    const place = kind.open();
    let broken = true;
    const moody = eventHandlers("Moody", { run: "inline" }).on(Deposited, async (_, { process }) => {
      await process(new VisitBranch({ branchId: "b" }));
      if (broken) throw new Error("moody");
    });
    const domain = await place.start([...bank, moody]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new OpenBranch({ branchId: "b" }));
    await expect(domain.process(new Deposit({ accountId: "1", amount: 5 }))).rejects.toThrow("moody");
    await expect(domain.process(new Deposit({ accountId: "1", amount: 5 }))).rejects.toThrow("moody");
    broken = false;
    await domain.process(new Deposit({ accountId: "1", amount: 5 }));
    expect(await domain.process(balanceOf("1"))).toBe(5);
    expect(await domain.process(new VisitBranch({ branchId: "b" }))).toBe(2);
  });

  test.each([
    ["by nested commands", (context: EventContext) => context.process(new Deposit({ accountId: "1", amount: 1 }))],
    [
      "by the repository",
      async ({ repository }: EventContext) => {
        const account = await repository(Account).get("1");
        account.deposit(1);
        await repository(Account).add(account);
      },
    ],
    [
      "by commands of commands, two at a time",
      async (context: EventContext) => {
        await context.process(new Deposit({ accountId: "1", amount: 1 }));
        await context.process(new Deposit({ accountId: "1", amount: 1 }));
      },
    ],
  ])("an endless circle %s is refused, and nothing is stored", { timeout: 180_000 }, async (_, handle) => {
    const place = kind.open();
    const circle = eventHandlers("Circle", { run: "inline" }).on(Deposited, (_, context) => handle(context));
    const domain = await place.start([...bank, circle]);
    await domain.process(new Open({ accountId: "1" }));
    await expect(domain.process(new Deposit({ accountId: "1", amount: 1 }))).rejects.toMatchObject({
      code: "EVENT_CASCADE_ENDLESS",
    });
    expect(await told(place)).toEqual(["Opened 1"]);
    expect(await domain.process(balanceOf("1"))).toBe(0);
  });

  test("a long chain that ends is no circle, however many events a command raises", async () => {
    const place = kind.open();
    const half = eventHandlers("Half", { run: "inline" })
      .on(Deposited, async ({ accountId, amount }, { process }) => {
        if (amount > 1) await process(new Deposit({ accountId, amount: amount - 1 }));
      })
      .on(Withdrawn, async (_, { process }) => process(new OpenBranch({ branchId: `${Math.random()}` })));
    const many = script(Account, async ({ repository }) => {
      const account = await repository(Account).get("1");
      for (let n = 0; n < 2500; n++) account.withdraw(0);
      await repository(Account).add(account);
    });
    const domain = await place.start([...bank, half, many.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 100 }));
    await domain.process(many.command());
    expect(await storedMessages(place)).toHaveLength(1 + 100 + 2500);
  });

  test("an event of an aggregate that is added only later is handled too, once", async () => {
    const place = kind.open();
    const seen: string[] = [];
    let kept: Account | undefined;
    const slow = eventHandlers("Slow", { run: "inline" })
      .on(Opened, async ({ accountId }, { repository, process }) => {
        if (accountId !== "2") return;
        kept = await repository(Account).get("1");
        kept.deposit(1); // and added by a later handler
        await process(new OpenBranch({ branchId: "b" }));
        await process(new RenameBranch({ branchId: "b", name: "North" }));
      })
      .on(BranchRenamed, async ({ name }, { repository, process }) => {
        seen.push(name);
        if (name === "North") await process(new RenameBranch({ branchId: "b", name: "South" }));
        else await repository(Account).add(kept!);
      })
      .on(Deposited, ({ amount }) => void seen.push(`deposited ${amount}`));
    const domain = await place.start([...bank, slow]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Open({ accountId: "2" }));
    expect(seen).toEqual(["North", "South", "deposited 1"]);
  });

  test("inline projections see what handlers raise", async () => {
    const place = kind.open();
    class Row extends Projection("Row", { accountId: identifier(), sum: z.number().default(0) }) {}
    const rows = projector(Row, { run: "inline" })
      .create(Opened, ({ accountId }) => ({ accountId }))
      .update(
        Deposited,
        (event) => event.accountId,
        (row, { amount }) => {
          row.sum += amount;
        },
      );
    class Sum extends Query("Sum", { accountId: z.string() }).returns<number>() {}
    const queries = queryHandlers(Row).on(
      Sum,
      async ({ accountId }, { view }) => (await view.get(accountId))?.sum ?? -1,
    );
    const asked: number[] = [];
    const bonus = eventHandlers("Bonus", { run: "inline" }).on(Opened, async ({ accountId }, { process, query }) => {
      asked.push(await query(new Sum({ accountId })));
      await process(new Deposit({ accountId, amount: 5 }));
      asked.push(await query(new Sum({ accountId })));
    });
    const domain = await place.start([...bank, bonus, Row, rows, queries]);
    await domain.process(new Open({ accountId: "1" }));
    expect(await domain.query(new Sum({ accountId: "1" }))).toBe(5);
    expect(asked).toEqual([-1, -1]); // as of the last commit
  });

  test("a command that a handler sends is stored with the unit of work, or not at all", async () => {
    const place = kind.open();
    let broken = true;
    const sending = eventHandlers("Sending", { run: "inline" }).on(Opened, async ({ accountId }, { send }) => {
      await send(new Deposit({ accountId, amount: 5 }));
      if (broken) throw new Error("broken");
    });
    const domain = await place.start([...bank, sending]);
    await expect(domain.process(new Open({ accountId: "1" }))).rejects.toThrow("broken");
    await domain.settle();
    expect(await storedMessages(place, ["event", "command"])).toEqual([]);
    broken = false;
    await domain.process(new Open({ accountId: "1" }));
    await domain.settle();
    expect(await domain.process(balanceOf("1"))).toBe(5);
  });

  test("handlers also follow async handlers, use cases and sent commands", async () => {
    const place = kind.open();
    const visits = eventHandlers("Visits", { run: "inline" }).on(Deposited, async (_, { process }) => {
      await process(new VisitBranch({ branchId: "b" }));
    });
    const later = eventHandlers("Later").on(Opened, async ({ accountId }, { process, send }) => {
      await process(new Deposit({ accountId, amount: 1 }));
      await send(new Deposit({ accountId, amount: 1 }));
    });
    const domain = await place.start([...bank, visits, later]);
    await domain.process(new OpenBranch({ branchId: "b" }));
    await domain.process(new Open({ accountId: "1" }));
    await domain.settle();
    expect(await domain.process(new VisitBranch({ branchId: "b" }))).toBe(3);
  });

  test("after a conflict the command and its handlers run again from the start, and leave each effect once", async () => {
    const place = kind.open();
    const rival = await place.start(bank);
    await rival.process(new Open({ accountId: "1" }));
    await rival.process(new Open({ accountId: "2" }));
    await rival.process(new OpenBranch({ branchId: "b" }));
    let runs = 0;
    const meddled = eventHandlers("Meddled", { run: "inline" }).on(Deposited, async ({ accountId }, { process }) => {
      if (accountId === "2") return;
      await process(new VisitBranch({ branchId: "b" }));
      await process(new Deposit({ accountId: "2", amount: 1 }));
      if (++runs > 3) return;
      // another process changes what the command, or its handlers, have read
      await rival.process(
        runs === 1 ? new Deposit({ accountId: "1", amount: 100 }) : new Deposit({ accountId: "2", amount: 100 }),
      );
      if (runs === 3) await rival.process(new VisitBranch({ branchId: "b" }));
    });
    const domain = await place.start([...bank, meddled]);
    await domain.process(new Deposit({ accountId: "1", amount: 7 }));
    expect(runs).toBe(4);
    expect(await rival.process(balanceOf("1"))).toBe(107);
    expect(await rival.process(balanceOf("2"))).toBe(201);
    expect(await rival.process(new VisitBranch({ branchId: "b" }))).toBe(3);
  });

  test("64 concurrent commands whose handlers meet at one aggregate all take effect once", {
    timeout: 180_000,
  }, async () => {
    const place = kind.open();
    const ledger = eventHandlers("Ledger", { run: "inline" }).on(
      Deposited,
      async ({ accountId, amount }, { process }) => {
        if (accountId === "ledger") return;
        await process(new Deposit({ accountId: "ledger", amount }));
        await process(new VisitBranch({ branchId: "b" }));
      },
    );
    const domain = await place.start([...bank, ledger]);
    const other = await place.start([...bank, ledger]);
    await domain.process(new OpenBranch({ branchId: "b" }));
    await domain.process(new Open({ accountId: "ledger" }));
    for (let n = 0; n < 64; n++) await domain.process(new Open({ accountId: `${n}` }));
    const all = Array.from({ length: 64 }, (_, n) => [
      domain.process(new Deposit({ accountId: `${n}`, amount: 1 }), { idempotencyKey: `k${n}` }),
      other.process(new Deposit({ accountId: `${n}`, amount: 1 }), { idempotencyKey: `k${n}` }),
    ]);
    await Promise.all(all.flat());
    expect(await other.process(balanceOf("ledger"))).toBe(64);
    expect(await domain.process(new VisitBranch({ branchId: "b" }))).toBe(65);
    const stored = await storedMessages(place);
    const ofLedger = stored.filter(({ stream }) => stream.id === "ledger");
    expect(ofLedger.map(({ version }) => version)).toEqual(Array.from({ length: 66 }, (_, n) => n));
  });
});

describe.each(places())("async, on $name", (kind) => {
  test("handlers run after the commit, in the order of the log, each event once, and know whose child it is", async () => {
    const place = kind.open();
    const seen: unknown[] = [];
    const alerts = eventHandlers("Alerts")
      .on(Opened, ({ accountId }, { metadata }) => void seen.push([`opened ${accountId}`, metadata]))
      .on(Deposited, ({ accountId, amount }) => void seen.push(`deposited ${accountId} ${amount}`));
    const domain = await place.start([...bank, alerts]);
    await domain.process(new Open({ accountId: "1" }), {
      tenant: "acme",
      correlationId: "request-1",
      extensions: { agent: "browser" },
      occurredAt: new Date("2020-01-01"),
    });
    expect(seen).toEqual([]);
    await domain.process(new Open({ accountId: "2" }));
    await domain.process(new Deposit({ accountId: "2", amount: 5 }));
    await domain.settle();
    await domain.settle();
    const [first] = await storedMessages(place);
    expect(seen).toEqual([
      [
        "opened 1",
        {
          id: first?.id,
          tenant: "acme",
          category: "Account",
          streamId: "1",
          version: 0,
          recordedAt: new Date(first?.recordedAt ?? 0),
          occurredAt: new Date("2020-01-01"),
          correlationId: "request-1",
          causationId: first?.causationId,
          extensions: { agent: "browser" },
        },
      ],
      ["opened 2", expect.anything()],
      "deposited 2 5",
    ]);
  });

  test("what a handler does belongs to the tenant, the request and the event that it came from", async () => {
    const place = kind.open();
    const follow = eventHandlers("Follow").on(Opened, async (_, { repository, process, send }) => {
      const branch = new Branch({ branchId: "b", name: "Main" });
      branch.rename("North");
      await repository(Branch).add(branch);
      await process(new Deposit({ accountId: "1", amount: 1 }));
      await send(new Deposit({ accountId: "1", amount: 2 }));
    });
    const domain = await place.start([...bank, follow]);
    await domain.process(new Open({ accountId: "1" }), {
      tenant: "acme",
      correlationId: "request-1",
      extensions: { agent: "browser" },
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    await domain.settle();
    const stored = await storedMessages(place, ["event", "command"]);
    expect(stored.map(({ type }) => type)).toEqual(["Opened", "BranchRenamed", "Deposited", "Deposit", "Deposited"]);
    for (const { stream, correlationId, extensions, traceparent } of stored) {
      expect([stream.tenant, correlationId]).toEqual(["acme", "request-1"]);
      expect(JSON.parse(extensions ?? "")).toMatchObject({ agent: "browser" });
      expect(traceparent).toMatch(/^00-4bf9/);
    }
    expect(stored[1]?.causationId).toBe(stored[0]?.id);
  });

  test("new handlers begin after what was there; from then on they miss nothing, with an engine or without", async () => {
    const place = kind.open();
    const before = await place.start(bank);
    await before.process(new Open({ accountId: "1" }));
    const seen: string[] = [];
    const elements = [...bank, eventHandlers("Late").on(Opened, ({ accountId }) => void seen.push(accountId))];
    await place.start(elements); // has neither engine nor settle
    await before.process(new Open({ accountId: "2" })); // by a process that does not even know the handlers
    await (await place.start(elements)).process(new Open({ accountId: "3" }));
    const last = await place.start(elements);
    await last.settle();
    expect(seen).toEqual(["2", "3"]);
    await (await place.start(elements)).settle();
    expect(seen).toEqual(["2", "3"]);
  });

  test("every handler of an event runs, once each, although a sibling keeps failing", async () => {
    const place = kind.open();
    let broken = true;
    const seen: string[] = [];
    const list = eventHandlers("List", { retries: 2 })
      .on(Opened, ({ accountId }, { process }) => process(new Deposit({ accountId, amount: 1 })))
      .on(Opened, ({ accountId }) => {
        seen.push(`tried ${accountId}`);
        if (broken) throw new Error("mailbox full");
      })
      .on(Opened, ({ accountId }, { process }) => process(new Deposit({ accountId, amount: 10 })));
    const domain = await place.start([...bank, list]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Open({ accountId: "2" }));
    for (const n of [1, 2]) {
      await expect(domain.settle()).rejects.toMatchObject({
        code: "EVENT_HANDLER_FAILED",
        element: "List",
        message: expect.stringMatching(/List failed at Opened, position 1: mailbox full/),
        cause: new Error("mailbox full"),
      });
      expect(seen).toHaveLength(n * 3);
    }
    expect(await domain.process(balanceOf("1"))).toBe(11);
    expect(await domain.process(balanceOf("2"))).toBe(0); // it stays before the next event
    const other = await place.start([...bank, list]);
    await expect(other.settle()).rejects.toMatchObject({ code: "EVENT_HANDLER_FAILED" });
    broken = false;
    await other.settle();
    await domain.settle();
    expect(await domain.process(balanceOf("1"))).toBe(11);
    expect(await domain.process(balanceOf("2"))).toBe(11);
    expect(seen.filter((text) => text === "tried 2")).toHaveLength(1);
  });

  test("a failing handler changes nothing, is reported, holds up no other, and goes on by itself once it is mended", async () => {
    const place = kind.open();
    const log = new RecordedLog();
    let broken = true;
    let tries = 0;
    const failing = eventHandlers("Failing", { retries: 1 }).on(Opened, async ({ accountId }, { process }) => {
      tries += 1;
      await process(new Deposit({ accountId, amount: 1 }));
      if (broken) throw new Error("broken");
    });
    const fine = eventHandlers("Fine").on(Opened, ({ accountId }, { process }) =>
      process(new Deposit({ accountId, amount: 10 })),
    );
    class Row extends Projection("Row", { accountId: identifier() }) {}
    const rows = projector(Row, { run: "async" }).create(Opened, ({ accountId }) => ({ accountId }));
    const domain = await place.start([...bank, failing, fine, Row, rows], { log });
    await domain.engine().start();
    await domain.process(new Open({ accountId: "1" }));
    await until(async () => (await domain.process(balanceOf("1"))) === 10);
    await until(() => domain.view(Row).get("1"));
    await until(() => log.errors.length > 0);
    expect(log.errors[0]).toMatchObject({
      message: "The event handlers Failing stands still",
      details: { code: "EVENT_HANDLER_FAILED", cause: new Error("broken") },
    });
    expect(tries).toBeGreaterThanOrEqual(2);
    expect(await domain.process(balanceOf("1"))).toBe(10);
    broken = false;
    await until(async () => (await domain.process(balanceOf("1"))) === 11);
    await domain.process(new Open({ accountId: "2" }));
    await until(async () => (await domain.process(balanceOf("2"))) === 11);
  });

  test("retries: 0 tries once; a stop ends the pause between tries", async () => {
    const place = kind.open();
    let tries = 0;
    const fail = () => {
      tries += 1;
      throw new Error("broken");
    };
    const once = await place.start([...bank, eventHandlers("Once", { retries: 0 }).on(Opened, fail)]);
    await once.process(new Open({ accountId: "1" }));
    await expect(once.settle()).rejects.toMatchObject({ code: "EVENT_HANDLER_FAILED" });
    expect(tries).toBe(1);
    const often = await place.start([...bank, eventHandlers("Often", { retries: 1000 }).on(Opened, fail)]);
    await often.process(new Open({ accountId: "2" }));
    const engine: Engine = often.engine();
    await engine.start();
    await until(() => tries > 9); // by now it pauses for more than half a second
    const before = tries;
    await engine.stop(); // else it would go on for a quarter of an hour
    expect(tries).toBe(before);
  });

  test("a handler that fails since another process has done its work goes on after it", async () => {
    const place = kind.open();
    const wait = { first: true, arrived: () => {}, go: Promise.resolve() };
    const making = (isSlow: boolean) =>
      eventHandlers("Making", { retries: 1 }).on(Opened, async ({ accountId }, { process }) => {
        if (isSlow && wait.first) {
          wait.first = false;
          wait.arrived();
          await wait.go;
        }
        await process(new OpenBranch({ branchId: `of ${accountId}` }));
      });
    const slow = await place.start([...bank, making(true)]);
    const quick = await place.start([...bank, making(false)]);
    await quick.process(new Open({ accountId: "1" }));
    const gate = Promise.withResolvers<void>();
    wait.go = gate.promise;
    const arrived = new Promise<void>((resolve) => {
      wait.arrived = resolve;
    });
    const settled = slow.settle();
    await arrived;
    await quick.settle();
    gate.resolve();
    await settled;
    // also later, when it meets what is done before it begins
    await quick.process(new Open({ accountId: "2" }));
    await quick.settle();
    await slow.settle();
    await slow.process(new Open({ accountId: "3" }));
    await slow.settle();
    await quick.settle();
    for (const id of ["1", "2", "3"]) expect(await quick.process(new VisitBranch({ branchId: `of ${id}` }))).toBe(1);
  });

  test("two engines at once on the same data: every effect in the store happens once", {
    timeout: 180_000,
  }, async () => {
    const place = kind.open();
    const lists = [
      eventHandlers("Pairs")
        .on(Opened, ({ accountId }, { process }) => process(new Deposit({ accountId, amount: 1 })))
        .on(Opened, ({ accountId }, { process }) => process(new Deposit({ accountId, amount: 10 })))
        .on(Closed, ({ accountId }, { send }) => send(new VisitBranch({ branchId: `of ${accountId}` }))),
      eventHandlers("Single").on(Opened, async ({ accountId }, { process, send }) => {
        await process(new OpenBranch({ branchId: `of ${accountId}` }));
        await send(new Deposit({ accountId, amount: 100 }));
      }),
      eventHandlers("Ledger").on(Deposited, ({ accountId }, { process }) =>
        accountId === "ledger" ? undefined : process(new Deposit({ accountId: "ledger", amount: 1 })),
      ),
    ];
    const logs = [new RecordedLog(), new RecordedLog()] as const;
    const domains = await Promise.all(logs.map((log) => place.start([...bank, ...lists], { log })));
    const [one, two] = domains as [(typeof domains)[0], (typeof domains)[0]];
    await one.process(new Open({ accountId: "ledger" }));
    for (const domain of domains) await domain.engine().start();
    const ids = Array.from({ length: 60 }, (_, n) => `${n}`);
    await Promise.all(ids.map((accountId, n) => domains[n % 2]!.process(new Open({ accountId }))));
    await Promise.all([one.settle(), two.settle()]);
    await Promise.all([one.settle(), two.settle()]);
    for (const id of ids) expect(await one.process(balanceOf(id))).toBe(111);
    await Promise.all(ids.map((accountId, n) => domains[n % 2]!.process(new Close({ accountId }))));
    await one.settle();
    await two.settle();
    expect(await two.process(balanceOf("ledger"))).toBe(60 * 3 + 111); // it was opened as well
    for (const id of ids) expect(await two.process(new VisitBranch({ branchId: `of ${id}` }))).toBe(2);
    expect(logs.flatMap(({ errors }) => errors)).toEqual([]);
  });

  test("an engine that is stopped and started goes on where it was", async () => {
    const place = kind.open();
    const seen: string[] = [];
    const list = eventHandlers("Seen").on(Opened, async ({ accountId }) => {
      await setTimeout(1);
      seen.push(accountId);
    });
    const domain = await place.start([...bank, list]);
    const engine = domain.engine();
    const ids = Array.from({ length: 40 }, (_, n) => `${n}`);
    for (const accountId of ids) await domain.process(new Open({ accountId }));
    for (let round = 0; seen.length < 40; round++) {
      await engine.start();
      await setTimeout(5);
      await engine.stop();
      const before = seen.length;
      await setTimeout(3);
      expect(seen).toHaveLength(before);
      expect(round).toBeLessThan(500);
    }
    expect(seen).toEqual(ids);
  });

  test("a list that was inline goes on as async after what it has handled, and the other way round", async () => {
    const place = kind.open();
    const seen: string[] = [];
    const list = (run: "inline" | "async") => [
      ...bank,
      eventHandlers("List", { run }).on(Opened, ({ accountId }) => void seen.push(`${run} ${accountId}`)),
    ];
    const first = await place.start(list("inline"));
    await first.process(new Open({ accountId: "1" }));
    const second = await place.start(list("async"));
    await second.process(new Open({ accountId: "2" }));
    await second.settle();
    await second.process(new Open({ accountId: "3" })); // still to be handled
    expect(seen).toEqual(["inline 1", "async 2"]);
    const third = await place.start(list("inline"));
    expect(seen).toEqual(["inline 1", "async 2", "inline 3"]);
    await third.process(new Open({ accountId: "4" }));
    const fourth = await place.start(list("async"));
    await fourth.settle();
    await fourth.process(new Open({ accountId: "5" }));
    await fourth.settle();
    expect(seen.slice(3)).toEqual(["inline 4", "async 5"]);
  });

  test("events of the whole log's length are handled once, page after page, with little in between", async () => {
    const place = kind.open();
    let count = 0;
    const domain = await place.start([...bank, eventHandlers("Count").on(Deposited, () => void count++)]);
    const many = script(Account, async ({ repository }) => {
      const account = Account.open("1", "Ada");
      for (let n = 0; n < 1234; n++) account.deposit(1);
      await repository(Account).add(account);
    });
    const writer = await place.start([...bank, many.handlers]);
    await writer.process(many.command());
    await domain.settle();
    await domain.settle();
    expect(count).toBe(1234);
  });
});
