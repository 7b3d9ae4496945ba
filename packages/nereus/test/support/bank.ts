// A small bank that many tests share: an event-sourced account, a state-stored branch, commands for both.
import {
  Aggregate,
  Command,
  commandHandlers,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  status,
} from "nereus";
import { z } from "zod";

export class Opened extends Event("Opened", { accountId: identifier(), holder: z.string() }) {}
export class Deposited extends Event("Deposited", { accountId: identifier(), amount: z.number().int() }) {}
export class Withdrawn extends Event("Withdrawn", { accountId: identifier(), amount: z.number().int() }) {}
export class SignatoryNamed extends Event("SignatoryNamed", { accountId: identifier(), email: z.string() }) {}
export class Closed extends Event("Closed", { accountId: identifier() }) {}

export class Signatory extends Entity("Signatory", { email: z.email() }, { identifiedBy: "email" }) {}

export class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  holder: z.string().max(100),
  balance: z.number().int().default(0),
  status: status({ ACTIVE: ["CLOSED"], CLOSED: [] }, "ACTIVE"),
  signatories: hasMany(Signatory),
})
  .applies(Opened, (account, event) => {
    account.accountId = event.accountId;
    account.holder = event.holder;
  })
  .applies(Deposited, (account, event) => {
    account.balance += event.amount;
  })
  .applies(Withdrawn, (account, event) => {
    account.balance -= event.amount;
  })
  .applies(SignatoryNamed, (account, event) => {
    account.signatories.add({ email: event.email });
  })
  .applies(Closed, (account) => {
    account.status = "CLOSED";
  })
  .invariant("balance", "Insufficient funds", (account) => account.balance >= 0) {
  static open(accountId: string, holder: string) {
    return Account.create((account) => account.raise(new Opened({ accountId, holder })));
  }
  deposit(amount: number) {
    this.raise(new Deposited({ accountId: this.accountId, amount }));
  }
  withdraw(amount: number) {
    this.raise(new Withdrawn({ accountId: this.accountId, amount }));
  }
  close() {
    this.raise(new Closed({ accountId: this.accountId }));
  }
}

export class Open extends Command("Open", {
  accountId: identifier(),
  holder: z.string().default("Ada"),
}).returns<string>() {}
export class Deposit extends Command("Deposit", { accountId: identifier(), amount: z.number().int() }) {}
export class Withdraw extends Command("Withdraw", {
  accountId: identifier(),
  amount: z.number().int(),
}).returns<number>() {}
export class Close extends Command("Close", { accountId: identifier() }) {}

export const accountCommands = commandHandlers(Account)
  .create(Open, ({ accountId, holder }) => Account.open(accountId, holder))
  .update(Deposit, (account, { amount }) => account.deposit(amount))
  .update(Withdraw, (account, { amount }) => {
    account.withdraw(amount);
    return account.balance;
  })
  .update(Close, (account) => account.close());

export class BranchRenamed extends Event("BranchRenamed", { branchId: identifier(), name: z.string() }) {}

export class Branch extends Aggregate("Branch", {
  branchId: identifier(),
  name: z.string().min(1),
  visits: z.number().int().default(0),
})
  .raises(BranchRenamed)
  .invariant("visits", "Visits cannot be negative", (branch) => branch.visits >= 0) {
  rename(name: string) {
    this.name = name;
    this.raise(new BranchRenamed({ branchId: this.branchId, name }));
  }
}

export class OpenBranch extends Command("OpenBranch", {
  branchId: identifier(),
  name: z.string().default("Main"),
}).returns<string>() {}
export class RenameBranch extends Command("RenameBranch", { branchId: identifier(), name: z.string() }) {}
export class VisitBranch extends Command("VisitBranch", { branchId: identifier() }).returns<number>() {}

export const branchCommands = commandHandlers(Branch)
  .create(OpenBranch, (command) => new Branch({ branchId: command.branchId, name: command.name }))
  .update(RenameBranch, (branch, { name }) => branch.rename(name))
  .update(VisitBranch, (branch) => {
    branch.visits += 1;
    return branch.visits;
  });

export const bank = [Account, accountCommands, Branch, branchCommands];
