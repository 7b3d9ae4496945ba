import type { Bank } from "./bank.ts";
import { AccountSummary } from "./dashboard/account-summary.ts";
import type { ImportOutcome } from "./import.ts";
import { differenceBuckets, differenceLimits } from "./money.ts";
import type { ReportFigures } from "./report.ts";

const MOST_WIDEST_SHOWN = 5;

export interface ReportContext {
  readonly ledger: string;
  readonly store: string;
  readonly projectionSeconds: number;
}

/** The figures of the report: what the import did, and what the dashboard shows now. */
export async function figuresOf(bank: Bank, outcome: ImportOutcome, context: ReportContext): Promise<ReportFigures> {
  const rows = await bank.view(AccountSummary).find({ orderBy: { largestDifference: "desc" } });
  const beyond = rows.filter((row) => row.largestDifference > (differenceLimits.at(-1) ?? 0));
  return {
    ...context,
    accounts: rows.length,
    transactions: rows.reduce((sum, row) => sum + row.transactions, 0),
    total: rows.reduce((sum, row) => sum + row.balance, 0),
    bookedNow: outcome.bookedNow,
    bookedBefore: outcome.bookedBefore,
    repeated: outcome.repeated,
    importSeconds: outcome.seconds,
    slowest: outcome.slowest,
    differences: differenceBuckets(rows.map((row) => row.largestDifference)),
    widest: beyond
      .slice(0, MOST_WIDEST_SHOWN)
      .map(({ accountId, largestDifference }) => ({ accountId, difference: largestDifference })),
    problems: outcome.problems,
  };
}
