import type { StoredMessage } from "../log/message.ts";
import type { EventMetadata } from "./projector.ts";

/** What is known of a stored event. Dates are made when they are asked for: most projectors never do. */
export class StoredMetadata implements EventMetadata {
  readonly id: string;
  readonly tenant: string;
  readonly category: string;
  readonly streamId: string;
  readonly version: number;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly #message: StoredMessage;

  constructor(message: StoredMessage) {
    const { id, stream, version, correlationId, causationId } = message;
    this.id = id;
    this.tenant = stream.tenant;
    this.category = stream.category;
    this.streamId = stream.id;
    this.version = version;
    this.correlationId = correlationId;
    this.causationId = causationId;
    this.#message = message;
  }

  get recordedAt(): Date {
    return new Date(this.#message.recordedAt);
  }

  get occurredAt(): Date {
    return new Date(this.#message.occurredAt);
  }
}
