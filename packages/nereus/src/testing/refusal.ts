import { type Issue, isNereusError } from "../model/errors.ts";

/** Errors of the framework that say which handler or projector failed; what it threw is their cause. */
const wrappers: ReadonlySet<string> = new Set([
  "PROJECTION_FAILED",
  "EVENT_HANDLER_FAILED",
  "EVENT_HANDLERS_FAILED",
  "SENT_COMMAND_FAILED",
  "SETTLE_FAILED",
]);

/** Whether an error has a text in its message, or a code; its own or an issue's; and the error for people. */
export function refusal(reason: unknown, textOrCode: string): { readonly matches: boolean; readonly shown: string } {
  const errors = [...chainOf(reason)];
  const matches = errors.some((error) => textOf(error).includes(textOrCode) || codesOf(error).includes(textOrCode));
  return { matches, shown: errors.map(shownError).join("\n  caused by ") };
}

function* chainOf(error: unknown): Iterable<unknown> {
  yield error;
  if (error instanceof AggregateError) for (const one of error.errors) yield* chainOf(one);
  else if (isNereusError(error) && wrappers.has(error.code) && error.cause !== undefined) yield* chainOf(error.cause);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codesOf(error: unknown): readonly unknown[] {
  if (typeof error !== "object" || error === null) return [];
  const { code, issues } = error as { code?: unknown; issues?: unknown };
  const own = Array.isArray(issues) ? (issues as Issue[]).map((issue) => issue.code) : [];
  return [code, ...own];
}

function shownError(error: unknown): string {
  const codes = codesOf(error).filter((code) => typeof code === "string");
  const name = error instanceof Error ? error.name : typeof error;
  return `${name}${codes.length === 0 ? "" : ` (${codes.join(", ")})`}: ${textOf(error)}`;
}
