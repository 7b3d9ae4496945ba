import { setTimeout } from "node:timers/promises";
import {
  Command,
  commandHandlers,
  type Engine,
  Event,
  type EventContext,
  EventSourcedAggregate,
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
  accountCommands,
  Branch,
  BranchRenamed,
  bank,
  branchCommands,
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

describe.each(places)("inline, on $name", (kind) => {
  test("a handler's changes are stored with those of the command", async () => {
    const place = kind.open();
    const bonus = eventHandlers("Bonus", { run: "inline" }).on(Opened, async ({ accountId }, { repository, process }) => {
      await process(new Deposit({ accountId, amount: 5 })); // the aggregate that raised the event
      await process(new Open({ accountId: `${accountId}-savings` })).catch(() => undefined);
      const branch = await repository(Branch).get("b"); // a state-stored one
      branch.visits += 1;
      branch.rename("North");
      await repository(Branch).add(branch);
    });
    const once = eventHandlers("Once", { run: "inline" }).on(Opened, () => undefined);
    const domain = await place.start([...bank, once]);
    await domain.process(new OpenBranch({ branchId: "b" }));
    const other = await place.start([...bank, bonus]);
    // a nested failure that is caught dooms the whole, also in a handler of events: the savings account opens another
    await expect(other.process(new Open({ accountId: "1" }))).rejects.toMatchObject({ code: "EVENT_CASCADE_ENDLESS" });
    expect(await told(place)).toEqual([]);
    const simple = eventHandlers("Simple", { run: "inline" }).on(Opened, async ({ accountId }, { repository, process }) => {
      await process(new Deposit({ accountId, amount: 5 }));
      const account = await repository(Account).get(accountId);
      account.deposit(2);
      await repository(Account).add(account);
      const branch = await repository(Branch).get("b");
      branch.rename("North");
      await repository(Branch).add(branch);
    });
    const third = await place.start([...bank, simple]);
    expect(await third.process(new Open({ accountId: "1" }))).toBe("1");
    expect(await told(place)).toEqual(["Opened 1", "Deposited 1", "Deposited 1", "BranchRenamed b"]);
    expect(await third.process(balanceOf("1"))).toBe(7);
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
    await expect(look.process(new VisitBranch({ branchId: "b" }))).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
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
    expect(failure.message).toMatch(/3 event handlers failed: one; Account: Insufficient funds; three/);
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
  ])("an endless circle %s is refused, and nothing is stored", { timeout: 30_000 }, async (_, handle) => {
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
        (row, { amount }) => void (row.sum += amount),
      );
    class Sum extends Query("Sum", { accountId: z.string() }).returns<number>() {}
    const queries = queryHandlers(Row).on(Sum, async ({ accountId }, { view }) => (await view.get(accountId))?.sum ?? -1);
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
      await rival.process(runs === 1 ? new Deposit({ accountId: "1", amount: 100 }) : new Deposit({ accountId: "2", amount: 100 }));
      if (runs === 3) await rival.process(new VisitBranch({ branchId: "b" }));
    });
    const domain = await place.start([...bank, meddled]);
    await domain.process(new Deposit({ accountId: "1", amount: 7 }));
    expect(runs).toBe(4);
    expect(await rival.process(balanceOf("1"))).toBe(107);
    expect(await rival.process(balanceOf("2"))).toBe(201);
    expect(await rival.process(new VisitBranch({ branchId: "b" }))).toBe(3);
  });

  test("64 concurrent commands whose handlers meet at one aggregate all take effect once", { timeout: 30_000 }, async () => {
    const place = kind.open();
    const ledger = eventHandlers("Ledger", { run: "inline" }).on(Deposited, async ({ accountId, amount }, { process }) => {
      if (accountId === "ledger") return;
      await process(new Deposit({ accountId: "ledger", amount }));
      await process(new VisitBranch({ branchId: "b" }));
    });
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
    expect(ofLedger.map(({ version }) => version)).toEqual(Array.from({ length: 65 }, (_, n) => n));
  });
});
