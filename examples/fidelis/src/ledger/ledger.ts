import type { Hellers } from "../money.ts";

export type TransactionKind = "credit" | "withdrawal";

/** One transaction as a bank prints it; the empty string stands for a column left empty. */
export interface LedgerRow {
  readonly transactionId: string;
  readonly accountId: string;
  readonly date: string;
  readonly kind: TransactionKind;
  readonly operation: string;
  readonly amount: Hellers;
  /** The bank's own balance of the account after this transaction. */
  readonly balance: Hellers;
  readonly purpose: string;
  readonly partnerBank: string;
  readonly partnerAccount: string;
}

export type LedgerProblemCode =
  | "COLUMNS"
  | "QUOTE"
  | "TRANSACTION_ID"
  | "ACCOUNT_ID"
  | "DATE"
  | "KIND"
  | "AMOUNT"
  | "AMOUNT_NOT_POSITIVE"
  | "BALANCE"
  | "TRANSACTION_CONFLICT";

export interface LedgerProblem {
  /** Counted from 1, the header included, as an editor counts. */
  readonly line: number;
  readonly code: LedgerProblemCode;
  readonly message: string;
}

export type LedgerLine =
  | { readonly line: number; readonly row: LedgerRow; readonly problem?: undefined }
  | { readonly line: number; readonly problem: LedgerProblem; readonly row?: undefined };

/** Where transactions come from: read() starts from the beginning each time, and the import reads twice. */
export interface Ledger {
  readonly name: string;
  read(): AsyncIterable<LedgerLine> | Iterable<LedgerLine>;
}

/** Throws LedgerFileError if not even the first line can be read. */
export async function assertReadable(ledger: Ledger): Promise<void> {
  for await (const _ of ledger.read()) return;
}

/** The file as a whole is not a ledger: no line of it can be trusted, so `--on-error skip` does not help. */
export class LedgerFileError extends Error {
  readonly code: "LEDGER_MISSING" | "LEDGER_EMPTY" | "LEDGER_HEADER" | "LEDGER_LINE_TOO_LONG";

  constructor(code: LedgerFileError["code"], message: string) {
    super(message);
    this.name = "LedgerFileError";
    this.code = code;
  }
}
