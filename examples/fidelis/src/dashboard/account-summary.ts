import { identifier, Projection, projector } from "nereus";
import { z } from "zod";
import { AccountOpened, DepositMade, MoneyWithdrawn } from "../accounts/messages.ts";

/** One row per account: what Fidelis books, what the bank prints, and how far apart the two are. In hellers. */
export class AccountSummary extends Projection(
  "AccountSummary",
  {
    accountId: identifier(),
    openedOn: z.iso.date(),
    lastBookedOn: z.iso.date(),
    transactions: z.number().int(),
    balance: z.number().int(),
    /** Printed with the latest transaction by date. */
    bankBalance: z.number().int(),
    /** The greatest distance, without sign, between both balances after any transaction so far. */
    largestDifference: z.number().int(),
  },
  { indexes: [["largestDifference"]] },
) {}

type SummaryFields = Pick<
  AccountSummary,
  "lastBookedOn" | "transactions" | "balance" | "bankBalance" | "largestDifference"
>;

export const accountSummaries = projector(AccountSummary, { run: "async", version: 1 })
  .create(AccountOpened, ({ accountId, openedOn }) => ({
    accountId,
    openedOn,
    lastBookedOn: openedOn,
    transactions: 0,
    balance: 0,
    bankBalance: 0,
    largestDifference: 0,
  }))
  .update(
    DepositMade,
    (event) => event.accountId,
    (row, event) => addTo(row, event, event.amount),
  )
  .update(
    MoneyWithdrawn,
    (event) => event.accountId,
    (row, event) => addTo(row, event, -event.amount),
  );

/** A transaction that comes late (its line was mended) counts, but the bank's last word stays that of the latest date. */
function addTo(row: SummaryFields, event: DepositMade | MoneyWithdrawn, amount: number): void {
  row.transactions += 1;
  row.balance += amount;
  if (event.bookedOn < row.lastBookedOn) return;
  row.lastBookedOn = event.bookedOn;
  row.bankBalance = event.bankBalance;
  row.largestDifference = Math.max(row.largestDifference, Math.abs(row.balance - row.bankBalance));
}
