import type { Envelope } from "../log/event-types.ts";
import { type Extensions, encodeExtensions } from "./enrichers.ts";

/** What is known of the message that a unit of work handles. */
export interface Cause {
  /** Its own id: the cause of its events. */
  readonly id: string;
  /** The id of the message that caused it; null for a request from outside. */
  readonly causationId: string | null;
  readonly tenant: string;
  readonly extensions: Extensions;
  /** What its events carry. */
  readonly envelope: Envelope;
}

/** What is known of a message before it is handled. */
export interface Origin {
  readonly id: string;
  readonly causationId: string | null;
  readonly tenant: string;
  readonly correlationId: string;
  readonly traceparent: string | null;
  readonly extensions: Extensions;
  /** When its events happened, in milliseconds, if not now. */
  readonly occurredAt?: number | undefined;
}

/** @param recordedAt milliseconds since 1970, by the domain's clock */
export function causeOf(origin: Origin, recordedAt: number): Cause {
  const { id, causationId, tenant, correlationId, traceparent, extensions, occurredAt = recordedAt } = origin;
  const stored = encodeExtensions(extensions);
  const envelope = { recordedAt, occurredAt, correlationId, causationId: id, traceparent, extensions: stored };
  return { id, causationId, tenant, extensions, envelope };
}
