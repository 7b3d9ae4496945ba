import type { Envelope } from "../log/event-types.ts";

/** What is known of the command that a unit of work handles. */
export interface Cause extends Envelope {
  /** The command's own id: the cause of its events. */
  readonly id: string;
  readonly tenant: string;
}
