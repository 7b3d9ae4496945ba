import {
  Aggregate,
  Command,
  type CommandContext,
  commandHandlers,
  Event,
  EventSourcedAggregate,
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
  Deposit,
  Deposited,
  Open,
  OpenBranch,
  RenameBranch,
  Withdraw,
} from "./support/bank.ts";
import { storedMessages } from "./support/log.ts";
import { places } from "./support/places.ts";
import { script } from "./support/scripts.ts";

describe.each(places())("on $name", (kind) => {
  test("events are stored in the order in which they were raised, also where aggregates alternate", async () => {
    const place = kind.open();
    const mixed = script(Account, async ({ repository }) => {
      const one = await repository(Account).get("1");
      const two = await repository(Account).get("2");
      const branch = await repository(Branch).get("b");
      one.deposit(1);
      two.deposit(2);
      branch.rename("North");
      one.deposit(3);
      two.deposit(4);
      branch.rename("South");
      one.deposit(5);
      // the order in which they are added says nothing
      await repository(Branch).add(branch);
      await repository(Account).add(two);
      await repository(Account).add(one);
    });
    const domain = await place.start([...bank, mixed.handlers]);
    for (const accountId of ["1", "2"]) await domain.process(new Open({ accountId }));
    await domain.process(new OpenBranch({ branchId: "b" }));
    await domain.process(mixed.command());
    const stored = (await storedMessages(place)).slice(2);
    expect(stored.map(({ stream, version }) => `${stream.id}@${version}`)).toEqual([
      "1@1",
      "2@1",
      "b@0",
      "1@2",
      "2@2",
      "b@1",
      "1@3",
    ]);
    expect(stored.map(({ position }) => position)).toEqual(
      [...stored.map(({ position }) => position)].sort((a, b) => a - b),
    );
    expect(stored.map(({ data }) => JSON.parse(data)).map(({ amount, name }) => amount ?? name)).toEqual([
      1,
      2,
      "North",
      3,
      4,
      "South",
      5,
    ]);
  });

  test("both kinds of aggregate are stored in one transaction, or neither", async () => {
    const place = kind.open();
    const both = script(Account, async ({ repository }) => {
      const account = await repository(Account).get("1");
      account.deposit(10);
      await repository(Account).add(account);
      const branch = await repository(Branch).get("b");
      branch.rename("North");
      await repository(Branch).add(branch);
    });
    const failing = script(Account, async ({ repository, process }) => {
      await process(new Deposit({ accountId: "1", amount: 1000 }));
      await process(new RenameBranch({ branchId: "b", name: "Lost" }));
      await repository(Branch).add(new Branch({ branchId: "c", name: "Lost too" }));
      throw new Error("the handler fails at its end");
    });
    const look = script(Branch, async ({ repository }) => [
      (await repository(Branch).get("b")).name,
      (await repository(Account).get("1")).balance,
      await repository(Branch).exists("c"),
    ]);
    const domain = await place.start([...bank, both.handlers, failing.handlers, look.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new OpenBranch({ branchId: "b" }));
    await domain.process(both.command());
    expect(await domain.process(look.command())).toEqual(["North", 10, false]);
    await expect(domain.process(failing.command())).rejects.toThrow("the handler fails at its end");
    expect(await domain.process(look.command())).toEqual(["North", 10, false]);
    const again = await place.start([...bank, look.handlers]);
    expect(await again.process(look.command())).toEqual(["North", 10, false]);
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["Opened", "Deposited", "BranchRenamed"]);
  });

  test("a nested command joins the unit of work: it sees what was added, and commits or fails with it", async () => {
    const place = kind.open();
    const outer = script(Account, async ({ process, repository }) => {
      const id = await process(new Open({ accountId: "1" }));
      await process(new Deposit({ accountId: id, amount: 10 }));
      const left = await process(new Withdraw({ accountId: id, amount: 4 }));
      const account = await repository(Account).get(id);
      return { id, left, balance: account.balance, version: account.version };
    });
    const domain = await place.start([Account, accountCommands, outer.handlers]);
    expect(await domain.process(outer.command())).toEqual({ id: "1", left: 6, balance: 6, version: 2 });
    const stored = await storedMessages(place);
    expect(stored.map(({ type }) => type)).toEqual(["Opened", "Deposited", "Withdrawn"]);
    expect(new Set(stored.map(({ correlationId }) => correlationId)).size).toBe(1);
  });

  test("a nested failure that is not caught reaches the caller as it is", async () => {
    const place = kind.open();
    const outer = script(Account, ({ process }) => process(new Withdraw({ accountId: "nobody", amount: 1 })));
    const domain = await place.start([Account, accountCommands, outer.handlers]);
    await expect(domain.process(outer.command())).rejects.toMatchObject({ code: "AGGREGATE_NOT_FOUND" });
  });

  test("an unknown nested command is a failure like any other", async () => {
    const place = kind.open();
    const outer = script(Account, async ({ process }) => {
      await process(new OpenBranch({ branchId: "1" })).catch(() => "");
    });
    const domain = await place.start([Account, accountCommands, outer.handlers]);
    await expect(domain.process(outer.command())).rejects.toMatchObject({ code: "INNER_FAILURE_SWALLOWED" });
  });

  test("an aggregate that was changed but not added is refused, whichever its kind", async () => {
    const place = kind.open();
    const forgotAccount = script(Account, async ({ repository }) => (await repository(Account).get("1")).deposit(1));
    const forgotBranch = script(Branch, async ({ repository }) => {
      (await repository(Branch).get("b")).visits += 1;
    });
    const changedAfter = script(Account, async ({ repository }) => {
      const account = await repository(Account).get("1");
      await repository(Account).add(account);
      account.deposit(7); // added is added: what comes later is saved too
    });
    const domain = await place.start([...bank, forgotAccount.handlers, forgotBranch.handlers, changedAfter.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new OpenBranch({ branchId: "b" }));
    for (const { command } of [forgotAccount, forgotBranch]) {
      await expect(domain.process(command())).rejects.toMatchObject({ code: "AGGREGATE_NOT_ADDED" });
    }
    await domain.process(changedAfter.command());
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["Opened", "Deposited"]);
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(7);
  });

  test("a context that is used after its handler ended is refused", async () => {
    const place = kind.open();
    let leaked: CommandContext | undefined;
    const leak = script(Account, (context) => {
      leaked = context;
    });
    const failing = script(Account, (context) => {
      leaked = context;
      throw new Error("no");
    });
    const domain = await place.start([Account, accountCommands, leak.handlers, failing.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    for (const { command } of [leak, failing]) {
      await domain.process(command()).catch(() => undefined);
      const { repository, process } = leaked!;
      const accounts = repository(Account);
      const uses = [
        () => accounts.get("1"),
        () => accounts.find("1"),
        () => accounts.exists("1"),
        () => accounts.add(Account.open("2", "Eve")),
        () => process(new Deposit({ accountId: "1", amount: 1 })),
        () => process(new Open({ accountId: "3" })),
      ];
      for (const use of uses) await expect(use()).rejects.toMatchObject({ code: "UNIT_OF_WORK_CLOSED" });
    }
    expect(await storedMessages(place)).toHaveLength(1);
  });

  test("an aggregate that is changed after its handler ended changes nothing that is stored or seen", async () => {
    const place = kind.open();
    let leaked: Account | undefined;
    const leak = script(Account, async ({ repository }) => {
      leaked = await repository(Account).get("1");
    });
    const domain = await place.start([Account, accountCommands, leak.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 10 }));
    await domain.process(leak.command());
    expect(() => leaked?.withdraw(10)).toThrow(expect.objectContaining({ code: "AGGREGATE_READ_ONLY" }));
    expect(leaked?.balance).toBe(10); // what it was can still be read
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 10 }))).toBe(0);
    expect((await storedMessages(place)).map(({ type }) => type)).toEqual(["Opened", "Deposited", "Withdrawn"]);
  });

  test("a query's context reads aggregates but saves nothing", async () => {
    const place = kind.open();
    class Row extends Projection("Row", { accountId: identifier() }) {}
    const rows = projector(Row, { run: "inline" }).upsert(
      Deposited,
      (event) => event.accountId,
      ({ accountId }) => ({ accountId }),
      () => {},
    );
    class Balance extends Query("Balance", { accountId: z.string() }).returns<number[]>() {}
    class Sneak extends Query("Sneak", { accountId: z.string() }).returns<void>() {}
    const queries = queryHandlers(Row)
      .on(Balance, async ({ accountId }, { repository, view, viewOf, tenant }) => {
        const account = await repository(Account).get(accountId);
        const first = await repository(Account).get(accountId, { atVersion: 0 });
        expect(tenant).toBe("");
        return [account.balance, first.balance, await view.count(), await viewOf(Row).count()];
      })
      .on(Sneak, async ({ accountId }, { repository }) => {
        const account = await repository(Account).get(accountId);
        account.deposit(1000);
        const writable = repository(Account) as unknown as { add(it: Account): Promise<void> };
        await writable.add(account);
      });
    const domain = await place.start([Account, accountCommands, Row, rows, queries]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(new Deposit({ accountId: "1", amount: 5 }));
    await expect(domain.query(new Sneak({ accountId: "1" }))).rejects.toMatchObject({ code: "AGGREGATE_READ_ONLY" });
    expect(await domain.query(new Balance({ accountId: "1" }))).toEqual([5, 0, 1, 1]);
    expect(await domain.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(5);
  });

  test("fact events carry the whole state, in streams of their own, apart from every event", async () => {
    const place = kind.open();
    class Grew extends Event("Grew", { treeId: identifier() }) {}
    class Tree extends EventSourcedAggregate(
      "Tree",
      { treeId: identifier(), rings: z.number().default(0), at: z.date().default(new Date(5)) },
      { factEvents: true },
    ).applies(Grew, (tree, event) => {
      tree.treeId = event.treeId;
      tree.rings += 1;
    }) {}
    class Pot extends Aggregate("Pot", { potId: identifier(), size: z.number() }, { factEvents: true }) {}
    class Grow extends Command("Grow", { treeId: identifier() }) {}
    const commands = commandHandlers(Tree).on(Grow, async ({ treeId }, { repository }) => {
      const tree = (await repository(Tree).find(treeId)) ?? Tree.create(() => undefined);
      tree.raise(new Grew({ treeId }));
      await repository(Tree).add(tree);
      const pot = (await repository(Pot).find(treeId)) ?? new Pot({ potId: treeId, size: 0 });
      pot.size += 1;
      await repository(Pot).add(pot);
    });
    const touch = script(Pot, async ({ repository }) => repository(Pot).add(await repository(Pot).get("1")));
    class Row extends Projection("TreeRow", { treeId: identifier(), count: z.number() }) {}
    const rows = projector(Row, { run: "async" }).upsert(
      Grew,
      (event) => event.treeId,
      ({ treeId }) => ({ treeId, count: 0 }),
      (row) => void row.count++,
    );
    const domain = await place.start([Tree, Pot, commands, touch.handlers, Row, rows]);
    await domain.process(new Grow({ treeId: "1" }));
    await domain.process(new Grow({ treeId: "1" }));
    await domain.process(touch.command()); // nothing changed, so there is nothing to tell
    await domain.settle();
    expect((await domain.view(Row).get("1"))?.count).toBe(2);
    const events = await storedMessages(place);
    expect(events.map(({ type, stream }) => [type, stream.kind])).toEqual([
      ["Grew", "event"],
      ["Grew", "event"],
    ]);
    const facts = await storedMessages(place, ["fact"]);
    expect(
      facts.map(({ stream, version, data }) => [stream.kind, stream.category, stream.id, version, JSON.parse(data)]),
    ).toEqual([
      ["fact", "Tree", "1", 0, { treeId: "1", rings: 1, at: "1970-01-01T00:00:00.005Z" }],
      ["fact", "Pot", "1", 0, { potId: "1", size: 1 }],
      ["fact", "Tree", "1", 1, { treeId: "1", rings: 2, at: "1970-01-01T00:00:00.005Z" }],
      ["fact", "Pot", "1", 1, { potId: "1", size: 2 }],
    ]);
    const store = await place.opened();
    const category = await store.log.readLog({ after: 0, limit: 100, categories: ["Tree"] });
    expect(category.messages.every(({ stream }) => stream.kind === "event")).toBe(true);
  });

  test("events say what caused them, what they belong to, when they were recorded and when they happened", async () => {
    const place = kind.open();
    const clock = { now: () => new Date("2026-01-02T00:00:00Z") };
    const domain = await place.start([Account, accountCommands], { clock });
    await domain.process(new Open({ accountId: "1" }), {
      correlationId: "request-7",
      causationId: "click-1",
      occurredAt: new Date("2020-05-05T00:00:00Z"),
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    await domain.process(new Deposit({ accountId: "1", amount: 1 }));
    const [first, second] = await storedMessages(place);
    expect(first).toMatchObject({
      correlationId: "request-7",
      recordedAt: Date.parse("2026-01-02T00:00:00Z"),
      occurredAt: Date.parse("2020-05-05T00:00:00Z"),
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    // caused by the command, which started a correlation of its own
    expect(second?.causationId).toBe(second?.correlationId);
    expect(second?.occurredAt).toBe(second?.recordedAt);
  });

  test("the handler's context tells about its command", async () => {
    const place = kind.open();
    const clock = { now: () => new Date(7) };
    const look = script(Account, ({ metadata, clock: time, log }) => {
      expect(typeof log.warn).toBe("function");
      return { ...metadata, now: time.now() };
    });
    const domain = await place.start([Account, look.handlers], { clock });
    const seen = await domain.process(look.command(), { correlationId: "c", causationId: "b", tenant: "t" });
    expect(seen).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      correlationId: "c",
      causationId: "b",
      tenant: "t",
      occurredAt: new Date(7),
      extensions: {},
      now: new Date(7),
    });
  });

  test("a time that is no time is refused, and nothing is stored", async () => {
    const place = kind.open();
    const domain = await place.start([Account, accountCommands]);
    const occurredAt = new Date("no time");
    await expect(domain.process(new Open({ accountId: "1" }), { occurredAt })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
    expect(await storedMessages(place)).toEqual([]);
  });

  test("a new aggregate that raised nothing, has no identity or is of a foreign class cannot be added", async () => {
    const place = kind.open();
    class Named extends Event("Named", { id: z.string() }) {}
    class Nameless extends EventSourcedAggregate("Nameless", { id: identifier() }).applies(Named, () => undefined) {}
    const nothing = script(Account, ({ repository }) => repository(Account).add(Account.create(() => undefined)));
    const nameless = script(Account, ({ repository }) =>
      repository(Nameless).add(Nameless.create((it) => it.raise(new Named({ id: "1" })))),
    );
    const foreign = script(Account, ({ repository }) => repository(Account).add(new Branch({ name: "x" }) as never));
    const unknown = script(Account, ({ repository }) => repository(Branch).get("1"));
    const junk = script(Account, ({ repository }) => repository(Account).add({} as never));
    const domain = await place.start([
      Account,
      Nameless,
      ...[nothing, nameless, foreign, unknown, junk].map(({ handlers }) => handlers),
    ]);
    await expect(domain.process(nothing.command())).rejects.toMatchObject({ code: "NOTHING_TO_SAVE" });
    await expect(domain.process(nameless.command())).rejects.toMatchObject({ code: "IDENTITY_MISSING" });
    await expect(domain.process(foreign.command())).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
    await expect(domain.process(unknown.command())).rejects.toMatchObject({ code: "UNKNOWN_AGGREGATE" });
    await expect(domain.process(junk.command())).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("one event object raised in two commands is stored twice or refused, never lost in silence", async () => {
    const place = kind.open();
    const constant = new Deposited({ accountId: "1", amount: 5 });
    const raise = script(Account, async ({ repository }) => {
      const account = await repository(Account).get("1");
      account.raise(constant);
      await repository(Account).add(account);
      return account.balance;
    });
    const domain = await place.start([Account, accountCommands, raise.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    await domain.process(raise.command());
    const told = await domain.process(raise.command()).catch(() => 5);
    const fresh = await place.start([Account, accountCommands]);
    expect(await fresh.process(new Withdraw({ accountId: "1", amount: 0 }))).toBe(told);
  });

  test("an unawaited step of a handler never slips into a commit that is under way", async () => {
    const place = kind.open();
    let late: Promise<unknown> | undefined;
    const careless = script(Account, ({ process }) => {
      late = process(new Deposit({ accountId: "1", amount: 1 })).catch((error: unknown) => error);
    });
    const domain = await place.start([Account, accountCommands, careless.handlers]);
    await domain.process(new Open({ accountId: "1" }));
    const outcome = await domain.process(careless.command()).then(
      () => "stored",
      () => "refused",
    );
    const inner = await late;
    const stored = (await storedMessages(place)).length - 1;
    // either all of it happened, or the inner command learned that it did not
    expect(stored).toBe(outcome === "stored" && inner === undefined ? 1 : 0);
  });

  test("state-stored events are versioned in their own stream, whatever the document's version", async () => {
    const place = kind.open();
    const domain = await place.start([Branch, branchCommands]);
    await domain.process(new OpenBranch({ branchId: "1" }));
    await domain.process(new RenameBranch({ branchId: "1", name: "A" }));
    await domain.process(new RenameBranch({ branchId: "1", name: "B" }));
    const stored = await storedMessages(place);
    expect(stored.map(({ version, type, stream }) => [version, type, stream.category])).toEqual([
      [0, BranchRenamed.name, "Branch"],
      [1, BranchRenamed.name, "Branch"],
    ]);
  });
});
