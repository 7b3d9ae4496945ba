import { existsSync } from "node:fs";
import { isNereusError } from "nereus";
import { formatBalance, formatHistory, formatStatement } from "./answers.ts";
import { type ImportArguments, parseArguments, type QuestionArguments, UsageError, usage } from "./arguments.ts";
import { type Bank, bankAt, isServer } from "./bank.ts";
import { AccountHistory, AccountStatement, BalanceOn, CurrentBalance } from "./dashboard/questions.ts";
import { figuresOf } from "./figures.ts";
import { importLedger } from "./import.ts";
import { csvLedger } from "./ledger/csv.ts";
import { generatedLedger } from "./ledger/generate.ts";
import { assertReadable, LedgerFileError } from "./ledger/ledger.ts";
import { formatProblems, formatReport } from "./report.ts";

/** 0: done. 1: it could not be done. 2: the command line is wrong. 130: interrupted. */
type ExitCode = 0 | 1 | 2 | 130;

process.stdout.on("error", endOfPipe);
process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<ExitCode> {
  try {
    const wanted = parseArguments(words, { FIDELIS_STORE: process.env.FIDELIS_STORE, exists: existsSync });
    if (wanted.command === "help") {
      process.stdout.write(usage);
      return 0;
    }
    return wanted.command === "import" ? await runImport(wanted) : await answer(wanted);
  } catch (failure) {
    return explain(failure);
  }
}

/** The reader of a pipe, such as head, has had enough. */
function endOfPipe(failure: NodeJS.ErrnoException): void {
  if (failure.code !== "EPIPE") throw failure;
  process.exit(0);
}

async function runImport({ source, onError, store }: ImportArguments): Promise<ExitCode> {
  const ledger = "file" in source ? csvLedger(source.file) : generatedLedger(source.seed);
  await assertReadable(ledger); // before a store is made for it
  return await withBank(store, async (bank) => {
    const outcome = await importLedger(bank, ledger, { onError, output: process.stdout, signal: interruption() });
    if (outcome.status === "refused") {
      process.stderr.write(`${formatProblems(outcome.problems, "refused").join("\n")}\n`);
      return 1;
    }
    const startedAt = performance.now();
    await bank.settle();
    const projectionSeconds = (performance.now() - startedAt) / 1000;
    const figures = await figuresOf(bank, outcome, { ledger: ledger.name, store, projectionSeconds });
    process.stdout.write(`\n${formatReport(figures)}`);
    if (outcome.status === "complete") return 0;
    process.stderr.write("\nInterrupted: run the same command again to import the rest.\n");
    return 130;
  });
}

/** Control-C ends the import after the commands under way; a second one ends the process. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  return controller.signal;
}

async function answer(question: QuestionArguments): Promise<ExitCode> {
  const { accountId, store, on } = question;
  if (!isServer(store) && !existsSync(store)) {
    process.stderr.write(`There is no store ${store}: import a ledger first (npm start), or name another by --store\n`);
    return 1;
  }
  return await withBank(store, async (bank) => {
    await bank.settle();
    const text = await answerOf(bank, question);
    if (text === undefined) {
      const when = on === undefined ? "" : ` that was open on ${on}`;
      process.stderr.write(`There is no account ${accountId}${when} in ${store}\n`);
      return 1;
    }
    process.stdout.write(text);
    return 0;
  });
}

async function answerOf(bank: Bank, { command, accountId, on }: QuestionArguments): Promise<string | undefined> {
  const current = await bank.query(new CurrentBalance({ accountId }));
  if (current === undefined) return undefined;
  if (command === "history") return formatHistory(accountId, await bank.query(new AccountHistory({ accountId })));
  if (command === "statement") return formatStatement(accountId, await bank.query(new AccountStatement({ accountId })));
  if (on === undefined) return formatBalance(current, on);
  const past = await bank.query(new BalanceOn({ accountId, on }));
  return past === undefined ? undefined : formatBalance(past, on);
}

async function withBank(store: string, work: (bank: Bank) => Promise<ExitCode>): Promise<ExitCode> {
  const bank = bankAt(store);
  await bank.start();
  try {
    return await work(bank);
  } finally {
    await bank.stop();
  }
}

function explain(failure: unknown): ExitCode {
  if (failure instanceof UsageError) {
    process.stderr.write(`${failure.message}\n\n${usage}`);
    return 2;
  }
  if (failure instanceof LedgerFileError) process.stderr.write(`${failure.message}\n`);
  else if (isNereusError(failure)) process.stderr.write(`${failure.describe()}\n`);
  else process.stderr.write(`${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}\n`);
  return 1;
}
