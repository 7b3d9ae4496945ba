import { AssertionError } from "node:assert";
import { Domain, Event, identifier, Projection, projector } from "nereus";
import { given } from "nereus/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  Account,
  Branch,
  BranchRenamed,
  bank,
  Deposit,
  Deposited,
  Open,
  OpenBranch,
  Opened,
  RenameBranch,
  Withdraw,
  Withdrawn,
} from "./support/bank.ts";
import { places } from "./support/places.ts";

class Row extends Projection("Row", { accountId: identifier(), balance: z.number() }) {}
const rows = projector(Row, { run: "async" })
  .create(Opened, ({ accountId }) => ({ accountId, balance: 0 }))
  .update(
    Deposited,
    (event) => event.accountId,
    (row, event) => {
      row.balance += event.amount;
    },
  );
const opened = new Opened({ accountId: "1", holder: "Ada" });
const deposited = new Deposited({ accountId: "1", amount: 100 });

describe.each(places())("on $name", (kind) => {
  const domain = () => new Domain("bank", { elements: [...bank, Row, rows], store: kind.open().store() });
  const withdraw = (amount: number) => new Withdraw({ accountId: "1", amount });
  const history = () => given(domain(), opened, new Deposited({ ...deposited }));

  test("an expectation that holds passes", async () => {
    await history()
      .when(withdraw(30))
      .then(new Withdrawn({ accountId: "1", amount: 30 }));
    await history().when(withdraw(101)).thenRejected("Insufficient funds");
    await history().when(withdraw(101)).thenRejected("INVARIANT_FAILED");
    await history().when(withdraw(30)).thenState(Account, { balance: 70, holder: "Ada" });
    await history()
      .when(new Deposit({ accountId: "1", amount: 1 }))
      .thenRow(Row, "1", { balance: 101 });
    await history().thenRow(Row, "1", { balance: 100 });
    await given(domain())
      .when(new Open({ accountId: "7" }))
      .thenState(Account, { accountId: "7" });
    await given(domain())
      .when(new OpenBranch({ branchId: "b" }))
      .thenNothing();
  });

  test.each<[string, () => Promise<unknown>]>([
    [
      "another event",
      () =>
        history()
          .when(withdraw(30))
          .then(new Withdrawn({ accountId: "1", amount: 31 })) as Promise<unknown>,
    ],
    ["no event", () => history().when(withdraw(30)).thenNothing()],
    [
      "one event too many",
      () =>
        history()
          .when(withdraw(30))
          .then(new Withdrawn({ accountId: "1", amount: 30 }), deposited) as Promise<unknown>,
    ],
    ["a rejection that does not come", () => history().when(withdraw(30)).thenRejected("Insufficient funds")],
    ["a rejection for another reason", () => history().when(withdraw(300)).thenRejected("closed")],
    ["another state", () => history().when(withdraw(30)).thenState(Account, { balance: 71 })],
    [
      "another row",
      () =>
        history()
          .when(new Deposit({ accountId: "1", amount: 1 }))
          .thenRow(Row, "1", { balance: 0 }),
    ],
    ["a row that is not there", () => history().thenRow(Row, "2", { balance: 0 })],
    [
      "a state that is not there",
      () =>
        given(domain())
          .when(new OpenBranch({ branchId: "b" }))
          .thenState(Account, { balance: 0 }),
    ],
  ])("an expectation of %s fails with an AssertionError", async (_, expectation) => {
    await expect(expectation()).rejects.toBeInstanceOf(AssertionError);
  });

  test("the failure shows what was expected and what came", async () => {
    const failure = history()
      .when(withdraw(30))
      .then(new Withdrawn({ accountId: "1", amount: 31 })) as Promise<unknown>;
    await expect(failure).rejects.toThrow(/31[\s\S]*30|30[\s\S]*31/);
  });

  test("a command that fails unexpectedly fails with its own error", async () => {
    await expect(history().when(withdraw(300)).thenNothing()).rejects.toMatchObject({ code: "INVARIANT_FAILED" });
  });

  test("an event that no aggregate of the domain lists cannot have happened", async () => {
    class Foreign extends Event("Foreign", { accountId: identifier() }) {}
    const scenario = given(domain(), new Foreign({ accountId: "1" })).when(withdraw(1));
    await expect(scenario.thenNothing()).rejects.toMatchObject({ code: "UNKNOWN_EVENT_TYPE" });
  });

  test("a command runs once, however many expectations follow", async () => {
    const when = history().when(withdraw(30));
    await when.thenState(Account, { balance: 70 });
    await when.thenState(Account, { balance: 70 });
    await when.thenRow(Row, "1", { balance: 100 });
  });

  test("a state-stored aggregate's events and state can be expected too", async () => {
    const bankOf = domain();
    await given(bankOf)
      .when(new OpenBranch({ branchId: "b" }))
      .thenState(Branch, { name: "Main" });
    const rename = given(bankOf).when(new RenameBranch({ branchId: "b", name: "North" }));
    await rename.then(new BranchRenamed({ branchId: "b", name: "North" }));
    await rename.thenState(Branch, { name: "North" });
  });

  test("what happened in a tenant is only there", async () => {
    const bankOf = domain();
    await given(bankOf)
      .when(new Open({ accountId: "1" }), { tenant: "a" })
      .thenState(Account, { balance: 0 });
    await given(bankOf)
      .when(new Deposit({ accountId: "1", amount: 1 }), { tenant: "b" })
      .thenRejected("AGGREGATE_NOT_FOUND");
  });
});
