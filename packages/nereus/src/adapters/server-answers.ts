import { isNereusError, NereusError } from "../model/errors.ts";

/** The SQLSTATE that the server answered, or the code of the operating system; "" where there is none. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** Whether the server itself answered, and goes on. Otherwise nobody knows what became of the statement. */
export function isAnswer(error: unknown): boolean {
  if (isNereusError(error)) return true;
  if (isPoolerRefusal(error)) return true;
  const code = codeOf(error);
  return /^[\dA-Z]{5}$/.test(code) && !isLoss(code);
}

/** Whether PgBouncer will not have what it was asked for, ever: it says so with the code of a broken connection. */
export function isPoolerRefusal(error: unknown): boolean {
  return codeOf(error) === "08P01" && /unsupported startup parameter|statement pooling mode/.test(reasonOf(error));
}

/** The connection failed (08), the server ends, starts or is gone (57P01 to 57P05), or an idle session was ended (25P03). */
function isLoss(code: string): boolean {
  return code.startsWith("08") || code.startsWith("57P0") || code === "25P03" || /^E[A-Z]{4}$/.test(code);
}

/** The server has no connection left for anybody. */
const noneLeft = "53300";

/** Whether a new connection may be had in a while: also where all of them are taken. */
export function isPassing(error: unknown): boolean {
  return !isAnswer(error) || codeOf(error) === noneLeft;
}

/** Whether there is no getting to the database: no connection, or none for this user. */
export function isOutOfReach(error: unknown): boolean {
  return isPassing(error) || /^(?:28|3D)/.test(codeOf(error));
}

/** @returns STORE_UNREACHABLE, or STORE_POOL_EXHAUSTED from a server that answers so */
export function unreachable(error: unknown, store: string): NereusError {
  if (codeOf(error) === noneLeft) {
    const what = `The server of the store ${store} has no connection left: ${reasonOf(error)}`;
    const fix = "Raise its max_connections, or give the pools of all processes a smaller max.";
    return new NereusError("STORE_POOL_EXHAUSTED", what, { element: store, fix, cause: error });
  }
  const message = `The store ${store} cannot be reached: ${reasonOf(error)}.`;
  const fix = "See that the server runs and takes this user's connections to this database.";
  return new NereusError("STORE_UNREACHABLE", message, { element: store, fix, cause: error });
}

/** A commit whose answer was lost, and could not be asked for in time. */
export function outcomeUnknown(error: unknown, store: string): NereusError {
  const message = `The store ${store} cannot be reached: ${reasonOf(error)}. Whether the commit was written is not known.`;
  const fix =
    "Repeat the commit with the same message ids or idempotency key once the server runs: it is written once.";
  return new NereusError("STORE_UNREACHABLE", message, { element: store, fix, cause: error });
}

export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text || codeOf(error) || "no connection").replace(/\.$/, "");
}
