import { Command, commandHandlers, Domain, Event, EventSourcedAggregate, identifier } from "nereus";
import { sqlite } from "nereus/sqlite";
import { z } from "zod";

const money = z.number().int().positive();
class OpenAccount extends Command("OpenAccount", { accountId: identifier(), deposit: money }) {}
class Withdraw extends Command("Withdraw", { accountId: identifier(), amount: money }) {}
class AccountOpened extends Event("AccountOpened", { accountId: identifier(), deposit: money }) {}
class MoneyWithdrawn extends Event("MoneyWithdrawn", { accountId: identifier(), amount: money }) {}
class Account extends EventSourcedAggregate("Account", { accountId: identifier(), balance: z.number().int() })
  .applies(AccountOpened, (account, event) => {
    account.accountId = event.accountId;
    account.balance = event.deposit;
  })
  .applies(MoneyWithdrawn, (account, event) => {
    account.balance -= event.amount;
  })
  .invariant("balance", "Insufficient funds", (account) => account.balance >= 0) {}
const accountCommands = commandHandlers(Account)
  .create(OpenAccount, (input) => Account.create((account) => account.raise(new AccountOpened({ ...input }))))
  .update(Withdraw, (account, input) => account.raise(new MoneyWithdrawn({ ...input })));
const bank = new Domain("bank", { elements: [Account, accountCommands], store: sqlite("bank.db") });
await bank.start();
const accountId = crypto.randomUUID();
await bank.process(new OpenAccount({ accountId, deposit: 1000 }));
await bank.process(new Withdraw({ accountId, amount: 150 }));
await bank.process(new Withdraw({ accountId, amount: 5000 })).catch((error) => console.log(error.message));
await bank.stop();
