import type { LedgerProblem } from "./ledger/ledger.ts";
import { type DifferenceBucket, formatCount, formatMoney, type Hellers } from "./money.ts";
import { duration } from "./progress-bar.ts";

export interface ReportFigures {
  readonly ledger: string;
  readonly store: string;
  readonly accounts: number;
  readonly transactions: number;
  /** The sum of the balances of all accounts. */
  readonly total: Hellers;
  readonly bookedNow: number;
  readonly bookedBefore: number;
  /** The same transaction twice in one ledger. */
  readonly repeated: number;
  readonly importSeconds: number;
  readonly projectionSeconds: number;
  readonly slowest:
    | { readonly milliseconds: number; readonly transactionId: string; readonly line: number }
    | undefined;
  readonly differences: readonly DifferenceBucket[];
  readonly widest: readonly { readonly accountId: string; readonly difference: Hellers }[];
  readonly problems: readonly LedgerProblem[];
}

const LABEL_WIDTH = 22;
const FIGURE_WIDTH = 16;
const MOST_PROBLEMS_SHOWN = 20;

/** The report as lines of text, ending with a newline. Money and counts are printed in full. */
export function formatReport(figures: ReportFigures): string {
  const sections = [summary(figures), speed(figures), differences(figures)];
  if (figures.problems.length > 0) sections.push(formatProblems(figures.problems, "skipped"));
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function summary(figures: ReportFigures): string[] {
  const { bookedNow, bookedBefore, repeated } = figures;
  const booked = `${formatCount(bookedNow)} imported now, ${formatCount(bookedBefore)} already there`;
  return [
    `Fidelis: ${figures.ledger}`,
    `Store:   ${figures.store}`,
    "",
    row("Accounts", formatCount(figures.accounts)),
    row("Transactions", formatCount(figures.transactions), booked),
    ...(repeated > 0
      ? [row("Repeated lines", formatCount(repeated), "the same transaction again: not booked twice")]
      : []),
    row("Total of balances", formatMoney(figures.total)),
  ];
}

function speed({ bookedNow, importSeconds, projectionSeconds, slowest }: ReportFigures): string[] {
  const dashboard = row("Dashboard built in", duration(projectionSeconds));
  if (bookedNow === 0 || slowest === undefined) return [row("Imported", "nothing new"), dashboard];
  const milliseconds = `${slowest.milliseconds.toFixed(1)} ms`;
  return [
    row("Imported in", duration(importSeconds)),
    row("Throughput", formatCount(bookedNow / importSeconds), "transactions per second"),
    row("Slowest booking", milliseconds, `transaction ${slowest.transactionId}, line ${slowest.line}`),
    dashboard,
  ];
}

function differences({ accounts, differences: buckets, widest }: ReportFigures): string[] {
  const beyond = accounts - (buckets.at(-1)?.count ?? 0);
  return [
    "Largest difference to the bank's printed balances, per account, over all its transactions",
    ...buckets.map(({ within, count }) => row(`within ${formatMoney(within)}`, formatCount(count), "accounts")),
    row("more than that", formatCount(beyond), "accounts"),
    ...widest.map(({ accountId, difference }) => row(`  account ${accountId}`, formatMoney(difference))),
  ];
}

function row(label: string, figure: string, remark = ""): string {
  return `  ${label.padEnd(LABEL_WIDTH)}${figure.padStart(FIGURE_WIDTH)}  ${remark}`.trimEnd();
}

const conflictHint = "The same number for different transactions: give each ledger a store of its own (--store PATH)";

/** Names the first lines that are broken, and says how many more there are. */
export function formatProblems(problems: readonly LedgerProblem[], fate: "skipped" | "refused"): string[] {
  const shown = problems.slice(0, MOST_PROBLEMS_SHOWN);
  const left = problems.length - shown.length;
  const lines = problems.length === 1 ? "1 line" : `${formatCount(problems.length)} lines`;
  const title =
    fate === "skipped"
      ? `Not booked: ${lines} of the ledger (--on-error skip)`
      : `Nothing was booked: ${lines} of the ledger cannot be. Mend them, or book the rest with --on-error skip`;
  return [
    title,
    ...shown.map(({ line, code, message }) => `  line ${line}: ${message} [${code}]`),
    ...(left > 0 ? [`  and ${formatCount(left)} more`] : []),
    ...(problems.some(({ code }) => code === "TRANSACTION_CONFLICT") ? [conflictHint] : []),
  ];
}
