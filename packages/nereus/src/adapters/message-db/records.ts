import type {
  IdempotencyRecord,
  Note,
  OutboxEntry,
  RecordReader,
  Store,
  Timer,
  TimerRange,
} from "../../ports/store.ts";
import type { Read } from "./log.ts";
import { applicationNote, type OnceIds } from "./once-ids.ts";
import type { MessageDbPool } from "./pool.ts";
import { claimed, positionOf } from "./verdict.ts";

type Claim = Omit<IdempotencyRecord, "position">;

/**
 * The books: in the second store, but for the outcomes of commands that wrote messages, which are in the log beside them. The second
 * store counts the positions of a log of its own, so a position of ours travels with the fingerprint: itself, or the id of its message.
 */
export class MessageDbRecords implements RecordReader {
  readonly #pool: MessageDbPool;
  readonly #second: RecordReader;
  readonly #once: OnceIds;
  readonly #read: Read;

  constructor(pool: MessageDbPool, second: Store, once: OnceIds, read: Read) {
    this.#pool = pool;
    this.#once = once;
    this.#second = second.records;
    this.#read = read;
  }

  checkpoint(name: string): Promise<number> {
    return this.#read(() => this.#second.checkpoint(name));
  }

  outbox(after: number, limit: number): Promise<readonly (OutboxEntry & { readonly sequence: number })[]> {
    return this.#read(() => this.#second.outbox(after, limit));
  }

  timers(owner: string, range: TimerRange): Promise<readonly Timer[]> {
    return this.#read(() => this.#second.timers(owner, range));
  }

  note(name: string): Promise<Note | undefined> {
    return this.#read(() => this.#second.note(name));
  }

  notes(prefix: string): Promise<readonly Note[]> {
    return this.#read(async () => (await this.#second.notes(prefix)).filter(({ name }) => name !== applicationNote));
  }

  idempotency(tenant: string, key: string): Promise<IdempotencyRecord | undefined> {
    return this.#read(
      async () => (await this.inSecond(tenant, key)) ?? claimed(this.#pool, this.#once.claim(tenant, key)),
    );
  }

  /** @internal */
  async inSecond(tenant: string, key: string): Promise<IdempotencyRecord | undefined> {
    const record = await this.#second.idempotency(tenant, key);
    return record && this.opened(record);
  }

  /** @internal */
  async opened(record: IdempotencyRecord): Promise<IdempotencyRecord> {
    const space = record.fingerprint.indexOf(" ");
    const place = record.fingerprint.slice(0, space);
    const position = place.startsWith("#") ? Number(place.slice(1)) : await positionOf(this.#pool, place);
    return { ...record, fingerprint: record.fingerprint.slice(space + 1), position: position ?? 0 };
  }
}

/** @param place the position that the command is answered with, or the id of the message that will have it */
export function sealed(claim: Claim, place: number | string): Claim {
  return { ...claim, fingerprint: `${typeof place === "number" ? `#${place}` : place} ${claim.fingerprint}` };
}
