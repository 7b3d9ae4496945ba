import { messageId } from "../model/message.ts";
import type { Note, NoteWrite } from "../ports/store.ts";
import type { Log } from "./context.ts";
import { type Gap, type InlineEntry, InlineState, inlineNote } from "./inline-state.ts";
import { checkpointOf, type ProjectorDefinition } from "./projector.ts";
import { nameOfEvent, type RaisedEvent } from "./raised-event.ts";
import type { Reads } from "./unit-reads.ts";
import type { UnitTransaction } from "./unit-transaction.ts";

/** Brings rows up to date that another release has left out. */
export interface CatchUp {
  /** For a piece of work that may write the rows: tries for a while, so that no other release can hold it up. */
  beforeWork(lacking: readonly ProjectorDefinition[], transaction: UnitTransaction): Promise<void>;
  /** For a reader: afterwards the rows have every event that was in the log before. @throws NereusError PROJECTION_FAILED, STORE_LOCKED */
  beforeReading(projector: ProjectorDefinition, transaction: UnitTransaction): Promise<void>;
}

/** What a commit has to say of the inline projections. */
export interface InlinePlan {
  /** Those whose rows it writes. */
  readonly projectors: readonly ProjectorDefinition[];
  readonly notes: readonly NoteWrite[];
}

/**
 * What this process knows of the inline projections of the store, whichever release they are of. It may be behind: each commit expects
 * the revision that it was made for, and one that is refused brings the newer one.
 */
export class InlineRegister {
  readonly inline: readonly ProjectorDefinition[];
  readonly #log: Log;
  readonly #reported = new Set<string>();
  #state: InlineState;
  #catchUp: CatchUp | undefined;

  constructor(inline: readonly ProjectorDefinition[], log: Log) {
    this.inline = inline;
    this.#log = log;
    this.#state = new InlineState(undefined, inline);
  }

  get state(): InlineState {
    return this.#state;
  }

  /** True where commits have no rows to write, and nothing to say of those that others write. */
  get isIdle(): boolean {
    return this.inline.length === 0 && this.#state.unsaid.size === 0;
  }

  /** @param catchUp what follows the log, which is there once the rest of the process is */
  isCaughtUpBy(catchUp: CatchUp): void {
    this.#catchUp = catchUp;
  }

  /** Takes a note that is stored. */
  learn(note: Note | undefined): InlineState {
    if ((note?.revision ?? 0) > this.#state.revision) this.#state = new InlineState(note, this.inline);
    return this.#state;
  }

  /** Takes a note that this process has written. */
  wrote({ name, expected, data }: NoteWrite): void {
    if (data !== undefined) this.learn({ name, revision: expected + 1, data });
  }

  /** The note as it is in the store, or in a transaction of the caller's, of which nothing may ever be stored. */
  async stateIn(reads: Reads, isJoined: boolean): Promise<InlineState> {
    const note = await reads.records.note(inlineNote);
    if (!isJoined) return this.learn(note);
    return new InlineState(note, this.inline);
  }

  /** True where the register was changed since a commit was made for a state of it, which this process now knows. */
  async isBehind(state: InlineState, { reads, isJoined }: UnitTransaction): Promise<boolean> {
    if (isJoined) return false; // it was read in the transaction
    const now = await this.stateIn(reads, false).catch(() => state);
    return now.revision !== state.revision;
  }

  /** Undefined where there is nothing to wait for. */
  beforeWork(transaction: UnitTransaction): Promise<void> | undefined {
    if (transaction.isJoined) return this.inline.length === 0 ? undefined : this.#beforeJoined(transaction);
    const { lacking } = this.#state;
    return lacking.length === 0 ? undefined : this.#catchUp?.beforeWork(lacking, transaction);
  }

  async #beforeJoined(transaction: UnitTransaction): Promise<void> {
    const { lacking } = await this.stateIn(transaction.reads, true);
    if (lacking.length > 0) await this.#catchUp?.beforeWork(lacking, transaction);
  }

  /** What a reader finds in rows that have every event. */
  async read<T>(projector: ProjectorDefinition, transaction: UnitTransaction, find: () => Promise<T>): Promise<T> {
    const { reads, isJoined } = transaction;
    const [state, found] = await Promise.all([this.stateIn(reads, isJoined), find()]);
    if (!state.lacking.includes(projector) || this.#catchUp === undefined) return found;
    await this.#catchUp.beforeReading(projector, transaction);
    return find();
  }

  /** @param head where the log ends at most before the commit: read where a projection is left out for the first time */
  async plan(state: InlineState, events: readonly RaisedEvent[], head: () => Promise<number>): Promise<InlinePlan> {
    const left = new Map<string, InlineEntry>();
    let after: number | undefined;
    for (const { event } of events) {
      for (const name of state.unsaid.get(nameOfEvent(event)) ?? []) {
        const { types, gap } = state.entries.get(name) as InlineEntry;
        if (left.has(name)) continue;
        if (gap === undefined) this.#report(name);
        after ??= await head();
        left.set(name, {
          types,
          gap: gap === undefined ? gapBefore(types, events, after) : { ...gap, closing: false },
        });
      }
    }
    if (left.size === 0) return { projectors: state.whole, notes: state.asserted };
    const projectors = state.whole.filter((projector) => !left.has(checkpointOf(projector)));
    return { projectors, notes: [state.with(left)] };
  }

  #report(name: string): void {
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    this.#log.warn(
      `This release leaves the inline ${name} out, which another release has filled: its rows lack what is committed now, until a release that has it catches up`,
    );
  }
}

/** The rows have every event before the first one of a commit that leaves them out. */
function gapBefore(types: readonly string[], events: readonly RaisedEvent[], after: number): Gap {
  const first = events.find(({ event }) => types.includes(nameOfEvent(event))) as RaisedEvent;
  return { after, first: messageId(first.event) };
}
