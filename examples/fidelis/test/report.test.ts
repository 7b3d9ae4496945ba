import { describe, expect, it } from "vitest";
import { formatProblems, formatReport, type ReportFigures } from "../src/report.ts";

const figures: ReportFigures = {
  ledger: "transactions.csv",
  store: "fidelis.db",
  accounts: 1229,
  transactions: 49_102,
  total: 3_924_614_280,
  bookedNow: 49_102,
  bookedBefore: 0,
  repeated: 0,
  importSeconds: 10,
  projectionSeconds: 1.24,
  slowest: { milliseconds: 84.26, transactionId: "171812", line: 2 },
  differences: [
    { within: 0, count: 342 },
    { within: 10, count: 1021 },
    { within: 50, count: 1200 },
  ],
  widest: [{ accountId: "9814", difference: 33_220 }],
  problems: [],
};

describe("the report", () => {
  it("prints every figure in full", () => {
    expect(formatReport(figures)).toBe(`\
Fidelis: transactions.csv
Store:   fidelis.db

  Accounts                         1,229
  Transactions                    49,102  49,102 imported now, 0 already there
  Total of balances        39,246,142.80

  Imported in                       10 s
  Throughput                       4,910  transactions per second
  Slowest booking                84.3 ms  transaction 171812, line 2
  Dashboard built in               1.2 s

Largest difference to the bank's printed balances, per account, over all its transactions
  within 0.00                        342  accounts
  within 0.10                      1,021  accounts
  within 0.50                      1,200  accounts
  more than that                      29  accounts
    account 9814                  332.20
`);
  });

  it("says so when nothing was new", () => {
    const again = formatReport({ ...figures, bookedNow: 0, bookedBefore: 49_102, slowest: undefined });
    expect(again).toContain("49,102  0 imported now, 49,102 already there\n");
    expect(again).toMatch(/Imported +nothing new\n/);
    expect(again).not.toContain("Throughput");
  });

  it("mentions lines that repeat a transaction, and names lines that were skipped", () => {
    const problem = { line: 17, code: "DATE", message: 'date is "x", expected a date' } as const;
    const text = formatReport({ ...figures, repeated: 3, problems: [problem] });
    expect(text).toMatch(/Repeated lines +3 {2}the same transaction again: not booked twice\n/);
    expect(text).toContain(
      'Not booked: 1 line of the ledger (--on-error skip)\n  line 17: date is "x", expected a date [DATE]\n',
    );
  });

  it("handles an empty ledger", () => {
    const none = { ...figures, accounts: 0, transactions: 0, total: 0, bookedNow: 0, slowest: undefined, widest: [] };
    expect(formatReport({ ...none, differences: [{ within: 0, count: 0 }] })).toMatch(/Total of balances +0\.00\n/);
  });
});

describe("problems", () => {
  it("are listed by line, the first twenty of them", () => {
    const problems = Array.from({ length: 1500 }, (_, index) => ({
      line: index + 2,
      code: "KIND" as const,
      message: "m",
    }));
    const lines = formatProblems(problems, "refused");
    expect(lines[0]).toMatch(/^Nothing was booked: 1,500 lines .* --on-error skip$/);
    expect(lines[1]).toBe("  line 2: m [KIND]");
    expect(lines.at(-1)).toBe("  and 1,480 more");
    expect(lines.length).toBe(22);
  });
});
