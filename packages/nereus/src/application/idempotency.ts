import { isNereusError, NereusError } from "../model/errors.ts";
import { encodeMessage, messageDefinition } from "../model/message.ts";
import { assertJson } from "../model/wire.ts";
import type { IdempotencyRecord } from "../ports/store.ts";
import type { Fingerprints } from "./fingerprints.ts";
import type { Processed } from "./processed.ts";

/** What a command claims with its idempotency key. */
export interface Claim {
  readonly tenant: string;
  readonly key: string;
  readonly fingerprint: string;
  /** Whether a stored fingerprint is of the same. Default: the two are equal. */
  readonly isSame?: (stored: string) => boolean;
  /** What another use of the key is refused with. Default: IDEMPOTENCY_KEY_REUSED. */
  readonly reused?: () => NereusError;
}

/** What keys of the framework begin with, and keys of callers must not. */
export const reservedKeys = "nereus:";

/** A key that no caller can take. */
export function frameworkKey(...parts: readonly (string | number)[]): string {
  return `${reservedKeys}${parts.join(":")}`;
}

/** What an idempotency key is bound to: tenant, command type and payload. */
export function claimOf(fingerprints: Fingerprints, command: object, key: string, tenant: string): Claim {
  const { name } = messageDefinition(command, "command") ?? { name: "" };
  const text = `${name}\n${JSON.stringify(encodeMessage(command))}`;
  const isSame = (stored: string): boolean => fingerprints.isOf(text, stored);
  return { tenant, key, fingerprint: fingerprints.of(text), isSame };
}

function assertSameCommand(record: IdempotencyRecord, claim: Claim): void {
  if (record.fingerprint === claim.fingerprint || claim.isSame?.(record.fingerprint) === true) return;
  if (claim.reused !== undefined) throw claim.reused();
  throw new NereusError("IDEMPOTENCY_KEY_REUSED", `The idempotency key ${claim.key} belongs to another command`, {
    fix: "Use one key per intended effect: the same key only for the same command with the same fields.",
  });
}

/** @throws NereusError IDEMPOTENCY_KEY_REUSED, MESSAGE_ID_REUSED */
export function remembered(record: IdempotencyRecord, claim: Claim): Processed {
  assertSameCommand(record, claim);
  const { result, position } = record;
  return { result: result === null ? undefined : JSON.parse(result), position };
}

/**
 * A handler's result in the form that is kept.
 *
 * @throws NereusError RESULT_NOT_SERIALISABLE
 */
export function encodeResult(element: string, result: unknown): string | null {
  if (result === undefined) return null;
  try {
    assertJson(result, []);
  } catch (error) {
    if (isNereusError(error, "VALUE_TOO_DEEP")) throw error;
    throw new NereusError("RESULT_NOT_SERIALISABLE", "The handler's result cannot be kept for its idempotency key", {
      element,
      cause: isNereusError(error) ? error : undefined,
      fix: "Answer text, numbers, booleans, lists and plain objects from commands that carry a key.",
    });
  }
  return JSON.stringify(result);
}
