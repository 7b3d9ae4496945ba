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
} from "../../ports/store.ts";
import { compareText } from "../text-order.ts";
import { MemoryTimers } from "./timers.ts";

type SequencedEntry = OutboxEntry & { readonly sequence: number };

/** The store's own books: checkpoints, remembered outcomes, the outbox, timers, and notes. */
export class MemoryRecords implements RecordReader {
  readonly #ensureOpen: () => void;
  readonly #checkpoints = new Map<string, number>();
  /** By tenant, then key. */
  readonly #outcomes = new Map<string, Map<string, IdempotencyRecord>>();
  readonly #outbox: SequencedEntry[] = [];
  /** By owner. */
  readonly #timers = new Map<string, MemoryTimers>();
  readonly #notes = new Map<string, Note>();

  constructor(ensureOpen: () => void) {
    this.#ensureOpen = ensureOpen;
  }

  async checkpoint(name: string): Promise<number> {
    this.#ensureOpen();
    return this.#checkpoints.get(name) ?? 0;
  }

  async idempotency(tenant: string, key: string): Promise<IdempotencyRecord | undefined> {
    this.#ensureOpen();
    return this.remembered(tenant, key);
  }

  async outbox(after: number, limit: number): Promise<readonly SequencedEntry[]> {
    this.#ensureOpen();
    const from = Math.max(0, after);
    return this.#outbox.slice(from, from + limit).map((entry) => ({ ...entry }));
  }

  async timers(owner: string, range: TimerRange): Promise<readonly Timer[]> {
    this.#ensureOpen();
    return this.#timers.get(owner)?.read(range) ?? [];
  }

  async note(name: string): Promise<Note | undefined> {
    this.#ensureOpen();
    return copyOf(this.#notes.get(name));
  }

  async notes(prefix: string): Promise<readonly Note[]> {
    this.#ensureOpen();
    const found = [...this.#notes.values()].filter(({ name }) => name.startsWith(prefix));
    return found.sort((one, other) => compareText(one.name, other.name)).map((one) => ({ ...one }));
  }

  /** @internal */
  remembered(tenant: string, key: string): IdempotencyRecord | undefined {
    const record = this.#outcomes.get(tenant)?.get(key);
    return record && { ...record };
  }

  /** @internal */
  conflict({ checkpoint, notes = [] }: Commit): Conflict | undefined {
    return this.#checkpointConflict(checkpoint) ?? this.#noteConflict(notes);
  }

  /** @internal */
  write(
    { outbox = [], timers = [], notes = [], checkpoint: move }: Commit,
    outcome: IdempotencyRecord | undefined,
  ): void {
    for (const { id, destination, data } of outbox) {
      this.#outbox.push({ sequence: this.#outbox.length + 1, id, destination, data });
    }
    for (const timer of timers) {
      const ofOwner = this.#timers.get(timer.owner) ?? new MemoryTimers();
      this.#timers.set(timer.owner, ofOwner);
      ofOwner.write(timer);
    }
    for (const { name, expected, data } of notes) {
      if (data !== undefined) this.#notes.set(name, { name, revision: expected + 1, data });
    }
    if (move !== undefined) this.#checkpoints.set(move.name, move.position);
    if (outcome !== undefined) this.#remember(outcome);
  }

  #checkpointConflict(move: CheckpointMove | undefined): Conflict | undefined {
    if (move === undefined) return undefined;
    const actual = this.#checkpoints.get(move.name) ?? 0;
    return actual === move.expected ? undefined : { on: "checkpoint", name: move.name, actual };
  }

  #noteConflict(writes: readonly NoteWrite[]): Conflict | undefined {
    for (const { name, expected } of writes) {
      const current = this.#notes.get(name);
      const actual = current?.revision ?? 0;
      if (actual !== expected) return { on: "note", name, expected, actual, current: copyOf(current) };
    }
    return undefined;
  }

  #remember(outcome: IdempotencyRecord): void {
    const ofTenant = this.#outcomes.get(outcome.tenant) ?? new Map<string, IdempotencyRecord>();
    this.#outcomes.set(outcome.tenant, ofTenant);
    ofTenant.set(outcome.key, outcome);
  }
}

function copyOf(note: Note | undefined): Note | undefined {
  return note && { ...note };
}
