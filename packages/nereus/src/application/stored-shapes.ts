import { hash } from "node:crypto";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { listOf, type Misfit, misfits } from "../model/form-fit.ts";
import type { EventClass } from "../model/message.ts";
import { type StoredForm, storedFormOf } from "../model/stored-form.ts";
import type { Note, NoteWrite, Store } from "../ports/store.ts";
import { nameOfEvent, type RaisedEvent } from "./raised-event.ts";
import type { UnitTransaction } from "./unit-transaction.ts";

const prefix = "nereus:shape:";

/** A shape in which events were stored, as a note of the store keeps it. */
interface Kept {
  readonly hash: string;
  readonly schema: StoredForm;
}

/** What a class of events does not take of what is stored. */
export interface ChangedShape {
  readonly event: string;
  readonly misfits: readonly Misfit[];
}

/**
 * A class of events, and what this process knows of the shapes in which its events were stored, under any release: a list, in the order in which
 * they were first written.
 */
export class EventShape {
  readonly event: EventClass;
  #note: Note | undefined;
  #kept: readonly Kept[] = [];
  #own: Kept | undefined;

  constructor(event: EventClass, note: Note | undefined) {
    this.event = event;
    this.learn(note);
  }

  get note(): string {
    const { name, version } = this.event[definition];
    return `${prefix}${version}:${name}`;
  }

  /** As the class is now: made when it is first needed. */
  get own(): Kept {
    if (this.#own !== undefined) return this.#own;
    const schema = storedFormOf(this.event[definition].shape);
    this.#own = { hash: hash("sha256", JSON.stringify(schema)), schema };
    return this.#own;
  }

  /** Whether the store knows that events are stored as the class is now. */
  get isKept(): boolean {
    return this.#kept.length > 0 && this.#kept.some((kept) => kept.hash === this.own.hash);
  }

  get revision(): number {
    return this.#note?.revision ?? 0;
  }

  learn(note: Note | undefined): void {
    if (note === undefined || note.revision <= this.revision) return;
    this.#note = note;
    this.#kept = JSON.parse(note.data) as readonly Kept[];
  }

  /** Undefined where everything fits that was stored. */
  changed(): ChangedShape | undefined {
    for (const { hash: known, schema } of this.#kept) {
      if (known === this.own.hash) continue;
      const found = misfits(schema, this.own.schema);
      if (found.length > 0) return { event: this.event[definition].name, misfits: found };
    }
    return undefined;
  }

  /** Keeps the shape that the class has now. @throws NereusError STORED_SHAPE_CHANGED */
  addition(): NoteWrite {
    const changed = this.changed();
    if (changed !== undefined) throw shapesChanged([changed]);
    return { name: this.note, expected: this.revision, data: JSON.stringify([...this.#kept, this.own]) };
  }
}

/**
 * The shapes of stored events, kept by the store: each as it was when the first event of it was written, in the same transaction. A class that
 * was never stored may change freely; one that was must take what is stored.
 */
export class StoredShapes {
  readonly #store: Store;
  /** By the note that keeps them. */
  readonly #shapes: ReadonlyMap<string, EventShape>;
  /** Those that the next event has to keep first. */
  readonly #unsaid: Map<string, EventShape>;

  constructor(store: Store, shapes: readonly EventShape[]) {
    this.#store = store;
    this.#shapes = new Map(shapes.map((shape) => [shape.note, shape]));
    const unsaid = shapes.filter(({ isKept }) => !isKept);
    this.#unsaid = new Map(unsaid.map((shape) => [shape.event[definition].name, shape]));
  }

  /** The shapes of some events that the store may hold, as it keeps them. */
  static async read(store: Store, events: Iterable<EventClass>): Promise<readonly EventShape[]> {
    const notes = new Map((await store.records.notes(prefix)).map((note) => [note.name, note]));
    return [...events].map((event) => {
      const shape = new EventShape(event, undefined);
      shape.learn(notes.get(shape.note));
      return shape;
    });
  }

  /** Whether a commit of these events has nothing to keep: so it is but for the first of each kind. */
  areKept(events: readonly RaisedEvent[]): boolean {
    return this.#unsaid.size === 0 || !events.some(({ event }) => this.#unsaid.has(nameOfEvent(event)));
  }

  /**
   * What a commit of these events has to keep.
   *
   * @throws NereusError STORED_SHAPE_CHANGED where another release has stored what its class does not take
   */
  async notesFor(events: readonly RaisedEvent[], { reads, isJoined }: UnitTransaction): Promise<readonly NoteWrite[]> {
    if (this.areKept(events)) return [];
    const found = new Set<EventShape>();
    for (const { event } of events) {
      const shape = this.#unsaid.get(nameOfEvent(event));
      if (shape !== undefined) found.add(shape);
    }
    if (isJoined) return inTransaction(found, reads);
    if (this.#store.capabilities.has("transactional")) return [...found].map((shape) => shape.addition());
    for (const shape of found) await this.#keep(shape);
    return [];
  }

  /** Before the messages: a store of two parts may not take the note together with them. */
  async #keep(shape: EventShape): Promise<void> {
    while (!shape.isKept) {
      const notes = [shape.addition()];
      const outcome = await this.#store.commit({ notes });
      if (outcome.status === "committed") this.wrote(notes);
      else this.learn(await this.#store.records.note(shape.note));
    }
  }

  /** Takes notes that this process has written, but in a caller's transaction: of that nothing may ever be stored. */
  wrote(notes: readonly NoteWrite[]): void {
    if (this.#unsaid.size === 0) return;
    for (const { name, expected, data } of notes) {
      if (data !== undefined) this.learn({ name, revision: expected + 1, data });
    }
  }

  /** Takes a note that is stored, if it is one of these. */
  learn(note: Note | undefined): void {
    const shape = note === undefined ? undefined : this.#shapes.get(note.name);
    if (shape === undefined) return;
    shape.learn(note);
    if (shape.isKept) this.#unsaid.delete(shape.event[definition].name);
  }
}

async function inTransaction(shapes: Iterable<EventShape>, reads: UnitTransaction["reads"]): Promise<NoteWrite[]> {
  const notes: NoteWrite[] = [];
  for (const { event, note } of shapes) {
    const there = new EventShape(event, await reads.records.note(note));
    if (!there.isKept) notes.push(there.addition());
  }
  return notes;
}

/** What is said where stored events are no values of their classes any more. */
export function shapesChanged(changed: readonly ChangedShape[]): NereusError {
  const [first] = changed;
  const texts = changed.map(({ event, misfits: found }) => `${event} (${listOf(found)})`);
  return new NereusError(
    "STORED_SHAPE_CHANGED",
    `Stored events do not fit their classes any more: ${texts.join(", ")}`,
    {
      ...(first === undefined ? {} : { element: first.event }),
      fix: "Leave stored fields as they were, and add what is new as optional() or with a default; or keep the class as it was, and give what is stored from now on an event of another name.",
    },
  );
}
