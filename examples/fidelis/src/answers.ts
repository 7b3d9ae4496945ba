import type { AccountBalance, HistoryEntry } from "./dashboard/questions.ts";
import { formatCount, formatMoney } from "./money.ts";

export function formatBalance(found: AccountBalance, on: string | undefined): string {
  const { accountId, balance, bankBalance, transactions, lastBookedOn } = found;
  const figures: [string, string][] = [
    ["Balance", formatMoney(balance)],
    ["Printed by the bank", formatMoney(bankBalance)],
    ["Difference", formatMoney(balance - bankBalance)],
    ["Transactions", formatCount(transactions)],
    ["Latest transaction", lastBookedOn],
  ];
  const lines = figures.map(([label, figure]) => `  ${label.padEnd(22)}${figure.padStart(16)}`);
  const title = on === undefined ? `Account ${accountId}` : `Account ${accountId} at the end of ${on}`;
  return `${[title, ...lines].join("\n")}\n`;
}

export function formatHistory(accountId: string, entries: readonly HistoryEntry[]): string {
  return table(
    `Account ${accountId}: ${formatCount(entries.length)} events`,
    [
      ["version", "happened", "recorded", "event", "amount", "transaction"],
      ...entries.map((entry) => [
        String(entry.version),
        entry.happenedOn,
        entry.recordedAt.toISOString(),
        entry.event,
        entry.amount === undefined ? "" : formatMoney(entry.amount),
        entry.transactionId ?? "",
      ]),
    ],
    ["version", "amount", "transaction"],
  );
}

/** A line of a statement, as the read model has it. In hellers. */
export interface StatementEntry {
  readonly entry: number;
  readonly bookedOn: string;
  readonly amount: number;
  readonly bankBalance: number;
  readonly operation: string;
  readonly purpose: string;
  readonly partner: string;
}

export function formatStatement(accountId: string, entries: readonly StatementEntry[]): string {
  let balance = 0;
  const rows = entries.map(({ entry, bookedOn, amount, bankBalance, operation, purpose, partner }) => {
    balance += amount;
    const text = [operation, purpose, partner].filter((part) => part !== "").join(", ");
    return [String(entry), bookedOn, text, formatMoney(amount), formatMoney(balance), formatMoney(bankBalance)];
  });
  const title = `Account ${accountId}: ${formatCount(entries.length)} transactions, balance ${formatMoney(balance)}`;
  const head = ["no.", "date", "text", "amount", "balance", "bank's balance"];
  return table(title, [head, ...rows], ["no.", "amount", "balance", "bank's balance"]);
}

/** The first row holds the column names; those in `right` hold figures. */
function table(title: string, rows: readonly (readonly string[])[], right: readonly string[]): string {
  const head = rows[0] ?? [];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return right.includes(head[column] ?? "") ? cell.padStart(width) : cell.padEnd(width);
    });
    return `  ${cells.join("  ")}`.trimEnd();
  });
  return `${[title, ...lines].join("\n")}\n`;
}
