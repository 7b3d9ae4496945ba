import type { ReplayMessage, StoredMessage } from "../../log/message.ts";
import type { MessageTypes } from "./message-types.ts";
import type { Row } from "./reads.ts";
import { fromStored, fromStoredOrNull } from "./stored-text.ts";

/** The columns of nereus_messages, in their order. */
type MessageColumns = readonly [
  position: number,
  recordedAt: number,
  occurredAt: number,
  checksum: number,
  category: number,
  type: number,
  version: number,
  tenant: string,
  streamId: string,
  id: string,
  correlationId: string,
  causationId: string | null,
  traceparent: string | null,
  extensions: string | null,
  data: string,
];

/** Rows of nereus_messages as messages. */
export async function storedMessages(rows: readonly Row[], types: MessageTypes): Promise<StoredMessage[]> {
  // Whoever selects the rows selects the whole row type of the table.
  const messages = rows as unknown as readonly MessageColumns[];
  await types.know(messages.map((row) => row[5]));
  return messages.map((row) => storedMessageOf(row, types));
}

function storedMessageOf(row: MessageColumns, types: MessageTypes): StoredMessage {
  const { kind, category, type, schemaVersion } = types.get(row[5]);
  return {
    position: row[0],
    stream: { tenant: fromStored(row[7]), kind, category, id: fromStored(row[8]) },
    version: row[6],
    id: fromStored(row[9]),
    type,
    schemaVersion,
    data: fromStored(row[14]),
    checksum: row[3],
    recordedAt: row[1],
    occurredAt: row[2],
    correlationId: fromStored(row[10]),
    causationId: fromStoredOrNull(row[11]),
    traceparent: fromStoredOrNull(row[12]),
    extensions: fromStoredOrNull(row[13]),
  };
}

/** The row of replay-stream.sql as messages; undefined where a payload is no JSON and holds the separator. */
export async function replayMessages(
  row: Row | undefined,
  from: number,
  types: MessageTypes,
): Promise<ReplayMessage[] | undefined> {
  const [count, typeList, checksumList, payloadList] = row as readonly [number, string, string, string];
  if (count === 0) return [];
  const numbers = typeList.split(",").map(Number);
  const checksums = checksumList.split(",");
  const payloads = payloadList.split("\x1e");
  if (payloads.length !== count) return undefined;
  await types.know(numbers);
  return numbers.map((number, at): ReplayMessage => {
    const { type, schemaVersion } = types.get(number);
    const data = fromStored(payloads[at] ?? "");
    return { version: from + at, type, schemaVersion, data, checksum: Number(checksums[at]) };
  });
}
