import type { StoredMessage } from "../log/message.ts";
import { messageId } from "../model/message.ts";
import { decodeExtensions } from "./enrichers.ts";
import type { EventMetadata } from "./projector.ts";
import type { RaisedEvent } from "./raised-event.ts";

/** What is known of an event that the log has. */
export function storedMetadata(message: StoredMessage): EventMetadata {
  const { id, stream, version, recordedAt, occurredAt, correlationId, causationId, extensions } = message;
  const { tenant, category, id: streamId } = stream;
  return {
    id,
    tenant,
    category,
    streamId,
    version,
    recordedAt: new Date(recordedAt),
    occurredAt: new Date(occurredAt),
    correlationId,
    causationId,
    extensions: decodeExtensions(extensions),
  };
}

/** What is known of an event that is about to be appended. */
export function raisedMetadata({ event, source: { stream }, version, envelope }: RaisedEvent): EventMetadata {
  const { recordedAt, occurredAt, correlationId, causationId, extensions } = envelope;
  return {
    id: messageId(event),
    tenant: stream.tenant,
    category: stream.category,
    streamId: stream.id,
    version,
    recordedAt: new Date(recordedAt),
    occurredAt: new Date(occurredAt),
    correlationId,
    causationId,
    extensions: decodeExtensions(extensions),
  };
}
