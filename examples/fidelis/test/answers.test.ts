import { describe, expect, it } from "vitest";
import { formatBalance, formatHistory, formatStatement } from "../src/answers.ts";

describe("answers", () => {
  it("print a balance with the bank's and the difference", () => {
    const found = {
      accountId: "576",
      balance: 2_364_320,
      bankBalance: 2_364_310,
      transactions: 53,
      lastBookedOn: "1993-12-31",
    };
    expect(formatBalance(found, "1993-12-31")).toBe(`\
Account 576 at the end of 1993-12-31
  Balance                      23,643.20
  Printed by the bank          23,643.10
  Difference                        0.10
  Transactions                        53
  Latest transaction          1993-12-31
`);
    expect(formatBalance(found, undefined).split("\n")[0]).toBe("Account 576");
  });

  it("print a history", () => {
    const recordedAt = new Date("2026-11-23T10:00:00.000Z");
    const text = formatHistory("576", [
      { version: 0, happenedOn: "1993-01-01", recordedAt, event: "AccountOpened" },
      {
        version: 1,
        happenedOn: "1993-01-01",
        recordedAt,
        event: "DepositMade",
        amount: 90_000,
        transactionId: "171812",
      },
    ]);
    expect(text).toBe(`\
Account 576: 2 events
  version  happened    recorded                  event          amount  transaction
        0  1993-01-01  2026-11-23T10:00:00.000Z  AccountOpened
        1  1993-01-01  2026-11-23T10:00:00.000Z  DepositMade    900.00       171812
`);
  });

  it("print a statement with the running balance", () => {
    const line = { bookedOn: "1993-01-01", bankBalance: 90_000, operation: "cash_deposit", purpose: "", partner: "" };
    const text = formatStatement("576", [
      { ...line, entry: 1, amount: 90_000 },
      {
        ...line,
        entry: 2,
        amount: -100_000,
        bankBalance: -10_000,
        operation: "transfer_out",
        purpose: "household",
        partner: "YZ 1",
      },
    ]);
    expect(text).toBe(`\
Account 576: 2 transactions, balance -100.00
  no.  date        text                              amount  balance  bank's balance
    1  1993-01-01  cash_deposit                      900.00   900.00          900.00
    2  1993-01-01  transfer_out, household, YZ 1  -1,000.00  -100.00         -100.00
`);
  });
});
