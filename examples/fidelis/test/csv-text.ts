import type { LedgerRow } from "../src/ledger/ledger.ts";

export const csvHeader =
  "transaction_id,account_id,date,kind,operation,amount,balance,purpose,partner_bank,partner_account";

/** One row as the bank writes it, without the newline. */
export function csvLine(row: LedgerRow): string {
  const { transactionId, accountId, date, kind, operation, amount, balance, purpose } = row;
  const fields = [transactionId, accountId, date, kind, operation, printed(amount), printed(balance), purpose];
  return [...fields, row.partnerBank, row.partnerAccount].join(",");
}

export function csvText(lines: readonly string[]): string {
  return `${[csvHeader, ...lines].join("\n")}\n`;
}

function printed(hellers: number): string {
  const digits = String(Math.abs(hellers)).padStart(3, "0");
  return `${hellers < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
