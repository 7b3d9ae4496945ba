import type { Envelope } from "../log/event-types.ts";
import type { StreamId } from "../log/message.ts";
import { definition, type Element } from "../model/element.ts";

/** The aggregate that an event comes from. */
export interface EventSource {
  readonly stream: StreamId;
  /** The version that its stream has in the store, -1 for a new one; undefined for a state-stored aggregate. */
  readonly base: number | undefined;
  /** The id of the event with that version, where it is known. */
  readonly lastId: string | undefined;
}

/** An event that a unit of work is about to append. */
export interface RaisedEvent {
  readonly event: object;
  /** Its place among all events raised in this process. */
  readonly order: number;
  readonly source: EventSource;
  /** The version it will have; -1 where only the store knows (state-stored aggregates). */
  readonly version: number;
  readonly envelope: Envelope;
}

export function nameOfEvent(event: object): string {
  return (event.constructor as unknown as Element)[definition].name;
}
