import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLine, readCsvLedger } from "../src/ledger/csv.ts";
import type { LedgerLine } from "../src/ledger/ledger.ts";

const HEADER = "transaction_id,account_id,date,kind,operation,amount,balance,purpose,partner_bank,partner_account";
const FIRST = "171812,576,1993-01-01,credit,cash_deposit,900.00,900.00,,,";
const SECOND = "232961,793,1993-01-05,credit,transfer_in,3401.00,4201.00,,IJ,6149286";

let folder: string;
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fidelis-csv-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function read(content: string | Uint8Array): Promise<LedgerLine[]> {
  files += 1;
  const path = join(folder, `${files}.csv`);
  writeFileSync(path, content);
  return await collected(readCsvLedger(path));
}

async function collected(lines: AsyncIterable<LedgerLine>): Promise<LedgerLine[]> {
  const all: LedgerLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

function transactionIds(lines: readonly LedgerLine[]): (string | undefined)[] {
  return lines.map((line) => line.row?.transactionId);
}

describe("a ledger file", () => {
  it("becomes typed rows with the numbers of their lines", async () => {
    expect(await read(`${HEADER}\n${FIRST}\n${SECOND}\n`)).toEqual([
      {
        line: 2,
        row: {
          transactionId: "171812",
          accountId: "576",
          date: "1993-01-01",
          kind: "credit",
          operation: "cash_deposit",
          amount: 90_000,
          balance: 90_000,
          purpose: "",
          partnerBank: "",
          partnerAccount: "",
        },
      },
      {
        line: 3,
        row: {
          transactionId: "232961",
          accountId: "793",
          date: "1993-01-05",
          kind: "credit",
          operation: "transfer_in",
          amount: 340_100,
          balance: 420_100,
          purpose: "",
          partnerBank: "IJ",
          partnerAccount: "6149286",
        },
      },
    ]);
  });

  it.each([
    ["CRLF", `${HEADER}\r\n${FIRST}\r\n${SECOND}\r\n`],
    ["a byte order mark", `\uFEFF${HEADER}\n${FIRST}\n${SECOND}\n`],
    ["no newline at the end", `${HEADER}\n${FIRST}\n${SECOND}`],
    ["a byte order mark, CRLF and no newline at the end", `\uFEFF${HEADER}\r\n${FIRST}\r\n${SECOND}`],
    ["blank lines at the end", `${HEADER}\n${FIRST}\n${SECOND}\n\n\r\n`],
    ["a quoted header and quoted fields", `"${HEADER.replaceAll(",", '","')}"\n"171812"${FIRST.slice(6)}\n${SECOND}`],
  ])("may have %s", async (_, content) => {
    const lines = await read(content);
    expect(transactionIds(lines)).toEqual(["171812", "232961"]);
    expect(lines.at(-1)?.row?.partnerAccount).toBe("6149286");
  });

  it("keeps commas and doubled quotes in quoted fields", async () => {
    const [line] = await read(`${HEADER}\n1,2,1993-01-01,credit,"cash, ""small""",1.00,1.00,"","a,b",""\n`);
    expect(line?.row).toMatchObject({
      operation: 'cash, "small"',
      purpose: "",
      partnerBank: "a,b",
      partnerAccount: "",
    });
  });

  it("keeps counting lines over blank ones and over U+2028, which ends no line", async () => {
    const lines = await read(`${HEADER}\n\n${FIRST.replace("cash_deposit", "cash\u2028deposit")}\n\nbroken\n`);
    expect(lines.map(({ line }) => line)).toEqual([3, 5]);
    expect(lines[0]?.row?.operation).toBe("cash\u2028deposit");
  });

  it("is read the same wherever the chunks of the stream end", async () => {
    const many = Array.from({ length: 12_000 }, (_, index) => `${index + 1},576,1993-01-01,credit,přítel,0.01,0.01,,,`);
    const lines = await read(`${HEADER}\n${many.join("\n")}`);
    expect(lines.length).toBe(12_000);
    expect(lines.every((line, index) => line.line === index + 2 && line.row?.operation === "přítel")).toBe(true);
  });

  it("may have no rows", async () => {
    expect(await read(`${HEADER}\n`)).toEqual([]);
  });
});

describe("a file that is no ledger", () => {
  it.each([
    ["is empty", "", "LEDGER_EMPTY"],
    ["has another header", "a,b,c\n1,2,3\n", "LEDGER_HEADER"],
    ["has no header", `${FIRST}\n`, "LEDGER_HEADER"],
    ["has a header with a column missing", `${HEADER.slice(0, -16)}\n`, "LEDGER_HEADER"],
    ["is binary", new Uint8Array(1000).fill(0xff), "LEDGER_HEADER"],
    ["has an endless line", "x".repeat(400_000), "LEDGER_LINE_TOO_LONG"],
  ])("is refused if it %s", async (_, content, code) => {
    await expect(read(content)).rejects.toMatchObject({ name: "LedgerFileError", code });
  });

  it("is refused if it is not there, or a folder", async () => {
    const missing = collected(readCsvLedger(join(folder, "missing.csv")));
    await expect(missing).rejects.toMatchObject({ code: "LEDGER_MISSING" });
    await expect(collected(readCsvLedger(folder))).rejects.toMatchObject({ code: "LEDGER_MISSING" });
  });
});

describe("a broken line", () => {
  it.each([
    ["too few columns", "171812,576,1993-01-01", "COLUMNS"],
    ["too many columns", `${FIRST},`, "COLUMNS"],
    ["an open quote", `"171812${FIRST.slice(6)}`, "QUOTE"],
    ["a quote inside a field", FIRST.replace("cash", 'ca"sh'), "QUOTE"],
    ["text after a closing quote", FIRST.replace("cash_deposit", '"cash"deposit'), "QUOTE"],
    ["no transaction id", FIRST.replace("171812", ""), "TRANSACTION_ID"],
    ["a transaction id in another spelling", FIRST.replace("171812", "0171812"), "TRANSACTION_ID"],
    ["a strange account", FIRST.replace("576", "57x6"), "ACCOUNT_ID"],
    ["a date that does not exist", FIRST.replace("1993-01-01", "1993-02-29"), "DATE"],
    ["a date in another form", FIRST.replace("1993-01-01", "01.01.1993"), "DATE"],
    ["an unknown kind", FIRST.replace("credit", "debit"), "KIND"],
    ["an amount without decimals", FIRST.replace("900.00", "900"), "AMOUNT"],
    ["an amount in words", FIRST.replace("900.00", "much"), "AMOUNT"],
    ["a negative amount", FIRST.replace("900.00", "-900.00"), "AMOUNT_NOT_POSITIVE"],
    ["a zero amount", FIRST.replace("900.00", "0.00"), "AMOUNT_NOT_POSITIVE"],
    ["a broken balance", FIRST.replace(",900.00,,,", ",9OO.00,,,"), "BALANCE"],
  ])("with %s is named by its number and a code", (_, text, code) => {
    expect(parseLine(7, text)).toMatchObject({ line: 7, problem: { line: 7, code } });
  });

  it("does not hide the lines around it", async () => {
    const lines = await read(`${HEADER}\n${FIRST}\nnonsense\n${SECOND}\n`);
    expect(transactionIds(lines)).toEqual(["171812", undefined, "232961"]);
    expect(lines[1]?.problem).toEqual({ line: 3, code: "COLUMNS", message: "expected 10 columns, found 1" });
  });

  it("says what was found, cut if long", () => {
    const { problem } = parseLine(2, FIRST.replace("credit", "debit"));
    expect(problem?.message).toBe('kind is "debit", expected credit or withdrawal');
    expect(parseLine(2, FIRST.replace("credit", "x".repeat(5000))).problem?.message.length).toBeLessThan(200);
  });

  it("may be a leap day, which exists", () => {
    expect(parseLine(2, FIRST.replace("1993-01-01", "1996-02-29")).row?.date).toBe("1996-02-29");
    expect(parseLine(2, FIRST.replace("1993-01-01", "1900-02-29")).problem?.code).toBe("DATE");
  });
});
