import type {
  CheckpointMove,
  Commit,
  Conflict,
  IdempotencyRecord,
  OutboxEntry,
  RecordReader,
  Timer,
  TimerRange,
} from "../../ports/store.ts";
import { MemoryTimers } from "./timers.ts";

type SequencedEntry = OutboxEntry & { readonly sequence: number };

/** The store's own books: checkpoints, remembered outcomes, the outbox, and timers. */
export class MemoryRecords implements RecordReader {
  readonly #ensureOpen: () => void;
  readonly #checkpoints = new Map<string, number>();
  /** By tenant, then key. */
  readonly #outcomes = new Map<string, Map<string, IdempotencyRecord>>();
  readonly #outbox: SequencedEntry[] = [];
  /** By owner. */
  readonly #timers = new Map<string, MemoryTimers>();

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

  /** @internal */
  remembered(tenant: string, key: string): IdempotencyRecord | undefined {
    const record = this.#outcomes.get(tenant)?.get(key);
    return record && { ...record };
  }

  /** @internal */
  conflict(move: CheckpointMove | undefined): Conflict | undefined {
    if (move === undefined) return undefined;
    const actual = this.#checkpoints.get(move.name) ?? 0;
    return actual === move.expected ? undefined : { on: "checkpoint", name: move.name, actual };
  }

  /** @internal */
  write({ outbox = [], timers = [], checkpoint: move }: Commit, outcome: IdempotencyRecord | undefined): void {
    for (const { id, destination, data } of outbox) {
      this.#outbox.push({ sequence: this.#outbox.length + 1, id, destination, data });
    }
    for (const timer of timers) {
      const ofOwner = this.#timers.get(timer.owner) ?? new MemoryTimers();
      this.#timers.set(timer.owner, ofOwner);
      ofOwner.write(timer);
    }
    if (move !== undefined) this.#checkpoints.set(move.name, move.position);
    if (outcome !== undefined) this.#remember(outcome);
  }

  #remember(outcome: IdempotencyRecord): void {
    const ofTenant = this.#outcomes.get(outcome.tenant) ?? new Map<string, IdempotencyRecord>();
    this.#outcomes.set(outcome.tenant, ofTenant);
    ofTenant.set(outcome.key, outcome);
  }
}
