import { Domain } from "nereus";
import { sqlite } from "nereus/sqlite";
import { Account } from "./accounts/account.ts";
import { accountCommands } from "./accounts/account-commands.ts";
import { AccountSummary, accountSummaries } from "./dashboard/account-summary.ts";
import { balanceQuestions, statementQuestions } from "./dashboard/questions.ts";
import { StatementLine, statementLines } from "./dashboard/statement-line.ts";

export type Bank = ReturnType<typeof bankAt>;

/** The bank, kept in one SQLite file. Call start() before and stop() after use. */
export function bankAt(path: string) {
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
    store: sqlite(path),
  });
}
