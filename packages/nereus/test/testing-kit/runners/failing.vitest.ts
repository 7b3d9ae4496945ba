// Run by a Vitest of its own: each test fails or, where an await was forgotten, the run does.
import { given } from "nereus/testing";
import { test } from "vitest";
import { Account, Deposited, Opened, Withdrawn } from "../../support/bank.ts";

const history = () =>
  given(Account, new Opened({ accountId: "1", holder: "Ada" }), new Deposited({ accountId: "1", amount: 100 }));

test("another event", async () => {
  await history()
    .when((account) => account.withdraw(30))
    .then(new Withdrawn({ accountId: "1", amount: 31 }));
});

test("a forgotten await", () => {
  history()
    .when((account) => account.withdraw(20))
    .thenNothing();
});
