// Runs the seed example from end to end, under plain `node`, on the embedded store.
import assert from "node:assert/strict";
import { memory } from "nereus/memory";
import { sqlite } from "nereus/sqlite";
import { given } from "nereus/testing";
import {
  Account,
  AccountOpened,
  AccountSummary,
  DepositMade,
  FindAccounts,
  MoneyWithdrawn,
  OpenAccount,
  openBank,
  Withdraw,
} from "./bank.ts";

const opened = new AccountOpened({ accountId: "1", holder: "Ada", opening: 100 });
const deposit = new DepositMade({ accountId: "1", amount: 50, source: "cash" });
await given(openBank(memory()), opened, deposit)
  .when(new Withdraw({ accountId: "1", amount: 120 }))
  .then(new MoneyWithdrawn({ accountId: "1", amount: 120 }));
await given(openBank(memory()), opened)
  .when(new Withdraw({ accountId: "1", amount: 120 }))
  .thenRejected("Insufficient funds");
await given(openBank(memory()), opened, deposit)
  .when(new Withdraw({ accountId: "1", amount: 10 }))
  .thenState(Account, { balance: 140 });
await given(openBank(memory()), opened, deposit)
  .when(new Withdraw({ accountId: "1", amount: 10 }))
  .thenRow(AccountSummary, "1", { balance: 140, transactions: 3 });

const bank = openBank(sqlite(process.argv[2] ?? ":memory:"));
await bank.start();
const id: string = await bank.process(new OpenAccount({ accountId: "576", holder: "Ada", opening: 1000 }), {
  visibleIn: [AccountSummary],
});
const found: AccountSummary[] = await bank.query(new FindAccounts({ holder: "Ada" }));
assert.equal(found.length, 1);
await bank.process(new Withdraw({ accountId: id, amount: 150 }), { idempotencyKey: "w1" });
await bank.process(new Withdraw({ accountId: id, amount: 150 }), { idempotencyKey: "w1" });
await bank.settle();
assert.equal((await bank.view(AccountSummary).get(id))?.balance, 850);
await bank.stop();
console.log(`seed: ${id} holds 850`);
