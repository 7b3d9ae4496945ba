// The model of main.ts, for the tests that read and test it.
import { Command, commandHandlers, Event, EventSourcedAggregate, identifier } from "nereus";
import { z } from "zod";

const money = z.number().int().positive();
export class OpenAccount extends Command("OpenAccount", { accountId: identifier(), deposit: money }) {}
export class Withdraw extends Command("Withdraw", { accountId: identifier(), amount: money }) {}
export class AccountOpened extends Event("AccountOpened", { accountId: identifier(), deposit: money }) {}
export class MoneyWithdrawn extends Event("MoneyWithdrawn", { accountId: identifier(), amount: money }) {}
export class Account extends EventSourcedAggregate("Account", { accountId: identifier(), balance: z.number().int() })
  .applies(AccountOpened, (account, event) => {
    account.accountId = event.accountId;
    account.balance = event.deposit;
  })
  .applies(MoneyWithdrawn, (account, event) => {
    account.balance -= event.amount;
  })
  .invariant("balance", "Insufficient funds", (account) => account.balance >= 0) {}
export const accountCommands = commandHandlers(Account)
  .create(OpenAccount, (input) => Account.create((account) => account.raise(new AccountOpened({ ...input }))))
  .update(Withdraw, (account, input) => account.raise(new MoneyWithdrawn({ ...input })));
