import { type ErrorCode, isNereusError, NereusError } from "../../model/errors.ts";

/** What `nereus_commit` raises for a batch that `nereus_settle` gave up. */
export const givenUp = "NER01";
/** What it raises for a group of commits that depend on each other. */
export const entangled = "NER02";

/** PostgreSQL's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const missing: ReadonlySet<string> = new Set(["3F000", "42P01", "42883", "42704"]);
const readOnly: ReadonlySet<string> = new Set(["25006", "42501"]);
const locked: ReadonlySet<string> = new Set(["55P03", "40P01", "40001", "57014"]);

/** The SQLSTATE that the server answered, or the code of the operating system; "" where there is none. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** Whether the server itself answered, and goes on. Otherwise nobody knows what became of the statement. */
export function isAnswer(error: unknown): boolean {
  if (isNereusError(error)) return true;
  const code = codeOf(error);
  return /^[\dA-Z]{5}$/.test(code) && !isLoss(code);
}

/** The connection failed (08), the server ends, starts or is gone (57P01 to 57P05), or an idle session was ended (25P03). */
function isLoss(code: string): boolean {
  return code.startsWith("08") || code.startsWith("57P0") || code === "25P03" || /^E[A-Z]{4}$/.test(code);
}

/** Whether a new connection may be had in a while: also where all of them are taken. */
export function isPassing(error: unknown): boolean {
  return !isAnswer(error) || codeOf(error) === "53300";
}

/** Turns what the driver threw into the error that users see; errors of Nereus pass unchanged. */
export function storeFault(error: unknown, store: string): NereusError {
  if (isNereusError(error)) return error;
  const [code, message, fix] = described(codeOf(error), store, error);
  return new NereusError(code, message, { element: store, fix, cause: error });
}

function described(code: string, store: string, error: unknown): readonly [ErrorCode, string, string] {
  const because = reason(error);
  if (missing.has(code)) return ["STORE_NOT_SET_UP", `The store ${store} lacks a part: ${because}.`, setUpFix];
  if (readOnly.has(code)) {
    const fix = "Give the user of the connections the rights on the schema, on a server that is no standby.";
    return ["STORE_READ_ONLY", `The store ${store} may not be written: ${because}.`, fix];
  }
  if (locked.has(code)) {
    const fix = "End the transaction that holds it up; nothing was written.";
    return ["STORE_LOCKED", `Another connection holds up the store ${store}: ${because}.`, fix];
  }
  if (code === "53100") {
    return ["STORE_FULL", `No space is left for the store ${store}.`, "Free space; the store then goes on."];
  }
  if (code === "54000") {
    const fix = "Use a shorter id, tenant, category, type or key: an entry of an index takes about 2,700 bytes.";
    return ["STORE_FAILED", `A name is too long for the store ${store}: ${because}.`, fix];
  }
  if (/^(?:28|3D)/.test(code) || !isAnswer(error)) {
    return [
      "STORE_UNREACHABLE",
      `The store ${store} cannot be reached: ${because}.`,
      "See that the server runs and takes this user's connections to this database.",
    ];
  }
  return ["STORE_FAILED", `The store ${store} failed: ${because}.`, "See the cause; nothing was written."];
}

/** A commit whose answer was lost, and could not be asked for in time. */
export function outcomeUnknown(error: unknown, store: string): NereusError {
  const message = `The store ${store} cannot be reached: ${reason(error)}. Whether the commit was written is not known.`;
  const fix =
    "Repeat the commit with the same message ids or idempotency key once the server runs: it is written once.";
  return new NereusError("STORE_UNREACHABLE", message, { element: store, fix, cause: error });
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text || codeOf(error) || "no connection").replace(/\.$/, "");
}

export const setUpFix = 'Run `await setUp({ pool })` of "nereus/postgres" once, or give the store `setUp: true`.';
