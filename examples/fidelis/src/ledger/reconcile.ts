import { formatMoney } from "../money.ts";
import type { LedgerLine, LedgerProblem, LedgerRow } from "./ledger.ts";

/** What is known of a transaction that is booked. In hellers; withdrawals are negative. */
export interface BookedTransaction {
  readonly transactionId: string;
  readonly accountId: string;
  readonly bookedOn: string;
  readonly amount: number;
  readonly bankBalance: number;
}

/** A line of a ledger against what is booked: to be booked, booked before this ledger was read, seen earlier in it, or faulty. */
export type Reconciled =
  | { readonly fate: "new"; readonly line: number; readonly row: LedgerRow }
  | { readonly fate: "booked" }
  | { readonly fate: "repeated" }
  | { readonly fate: "problem"; readonly problem: LedgerProblem };

/** By transaction id. */
export type BookedTransactions = ReadonlyMap<string, BookedTransaction>;

/** Goes through one reading of a ledger. Transactions are told apart by their ids; the same id must be the same one. */
export class Reconciler {
  readonly #booked: BookedTransactions;
  readonly #seen = new Map<string, BookedTransaction>();

  constructor(booked: BookedTransactions) {
    this.#booked = booked;
  }

  judge({ line, row, problem }: LedgerLine): Reconciled {
    if (problem !== undefined) return { fate: "problem", problem };
    const found = asBooked(row);
    const bookedBefore = this.#booked.get(found.transactionId);
    const known = bookedBefore ?? this.#seen.get(found.transactionId);
    if (known === undefined) {
      this.#seen.set(found.transactionId, found);
      return { fate: "new", line, row };
    }
    if (isSame(known, found)) return { fate: bookedBefore === undefined ? "repeated" : "booked" };
    return { fate: "problem", problem: conflict(line, known, found, bookedBefore !== undefined) };
  }
}

function conflict(
  line: number,
  known: BookedTransaction,
  found: BookedTransaction,
  bookedBefore: boolean,
): LedgerProblem {
  const where = bookedBefore ? "in this store" : "on an earlier line";
  const message = `transaction ${found.transactionId} is ${where} ${inWords(known)}; here it is ${inWords(found)}`;
  return { line, code: "TRANSACTION_CONFLICT", message };
}

export function asBooked(row: LedgerRow): BookedTransaction {
  const { transactionId, accountId, date: bookedOn, kind, amount, balance: bankBalance } = row;
  return { transactionId, accountId, bookedOn, amount: kind === "credit" ? amount : -amount, bankBalance };
}

function isSame(one: BookedTransaction, other: BookedTransaction): boolean {
  return (
    one.amount === other.amount &&
    one.bookedOn === other.bookedOn &&
    one.accountId === other.accountId &&
    one.bankBalance === other.bankBalance
  );
}

function inWords({ accountId, bookedOn, amount, bankBalance }: BookedTransaction): string {
  return `${formatMoney(amount)} on ${bookedOn}, account ${accountId}, balance ${formatMoney(bankBalance)}`;
}
