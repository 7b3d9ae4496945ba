import { checksumOf, JoinedChecksum } from "../../log/checksum.ts";
import type { ReplayMessage, StoredMessage } from "../../log/message.ts";
import type { Values } from "../../model/values.ts";
import type { MessageType, MessageTypes } from "./message-types.ts";
import type { PostgresQuery } from "./pool.ts";
import { columnTypes, type Row } from "./reads.ts";
import { fromStored, fromStoredOrNull, mayBeEscaped } from "./stored-text.ts";

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

const zero = "0".charCodeAt(0);
/** Between two payloads in their array: the JSON of Nereus has no line ends. */
const separator = ",\n";
const joinedChecksum = new JoinedChecksum(separator);

/** The payloads of a row of a replay. */
interface Payloads {
  /** Where in the row each ends. */
  readonly ends: readonly number[];
  /** Undefined for what is no JSON. */
  readonly values: readonly (Values | undefined)[];
  text(at: number): string;
  /** Whether all have these checksums; false also where each has to be looked at. */
  have(checksums: readonly number[]): boolean;
}

/**
 * The columns of a replay: its payloads (the only varchar) are parsed as they arrive, while the server still reads the
 * rows after them.
 */
export const replayTypes: NonNullable<PostgresQuery["types"]> = {
  getTypeParser: (type) => (type === 1043 ? payloadsOf : columnTypes.getTypeParser(type)),
};

/** @param array a JSON array, unless a payload is no JSON */
function payloadsOf(array: string): Payloads {
  const ends = endsIn(array);
  const stored = (at: number): string => array.slice(startOf(ends, at), ends[at]);
  if (mayBeEscaped(array)) {
    const text = (at: number): string => fromStored(stored(at));
    return { ends, text, values: ends.map((_, at) => parsed(text(at))), have: () => false };
  }
  const checksum = checksumOf(array.slice(1, -1));
  const joinTo = (checksums: readonly number[], lengths: readonly number[]): boolean =>
    joinedChecksum.of(checksums, lengths) === checksum;
  // Most payloads are ASCII, with as many bytes as characters: to try that is cheaper than to look.
  const have = (checksums: readonly number[]): boolean =>
    joinTo(
      checksums,
      ends.map((end, at) => end - startOf(ends, at)),
    ) ||
    joinTo(
      checksums,
      ends.map((_, at) => Buffer.byteLength(stored(at))),
    );
  // All at once, which is faster: each object tells the parser what the next one looks like.
  const values = parsed(array) as unknown as readonly Values[] | undefined;
  const areWhole = values?.length === ends.length;
  return { ends, text: stored, values: areWhole ? values : ends.map((_, at) => parsed(stored(at))), have };
}

/** Where each line of the array ends. */
function endsIn(array: string): readonly number[] {
  const ends: number[] = [];
  for (let at = array.indexOf("\n"); at !== -1; at = array.indexOf("\n", at + 1)) {
    if (array[at - 1] === ",") ends.push(at - 1);
  }
  ends.push(array.length - 1);
  return ends;
}

function startOf(ends: readonly number[], at: number): number {
  return at === 0 ? 1 : (ends[at - 1] as number) + separator.length;
}

function parsed(json: string): Values | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

type Identified = ReplayMessage & { id: string | undefined };

/** A message whose payload is parsed; few ask for its text. */
class Replayed implements ReplayMessage {
  readonly #payloads: Payloads;
  readonly #at: number;
  readonly version: number;
  id: string | undefined = undefined;
  readonly type: string;
  readonly schemaVersion: number;
  readonly checksum: number;
  readonly payload: Values | undefined;

  constructor(payloads: Payloads, at: number, version: number, { type, schemaVersion }: MessageType, checksum: number) {
    this.#payloads = payloads;
    this.#at = at;
    this.version = version;
    this.type = type;
    this.schemaVersion = schemaVersion;
    this.checksum = checksum;
    this.payload = payloads.values[at];
  }

  get data(): string {
    return this.#payloads.text(this.#at);
  }

  /** The same without the payload: its reader finds that the checksum does not hold. */
  unread(): Identified {
    const { version, id, type, schemaVersion, data, checksum } = this;
    return { version, id, type, schemaVersion, data, checksum };
  }
}

/** The rows of a replay: its parts, and in one of them the ids of its first and last message. */
type ReplayColumns = readonly [
  types: string | null,
  checksums: string,
  payloads: string | Payloads,
  firstId: string | null,
  lastId: string | null,
];

/** The rows of a replay as messages; undefined where a payload is no JSON and holds the separator. */
export async function replayMessages(
  rows: readonly Row[],
  from: number,
  types: MessageTypes,
): Promise<ReplayMessage[] | undefined> {
  const messages: Identified[] = [];
  let ends: readonly string[] = [];
  let lastList = "";
  let ofRow: readonly MessageType[] = [];
  for (const row of rows as readonly ReplayColumns[]) {
    const [typeList, checksumList, given, firstId, lastId] = row;
    if (firstId !== null && lastId !== null) ends = [firstId, lastId];
    if (typeList === null) continue;
    if (typeList !== lastList) {
      const numbers = numbersIn(typeList);
      await types.know(numbers);
      ofRow = numbers.map((number) => types.get(number));
      lastList = typeList;
    }
    const checksums = numbersIn(checksumList);
    // some clients do not parse columns as they are told
    const payloads = typeof given === "string" ? payloadsOf(given) : given;
    if (payloads.ends.length !== ofRow.length) return undefined;
    addMessages(messages, from, ofRow, checksums, payloads);
  }
  identify(messages[0], ends[0]);
  identify(messages.at(-1), ends[1]);
  return messages;
}

function identify(message: Identified | undefined, id: string | undefined): void {
  if (message !== undefined && id !== undefined) message.id = fromStored(id);
}

/** Of whole numbers that are not negative, with a comma between each two: faster than splitting the list. */
function numbersIn(list: string): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (let at = 0; at < list.length; at++) {
    const digit = list.charCodeAt(at) - zero;
    if (digit >= 0) number = number * 10 + digit;
    else {
      numbers.push(number);
      number = 0;
    }
  }
  numbers.push(number);
  return numbers;
}

function addMessages(
  messages: Identified[],
  from: number,
  types: readonly MessageType[],
  checksums: readonly number[],
  payloads: Payloads,
): void {
  const areIntact = payloads.have(checksums);
  for (let at = 0; at < types.length; at++) {
    const own = types[at] as MessageType;
    const version = from + messages.length;
    const checksum = checksums[at] as number;
    const whole = new Replayed(payloads, at, version, own, checksum);
    const isIntact = areIntact || checksumOf(whole.data) === checksum;
    messages.push(isIntact ? whole : whole.unread());
  }
}
