import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type ErrorCode, isNereusError, NereusError } from "../../model/errors.ts";

/** SQLite's primary result codes (https://sqlite.org/rescode.html) that the store tells apart. */
const result = {
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  authorisation: 23,
  notADatabase: 26,
} as const;

/** The primary result code of an error that node:sqlite threw; undefined for any other error. */
function resultOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

/** Whether another connection holds what was wanted, so that waiting may help. */
export function isBusy(error: unknown): boolean {
  const code = resultOf(error);
  return code === result.busy || code === result.locked;
}

/** Whether a row with the same unique value is already there. */
export function isConstraint(error: unknown): boolean {
  return resultOf(error) === result.constraint;
}

/** Turns what node:sqlite threw into the error that users see; errors of Nereus pass unchanged. */
export function storeFault(error: unknown, path: string): NereusError {
  if (isNereusError(error)) return error;
  const [code, message, fix] = described(resultOf(error), path, error);
  return new NereusError(code, message, { element: path, fix, cause: error });
}

function described(code: number | undefined, path: string, error: unknown): readonly [ErrorCode, string, string] {
  switch (code) {
    case result.busy:
    case result.locked:
      return [
        "STORE_LOCKED",
        `Another process holds the database file ${path}.`,
        "End the long transaction of the other process (a database browser, a backup), or raise busyTimeout.",
      ];
    case result.readOnly:
    case result.perm:
    case result.authorisation:
      return readOnly(path, "Give this process the right to write the file and its folder.");
    case result.cannotOpen:
      return readOnly(path, openingAdvice(path));
    case result.corrupt:
    case result.notADatabase:
      return [
        "STORE_CORRUPT",
        `The file ${path} is damaged, or not a SQLite database.`,
        "Put back the last backup, or name another file. `PRAGMA integrity_check` tells what is damaged.",
      ];
    case result.full:
      return ["STORE_FULL", `No space is left for the database file ${path}.`, "Free space; the store then goes on."];
    default:
      return ["STORE_FAILED", `The store ${path} failed: ${reason(error)}`, "See the cause; nothing was written."];
  }
}

function readOnly(path: string, fix: string): readonly [ErrorCode, string, string] {
  return ["STORE_READ_ONLY", `The database file ${path} cannot be opened for writing.`, fix];
}

function openingAdvice(path: string): string {
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) return `Create the folder ${folder}, or name a file in one that is there.`;
  if (existsSync(path) && statSync(path).isDirectory()) return `${path} is a folder: name a file in it.`;
  return "Give this process the right to write the file and its folder.";
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
