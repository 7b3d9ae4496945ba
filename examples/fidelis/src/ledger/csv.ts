import { createReadStream, statSync } from "node:fs";
import { parseMoney } from "../money.ts";
import { isCalendarDate } from "./calendar.ts";
import { type Ledger, LedgerFileError, type LedgerLine, type LedgerProblemCode, type LedgerRow } from "./ledger.ts";

const columns = [
  "transaction_id",
  "account_id",
  "date",
  "kind",
  "operation",
  "amount",
  "balance",
  "purpose",
  "partner_bank",
  "partner_account",
] as const;

const HEADER = columns.join(",");
const IDENTIFIER = /^[1-9]\d{0,17}$/;
const LONGEST_LINE = 65_536;

export function csvLedger(path: string): Ledger {
  return { name: path, read: () => readCsvLedger(path) };
}

/** Streams the file: one row or one problem per line, numbered; blank lines are passed over. */
export async function* readCsvLedger(path: string): AsyncGenerator<LedgerLine> {
  assertRegularFile(path);
  let line = 0;
  for await (const texts of linesOf(path)) {
    for (const text of texts) {
      line += 1;
      if (line === 1) assertHeader(path, text);
      else if (text.trim() !== "") yield parseLine(line, text);
    }
  }
  if (line === 0) throw new LedgerFileError("LEDGER_EMPTY", `${path} is empty: expected the header ${HEADER}`);
}

function assertRegularFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return;
  throw new LedgerFileError("LEDGER_MISSING", `${path} is not a file: give --file the path of a ledger`);
}

function assertHeader(path: string, text: string): void {
  const found = splitFields(text)?.map((field) => field.trim());
  if (found?.join(",") === HEADER) return;
  throw new LedgerFileError("LEDGER_HEADER", `${path}, line 1: expected the header ${HEADER}, found ${quoted(text)}`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

/** Lines by LF or CRLF, a chunk's worth at a time, without the byte order mark. node:readline also splits at U+2028, which would shift line numbers. */
async function* linesOf(path: string): AsyncGenerator<readonly string[]> {
  let rest = "";
  let first = true;
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: 262_144 })) {
    const text: string = first ? withoutByteOrderMark(String(chunk)) : String(chunk);
    first = false;
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LONGEST_LINE) {
      throw new LedgerFileError("LEDGER_LINE_TOO_LONG", `${path} has a line of more than ${LONGEST_LINE} characters`);
    }
    yield lines.map(withoutCarriageReturn);
  }
  if (rest !== "") yield [withoutCarriageReturn(rest)];
}

function withoutByteOrderMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** The fields of one line, or undefined when a quote is left open or misplaced. */
function splitFields(text: string): string[] | undefined {
  return text.includes('"') ? splitQuotedFields(text) : text.split(",");
}

function splitQuotedFields(text: string): string[] | undefined {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  while (true) {
    const match = field.exec(text);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") return fields;
  }
}

/** Typed row or first problem of one line of the file. */
export function parseLine(line: number, text: string): LedgerLine {
  const fields = splitFields(text);
  if (fields === undefined) return broken(line, "QUOTE", "a quoted field is not closed on this line");
  if (fields.length !== columns.length) {
    return broken(line, "COLUMNS", `expected ${columns.length} columns, found ${fields.length}`);
  }
  return parseFields(line, fields as Fields);
}

/** splitFields() gave exactly as many as there are columns. */
type Fields = [string, string, string, string, string, string, string, string, string, string];

function parseFields(line: number, fields: Fields): LedgerLine {
  const [transactionId, accountId, date, kind, operation, printedAmount, printedBalance] = fields;
  if (!IDENTIFIER.test(transactionId))
    return wrong(line, "TRANSACTION_ID", "transaction_id", transactionId, "a number");
  if (!IDENTIFIER.test(accountId)) return wrong(line, "ACCOUNT_ID", "account_id", accountId, "a number");
  if (!isCalendarDate(date)) return wrong(line, "DATE", "date", date, "a date such as 1993-12-31");
  if (kind !== "credit" && kind !== "withdrawal") return wrong(line, "KIND", "kind", kind, "credit or withdrawal");
  const amount = parseMoney(printedAmount);
  if (amount === undefined) return wrong(line, "AMOUNT", "amount", printedAmount, "an amount such as 900.00");
  if (amount <= 0)
    return wrong(line, "AMOUNT_NOT_POSITIVE", "amount", printedAmount, "more than zero: kind gives the sign");
  const balance = parseMoney(printedBalance);
  if (balance === undefined) return wrong(line, "BALANCE", "balance", printedBalance, "an amount such as 900.00");
  const [purpose, partnerBank, partnerAccount] = [fields[7], fields[8], fields[9]];
  const row: LedgerRow = {
    transactionId,
    accountId,
    date,
    kind,
    operation,
    amount,
    balance,
    purpose,
    partnerBank,
    partnerAccount,
  };
  return { line, row };
}

function wrong(line: number, code: LedgerProblemCode, column: string, found: string, expected: string): LedgerLine {
  return broken(line, code, `${column} is ${quoted(found)}, expected ${expected}`);
}

function broken(line: number, code: LedgerProblemCode, message: string): LedgerLine {
  return { line, problem: { line, code, message } };
}
