import type { StreamId } from "../../log/message.ts";
import type { CheckpointMove, Conflict, IdempotencyRecord } from "../../ports/store.ts";
import { firstUnseen, hasDiverged, holds } from "../expectation.ts";
import { refuseDoubles, repeatedAppend, type StoredPlace } from "../repeated-append.ts";
import { messageAt, restOfStream } from "./log.ts";
import { uuidOf } from "./message-rows.ts";
import { type MessageDbPool, preparedRows } from "./pool.ts";
import { streamName } from "./stream-names.ts";
import type { Writing } from "./written-rows.ts";

/** What became of a write, or why it was not made. */
export type Verdict =
  | { readonly status: "written"; readonly position: number | undefined }
  | { readonly status: "repeated"; readonly position: number }
  | { readonly status: "conflict"; readonly conflict: Conflict }
  | { readonly status: "duplicate"; readonly record: IdempotencyRecord }
  /** The event was handled already, but its subscription was not moved past it. */
  | { readonly status: "handled"; readonly step: CheckpointMove };

interface Place {
  readonly stream: string;
  readonly version: number;
  readonly position: number;
}

/**
 * Looks for what stands against a write, in the order of the port: a taken key, a repetition, conflicts. Undefined where there
 * is nothing (any more).
 *
 * @throws NereusError EVENT_ID_REUSED
 */
export async function verdictOn(pool: MessageDbPool, writing: Writing): Promise<Verdict | undefined> {
  const { appends, once } = writing;
  const { claim, step } = once;
  const record = claim && (await claimed(pool, claim.id));
  if (record !== undefined) return { status: "duplicate", record };
  const ids = appends.flatMap(({ messages }) => messages.map(({ id }) => uuidOf(id)));
  const stored = await placesOf(pool, step === undefined ? ids : [...ids, step.id]);
  const repeated = repeatedAppend(appends, (id, stream): StoredPlace | undefined => {
    const place = stored.get(uuidOf(id));
    return place && { ...place, inStream: place.stream === streamName(stream) };
  });
  if (repeated !== undefined) return { status: "repeated", position: repeated };
  if (step !== undefined && stored.has(step.id)) return { status: "handled", step: step.of };
  const conflict = await streamConflict(pool, writing);
  if (conflict !== undefined) return { status: "conflict", conflict };
  refuseDoubles(appends);
  return undefined;
}

/**
 * The remembered outcome of a command that wrote messages.
 *
 * @param id of its claim
 */
export async function claimed(pool: MessageDbPool, id: string): Promise<IdempotencyRecord | undefined> {
  const text = "SELECT data::text AS data FROM message_store.messages WHERE id = $1::uuid";
  const [row] = await preparedRows<{ data: string }>(pool, text, [id]);
  return row && (JSON.parse(row.data) as IdempotencyRecord); // written by onceRows, with the position
}

/** Where a message is, by its id as the port has it. */
export async function positionOf(pool: MessageDbPool, id: string): Promise<number | undefined> {
  return (await placesOf(pool, [uuidOf(id)])).get(uuidOf(id))?.position;
}

async function placesOf(pool: MessageDbPool, ids: readonly string[]): Promise<ReadonlyMap<string, Place>> {
  if (ids.length === 0) return new Map();
  const text = `SELECT id::text AS id, stream_name AS stream, position::text AS version, global_position::text AS position
    FROM message_store.messages WHERE id = ANY($1::uuid[])`;
  const rows = await preparedRows<{ id: string; stream: string; version: string; position: string }>(pool, text, [ids]);
  return new Map(
    rows.map(({ id, stream, version, position }) => [
      id,
      { stream, version: Number(version), position: Number(position) },
    ]),
  );
}

async function streamConflict(pool: MessageDbPool, { appends }: Writing): Promise<Conflict | undefined> {
  for (const { stream, expectedVersion: expected, expectedId } of appends) {
    if (expected === "any") continue;
    const text = "SELECT max(position)::text AS version FROM message_store.messages WHERE stream_name = $1";
    const [row] = await preparedRows<{ version: string | null }>(pool, text, [streamName(stream)]);
    const version = Number(row?.version ?? -1);
    if (typeof expected === "number" && (await isAnother(pool, stream, expected, expectedId))) {
      return { on: "stream", stream: { ...stream }, expected, actual: version, unseen: [], diverged: true };
    }
    if (holds(expected, version)) continue;
    const from = firstUnseen(expected);
    const unseen = from === undefined ? [] : await restOfStream(pool, stream, from);
    // the stream may have grown since; what is told is of one moment
    const actual = unseen.at(-1)?.version ?? version;
    return { on: "stream", stream: { ...stream }, expected, actual, unseen };
  }
  return undefined;
}

/** Whether the stream has another message at a version than the one that its writer knows. */
async function isAnother(
  pool: MessageDbPool,
  stream: StreamId,
  version: number,
  known: string | undefined,
): Promise<boolean> {
  return known !== undefined && hasDiverged(known, (await messageAt(pool, stream, version))?.id);
}
