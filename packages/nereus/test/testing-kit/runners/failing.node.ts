// Run by node:test, without another runner: each test fails, for the reason that its name says.
import { test } from "node:test";
import { given } from "nereus/testing";
import { Account, Deposited, Opened, Withdrawn } from "../../support/bank.ts";

const history = () =>
  given(Account, new Opened({ accountId: "1", holder: "Ada" }), new Deposited({ accountId: "1", amount: 100 }));

test("another event", async () => {
  await history()
    .when((account) => account.withdraw(30))
    .then(new Withdrawn({ accountId: "1", amount: 31 }));
});

test("a refusal", () => history().when((account) => account.withdraw(500)));

test("a forgotten await", async () => {
  history()
    .when((account) => account.withdraw(30))
    .thenNothing();
  await new Promise((resolve) => setTimeout(resolve, 10));
});
