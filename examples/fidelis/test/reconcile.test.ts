import { describe, expect, it } from "vitest";
import type { LedgerLine, LedgerRow } from "../src/ledger/ledger.ts";
import {
  asBooked,
  type BookedTransaction,
  type BookedTransactions,
  type Reconciled,
  Reconciler,
} from "../src/ledger/reconcile.ts";

function row(changes: Partial<LedgerRow> = {}): LedgerRow {
  return {
    transactionId: "1",
    accountId: "576",
    date: "1993-01-01",
    kind: "credit",
    operation: "cash_deposit",
    amount: 90_000,
    balance: 90_000,
    purpose: "",
    partnerBank: "",
    partnerAccount: "",
    ...changes,
  };
}

function ledger(...lines: (LedgerRow | { problem: string })[]): LedgerLine[] {
  return lines.map((line, index) =>
    "problem" in line
      ? { line: index + 2, problem: { line: index + 2, code: "DATE", message: line.problem } }
      : { line: index + 2, row: line },
  );
}

function booked(...rows: LedgerRow[]): Map<string, BookedTransaction> {
  return new Map(rows.map((one) => [one.transactionId, asBooked(one)]));
}

function fates(lines: readonly LedgerLine[], known: BookedTransactions = new Map()): Reconciled[] {
  const reconciler = new Reconciler(known);
  return lines.map((line) => reconciler.judge(line));
}

describe("a reconciler", () => {
  it("finds what is new, with its line", () => {
    expect(fates(ledger(row()))).toEqual([{ fate: "new", line: 2, row: row() }]);
  });

  it("knows what is booked, and what the ledger repeats", () => {
    const second = row({ transactionId: "2" });
    const found = fates(ledger(row(), second, second), booked(row()));
    expect(found.map(({ fate }) => fate)).toEqual(["booked", "new", "repeated"]);
  });

  it.each([
    ["another amount", { amount: 90_001 }],
    ["another direction", { kind: "withdrawal" }],
    ["another day", { date: "1993-01-02" }],
    ["another account", { accountId: "577" }],
    ["another printed balance", { balance: 0 }],
  ] as const)("refuses a known transaction with %s", (_, change) => {
    const [stored] = fates(ledger(row(change)), booked(row()));
    expect(stored).toMatchObject({ fate: "problem", problem: { line: 2, code: "TRANSACTION_CONFLICT" } });
    const [, repeated] = fates(ledger(row(), row(change)));
    expect(repeated).toMatchObject({ fate: "problem", problem: { line: 3, code: "TRANSACTION_CONFLICT" } });
  });

  it("says both sides of a conflict", () => {
    const [stored] = fates(ledger(row({ amount: 100 })), booked(row()));
    expect(stored).toMatchObject({
      problem: {
        message:
          "transaction 1 is in this store 900.00 on 1993-01-01, account 576, balance 900.00; " +
          "here it is 1.00 on 1993-01-01, account 576, balance 900.00",
      },
    });
  });

  it("passes broken lines on", () => {
    expect(fates(ledger({ problem: "no date" }))).toEqual([
      { fate: "problem", problem: { line: 2, code: "DATE", message: "no date" } },
    ]);
  });
});
