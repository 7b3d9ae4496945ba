import { Command, Event, identifier } from "nereus";
import { z } from "zod";

/** Amounts and balances are hellers: safe integers. */
const hellers = z.number().int();

/** What the bank prints about one transaction, besides its direction. */
const transaction = {
  accountId: identifier(),
  transactionId: z.string(),
  bookedOn: z.iso.date(),
  amount: hellers.positive(),
  /** The bank's own balance of the account after this transaction: kept, never trusted. */
  bankBalance: hellers,
  operation: z.string(),
  purpose: z.string(),
  partnerBank: z.string(),
  partnerAccount: z.string(),
};

/** One line of a ledger. Answers whether it was booked now: false means that the account has it already. */
export class BookTransaction extends Command("BookTransaction", {
  ...transaction,
  kind: z.enum(["credit", "withdrawal"]),
}).returns<boolean>() {}

export class AccountOpened extends Event("AccountOpened", {
  accountId: identifier(),
  openedOn: z.iso.date(),
}) {}

/** The position of a transaction on its account: 1, 2, 3, without gaps, in the order of booking. */
const entry = z.number().int().positive();

export class DepositMade extends Event("DepositMade", { ...transaction, entry }) {}

export class MoneyWithdrawn extends Event("MoneyWithdrawn", { ...transaction, entry }) {}
