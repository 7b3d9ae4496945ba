import type { IdempotencyRecord, Note, OutboxEntry, RecordReader, Timer, TimerRange } from "../../ports/store.ts";
import { ownStatement, type PreparedStatement, type Row } from "./reads.ts";
import type { Read } from "./session.ts";
import { checkpoint, note, notes, outbox, outcome, timers } from "./statements.ts";
import { fromStored, fromStoredOrNull, toStored } from "./stored-text.ts";

/** The store's own books: checkpoints, remembered outcomes, the outbox, timers, and notes. */
export class PostgresRecords implements RecordReader {
  readonly #read: Read;
  readonly #checkpoint: PreparedStatement;
  readonly #outcome: PreparedStatement;
  readonly #outbox: PreparedStatement;
  readonly #timers: PreparedStatement;
  readonly #note: PreparedStatement;
  readonly #notes: PreparedStatement;

  constructor(schema: string, read: Read) {
    this.#read = read;
    this.#checkpoint = ownStatement(schema, checkpoint);
    this.#outcome = ownStatement(schema, outcome);
    this.#outbox = ownStatement(schema, outbox);
    this.#timers = ownStatement(schema, timers);
    this.#note = ownStatement(schema, note);
    this.#notes = ownStatement(schema, notes);
  }

  checkpoint(name: string): Promise<number> {
    return this.#read(async ({ reads }) => {
      const [row] = await reads.rows(this.#checkpoint.with(toStored(name)));
      return Number(row?.[0] ?? 0);
    });
  }

  idempotency(tenant: string, key: string): Promise<IdempotencyRecord | undefined> {
    return this.#read(async ({ reads }) => {
      const [row] = await reads.rows(this.#outcome.with(toStored(tenant), toStored(key)));
      return row && recordOf(tenant, key, row as OutcomeColumns);
    });
  }

  outbox(after: number, limit: number): Promise<readonly (OutboxEntry & { readonly sequence: number })[]> {
    return this.#read(async ({ reads }) => {
      const rows = await reads.rows(this.#outbox.with(after, Math.min(limit, Number.MAX_SAFE_INTEGER)));
      return rows.map((row) => {
        const [sequence, id, destination, data] = row as readonly [number, string, string, string];
        return { sequence, id: fromStored(id), destination: fromStored(destination), data: fromStored(data) };
      });
    });
  }

  timers(owner: string, { after, until, limit }: TimerRange): Promise<readonly Timer[]> {
    const { at: moment, id: last } = after ?? { at: Number.MIN_SAFE_INTEGER, id: "" };
    return this.#read(async ({ reads }) => {
      const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
      const latest = Math.min(until, Number.MAX_SAFE_INTEGER);
      const rows = await reads.rows(this.#timers.with(toStored(owner), latest, moment, toStored(last), most));
      return rows.map((row) => {
        const [id, at, data] = row as readonly [string, number, string];
        return { id: fromStored(id), at, data: fromStored(data) };
      });
    });
  }

  note(name: string): Promise<Note | undefined> {
    return this.#read(async ({ reads }) => {
      const [row] = await reads.rows(this.#note.with(toStored(name)));
      return row && noteOf(row);
    });
  }

  notes(prefix: string): Promise<readonly Note[]> {
    return this.#read(async ({ reads }) => (await reads.rows(this.#notes.with(toStored(prefix)))).map(noteOf));
  }
}

function noteOf(row: Row): Note {
  const [name, revision, data] = row as readonly [string, number, string];
  return { name: fromStored(name), revision, data: fromStored(data) };
}

export type OutcomeColumns = readonly [fingerprint: string, result: string | null, position: number];

export function recordOf(tenant: string, key: string, columns: OutcomeColumns): IdempotencyRecord {
  const [fingerprint, result, position] = columns;
  return { tenant, key, fingerprint: fromStored(fingerprint), result: fromStoredOrNull(result), position };
}
