// Run by node:test, without another runner: everything holds.
import { test } from "node:test";
import { Domain } from "nereus";
import { memory } from "nereus/memory";
import { given } from "nereus/testing";
import { Account, bank, Deposited, Opened, Withdraw, Withdrawn } from "../../support/bank.ts";

const opened = new Opened({ accountId: "1", holder: "Ada" });
const deposited = new Deposited({ accountId: "1", amount: 100 });

test("in a domain", async () => {
  await given(new Domain("bank", { elements: bank, store: memory() }), opened, deposited)
    .when(new Withdraw({ accountId: "1", amount: 30 }))
    .then(new Withdrawn({ accountId: "1", amount: 30 }))
    .thenState(Account, { balance: 70 });
});

test("an aggregate alone, returned instead of awaited", () =>
  given(Account, opened)
    .when((account) => account.withdraw(1))
    .thenRejected("Insufficient funds"));
