import { identifier, Projection, projector } from "nereus";
import { z } from "zod";
import { DepositMade, MoneyWithdrawn } from "../accounts/messages.ts";

/** One row per transaction. The import reads it to know what is booked; a statement is the rows of one account. */
export class StatementLine extends Projection(
  "StatementLine",
  {
    transactionId: identifier(),
    accountId: z.string(),
    /** Counts the transactions of the account from 1. */
    entry: z.number().int(),
    bookedOn: z.iso.date(),
    /** Negative for a withdrawal. In hellers, as the bank's balance after it. */
    amount: z.number().int(),
    bankBalance: z.number().int(),
    operation: z.string(),
    purpose: z.string(),
    partner: z.string(),
  },
  { indexes: [["accountId", "entry"]] },
) {}

export const statementLines = projector(StatementLine, { run: "async", version: 1 })
  .create(DepositMade, (event) => lineOf(event, event.amount))
  .create(MoneyWithdrawn, (event) => lineOf(event, -event.amount));

function lineOf(event: DepositMade | MoneyWithdrawn, amount: number) {
  const { transactionId, accountId, entry, bookedOn, bankBalance, operation, purpose } = event;
  const partner = [event.partnerBank, event.partnerAccount].filter((part) => part !== "").join(" ");
  return { transactionId, accountId, entry, bookedOn, amount, bankBalance, operation, purpose, partner };
}
