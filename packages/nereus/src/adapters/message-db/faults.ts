import { type ErrorCode, isNereusError, NereusError } from "../../model/errors.ts";
import { codeOf, isOutOfReach, reasonOf, unreachable } from "../server-answers.ts";

/** PostgreSQL's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html) that the store tells apart. */
const uniqueViolation = "23505";
/** What `write_message` raises, among them a wrong expected version. */
const raised = "P0001";
const retried: ReadonlySet<string> = new Set(["40001", "40P01", uniqueViolation]);
const missing: ReadonlySet<string> = new Set(["3F000", "42883", "42P01", "42704"]);
const locked: ReadonlySet<string> = new Set(["55P03", "40P01", "40001"]);

/** Whether a look at what is stored may tell why a write was refused, or whether it would succeed now. */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  if (code === raised) return error instanceof Error && error.message.startsWith("Wrong expected version");
  return retried.has(code);
}

/** Turns what the driver threw into the error that users see; errors of Nereus pass unchanged. */
export function storeFault(error: unknown, store: string): NereusError {
  if (isNereusError(error)) return error;
  if (isOutOfReach(error)) return unreachable(error, store);
  const [code, message, fix] = described(codeOf(error), store, error);
  return new NereusError(code, message, { element: store, fix, cause: error });
}

function described(code: string, store: string, error: unknown): readonly [ErrorCode, string, string] {
  const reason = reasonOf(error);
  if (missing.has(code))
    return ["STORE_NOT_SET_UP", `The store ${store} lacks a part of Message DB: ${reason}`, setUpFix];
  if (code === "42501") {
    const fix = "Grant the user of the connections the role message_store.";
    return ["STORE_RIGHT_MISSING", `The user of the store ${store} lacks a right: ${reason}`, fix];
  }
  if (code === "25006") {
    return [
      "STORE_READ_ONLY",
      `The store ${store} may not be written: ${reason}`,
      "Connect it to a server that is no standby.",
    ];
  }
  if (locked.has(code)) {
    return ["STORE_LOCKED", `Another connection holds up the store ${store}: ${reason}`, "End its transaction."];
  }
  if (code === "53100") return ["STORE_FULL", `No space is left for the store ${store}.`, "Free space."];
  if (code === "54000") {
    const fix = "Use a shorter identity, category or correlation: an index of PostgreSQL takes about 2,700 bytes.";
    return ["OPTION_INVALID", `A stream's name is too long for the store ${store}: ${reason}`, fix];
  }
  return ["STORE_FAILED", `The store ${store} failed: ${reason}`, "See the cause."];
}

export const setUpFix =
  'Run `await setUp({ pool })` of "nereus/message-db" once, as a user that may create a schema, or install Message DB with its own scripts.';
