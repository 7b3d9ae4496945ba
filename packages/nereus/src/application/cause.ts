import type { Envelope } from "../log/event-types.ts";

/** What is known of the message that a unit of work handles. */
export interface Cause {
  /** Its own id: the cause of its events. */
  readonly id: string;
  /** The id of the message that caused it; null for a request from outside. */
  readonly causationId: string | null;
  readonly tenant: string;
  /** What its events carry. */
  readonly envelope: Envelope;
}
