import type {
  CheckpointMove,
  Commit,
  Conflict,
  IdempotencyRecord,
  Note,
  NoteWrite,
  OutboxEntry,
  RecordReader,
  Timer,
  TimerRange,
  TimerWrite,
} from "../../ports/store.ts";
import type { Row } from "./connection.ts";
import type { Read, Session } from "./session.ts";
import {
  addOutcome,
  addToOutbox,
  checkpoint,
  moveCheckpoint,
  note,
  noteRevision,
  notes,
  outbox,
  outcome,
  putNote,
  setTimer,
  takeTimer,
  timers,
} from "./statements.ts";

type SequencedEntry = OutboxEntry & { readonly sequence: number };

/** The store's own books: checkpoints, remembered outcomes, the outbox, timers, and notes. */
export class SqliteRecords implements RecordReader {
  readonly #read: Read;

  constructor(read: Read) {
    this.#read = read;
  }

  checkpoint(name: string): Promise<number> {
    return this.#read((session) => checkpointOf(session, name));
  }

  idempotency(tenant: string, key: string): Promise<IdempotencyRecord | undefined> {
    return this.#read((session) => remembered(session, tenant, key));
  }

  outbox(after: number, limit: number): Promise<readonly SequencedEntry[]> {
    return this.#read(({ connection }) =>
      connection
        .prepare(outbox)
        .all(after, limit)
        .map((row) => {
          const [sequence, id, destination, data] = row as readonly [number, string, string, string];
          return { sequence, id, destination, data };
        }),
    );
  }

  timers(owner: string, { after, until, limit }: TimerRange): Promise<readonly Timer[]> {
    const { at: moment, id: last } = after ?? { at: Number.MIN_SAFE_INTEGER, id: "" };
    return this.#read(({ connection }) =>
      connection
        .prepare(timers)
        .all(owner, until, moment, last, limit)
        .map((row) => {
          const [id, at, data] = row as readonly [string, number, string];
          return { id, at, data };
        }),
    );
  }

  note(name: string): Promise<Note | undefined> {
    return this.#read((session) => noteOf(session, name));
  }

  notes(prefix: string): Promise<readonly Note[]> {
    return this.#read(({ connection }) => connection.prepare(notes).all(prefix).map(readNote));
  }
}

/** The outcome of the command that first carried a key. */
export function remembered({ connection }: Session, tenant: string, key: string): IdempotencyRecord | undefined {
  const row = connection.prepare(outcome).get(tenant, key);
  if (row === undefined) return undefined;
  const [fingerprint, result, position] = row as readonly [string, string | null, number];
  return { tenant, key, fingerprint, result, position };
}

export function checkpointConflict(session: Session, move: CheckpointMove | undefined): Conflict | undefined {
  if (move === undefined) return undefined;
  const actual = checkpointOf(session, move.name);
  return actual === move.expected ? undefined : { on: "checkpoint", name: move.name, actual };
}

export function noteConflict(session: Session, writes: readonly NoteWrite[] = []): Conflict | undefined {
  for (const { name, expected } of writes) {
    const actual = Number(session.connection.prepare(noteRevision).get(name)?.[0] ?? 0);
    if (actual !== expected) return { on: "note", name, expected, actual, current: noteOf(session, name) };
  }
  return undefined;
}

export function writeRecords(
  session: Session,
  { outbox: entries = [], timers: writes = [], notes: noteWrites = [], checkpoint: move }: Commit,
  record: IdempotencyRecord | undefined,
): void {
  const { connection } = session;
  for (const { id, destination, data } of entries) connection.prepare(addToOutbox).run(id, destination, data);
  for (const write of writes) writeTimer(session, write);
  for (const { name, expected, data } of noteWrites) {
    if (data !== undefined) connection.prepare(putNote).run(name, expected + 1, data);
  }
  if (move !== undefined) connection.prepare(moveCheckpoint).run(move.name, move.position);
  if (record === undefined) return;
  const { tenant, key, fingerprint, result, position } = record;
  connection.prepare(addOutcome).run(tenant, key, fingerprint, result, position);
}

function writeTimer({ connection }: Session, write: TimerWrite): void {
  if (write.at === null) connection.prepare(takeTimer).run(write.owner, write.id);
  else connection.prepare(setTimer).run(write.owner, write.id, write.at, write.data);
}

function checkpointOf({ connection }: Session, name: string): number {
  return Number(connection.prepare(checkpoint).get(name)?.[0] ?? 0);
}

function noteOf({ connection }: Session, name: string): Note | undefined {
  const row = connection.prepare(note).get(name);
  return row && readNote(row);
}

function readNote(row: Row): Note {
  const [name, revision, data] = row as readonly [string, number, string];
  return { name, revision, data };
}
