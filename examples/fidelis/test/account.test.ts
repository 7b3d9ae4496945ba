import { describe, expect, it } from "vitest";
import { Account } from "../src/accounts/account.ts";
import { BookTransaction, DepositMade, MoneyWithdrawn } from "../src/accounts/messages.ts";

let transactions = 0;

function booking(changes: Partial<ConstructorParameters<typeof BookTransaction>[0]> = {}): BookTransaction {
  transactions += 1;
  return new BookTransaction({
    accountId: "576",
    transactionId: String(transactions),
    bookedOn: "1993-01-01",
    kind: "credit",
    amount: 90_000,
    bankBalance: 90_000,
    operation: "cash_deposit",
    purpose: "",
    partnerBank: "",
    partnerAccount: "",
    ...changes,
  });
}

describe("an account", () => {
  it("books deposits and withdrawals as events of its own", () => {
    const account = Account.open("576", "1993-01-01");
    expect(account.book(booking())).toBe(true);
    expect(account.book(booking({ kind: "withdrawal", amount: 40_050, bankBalance: 49_950 }))).toBe(true);
    expect(account).toMatchObject({ balance: 49_950, bankBalance: 49_950, version: 2 });
    expect(account.pendingEvents[1]).toBeInstanceOf(DepositMade);
    expect(account.pendingEvents[1]).toMatchObject({ entry: 1, amount: 90_000 });
    expect(account.pendingEvents[2]).toBeInstanceOf(MoneyWithdrawn);
    expect(account.pendingEvents[2]).toMatchObject({ entry: 2, amount: 40_050 });
  });

  it("books a transaction once, however often it comes", () => {
    const account = Account.open("576", "1993-01-01");
    const first = booking();
    expect([account.book(first), account.book(booking()), account.book(first)]).toEqual([true, true, false]);
    expect(account).toMatchObject({ balance: 180_000, version: 2 });
    expect(account.pendingEvents.length).toBe(3);
  });

  it("takes overdrafts: they have happened", () => {
    const account = Account.open("576", "1993-01-01");
    expect(account.book(booking({ kind: "withdrawal", amount: 1, bankBalance: -1 }))).toBe(true);
    expect(account.balance).toBe(-1);
  });

  it("books what is printed, and keeps the bank's own balance beside it", () => {
    const account = Account.open("576", "1993-01-01");
    account.book(booking({ amount: 2010, bankBalance: 2020 }));
    expect(account).toMatchObject({ balance: 2010, bankBalance: 2020 });
  });

  it("leaves the bank the last word of the latest date when a transaction comes late", () => {
    const account = Account.open("576", "1993-01-01");
    account.book(booking({ bookedOn: "1993-01-05", amount: 500, bankBalance: 700 }));
    account.book(booking({ bookedOn: "1993-01-02", amount: 200, bankBalance: 200 }));
    expect(account).toMatchObject({ balance: 700, bankBalance: 700, lastBookedOn: "1993-01-05" });
  });
});

describe("a booking", () => {
  it.each([
    ["a fraction of a heller", { amount: 0.5 }],
    ["no money", { amount: 0 }],
    ["a negative amount", { amount: -1 }],
    ["an inexact number", { amount: 2 ** 53 }],
    ["a day that does not exist", { bookedOn: "1993-02-30" }],
    ["an unknown key", { note: "x" }],
  ])("is refused with %s", (_, change) => {
    expect(() => booking(change as object)).toThrow(expect.objectContaining({ code: "VALIDATION_FAILED" }));
  });
});
