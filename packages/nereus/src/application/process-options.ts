import { type Duration, millisecondsOf } from "../model/duration.ts";
import { NereusError } from "../model/errors.ts";
import { isShort, isStorable, longestIdentity } from "../model/identity.ts";
import type { SqlClient } from "../ports/store.ts";
import { assertExtensions, type Extensions } from "./enrichers.ts";
import { reservedKeys } from "./idempotency.ts";
import { priorities } from "./send-options.ts";

/** How one command is to be processed. */
export interface ProcessOptions {
  /**
   * Makes the command take effect once: the same key with the same command answers the first result, with another
   * one it is an error. Bound to the tenant; stored in the transaction of the command, and kept for good. An identity that your server
   * makes is no part of a command that may come twice: leave it out and let the handler make it, and the key answers the first one.
   */
  readonly idempotencyKey?: string | undefined;
  /** The version that the aggregate must be at, from 0 (as an If-Match header says); held against the store at each try. */
  readonly expectedVersion?: number | undefined;
  /** Taken over from the request; by default the command's own id. */
  readonly correlationId?: string | undefined;
  /** The id of the message that led to this command, if one did. */
  readonly causationId?: string | undefined;
  /**
   * Later than this by the domain's clock, the caller is answered, wherever the command is: `DEADLINE_EXCEEDED` says that nothing is stored,
   * `OUTCOME_UNKNOWN` that the store has the commit and no answer yet. It binds this command, not those that follow from it. In the
   * place of the `timeout` of the handlers and of the domain.
   */
  readonly deadline?: Date | undefined;
  /** A deadline as a span from now. Give one of both. */
  readonly timeout?: Duration | undefined;
  readonly tenant?: string | undefined;
  /** When its events happened, if not now (imports, late facts). */
  readonly occurredAt?: Date | undefined;
  /** W3C trace context of the request. */
  readonly traceparent?: string | undefined;
  /** Metadata beside the payload, JSON: carried by everything that the command leads to. */
  readonly extensions?: Extensions | undefined;
  /**
   * A transaction of the database that you have begun, and will end: what the command does is stored with the rest of it, or not at all. Any
   * client of one connection will do whose `query` takes a text and values. Other commands wait until you end it, so do so soon.
   *
   * @example await bank.process(new Withdraw({ … }), { transaction: client });
   */
  readonly transaction?: SqlClient | undefined;
}

type Test = (value: unknown) => string | undefined;

const isText: Test = (value) => {
  if (typeof value !== "string" || value === "") return "is not a text with something in it";
  if (!isShort(value)) return `is longer than ${longestIdentity} bytes of UTF-8`;
  return isStorable(value) ? undefined : "contains NUL or a lone surrogate";
};
const isTextOrEmpty: Test = (value) => (value === "" ? undefined : isText(value));
const isKey: Test = (value) =>
  isText(value) ??
  (String(value).startsWith(reservedKeys) ? `begins with ${reservedKeys}, as keys of the framework do` : undefined);
const isDate: Test = (value) =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : "is not a valid Date";
const isWhole: Test = (value) => (Number.isSafeInteger(value) ? undefined : "is not a whole number");
const isSpan: Test = (value) =>
  millisecondsOf(value) > 0 ? undefined : "is not a span above 0: milliseconds, or { seconds: 5 }";
const isExtensions: Test = (value) => {
  assertExtensions(value);
  return undefined;
};
const isPriority: Test = (value) =>
  Object.hasOwn(priorities, String(value)) ? undefined : `is none of ${Object.keys(priorities).join(", ")}`;
const isList: Test = (value) => (Array.isArray(value) ? undefined : "is not a list");

const isClient: Test = (value) =>
  typeof (value as { query?: unknown } | null)?.query === "function" ? undefined : "has no function named query";

type Tests = Readonly<Record<string, Test>>;

const tenantTests: Tests = { tenant: isTextOrEmpty };
const callTests: Tests = {
  ...tenantTests,
  correlationId: isText,
  causationId: isText,
  traceparent: isText,
  extensions: isExtensions,
  occurredAt: isDate,
};
const processTests: Tests = {
  ...callTests,
  idempotencyKey: isKey,
  expectedVersion: isWhole,
  deadline: isDate,
  timeout: isSpan,
  visibleIn: isList,
  transaction: isClient,
};
const sendTests: Tests = { at: isDate, priority: isPriority, idempotencyKey: isKey, deadline: isDate };
const { occurredAt: _, ...requestTests } = callTests;
const outsideSendTests: Tests = { ...sendTests, ...requestTests, transaction: isClient };
const deliveryTests: Tests = { ...callTests, id: isText, key: isText };

/**
 * Refuses options that would do nothing, or something else than meant: for callers without types.
 *
 * @throws NereusError OPTION_INVALID
 */
export function assertOptions(options: object): void {
  assertKnown(options, processTests);
  const { timeout, deadline, transaction, visibleIn } = options as ProcessOptions & { readonly visibleIn?: unknown };
  if (transaction !== undefined && visibleIn !== undefined) {
    throw badOption(
      "visibleIn",
      "is given together with transaction, whose end no projection sees before you end it",
      processTests,
    );
  }
  if (timeout !== undefined && deadline !== undefined) {
    throw badOption("timeout", "is given together with deadline", processTests);
  }
}

/** The same for the options of a use case's call. */
export function assertCallOptions(options: object): void {
  assertKnown(options, callTests);
}

/** The same for a question: of a wrong name, `tennant`, the answer would be somebody else's. */
export function assertTenantOptions(options: object): void {
  assertKnown(options, tenantTests);
}

/** The same for a message of another system. */
export function assertDelivery(options: object): void {
  assertKnown(options, deliveryTests);
}

/** @throws NereusError OPTION_INVALID where a message of another system comes without its id */
export function assertIdGiven(options: { readonly id?: unknown }): void {
  assertDelivery(options);
  if (options.id === undefined)
    throw badOption("id", "is not given, so that nothing could take effect once", deliveryTests);
}

/** The same for a command that is sent from outside. */
export function assertSendOptions(options: object): void {
  assertKnown(options, outsideSendTests);
}

/** The same for one that a handler sends: it takes over what is known of the request. */
export function assertInnerSendOptions(options: object): void {
  assertKnown(options, sendTests);
}

function assertKnown(options: object, known: Tests): void {
  if (typeof options !== "object" || options === null) throw badOption("options", "is not an object", known);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const fault = Object.hasOwn(known, name) ? known[name]?.(value) : "does not exist";
    if (fault !== undefined) throw badOption(name, fault, known);
  }
}

function badOption(name: string, fault: string, known: Tests): NereusError {
  return new NereusError("OPTION_INVALID", `The option ${name} ${fault}`, {
    fix: `Give another ${name}, or leave it out; there are: ${Object.keys(known).join(", ")}.`,
  });
}

/** The milliseconds that a caller gives a command; a deadline of its own is in the place of every default. */
export function timeoutOf({ deadline, timeout }: ProcessOptions): number | undefined {
  if (timeout !== undefined) return millisecondsOf(timeout);
  return deadline === undefined ? undefined : Number.POSITIVE_INFINITY;
}
