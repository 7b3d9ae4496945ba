// What a process for reading only answers of the bank: rows of an async and an inline projection, and aggregates, now and as they were.
import { type Domain, identifier, Projection, projector, Query, queryHandlers } from "nereus";
import { z } from "zod";
import { Account, accountCommands, Branch, branchCommands, Deposited, Opened } from "./bank.ts";

export class Balance extends Projection("Balance", { accountId: identifier(), balance: z.number().int() }) {}
export class Holder extends Projection("Holder", { accountId: identifier(), name: z.string() }) {}

const balances = projector(Balance, { run: "async" })
  .create(Opened, ({ accountId }) => ({ accountId, balance: 0 }))
  .update(
    Deposited,
    ({ accountId }) => accountId,
    (row, { amount }) => {
      row.balance += amount;
    },
  );
const holders = projector(Holder, { run: "inline" }).create(Opened, ({ accountId, holder }) => ({
  accountId,
  name: holder,
}));

/** The balance of an account, as its events say. */
export class BalanceOf extends Query("BalanceOf", {
  accountId: identifier(),
  atVersion: z.number().int().optional(),
}).returns<number>() {}
/** The names of all branches. */
export class BranchNames extends Query("BranchNames", {}).returns<string[]>() {}

const queries = queryHandlers(Balance)
  .on(BalanceOf, async ({ accountId, atVersion }, { repository }) => {
    const past = atVersion === undefined ? [] : ([{ atVersion }] as const);
    return (await repository(Account).get(accountId, ...past)).balance;
  })
  .on(BranchNames, async (_, { repository }) => {
    const branches = await repository(Branch).query({ orderBy: { name: "asc" } });
    return branches.map(({ name }) => name);
  });

export const readSide = [Account, accountCommands, Branch, branchCommands, Balance, balances, Holder, holders, queries];

/** All that a domain of `readSide` answers about one account. */
export async function answersOf(bank: Domain, accountId: string): Promise<object> {
  return {
    row: (await bank.view(Balance).get(accountId))?.balance,
    holder: (await bank.view(Holder).get(accountId))?.name,
    now: await bank.query(new BalanceOf({ accountId })),
    opened: await bank.query(new BalanceOf({ accountId, atVersion: 0 })),
    branches: await bank.query(new BranchNames({})),
  };
}
