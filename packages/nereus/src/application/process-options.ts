import { NereusError } from "../model/errors.ts";
import { isStorable } from "../model/identity.ts";

/** How one command is to be processed. */
export interface ProcessOptions {
  /**
   * Makes the command take effect once: the same key with the same command answers the first result, with another
   * one it is an error. Bound to the tenant; kept in the transaction of the command.
   */
  readonly idempotencyKey?: string;
  /** The version that the aggregate must be at (as an If-Match header says); no retry then. */
  readonly expectedVersion?: number;
  /** Taken over from the request; by default the command's own id. */
  readonly correlationId?: string;
  /** The id of the message that led to this command, if one did. */
  readonly causationId?: string;
  /** Later than this, the command is refused. */
  readonly deadline?: Date;
  readonly tenant?: string;
  /** When its events happened, if not now (imports, late facts). */
  readonly occurredAt?: Date;
  /** W3C trace context of the request. */
  readonly traceparent?: string;
}

/** What a command came to. */
export interface Processed {
  readonly result: unknown;
  /** The log's position when its effects were in. */
  readonly position: number;
}

/** @throws NereusError OPTION_INVALID */
export function assertOptions({ tenant, deadline, occurredAt, expectedVersion, idempotencyKey }: ProcessOptions): void {
  if (deadline !== undefined) assertDate("deadline", deadline);
  if (occurredAt !== undefined) assertDate("occurredAt", occurredAt);
  if (tenant !== undefined) assertStorable("tenant", tenant);
  if (idempotencyKey !== undefined) assertStorable("idempotencyKey", idempotencyKey);
  if (expectedVersion !== undefined && !Number.isSafeInteger(expectedVersion)) {
    throw badOption("expectedVersion", "is not a whole number");
  }
}

function assertDate(name: string, date: Date): void {
  if (Number.isNaN(date.getTime())) throw badOption(name, "is not a valid Date");
}

function assertStorable(name: string, text: string): void {
  if (!isStorable(text)) throw badOption(name, "contains NUL or a lone surrogate");
}

function badOption(name: string, fault: string): NereusError {
  return new NereusError("OPTION_INVALID", `The option ${name} ${fault}`, {
    fix: `Give another ${name}, or leave it out.`,
  });
}
