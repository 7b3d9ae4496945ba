import type { Note, NoteWrite, RecordReader, Store } from "../ports/store.ts";

const name = "nereus:sources";

/** The aggregates that raise an event, by its name. */
type Sources = ReadonlyMap<string, readonly string[]>;

/** Which aggregates raise an event, as it was known at a moment. */
export class KnownSources {
  readonly #revision: number;
  readonly #known: Sources;

  constructor(own: Sources, note?: Note) {
    const kept = sourcesIn(note);
    this.#revision = note?.revision ?? 0;
    this.#known = new Map(
      [...own].map(([event, names]) => [event, [...new Set([...names, ...(kept.get(event) ?? [])])]]),
    );
  }

  /** The categories of an event's streams; undefined where any will do, since no aggregate of this release raises it. */
  of(event: string): readonly string[] | undefined {
    return this.#known.get(event);
  }

  /** Whether no release has added to it since. */
  async isCurrent(records: RecordReader): Promise<boolean> {
    return ((await records.note(name))?.revision ?? 0) === this.#revision;
  }

  /** What a commit expects that moves a checkpoint. */
  get asserted(): readonly NoteWrite[] {
    return [{ name, expected: this.#revision }];
  }

  /** The note with all that it has, and this. */
  with(note: Note | undefined): NoteWrite {
    const all = [...sourcesIn(note), ...this.#known].sort(([a], [b]) => (a < b ? -1 : 1));
    const sorted = all.map(([event, categories]) => [event, categories.toSorted()]); // the same sources are the same text
    return { name, expected: this.#revision, data: JSON.stringify(Object.fromEntries(sorted)) };
  }
}

/**
 * Which aggregates raise an event: those of this release, and of every release that has been started on the store. A release that runs beside a
 * newer one has to read the events of the newer one's aggregates, too, since both move the same checkpoints.
 */
export class EventSources {
  readonly #own: Sources;

  /** @param own of this release */
  constructor(own: Sources) {
    this.#own = own;
  }

  /** Without those of other releases. */
  get own(): KnownSources {
    return new KnownSources(this.#own);
  }

  async read(records: RecordReader): Promise<KnownSources> {
    return new KnownSources(this.#own, await records.note(name));
  }

  /** At a start, before anything is raised or read: adds those of this release to what the store knows. */
  async begin(store: Store): Promise<void> {
    for (;;) {
      const note = await store.records.note(name);
      const write = new KnownSources(this.#own, note).with(note);
      if (write.data === (note?.data ?? "{}")) return;
      if ((await store.commit({ notes: [write] })).status !== "conflict") return;
    }
  }
}

function sourcesIn(note: Note | undefined): Sources {
  if (note === undefined) return new Map();
  return new Map(Object.entries(JSON.parse(note.data) as Record<string, readonly string[]>)); // as written here
}
