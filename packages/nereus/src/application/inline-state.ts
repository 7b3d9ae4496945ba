import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { Note, NoteWrite } from "../ports/store.ts";
import { checkpointOf, type ProjectorDefinition } from "./projector.ts";

/** The note of the store that says which inline projections it has, and which of them some release has left out. */
export const inlineNote = "inline";

/** Where the rows of an inline projection stop. */
export interface Gap {
  /** The first event that they lack is after this position: the one with the id `first`. */
  readonly after: number;
  /** Null: the checkpoint says how far they are. */
  readonly first: string | null;
  /** True while a release is about to bring the last events in: whoever leaves one more out has to change the note. */
  readonly closing?: boolean;
}

/** What the store knows of an inline projection. */
export interface InlineEntry {
  /** The events that its rows follow from, by their stored names. */
  readonly types: readonly string[];
  /** Absent: its rows have every event. */
  readonly gap?: Gap | undefined;
}

export type InlineEntries = ReadonlyMap<string, InlineEntry>;

/** A projector that runs inline in this process, and the name under which the store knows it. */
interface Own {
  readonly name: string;
  readonly projector: ProjectorDefinition;
}

/**
 * The note as it was at one revision, with what follows for this process: which rows its commits write, and what they have to say of
 * those that they leave out.
 */
export class InlineState {
  readonly revision: number;
  readonly entries: InlineEntries;
  /** What each commit that appends events expects of the note. */
  readonly asserted: readonly NoteWrite[];
  /** The projectors of this process whose rows have every event, so that commits write them. */
  readonly whole: readonly ProjectorDefinition[];
  /** The projectors of this process whose rows lack events. */
  readonly lacking: readonly ProjectorDefinition[];
  /** By event, the projections that a commit of it leaves out, where the note does not say so yet. */
  readonly unsaid: ReadonlyMap<string, readonly string[]>;

  constructor(note: Note | undefined, inline: readonly ProjectorDefinition[]) {
    this.revision = note?.revision ?? 0;
    this.entries = decode(note);
    this.asserted = [{ name: inlineNote, expected: this.revision }];
    const own: Own[] = inline.map((projector) => ({ name: checkpointOf(projector), projector }));
    this.whole = own.filter(({ name }) => this.#isWhole(name)).map(({ projector }) => projector);
    this.lacking = own.filter(({ name }) => !this.#isWhole(name)).map(({ projector }) => projector);
    this.unsaid = unsaidIn(this.entries, new Map(own.map(({ name, projector }) => [name, projector])));
  }

  #isWhole(name: string): boolean {
    const entry = this.entries.get(name);
    return entry !== undefined && entry.gap === undefined;
  }

  /** The note with other entries. */
  with(changed: InlineEntries): NoteWrite {
    const entries = Object.fromEntries([...this.entries, ...changed]);
    return { name: inlineNote, expected: this.revision, data: JSON.stringify(entries) };
  }
}

/** @throws NereusError STORE_CORRUPT */
function decode(note: Note | undefined): InlineEntries {
  if (note === undefined) return new Map();
  try {
    const read = JSON.parse(note.data) as Record<string, InlineEntry> | null;
    const entries = Object.entries(read ?? {});
    const isRecord = typeof read === "object" && read !== null && !Array.isArray(read);
    if (isRecord && entries.every(([, entry]) => isEntry(entry))) return new Map(entries);
  } catch {
    // it is no JSON
  }
  throw new NereusError(
    "STORE_CORRUPT",
    `The register of inline projections cannot be read: ${note.data.slice(0, 100)}`,
    {
      element: inlineNote,
      fix: "Put the note inline back from a backup. Without one, remove it, and give every inline projector another version, so that its rows are made anew.",
    },
  );
}

function isEntry(entry: Partial<InlineEntry> | null): boolean {
  const { types, gap } = entry ?? {};
  if (!Array.isArray(types)) return false;
  return gap === undefined || (typeof gap?.after === "number" && (gap.first === null || typeof gap.first === "string"));
}

function unsaidIn(entries: InlineEntries, own: ReadonlyMap<string, ProjectorDefinition>): InlineState["unsaid"] {
  const unsaid = new Map<string, string[]>();
  for (const [name, { types, gap }] of entries) {
    if (gap !== undefined && gap.closing !== true) continue;
    for (const type of types) {
      if (gap === undefined && own.get(name)?.steps.has(type) === true) continue;
      unsaid.set(type, [...(unsaid.get(type) ?? []), name]);
    }
  }
  return unsaid;
}

/** For reports: `Balance`, `Balance (version 2)`. */
export function projectionNamed({ projection, version }: ProjectorDefinition): string {
  const { name } = projection[definition];
  return version === 1 ? name : `${name} (version ${version})`;
}
