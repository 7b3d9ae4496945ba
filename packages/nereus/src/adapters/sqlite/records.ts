import type {
  CheckpointMove,
  Commit,
  Conflict,
  IdempotencyRecord,
  OutboxEntry,
  RecordReader,
  Timer,
  TimerRange,
  TimerWrite,
} from "../../ports/store.ts";
import type { Read, Session } from "./session.ts";
import {
  addOutcome,
  addToOutbox,
  checkpoint,
  moveCheckpoint,
  outbox,
  outcome,
  setTimer,
  takeTimer,
  timers,
} from "./statements.ts";

type SequencedEntry = OutboxEntry & { readonly sequence: number };

/** The store's own books: checkpoints, remembered outcomes, the outbox, and timers. */
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

export function writeRecords(
  session: Session,
  { outbox: entries = [], timers: writes = [], checkpoint: move }: Commit,
  record: IdempotencyRecord | undefined,
): void {
  const { connection } = session;
  for (const { id, destination, data } of entries) connection.prepare(addToOutbox).run(id, destination, data);
  for (const write of writes) writeTimer(session, write);
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
