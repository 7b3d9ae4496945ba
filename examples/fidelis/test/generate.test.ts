import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isCalendarDate } from "../src/ledger/calendar.ts";
import { generatedLedger, generateRows } from "../src/ledger/generate.ts";
import type { LedgerRow } from "../src/ledger/ledger.ts";
import { seededRandom } from "../src/ledger/random.ts";

const rows = [...generateRows({ seed: 1 })];

describe("a generated ledger", () => {
  it("is the same for the same seed, on any machine", () => {
    expect([...generateRows({ seed: 1 })]).toEqual(rows);
    expect(createHash("sha256").update(JSON.stringify(rows)).digest("hex").slice(0, 16)).toBe("9dde86b942018566");
  });

  it("is another one for another seed", () => {
    expect([...generateRows({ seed: 2 })].slice(0, 50)).not.toEqual(rows.slice(0, 50));
  });

  it.each([0, 1, 2, 3, 4_294_967_295])("has about 12,000 transactions of 300 accounts for seed %i", (seed) => {
    const generated = [...generateRows({ seed })];
    expect(generated.length).toBeGreaterThan(10_000);
    expect(generated.length).toBeLessThan(14_000);
    expect(new Set(generated.map((row) => row.accountId)).size).toBe(300);
  });

  it("keeps running balances from zero, account by account", () => {
    const balances = new Map<string, number>();
    for (const row of rows) {
      const signed = row.kind === "credit" ? row.amount : -row.amount;
      const balance = (balances.get(row.accountId) ?? 0) + signed;
      balances.set(row.accountId, balance);
      expect(row.balance).toBe(balance);
    }
  });

  it("has ascending dates over fifteen months and numbers its transactions", () => {
    expect(rows[0]?.date).toBe("1993-01-01");
    expect(rows.at(-1)?.date).toBe("1994-03-31");
    expect(rows.every((row, index) => index === 0 || (rows[index - 1]?.date ?? "") <= row.date)).toBe(true);
    expect(rows.every((row, index) => row.transactionId === String(index + 1))).toBe(true);
    expect(rows.every((row) => isCalendarDate(row.date))).toBe(true);
  });

  it("has positive whole amounts", () => {
    expect(rows.every((row) => Number.isSafeInteger(row.amount) && row.amount > 0)).toBe(true);
  });

  it("looks like a bank: salaries, pensions, rents, cash, interest, fees, a few overdrafts", () => {
    const count = (test: (row: LedgerRow) => boolean): number => rows.filter(test).length;
    expect(count((row) => row.operation === "transfer_in" && row.partnerBank !== "")).toBeGreaterThan(1000);
    expect(count((row) => row.purpose === "pension")).toBeGreaterThan(100);
    expect(count((row) => row.purpose === "household")).toBeGreaterThan(300);
    expect(count((row) => row.operation === "cash_withdrawal" && row.purpose === "")).toBeGreaterThan(1000);
    expect(count((row) => row.purpose === "interest" && row.operation === "")).toBeGreaterThan(1000);
    expect(count((row) => row.purpose === "statement_fee")).toBeGreaterThan(1000);
    expect(count((row) => row.balance < 0)).toBeGreaterThan(0);
    expect(count((row) => row.balance < 0)).toBeLessThan(200);
  });

  it("has account 576 open well before the end of 1993", () => {
    expect(rows.find((row) => row.accountId === "576")?.date.startsWith("1993-0")).toBe(true);
  });

  it("can be read again and numbers its lines as a file would", () => {
    const ledger = generatedLedger(1);
    for (const lines of [
      [...(ledger.read() as Iterable<{ line: number }>)],
      [...(ledger.read() as Iterable<{ line: number }>)],
    ]) {
      expect(lines.length).toBe(rows.length);
      expect(lines[0]?.line).toBe(2);
    }
  });
});

describe("seededRandom", () => {
  it("stays within its bounds and reaches them", () => {
    const random = seededRandom(42);
    const drawn = Array.from({ length: 2000 }, () => random.between(3, 7));
    expect(Math.min(...drawn)).toBe(3);
    expect(Math.max(...drawn)).toBe(7);
  });

  it("draws the published sequence of mulberry32", () => {
    const random = seededRandom(0);
    expect([random.between(0, 0xffff_ffff), random.between(0, 0xffff_ffff)]).toEqual([1144304738, 1416247]);
  });
});
