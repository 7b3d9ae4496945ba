// The seed example of the public API: messages, aggregate, handlers and projection, as users write them.
import {
  Command,
  commandHandlers,
  Domain,
  Entity,
  Event,
  EventSourcedAggregate,
  hasMany,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  type Store,
  status,
} from "nereus";
import { z } from "zod";

export class AccountOpened extends Event("AccountOpened", {
  accountId: identifier(),
  holder: z.string().max(100),
  opening: z.number().int(),
}) {}
export class DepositMade extends Event(
  "DepositMade",
  {
    accountId: identifier(),
    amount: z.number().int().positive(),
    source: z.string(),
  },
  { version: 2, published: true },
) {}
export class MoneyWithdrawn extends Event("MoneyWithdrawn", {
  accountId: identifier(),
  amount: z.number().int().positive(),
}) {}
export class SignatoryAdded extends Event("SignatoryAdded", {
  accountId: identifier(),
  email: z.email(),
  role: z.enum(["MANAGER", "OPERATOR"]),
}) {}
export class AccountClosed extends Event("AccountClosed", { accountId: identifier() }) {}
export class AccountErased extends Event("AccountErased", { accountId: identifier() }) {}

export class OpenAccount extends Command("OpenAccount", {
  accountId: identifier(),
  holder: z.string(),
  opening: z.number().int().min(0),
}).returns<string>() {}
export class Withdraw extends Command("Withdraw", { accountId: identifier(), amount: z.number().int() }) {}
export class CloseAccount extends Command("CloseAccount", { accountId: identifier() }) {}

export class Signatory extends Entity(
  "Signatory",
  { email: z.email(), role: z.enum(["MANAGER", "OPERATOR"]) },
  { identifiedBy: "email" },
) {}

export class Account extends EventSourcedAggregate(
  "Account",
  {
    accountId: identifier(),
    holder: z.string().max(100),
    balance: z.number().int().default(0),
    status: status({ ACTIVE: ["CLOSED"], CLOSED: [] }, "ACTIVE"),
    signatories: hasMany(Signatory),
  },
  { factEvents: true, snapshotEvery: 100 },
)
  .applies(AccountOpened, (account, event) => {
    account.accountId = event.accountId;
    account.holder = event.holder;
    account.balance = event.opening;
  })
  .applies(DepositMade, (account, event) => {
    account.balance += event.amount;
  })
  .applies(MoneyWithdrawn, (account, event) => {
    account.balance -= event.amount;
  })
  .applies(SignatoryAdded, (account, event) => {
    account.signatories.add(new Signatory(event));
  })
  .applies(AccountClosed, (account) => {
    account.status = "CLOSED";
  })
  .applies(AccountErased, () => {})
  .invariant("balance", "Insufficient funds: balance cannot be negative", (account) => account.balance >= 0) {
  static open(input: { accountId: string; holder: string; opening: number }) {
    return Account.create((account) => account.raise(new AccountOpened(input)));
  }
  withdraw(amount: number) {
    this.raise(new MoneyWithdrawn({ accountId: this.accountId, amount }));
  }
  close() {
    this.raise(new AccountClosed({ accountId: this.accountId }));
  }
}

export const accountCommands = commandHandlers(Account)
  .create(OpenAccount, (command) => Account.open(command))
  .update(Withdraw, (account, { amount }) => account.withdraw(amount))
  .on(CloseAccount, async ({ accountId }, { repository }) => {
    const account = await repository(Account).get(accountId);
    account.close();
    await repository(Account).add(account);
  });

export class AccountSummary extends Projection(
  "AccountSummary",
  {
    accountId: identifier(),
    holder: z.string(),
    balance: z.number().int(),
    transactions: z.number().int().default(0),
  },
  { indexes: [["holder"]] },
) {}

export const accountSummaries = projector(AccountSummary, { run: "async", version: 1 })
  .create(AccountOpened, (event) => ({
    accountId: event.accountId,
    holder: event.holder,
    balance: event.opening,
    transactions: 1,
  }))
  .update(
    DepositMade,
    (event) => event.accountId,
    (row, event) => {
      row.balance += event.amount;
      row.transactions += 1;
    },
  )
  .update(
    MoneyWithdrawn,
    (event) => event.accountId,
    (row, event) => {
      row.balance -= event.amount;
      row.transactions += 1;
    },
  )
  .remove(AccountErased, (event) => event.accountId);

export class FindAccounts extends Query("FindAccounts", { holder: z.string() }).returns<AccountSummary[]>() {}
export const accountQueries = queryHandlers(AccountSummary).on(FindAccounts, ({ holder }, { view }) =>
  view.find({ where: { holder } }),
);

export const openBank = (store: Store) =>
  new Domain("bank", {
    elements: [Account, accountCommands, AccountSummary, accountSummaries, accountQueries],
    store,
  });
