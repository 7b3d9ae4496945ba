import { NereusError } from "../model/errors.ts";
import { isStorable } from "../model/identity.ts";

/** How one command is to be processed. */
export interface ProcessOptions {
  /**
   * Makes the command take effect once: the same key with the same command answers the first result, with another
   * one it is an error. Bound to the tenant; stored in the transaction of the command, and kept for good.
   */
  readonly idempotencyKey?: string | undefined;
  /** The version that the aggregate must be at, from 0 (as an If-Match header says); held against the store at each try. */
  readonly expectedVersion?: number | undefined;
  /** Taken over from the request; by default the command's own id. */
  readonly correlationId?: string | undefined;
  /** The id of the message that led to this command, if one did. */
  readonly causationId?: string | undefined;
  /** Later than this by the domain's clock, the command is refused; not looked at while it waits for its turn. */
  readonly deadline?: Date | undefined;
  readonly tenant?: string | undefined;
  /** When its events happened, if not now (imports, late facts). */
  readonly occurredAt?: Date | undefined;
  /** W3C trace context of the request. */
  readonly traceparent?: string | undefined;
}

/** What a command came to. */
export interface Processed {
  readonly result: unknown;
  /** The log's position when its effects were in. */
  readonly position: number;
}

type Test = (value: unknown) => string | undefined;

const isText: Test = (value) => {
  if (typeof value !== "string" || value === "") return "is not a text with something in it";
  return isStorable(value) ? undefined : "contains NUL or a lone surrogate";
};
const isTextOrEmpty: Test = (value) => (value === "" ? undefined : isText(value));
const isDate: Test = (value) =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : "is not a valid Date";
const isWhole: Test = (value) => (Number.isSafeInteger(value) ? undefined : "is not a whole number");
const isList: Test = (value) => (Array.isArray(value) ? undefined : "is not a list");

const tests: Readonly<Record<string, Test>> = {
  idempotencyKey: isText,
  expectedVersion: isWhole,
  correlationId: isText,
  causationId: isText,
  deadline: isDate,
  tenant: isTextOrEmpty,
  occurredAt: isDate,
  traceparent: isText,
  visibleIn: isList,
};

/**
 * Refuses options that would do nothing, or something else than meant: for callers without types.
 *
 * @throws NereusError OPTION_INVALID
 */
export function assertOptions(options: object): void {
  if (typeof options !== "object" || options === null) throw badOption("options", "is not an object");
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const fault = Object.hasOwn(tests, name) ? tests[name]?.(value) : "does not exist";
    if (fault !== undefined) throw badOption(name, fault);
  }
}

function badOption(name: string, fault: string): NereusError {
  return new NereusError("OPTION_INVALID", `The option ${name} ${fault}`, {
    fix: `Give another ${name}, or leave it out; there are: ${Object.keys(tests).join(", ")}.`,
  });
}
