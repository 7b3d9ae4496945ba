import { identifier, Query, queryHandlers } from "nereus";
import { z } from "zod";
import { Account } from "../accounts/account.ts";
import { DepositMade, MoneyWithdrawn } from "../accounts/messages.ts";
import { dateOf, endOfDay } from "../ledger/calendar.ts";
import { AccountSummary } from "./account-summary.ts";
import { StatementLine } from "./statement-line.ts";

/** In hellers. */
export interface AccountBalance {
  readonly accountId: string;
  readonly transactions: number;
  readonly lastBookedOn: string;
  readonly balance: number;
  readonly bankBalance: number;
}

export interface HistoryEntry {
  readonly version: number;
  readonly happenedOn: string;
  readonly recordedAt: Date;
  readonly event: string;
  /** Absent for the opening. In hellers, negative for a withdrawal. */
  readonly amount?: number;
  readonly transactionId?: string;
}

/** Now, from the dashboard. Undefined if there is no such account. */
export class CurrentBalance extends Query("CurrentBalance", { accountId: identifier() }).returns<
  AccountBalance | undefined
>() {}

/** At the end of a day, from the events. Undefined if the account was not open by then. */
export class BalanceOn extends Query("BalanceOn", { accountId: identifier(), on: z.iso.date() }).returns<
  AccountBalance | undefined
>() {}

export class AccountHistory extends Query("AccountHistory", { accountId: identifier() }).returns<HistoryEntry[]>() {}

export class AccountStatement extends Query("AccountStatement", { accountId: identifier() }).returns<
  StatementLine[]
>() {}

export const balanceQuestions = queryHandlers(AccountSummary)
  .on(CurrentBalance, ({ accountId }, { view }) => view.get(accountId))
  .on(BalanceOn, async ({ accountId, on }, { view, repository }) => {
    const row = await view.get(accountId);
    if (row === undefined || on < row.openedOn) return undefined;
    const account = await repository(Account).get(accountId, { asOf: endOfDay(on), by: "occurred" });
    const { balance, bankBalance, lastBookedOn, transactions } = account;
    return { accountId, balance, bankBalance, lastBookedOn, transactions: transactions.length };
  })
  .on(AccountHistory, async ({ accountId }, { repository }) => {
    const entries: HistoryEntry[] = [];
    for await (const { version, event, metadata } of repository(Account).history(accountId)) {
      const { type, occurredAt, recordedAt } = metadata;
      entries.push({ version, happenedOn: dateOf(occurredAt), recordedAt, event: type, ...described(event) });
    }
    return entries;
  });

export const statementQuestions = queryHandlers(StatementLine).on(AccountStatement, ({ accountId }, { view }) =>
  view.find({ where: { accountId }, orderBy: { entry: "asc" } }),
);

function described(event: object): Pick<HistoryEntry, "amount" | "transactionId"> {
  if (event instanceof DepositMade) return { amount: event.amount, transactionId: event.transactionId };
  if (event instanceof MoneyWithdrawn) return { amount: -event.amount, transactionId: event.transactionId };
  return {};
}
