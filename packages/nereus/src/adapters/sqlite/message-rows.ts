import type { NewMessage, ReplayMessage, StoredMessage, StreamId } from "../../log/message.ts";
import type { Row } from "./connection.ts";
import type { MessageTypes } from "./message-types.ts";

/** What the read statements select, where it is put together rather than read from a file. */
export const messageColumns: string =
  "m.position, version, type, checksum, recorded_at, occurred_at, tenant, stream_id, id, " +
  "correlation_id, causation_id, traceparent, extensions, data";

/** The parameters of one inserted row. */
export type RowParameters = readonly (string | number | null)[];

/** The columns of the read statements, in their order. */
type MessageColumns = readonly [
  position: number,
  version: number,
  type: number,
  checksum: number,
  recordedAt: number,
  occurredAt: number,
  tenant: string,
  streamId: string,
  id: string,
  correlationId: string,
  causationId: string | null,
  traceparent: string | null,
  extensions: string | null,
  data: string,
];

export function storedMessageOf(row: Row, types: MessageTypes): StoredMessage {
  // The statements select these columns; SQLite's STRICT tables hold these types.
  const columns = row as unknown as MessageColumns;
  const { category, type, schemaVersion } = types.get(columns[2]);
  return {
    position: columns[0],
    stream: { tenant: columns[6], kind: category.kind, category: category.name, id: columns[7] },
    version: columns[1],
    id: columns[8],
    type,
    schemaVersion,
    data: columns[13],
    checksum: columns[3],
    recordedAt: columns[4],
    occurredAt: columns[5],
    correlationId: columns[9],
    causationId: columns[10],
    traceparent: columns[11],
    extensions: columns[12],
  };
}

/** Its id is left to whoever needs it. */
export function replayMessageOf(row: Row, types: MessageTypes): ReplayMessage & { id: string | undefined } {
  // The columns of replay-stream.sql, likewise.
  const [version, number, checksum, data] = row as unknown as readonly [number, number, number, string];
  const { type, schemaVersion } = types.get(number);
  return { version, id: undefined, type, schemaVersion, data, checksum };
}

/** The place and type of a message that is being appended. */
export interface Placement {
  readonly position: number;
  readonly category: number;
  readonly type: number;
  readonly version: number;
}

/** The parameters of append-message.sql. */
export function messageParameters(place: Placement, stream: StreamId, message: NewMessage): RowParameters {
  return [
    place.position,
    place.category,
    place.type,
    place.version,
    message.checksum,
    message.recordedAt,
    message.occurredAt,
    stream.tenant,
    stream.id,
    message.id,
    message.correlationId,
    message.causationId,
    message.traceparent,
    message.extensions,
    message.data,
  ];
}
