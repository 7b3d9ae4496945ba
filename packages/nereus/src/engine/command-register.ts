import type { Registry } from "../application/registry.ts";
import type { StoredMessage } from "../log/message.ts";
import { definition } from "../model/element.ts";
import type { LogFilter, Note, NoteWrite, Store } from "../ports/store.ts";

const name = "nereus:commands";

/** The types of commands that are handled, by the category of their streams. */
type Handled = ReadonlyMap<string, ReadonlySet<string>>;

/** JSON of the note. */
interface Kept {
  /** Whether it is said where the handling of sent commands begins. */
  readonly begun: boolean;
  readonly handled: Readonly<Record<string, readonly string[]>>;
}

/** Of a store that nobody had: the first start says where the handling of sent commands begins. */
export const unbegun: NoteWrite = { name, expected: 0, data: keptOf(false, new Map()) };

/**
 * Which sent commands are this domain's: those of a category and a type that a release of it handles, or has handled. Other applications may have
 * commands in the same log, which concern nobody here. The store keeps what each release handles, so that none passes over the
 * commands of another one that runs beside it: the checkpoint moves only for who knows the register as it is.
 */
export class CommandRegister {
  readonly #own: Handled;
  #revision = 0;
  #handled: Handled;

  constructor({ commands }: Pick<Registry, "commands">) {
    const own = new Map<string, Set<string>>();
    for (const [type, { aggregate }] of commands) {
      const category = aggregate[definition].name;
      own.set(category, (own.get(category) ?? new Set()).add(type));
    }
    this.#own = own;
    this.#handled = own;
  }

  /**
   * Says at a start what this release handles; the first of all says, too, that sent commands are handled from here on, since those that
   * are in the log already were meant for others.
   *
   * @param checkpoint under which it is kept how far the handling has come
   */
  async begin(store: Store, checkpoint: string): Promise<void> {
    for (;;) {
      const note = await store.records.note(name);
      this.#learn(note);
      const begun = note === undefined || keptIn(note).begun;
      if (begun && note !== undefined && keptOf(true, this.#handled) === note.data) return;
      const position = begun ? 0 : await store.log.head();
      const isFirst = position > 0 && (await store.records.checkpoint(checkpoint)) === 0;
      const outcome = await store.commit({
        notes: [{ name, expected: this.#revision, data: keptOf(true, this.#handled) }],
        ...(isFirst ? { checkpoint: { name: checkpoint, expected: 0, position } } : {}),
      });
      if (outcome.status !== "conflict") return this.#learn(await store.records.note(name));
    }
  }

  async load(store: Store): Promise<void> {
    this.#learn(await store.records.note(name));
  }

  /** What a page of the log is asked for. */
  get filter(): Pick<LogFilter, "kinds" | "categories" | "types"> {
    const types = new Set([...this.#handled.values()].flatMap((own) => [...own]));
    return { kinds: ["command"], categories: [...this.#handled.keys()], types: [...types] };
  }

  has({ type, stream }: StoredMessage): boolean {
    return this.#handled.get(stream.category)?.has(type) ?? false;
  }

  /** What a commit expects that moves the checkpoint. */
  get asserted(): readonly NoteWrite[] {
    return this.#revision === 0 ? [] : [{ name, expected: this.#revision }];
  }

  #learn(note: Note | undefined): void {
    this.#revision = note?.revision ?? 0;
    const handled = new Map([...this.#own].map(([category, types]) => [category, new Set(types)]));
    for (const [category, types] of Object.entries(note === undefined ? {} : keptIn(note).handled)) {
      handled.set(category, new Set([...(handled.get(category) ?? []), ...types]));
    }
    this.#handled = handled;
  }
}

function keptIn({ data }: Note): Kept {
  return JSON.parse(data) as Kept; // as written here
}

/** Sorted, so that the same commands are the same text. */
function keptOf(begun: boolean, handled: Handled): string {
  const sorted = [...handled]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([category, types]) => [category, [...types].sort()]);
  return JSON.stringify({ begun, handled: Object.fromEntries(sorted) } satisfies Kept);
}
