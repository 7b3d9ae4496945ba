import { EventSourcedAggregate, identifier } from "nereus";
import { z } from "zod";
import { AccountOpened, type BookTransaction, DepositMade, MoneyWithdrawn } from "./messages.ts";

/**
 * An account of a ledger. It has no rule against a negative balance: the bank allowed overdrafts, and what has
 * happened cannot be refused. A transaction is booked once, whoever asks and however often.
 */
export class Account extends EventSourcedAggregate("Account", {
  accountId: identifier(),
  openedOn: z.iso.date(),
  balance: z.number().int().default(0),
  /** The balance that the bank printed with the latest transaction. */
  bankBalance: z.number().int().default(0),
  lastBookedOn: z.iso.date(),
  /** The ids of all transactions booked, because the bank's numbers do not ascend: the guard against booking twice. */
  transactions: z.array(z.string()).default([]),
})
  .applies(AccountOpened, (account, event) => {
    account.accountId = event.accountId;
    account.openedOn = event.openedOn;
    account.lastBookedOn = event.openedOn;
  })
  .applies(DepositMade, (account, event) => {
    account.balance += event.amount;
    account.transactions.push(event.transactionId);
    if (event.bookedOn < account.lastBookedOn) return;
    account.bankBalance = event.bankBalance;
    account.lastBookedOn = event.bookedOn;
  })
  .applies(MoneyWithdrawn, (account, event) => {
    account.balance -= event.amount;
    account.transactions.push(event.transactionId);
    if (event.bookedOn < account.lastBookedOn) return;
    account.bankBalance = event.bankBalance;
    account.lastBookedOn = event.bookedOn;
  }) {
  static open(accountId: string, openedOn: string): Account {
    return Account.create((account) => account.raise(new AccountOpened({ accountId, openedOn })));
  }

  /** Books one line of a ledger; false, and no event, if it is booked already. */
  book({ kind, ...transaction }: BookTransaction): boolean {
    if (this.transactions.includes(transaction.transactionId)) return false;
    const entry = this.transactions.length + 1;
    if (kind === "credit") this.raise(new DepositMade({ ...transaction, entry }));
    else this.raise(new MoneyWithdrawn({ ...transaction, entry }));
    return true;
  }
}
