import { Domain } from "nereus";
import { postgres } from "nereus/postgres";
import { sqlite } from "nereus/sqlite";
import { Account } from "./accounts/account.ts";
import { accountCommands } from "./accounts/account-commands.ts";
import { AccountSummary, accountSummaries } from "./dashboard/account-summary.ts";
import { balanceQuestions, statementQuestions } from "./dashboard/questions.ts";
import { StatementLine, statementLines } from "./dashboard/statement-line.ts";

export type Bank = ReturnType<typeof bankAt>;

/** The bank, kept in one SQLite file or in a PostgreSQL database. Call start() before and stop() after use. */
export function bankAt(place: string) {
  return new Domain("fidelis", {
    elements: [
      Account,
      accountCommands,
      AccountSummary,
      accountSummaries,
      balanceQuestions,
      StatementLine,
      statementLines,
      statementQuestions,
    ],
    store: isServer(place) ? postgres({ connectionString: place, setUp: true }) : sqlite(place),
  });
}

/** Whether a place is a database's address, not a file. */
export function isServer(place: string): boolean {
  return /^postgres(ql)?:/.test(place);
}
