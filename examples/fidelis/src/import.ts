import { BookTransaction } from "./accounts/messages.ts";
import type { OnError } from "./arguments.ts";
import type { Bank } from "./bank.ts";
import { StatementLine } from "./dashboard/statement-line.ts";
import { startOfDay } from "./ledger/calendar.ts";
import { inOrderPerKey } from "./ledger/in-order.ts";
import type { Ledger, LedgerProblem, LedgerRow } from "./ledger/ledger.ts";
import { type BookedTransaction, type BookedTransactions, Reconciler } from "./ledger/reconcile.ts";
import { ProgressBar, type ProgressOutput } from "./progress-bar.ts";

/** Commands that travel together share a commit of the database. */
const IN_FLIGHT = 256;
const PAGE = 5_000;

export interface ImportOptions {
  readonly onError: OnError;
  readonly output: ProgressOutput;
  /** Stops the import between two commands; what is booked stays, and the next import goes on from there. */
  readonly signal?: AbortSignal;
}

export interface ImportOutcome {
  readonly status: "complete" | "refused" | "interrupted";
  readonly bookedNow: number;
  readonly bookedBefore: number;
  readonly repeated: number;
  readonly problems: readonly LedgerProblem[];
  readonly seconds: number;
  readonly slowest:
    | { readonly milliseconds: number; readonly transactionId: string; readonly line: number }
    | undefined;
}

interface Check {
  pending: number;
  bookedBefore: number;
  repeated: number;
  readonly problems: LedgerProblem[];
}

/**
 * Books what of the ledger is not booked yet. It reads the ledger twice: first to check every line and to count what is
 * left to do, then to send it. What is booked already is known from the statement lines; they only save time, since the
 * account itself refuses to book a transaction again.
 */
export async function importLedger(bank: Bank, ledger: Ledger, options: ImportOptions): Promise<ImportOutcome> {
  await bank.settle(); // an import that was killed has left events that no statement line shows yet
  const booked = await bookedTransactions(bank);
  const check = await checked(ledger, booked);
  const { bookedBefore, repeated, problems } = check;
  const found = { bookedBefore, repeated, problems };
  if (options.onError === "refuse" && problems.length > 0) {
    return { status: "refused", ...found, bookedNow: 0, seconds: 0, slowest: undefined };
  }
  const teller = new Teller(bank, new ProgressBar(options.output, { label: "Importing", total: check.pending }));
  if (check.pending > 0) await teller.bookAll(pendingRows(ledger, booked), options.signal);
  const status = options.signal?.aborted === true && teller.answered < check.pending ? "interrupted" : "complete";
  return { status, ...found, bookedNow: teller.booked, seconds: teller.seconds, slowest: teller.slowest };
}

/** Read in pages, so that neither side builds one huge answer. */
async function bookedTransactions(bank: Bank): Promise<BookedTransactions> {
  const booked = new Map<string, BookedTransaction>();
  const lines = bank.view(StatementLine);
  for (let offset = 0; ; offset += PAGE) {
    const page = await lines.find({ orderBy: { transactionId: "asc" }, limit: PAGE, offset });
    for (const line of page) booked.set(line.transactionId, line);
    if (page.length < PAGE) return booked;
  }
}

async function checked(ledger: Ledger, booked: BookedTransactions): Promise<Check> {
  const check: Check = { pending: 0, bookedBefore: 0, repeated: 0, problems: [] };
  const reconciler = new Reconciler(booked);
  for await (const line of ledger.read()) {
    const entry = reconciler.judge(line);
    if (entry.fate === "new") check.pending += 1;
    else if (entry.fate === "booked") check.bookedBefore += 1;
    else if (entry.fate === "repeated") check.repeated += 1;
    else check.problems.push(entry.problem);
  }
  return check;
}

interface PendingRow {
  readonly line: number;
  readonly row: LedgerRow;
}

async function* pendingRows(ledger: Ledger, booked: BookedTransactions): AsyncGenerator<PendingRow> {
  const reconciler = new Reconciler(booked);
  for await (const line of ledger.read()) {
    const entry = reconciler.judge(line);
    if (entry.fate === "new") yield entry;
  }
}

class Teller {
  readonly #bank: Bank;
  readonly #bar: ProgressBar;
  answered = 0;
  booked = 0;
  seconds = 0;
  slowest: ImportOutcome["slowest"];

  constructor(bank: Bank, bar: ProgressBar) {
    this.#bank = bank;
    this.#bar = bar;
  }

  async bookAll(rows: AsyncIterable<PendingRow>, signal: AbortSignal | undefined): Promise<void> {
    const startedAt = performance.now();
    try {
      await inOrderPerKey(rows, {
        keyOf: ({ row }) => row.accountId,
        work: (pending) => this.#book(pending),
        limit: IN_FLIGHT,
        ...(signal === undefined ? {} : { signal }),
      });
    } finally {
      this.seconds = (performance.now() - startedAt) / 1000;
      this.#bar.end();
    }
  }

  async #book({ line, row }: PendingRow): Promise<void> {
    const startedAt = performance.now();
    const booked = await this.#bank.process(bookingOf(row), { occurredAt: startOfDay(row.date) });
    const milliseconds = performance.now() - startedAt;
    if (milliseconds > (this.slowest?.milliseconds ?? 0)) {
      this.slowest = { milliseconds, transactionId: row.transactionId, line };
    }
    this.answered += 1;
    if (booked) this.booked += 1;
    this.#bar.advance();
  }
}

function bookingOf({ date, balance, ...row }: LedgerRow): BookTransaction {
  return new BookTransaction({ ...row, bookedOn: date, bankBalance: balance });
}
