// docs/guides/releases.md: the compiler checks it, test/inline-releases.test.ts holds what it says.
import { Event, EventSourcedAggregate, identifier, Projection, projector } from "nereus";
import { z } from "zod";

class DepositMade extends Event("DepositMade", { accountId: identifier(), amount: z.number() }) {}
class Balance extends Projection("Balance", { accountId: identifier(), balance: z.number() }) {}

// version 2: rows of its own, made from the first event on; the former release goes on with those of version 1
export const balances = projector(Balance, { run: "inline", version: 2 }).upsert(
  DepositMade,
  ({ accountId }) => accountId,
  ({ accountId }) => ({ accountId, balance: 0 }),
  (row, { amount }) => {
    row.balance += amount;
  },
);

export const allBalances = projector(Balance, { run: "async", categories: ["Account", "BankAccount"] }).upsert(
  DepositMade,
  ({ accountId }) => accountId,
  ({ accountId }) => ({ accountId, balance: 0 }),
  (row, { amount }) => {
    row.balance += amount;
  },
);

// was: class BankAccount extends EventSourcedAggregate("BankAccount", …)
export class Account extends EventSourcedAggregate("BankAccount", { accountId: identifier() }).applies(
  DepositMade,
  (account, { accountId }) => {
    account.accountId = accountId;
  },
) {}
