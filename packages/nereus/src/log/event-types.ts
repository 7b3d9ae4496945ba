import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { type EventClass, encodeMessage, messageId, restoreMessage } from "../model/message.ts";
import type { Values } from "../model/values.ts";
import { checksumOf } from "./checksum.ts";
import type { NewMessage, ReplayMessage } from "./message.ts";

/** What a message carries besides its payload, decided once per unit of work. */
export interface Envelope {
  readonly recordedAt: number;
  readonly occurredAt: number;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly traceparent: string | null;
  readonly extensions: string | null;
}

/** An event on its way into the log. */
export function serialiseEvent(event: object, envelope: Envelope): NewMessage {
  const { name, version } = (event.constructor as unknown as EventClass)[definition];
  return serialise(messageId(event), name, version, encodeMessage(event), envelope);
}

/** Any payload on its way into the log. */
export function serialise(
  id: string,
  type: string,
  schemaVersion: number,
  payload: Values,
  envelope: Envelope,
): NewMessage {
  const data = JSON.stringify(payload);
  const { recordedAt, occurredAt, correlationId, causationId, traceparent, extensions } = envelope;
  const checksum = checksumOf(data);
  return {
    id,
    type,
    schemaVersion,
    data,
    checksum,
    recordedAt,
    occurredAt,
    correlationId,
    causationId,
    traceparent,
    extensions,
  };
}

/**
 * The payload of a stored message, its checksum checked.
 *
 * @throws NereusError CHECKSUM_MISMATCH
 */
export function payloadOf(message: ReplayMessage): Values {
  if (message.payload !== undefined) return message.payload;
  if (checksumOf(message.data) !== message.checksum) throw damaged(message);
  return JSON.parse(message.data) as Values;
}

/** The events that a domain knows, by the type name under which they are stored. */
export class EventTypes {
  readonly #classes = new Map<string, EventClass>();

  /** Every class, each once. */
  get classes(): Iterable<EventClass> {
    return this.#classes.values();
  }

  /** @returns the class that already has the name, if it is another one */
  add(event: EventClass): EventClass | undefined {
    const { name } = event[definition];
    const known = this.#classes.get(name);
    if (known !== undefined && known !== event) return known;
    this.#classes.set(name, event);
    return undefined;
  }

  /**
   * A stored message as the event it was.
   *
   * @param id given where the event leaves the framework: it then keeps its identity and is frozen
   * @throws NereusError UNKNOWN_EVENT_TYPE or CHECKSUM_MISMATCH
   */
  restore(message: ReplayMessage, id?: string): object {
    const event = this.#classes.get(message.type);
    return restoreEvent(event, message, id);
  }
}

/** A stored message as an event of the class, which must be the one it was stored from. */
export function restoreEvent(event: EventClass | undefined, message: ReplayMessage, id?: string): object {
  if (event === undefined || event[definition].version !== message.schemaVersion) throw unknownType(event, message);
  return restoreMessage(event, payloadOf(message), id) as object;
}

function unknownType(event: EventClass | undefined, { type, schemaVersion }: ReplayMessage): NereusError {
  const known = event === undefined ? "" : `; this domain has version ${event[definition].version}`;
  return new NereusError(
    "UNKNOWN_EVENT_TYPE",
    `No element has the stored event ${type} version ${schemaVersion}${known}`,
    {
      element: type,
      fix: "Keep the event's class, name and version as long as events of it are stored.",
    },
  );
}

function damaged({ type, version }: ReplayMessage): NereusError {
  return new NereusError("CHECKSUM_MISMATCH", `The stored ${type} at version ${version} does not match its checksum`, {
    element: type,
    fix: "Restore the store from a backup; the data was changed or damaged outside Nereus.",
  });
}
