import { checksumOf } from "../../log/checksum.ts";
import { derivedId } from "../../log/derived-id.ts";
import type { NewMessage, ReplayMessage, StoredMessage } from "../../log/message.ts";
import { type JsonForm, jsonParts, jsonText } from "./json-text.ts";
import { streamOfName } from "./stream-names.ts";

/** The columns that {@link storedMessageOf} reads, each as text, so that no setting of the driver matters. */
export const messageColumns: string =
  "id::text AS id, stream_name::text AS stream, type::text AS type, position::text AS version, " +
  "global_position::text AS position, data::text AS data, metadata::text AS metadata, " +
  "trunc(extract(epoch FROM time) * 1000)::text AS time";

export interface MessageRow {
  readonly id: string;
  readonly stream: string;
  readonly type: string;
  readonly version: string;
  readonly position: string;
  readonly data: string | null;
  readonly metadata: string | null;
  /** Milliseconds since 1970. */
  readonly time: string;
}

/** The metadata column of our messages. Up to `properties`, the names are those of Message DB's other clients. */
interface OwnMetadata {
  readonly correlationStreamName: string;
  readonly causationMessageId?: string;
  readonly schemaVersion: number;
  /** ISO 8601: when it was recorded, and when it happened where that was another moment. */
  readonly time: string;
  readonly occurredAt?: string;
  readonly traceparent?: string;
  readonly properties?: unknown;
  readonly nereus: {
    readonly checksum: number;
    readonly data?: JsonForm;
    readonly properties?: JsonForm;
    /** The message's id, where that is no UUID in its usual form. */
    readonly id?: string;
  };
}

/** What is written of a message. */
export interface WrittenMessage {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export function writtenMessage(message: NewMessage): WrittenMessage {
  const { json, form } = jsonParts(message.data);
  const properties = message.extensions === null ? undefined : jsonParts(message.extensions);
  const id = uuidOf(message.id);
  const metadata: OwnMetadata = {
    correlationStreamName: message.correlationId,
    ...(message.causationId === null ? {} : { causationMessageId: message.causationId }),
    schemaVersion: message.schemaVersion,
    time: new Date(message.recordedAt).toISOString(),
    ...(message.occurredAt === message.recordedAt ? {} : { occurredAt: new Date(message.occurredAt).toISOString() }),
    ...(message.traceparent === null ? {} : { traceparent: message.traceparent }),
    ...(properties === undefined ? {} : { properties: JSON.parse(properties.json) }),
    nereus: {
      checksum: message.checksum,
      ...(form === undefined ? {} : { data: form }),
      ...(properties?.form === undefined ? {} : { properties: properties.form }),
      ...(id === message.id ? {} : { id: message.id }),
    },
  };
  return { id, type: message.type, data: json, metadata: JSON.stringify(metadata) };
}

/** Message DB's ids are UUIDs: another id gets one that follows from it. */
export function uuidOf(id: string): string {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u.test(id)) return id;
  return derivedId("message", id);
}

export function storedMessageOf(row: MessageRow): StoredMessage {
  const metadata = metadataOf(row);
  const own = isOwn(metadata) ? ownParts(row, metadata) : foreignParts(row, metadata);
  return {
    position: Number(row.position),
    stream: streamOfName(row.stream),
    version: Number(row.version),
    type: row.type,
    ...own,
  };
}

export function replayMessageOf(row: MessageRow): ReplayMessage {
  const { version, id, type, schemaVersion, data, checksum } = storedMessageOf(row);
  return { version, id, type, schemaVersion, data, checksum };
}

type Metadata = Readonly<Record<string, unknown>>;
type Parts = Omit<StoredMessage, "position" | "stream" | "version" | "type">;

function metadataOf({ metadata }: MessageRow): Metadata {
  return objectOf(metadata === null ? undefined : JSON.parse(metadata));
}

function isOwn(metadata: Metadata): metadata is Metadata & OwnMetadata {
  return typeof objectOf(metadata["nereus"])["checksum"] === "number";
}

function ownParts(row: MessageRow, metadata: OwnMetadata): Parts {
  const { nereus, time, occurredAt = time, properties } = metadata;
  return {
    id: nereus.id ?? row.id,
    schemaVersion: metadata.schemaVersion,
    data: jsonText(row.data ?? "null", nereus.data),
    checksum: nereus.checksum,
    recordedAt: Date.parse(time),
    occurredAt: Date.parse(occurredAt),
    correlationId: metadata.correlationStreamName,
    causationId: metadata.causationMessageId ?? null,
    traceparent: metadata.traceparent ?? null,
    extensions: properties === undefined ? null : jsonText(JSON.stringify(properties), nereus.properties),
  };
}

/**
 * A message that another client wrote: what Eventide and Protean put into its metadata, else what the row says. A message without a
 * correlation begins one of its own. Nothing else can vouch for its payload, so its checksum is that of what was read.
 */
function foreignParts(row: MessageRow, metadata: Metadata): Parts {
  const domain = objectOf(metadata["domain"]);
  const headers = objectOf(metadata["headers"]);
  const data = row.data ?? "{}";
  const recordedAt = Number(row.time);
  const occurredAt = Date.parse(textOf(headers["time"]) ?? textOf(metadata["time"]) ?? "");
  const extensions = metadata["properties"] ?? metadata["extensions"];
  return {
    id: row.id,
    schemaVersion: versionOf(metadata["schemaVersion"] ?? domain["version"]),
    data,
    checksum: checksumOf(data),
    recordedAt,
    occurredAt: Number.isNaN(occurredAt) ? recordedAt : occurredAt,
    correlationId: textOf(metadata["correlationStreamName"]) ?? textOf(domain["correlation_id"]) ?? row.id,
    causationId: textOf(domain["causation_id"]) ?? causingStream(metadata),
    traceparent: traceparentOf(metadata["traceparent"] ?? headers["traceparent"]),
    extensions: Object.keys(objectOf(extensions)).length === 0 ? null : JSON.stringify(extensions),
  };
}

/** Eventide names the cause by its place: `account-123/4`. */
function causingStream(metadata: Metadata): string | null {
  const stream = textOf(metadata["causationMessageStreamName"]);
  if (stream === undefined) return null;
  const position = metadata["causationMessagePosition"];
  return typeof position === "number" ? `${stream}/${position}` : stream;
}

/** W3C trace context, which Protean keeps in its parts. */
function traceparentOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  const { trace_id: trace, parent_id: parent, sampled } = objectOf(value);
  if (typeof trace !== "string" || typeof parent !== "string") return null;
  return `00-${trace}-${parent}-${sampled === true ? "01" : "00"}`;
}

function versionOf(value: unknown): number {
  const version = typeof value === "string" ? Number(value.replace(/^v/u, "")) : value;
  return Number.isSafeInteger(version) && (version as number) > 0 ? (version as number) : 1;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function objectOf(value: unknown): Metadata {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Metadata) : {};
}
