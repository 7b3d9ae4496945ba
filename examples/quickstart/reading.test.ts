import { readFile } from "node:fs/promises";
import { Domain, identifier, Projection, projector } from "nereus";
import { memory } from "nereus/memory";
import { given } from "nereus/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { Account, AccountOpened, accountCommands, MoneyWithdrawn, Withdraw } from "./account.ts";

// README
class Balance extends Projection("Balance", { accountId: identifier(), balance: z.number().int() }) {}
const balances = projector(Balance, { run: "async" })
  .create(AccountOpened, ({ accountId, deposit }) => ({ accountId, balance: deposit }))
  .update(
    MoneyWithdrawn,
    (event) => event.accountId,
    (row, { amount }) => {
      row.balance -= amount;
    },
  );
const elements = [Account, accountCommands, Balance, balances];

test("an account can be emptied, and not overdrawn", async () => {
  const opened = new AccountOpened({ accountId: "1", deposit: 100 });
  await given(new Domain("bank", { elements, store: memory() }), opened)
    .when(new Withdraw({ accountId: "1", amount: 100 }))
    .then(new MoneyWithdrawn({ accountId: "1", amount: 100 }))
    .thenRow(Balance, "1", { balance: 0 })
    .when(new Withdraw({ accountId: "1", amount: 1 }))
    .thenRejected("Insufficient funds");
});
// README

test("the README's example of reading and testing is the one above, word for word", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const own = await readFile(new URL(import.meta.url), "utf8");
  expect(readme.split("```ts\n")[2]?.split("```")[0]).toBe(own.split("// README\n")[1]);
});

test("rows are found by what they hold", async () => {
  const bank = new Domain("bank", { elements, store: memory() });
  await given(
    bank,
    new AccountOpened({ accountId: "1", deposit: 100 }),
    new AccountOpened({ accountId: "2", deposit: 9 }),
  )
    .when(new Withdraw({ accountId: "1", amount: 1 }))
    .thenRow(Balance, "1", { balance: 99 });
  const rich = await bank.view(Balance).find({ where: { balance: { gte: 50 } }, orderBy: { balance: "desc" } });
  expect(rich.map(({ accountId }) => accountId)).toEqual(["1"]);
});
