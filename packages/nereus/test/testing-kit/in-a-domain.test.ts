import { AssertionError } from "node:assert";
import {
  Domain,
  type DomainOptions,
  type Element,
  Event,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
} from "nereus";
import { fakeClock, given, seed } from "nereus/testing";
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
} from "../support/bank.ts";
import { places } from "../support/places.ts";

class Row extends Projection("Row", { accountId: identifier(), balance: z.number(), version: z.number() }) {}
const rows = projector(Row, { run: "async" })
  .create(Opened, ({ accountId }, { version }) => ({ accountId, balance: 0, version }))
  .update(
    Deposited,
    ({ accountId }) => accountId,
    (row, { amount }, { version }) => {
      row.balance += amount;
      row.version = version;
    },
  )
  .remove(Closed, ({ accountId }) => accountId);
class Name extends Projection("Name", { branchId: identifier(), name: z.string() }) {}
const names = projector(Name, { run: "inline" }).upsert(
  BranchRenamed,
  ({ branchId }) => branchId,
  ({ branchId, name }) => ({ branchId, name }),
  (row, { name }) => {
    row.name = name;
  },
);

const opened = (accountId = "1") => new Opened({ accountId, holder: "Ada" });
const deposited = (amount: number, accountId = "1") => new Deposited({ accountId, amount });
const withdraw = (amount: number, accountId = "1") => new Withdraw({ accountId, amount });

describe.each(places())("on $name", (kind) => {
  const domain = (options: Partial<DomainOptions> = {}, more: readonly Element[] = []) =>
    new Domain("bank", {
      elements: [...bank, Row, rows, Name, names, ...more],
      store: kind.open().store(),
      ...options,
    });
  const history = () => given(domain(), opened(), deposited(100));

  test("several expectations of one command, and several commands, are awaited once", async () => {
    const answer = await history()
      .when(withdraw(30))
      .then(new Withdrawn({ accountId: "1", amount: 30 }))
      .thenResult(70)
      .thenState(Account, { balance: 70 })
      .thenRow(Row, "1", { balance: 100 })
      .when(withdraw(500))
      .thenRejected("Insufficient funds")
      .thenState(Account, { balance: 70 })
      .when(new Deposit({ accountId: "1", amount: 5 }))
      .then(deposited(5))
      .thenRow(Row, "1", { balance: 105, version: 3 })
      .when(withdraw(75));
    expect(answer).toBe(0);
  });

  test("what is done first finds async projections as far as the given history", async () => {
    await given(domain(), opened(), deposited(100))
      .when((own) => own.view(Row).get("1"))
      .thenResult({ accountId: "1", balance: 100, version: 1 } as Row);
    await given(domain(), seed({ tenant: "t" }, opened(), deposited(5)))
      .when((own) => own.view(Row, { tenant: "t" }).find())
      .thenResult([{ accountId: "1", balance: 5, version: 1 } as Row]);
  });

  test("a query finds rows as far as what happened before, in its tenant, and appends nothing", async () => {
    class Richer extends Query("Richer", { than: z.number() }).returns<string[]>() {}
    const queries = queryHandlers(Row).on(Richer, async ({ than }, { view }) => {
      if (than < 0) throw new RangeError("nobody has less");
      const found = await view.find({ where: { balance: { gt: than } }, orderBy: { accountId: "asc" } });
      return found.map(({ accountId }) => accountId);
    });
    const asking = () => domain({}, [Richer, queries]);
    await given(asking(), opened(), deposited(100), opened("2"))
      .when(new Richer({ than: 50 }))
      .thenResult(["1"])
      .thenNothing()
      .when(new Deposit({ accountId: "2", amount: 60 }))
      .when(new Richer({ than: 50 }))
      .thenResult(["1", "2"])
      .when(new Richer({ than: -1 }))
      .thenRejected("nobody has less");
    const own = seed({ tenant: "t" }, opened("3"), deposited(70, "3"));
    await given(asking(), own)
      .when(new Richer({ than: 50 }))
      .thenResult(["3"]);
    await given(asking(), own)
      .when(new Richer({ than: 50 }), { tenant: "u" })
      .thenResult([]);
    await expect(given(domain(), opened()).when(new Richer({ than: 0 }))).rejects.toMatchObject({
      code: "UNKNOWN_QUERY",
    });
  });

  test("each failure of a chain is found, wherever in it it is", async () => {
    const chain = (amount: number, balance: number, text: string, last: number) =>
      history()
        .when(withdraw(30))
        .then(new Withdrawn({ accountId: "1", amount }))
        .thenState(Account, { balance })
        .when(withdraw(500))
        .thenRejected(text)
        .when(withdraw(last))
        .then(new Withdrawn({ accountId: "1", amount: 20 }));
    await chain(30, 70, "Insufficient", 20);
    await expect(chain(31, 70, "Insufficient", 20)).rejects.toThrow(/amount: expected 31, but it is 30/);
    await expect(chain(30, 71, "Insufficient", 20)).rejects.toThrow(/balance: expected 71, but it is 70/);
    await expect(chain(30, 70, "closed", 20)).rejects.toThrow(/another reason/);
    await expect(chain(30, 70, "Insufficient", 21)).rejects.toThrow(/amount: expected 20, but it is 21/);
  });

  test("a command that is refused unexpectedly fails the scenario with its own error, before the next one", async () => {
    const own = { code: "INVARIANT_FAILED", message: expect.stringContaining("Insufficient funds") };
    await expect(history().when(withdraw(500))).rejects.toMatchObject(own);
    await expect(history().when(withdraw(500)).when(withdraw(1))).rejects.toMatchObject(own);
    await expect(history().when(withdraw(500)).thenNothing()).rejects.toMatchObject(own);
    await expect(history().when(withdraw(500)).thenState(Account, {})).rejects.toMatchObject(own);
    await expect(history().when(withdraw(500)).thenRow(Row, "1", {})).rejects.toMatchObject(own);
    await expect(history().when(withdraw(500)).thenRejected("funds").then(deposited(1))).rejects.toMatchObject(own);
  });

  test("a refusal is recognised by a part of its message, its code, or the code of an invariant", async () => {
    for (const text of ["Insufficient", "INVARIANT_FAILED", "balance"])
      await history().when(withdraw(500)).thenRejected(text);
    await expect(history().when(withdraw(500)).thenRejected("INVARIANT")).rejects.toBeInstanceOf(AssertionError);
    await expect(history().when(withdraw(30)).thenRejected("Insufficient")).rejects.toThrow(
      /refused with "Insufficient", but it was accepted and appended:\n {2}Withdrawn \{ accountId: '1', amount: 30 \}\n {2}answer: 70/,
    );
    const accepted = history().when(withdraw(1));
    expect(() => accepted.thenRejected("")).toThrow(expect.objectContaining({ code: "VALIDATION_FAILED" }));
    await accepted;
  });

  test("a promise of it is a promise: it runs once, for all who ask", async () => {
    const scenario = given(domain()).when(new Open({ accountId: "7" }));
    const seen: unknown[] = [];
    scenario.then((id) => seen.push(id)).finally(() => seen.push("done"));
    expect(await Promise.all([scenario, scenario.then(opened("7")), scenario.catch(() => "never")])).toEqual([
      "7",
      "7",
      "7",
    ]);
    expect(await (async () => scenario)()).toBe("7");
    await new Promise((resolve) => setTimeout(resolve));
    expect(seen).toEqual(["7", "done"]);
    const refused = history().when(withdraw(500));
    expect(await refused.catch((error) => error.code)).toBe("INVARIANT_FAILED");
    expect(await refused.then(null, (error: any) => error.code)).toBe("INVARIANT_FAILED");
    expect(Object.prototype.toString.call(refused)).toBe("[object Scenario]");
  });

  test("what is no event is told from what a promise hands in", async () => {
    const scenario = history().when(withdraw(1)) as any;
    const invalid = expect.objectContaining({ code: "VALIDATION_FAILED" });
    expect(() => scenario.then(Withdrawn)).toThrow(invalid);
    expect(() => scenario.then(undefined)).toThrow(invalid);
    expect(() => scenario.then("Withdrawn")).toThrow(invalid);
    await expect(scenario.then({ amount: 1 })).rejects.toEqual(invalid);
    await expect(scenario.then(withdraw(1))).rejects.toEqual(invalid);
    await expect(scenario.then(...[])).rejects.toBeInstanceOf(AssertionError);
    const unfinished = history() as any;
    expect(() => unfinished.then(deposited(1))).toThrow(invalid);
    expect(() => unfinished.when(Withdraw)).toThrow(invalid);
    expect(() => unfinished.when({ amount: 1 })).toThrow(invalid);
    expect(() => given(domain(), Opened as any)).toThrow(invalid);
    await expect(given(domain(), withdraw(1) as never).when(withdraw(1))).rejects.toEqual(invalid);
  });

  test("what is given has the ids and versions that it would have had", async () => {
    const store = kind.open().store();
    const first = opened();
    await given(domain({ store }), first, opened("2"), deposited(1), deposited(2, "2"), deposited(3));
    const { messages } = await store.log.readLog({ after: 0, limit: 10 });
    expect(messages.map(({ stream, version, type }) => [stream.category, stream.id, version, type])).toEqual([
      ["Account", "1", 0, "Opened"],
      ["Account", "2", 0, "Opened"],
      ["Account", "1", 1, "Deposited"],
      ["Account", "2", 1, "Deposited"],
      ["Account", "1", 2, "Deposited"],
    ]);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(5);
  });

  test("one event object that is given twice has happened twice", async () => {
    const five = deposited(5);
    const bankOf = domain();
    await given(bankOf, opened(), five, five).thenRow(Row, "1", { balance: 10, version: 2 });
    await given(bankOf, five).thenRow(Row, "1", { balance: 15, version: 3 });
    await given(bankOf, seed({ tenant: "a" }, opened(), five)).thenRow(Row, "1", { balance: 5 });
  });

  test("what is given may be of another tenant or time", async () => {
    const clock = fakeClock();
    const lastYear = new Date("2025-06-01");
    const bankOf = domain({ clock });
    await given(bankOf, seed({ tenant: "a", occurredAt: lastYear }, opened(), deposited(1)), opened("2"))
      .when(new Deposit({ accountId: "1", amount: 1 }), { tenant: "a" })
      .thenRow(Row, "1", { balance: 2 })
      .thenRow(Row, "2", { balance: 0 }) // of the tenant of the command
      .thenNoRow(Row, "1", { tenant: "b" })
      .when(new Deposit({ accountId: "1", amount: 1 }), { tenant: "b" })
      .thenRejected("AGGREGATE_NOT_FOUND")
      .thenRow(Row, "1", { balance: 2 }, { tenant: "a" });
  });

  test("a time is recorded with what is given", async () => {
    const clock = fakeClock();
    const store = kind.open().store();
    const lastYear = new Date("2025-06-01");
    await given(domain({ clock, store }), seed({ occurredAt: lastYear }, opened()), deposited(1));
    const { messages } = await store.log.readLog({ after: 0, limit: 10 });
    const now = clock.now().getTime();
    expect(messages.map(({ occurredAt, recordedAt }) => [occurredAt, recordedAt])).toEqual([
      [lastYear.getTime(), now],
      [now, now],
    ]);
  });

  test("aggregates are given as instances, with what they raised; the instances stay as they are", async () => {
    const branch = new Branch({ branchId: "b", name: "Main" });
    branch.rename("North");
    const account = Account.open("1", "Ada");
    for (const _ of [1, 2]) {
      const bankOf = domain();
      await given(bankOf, branch, account, deposited(5))
        .when(new VisitBranch({ branchId: "b" }))
        .thenResult(1)
        .thenState(Branch, { name: "North", visits: 1, version: 1 })
        .thenState(Account, "1", { holder: "Ada", balance: 5, version: 1 })
        .thenRow(Row, "1", { balance: 5, version: 1 })
        .thenRow(Name, "b", { name: "North" })
        .when(new RenameBranch({ branchId: "b", name: "South" }))
        .then(new BranchRenamed({ branchId: "b", name: "South" }))
        .thenRow(Name, "b", { name: "South" });
      await expect(given(bankOf, branch).when(withdraw(1))).rejects.toThrow(
        "A given Branch cannot be stored: b is in the store already",
      );
    }
    expect([branch.version, branch.visits, branch.pendingEvents.length]).toEqual([-1, 0, 1]);
    branch.rename("East"); // it belongs to the test still
  });

  test("events of a state-stored aggregate can be given alone, for what follows from them", async () => {
    await given(domain(), new BranchRenamed({ branchId: "b", name: "North" })).thenRow(Name, "b", { name: "North" });
  });

  test("what cannot have happened in this domain is refused", async () => {
    class Foreign extends Event("Foreign", { accountId: identifier() }) {}
    const foreign = given(domain(), new Foreign({ accountId: "1" }));
    await expect(foreign).rejects.toMatchObject({ code: "UNKNOWN_EVENT_TYPE" });
    await expect(foreign.when(withdraw(1)).thenRejected("UNKNOWN_EVENT_TYPE")).rejects.toMatchObject({
      code: "UNKNOWN_EVENT_TYPE",
    });
  });

  test("a model with faults is no refusal of a command", async () => {
    const faulty = new Domain("bank", { elements: [accountlessRow], store: kind.open().store() });
    await expect(given(faulty).when(withdraw(1)).thenRejected("MODEL_INVALID")).rejects.toMatchObject({
      code: "MODEL_INVALID",
    });
  });

  test("rows are expected one by one, as a list, or not at all", async () => {
    const all = () => given(domain(), opened(), opened("2"), deposited(5, "2"), opened("3"));
    await all().thenRows(Row, [{ accountId: "1" }, { accountId: "2", balance: 5 }, { balance: 0 }]);
    await all().thenRows(Row, [{ accountId: "2" }, { accountId: "1" }], { orderBy: { balance: "desc" }, limit: 2 });
    await all()
      .thenRows(Row, [], { where: { balance: 7 } })
      .thenNoRow(Row, "4")
      .thenRow(Row, "3", {});
    await all()
      .when(new Close({ accountId: "3" }))
      .thenNoRow(Row, "3")
      .thenRows(Row, [{}, {}]);
    await expect(all().thenNoRow(Row, "1")).rejects.toThrow(/Row has a row '1'\n/);
    await expect(all().thenRow(Row, "4", {})).rejects.toThrow("Row has no row '4'; it has '1', '2', '3'");
    await expect(all().thenRow(Row, "2", { balance: 6 })).rejects.toThrow(
      /Row 2 of Row .*\n {2}balance: expected 6, but it is 5/,
    );
    await expect(all().thenRows(Row, [{}, { balance: 6 }])).rejects.toThrow(
      /other rows than expected\n {2}1. as expected\n {2}2. balance: expected 6, but it is 5\n {2}3. not expected: Row \{/,
    );
    await expect(all().thenRows(Row, [{}, {}, {}, { balance: 1 }])).rejects.toThrow(/4. missing: \{ balance: 1 \}/);
  });

  test("a projector that fails fails the scenario, with its own error as the cause", async () => {
    const failing = projector(Row, { run: "async", version: 2 }).create(Opened, () => {
      throw new TypeError("no rows today");
    });
    const bankOf = () =>
      new Domain("bank", { elements: [...bank, Row, failing], store: kind.open().store(), log: silent });
    const error = { code: "PROJECTION_FAILED", cause: expect.objectContaining({ message: "no rows today" }) };
    await expect(given(bankOf(), opened()).thenRow(Row, "1", {})).rejects.toMatchObject(error);
    await expect(given(bankOf(), opened()).when(withdraw(0)).thenNoRow(Row, "1")).rejects.toMatchObject(error);
  });

  test("other aggregates' state is found by their identity", async () => {
    await given(domain(), opened(), opened("2"))
      .when(new OpenBranch({ branchId: "b" }))
      .thenState(Branch, { name: "Main" })
      .thenState(Account, "2", { balance: 0 });
    await expect(
      given(domain())
        .when(new OpenBranch({ branchId: "b" }))
        .thenState(Account, "3", {}),
    ).rejects.toThrow("There is no Account 3");
  });
});

const silent = { warn: () => undefined, error: () => undefined };
const accountlessRow = projector(Row, { run: "async" });
