import type { NewMessage, StreamId } from "../../log/message.ts";
import type { Commit, DocumentWrite, ExpectedVersion, NoteWrite, TimerWrite } from "../../ports/store.ts";
import { doubledId } from "../repeated-append.ts";
import { streamKey } from "../stream-key.ts";
import type { CollectionTables } from "./collection-tables.ts";
import type { MessageTypes } from "./message-types.ts";
import { toStored, toStoredJson } from "./stored-text.ts";

/** What a group is encoded with. */
export interface Encoding {
  readonly types: MessageTypes;
  readonly tables: CollectionTables;
}

interface StreamPlace {
  readonly ordinal: number;
  messages: number;
}

/** With the commits that expect it, and which of their notes that is. */
interface ExpectedNote {
  readonly n: string;
  readonly e: number;
  readonly by: [commit: number, write: number][];
}

interface DocumentTable {
  readonly name: string;
  checked: boolean;
  removes: boolean;
  passes: number;
  readonly rows: object[];
}

/**
 * Commits that `nereus_write` can check all at once before it writes any, since none depends on another: only where a
 * commit takes a stream at any version may an earlier one write to it.
 */
export class Group {
  readonly commits: Commit[] = [];
  /** As `nereus_commit` takes them, apart from the rest. */
  readonly messages: object[] = [];
  /** The numbers of their types. */
  readonly types: Set<number> = new Set();
  readonly #encoding: Encoding;
  readonly #alone: boolean;
  readonly #written = new Set<string>();
  readonly #taken = new Set<string>();
  readonly #places = new Map<string, StreamPlace>();
  readonly #tables = new Map<string, DocumentTable>();
  readonly #notes = new Map<string, ExpectedNote>();
  readonly #json: Record<string, (object | number)[]> = {};

  constructor(encoding: Encoding, alone: boolean) {
    this.#encoding = encoding;
    this.#alone = alone;
  }

  /** Takes a commit in, or returns false if it depends on one that is in already. */
  add(commit: Commit): boolean {
    const taken = resourcesOf(commit);
    if (this.commits.length > 0 && this.#isEntangled(commit, taken)) return false;
    for (const one of taken) this.#taken.add(one);
    const at = this.commits.push(commit) - 1;
    if (doubledId(commit.appends ?? []) !== undefined) this.#put("doubled", at);
    this.#addAppends(commit, at);
    this.#addDocuments(commit.documents ?? [], at);
    for (const { id, destination, data } of commit.outbox ?? []) {
      this.#put("outbox", { c: at, i: toStored(id), d: toStored(destination), p: toStored(data) });
    }
    this.#addTimers(commit.timers ?? [], at);
    if (commit.checkpoint !== undefined) {
      const { name, expected, position } = commit.checkpoint;
      this.#put("checkpoints", { c: at, n: toStored(name), e: expected, p: position });
    }
    if (commit.notes !== undefined) this.#addNotes(commit.notes, at);
    if (commit.idempotency !== undefined) {
      const { tenant, key, fingerprint, result } = commit.idempotency;
      const stored = { t: toStored(tenant), k: toStored(key), f: toStored(fingerprint) };
      this.#put("keys", {
        c: at,
        ...stored,
        r: result === null ? null : toStored(result),
        before: this.messages.length,
      });
    }
    return true;
  }

  toJSON(): object {
    return this.#tables.size === 0 ? this.#json : { ...this.#json, documents: [...this.#tables.values()] };
  }

  #isEntangled({ appends = [], notes = [] }: Commit, taken: readonly string[]): boolean {
    if (this.#alone || taken.some((one) => this.#taken.has(one))) return true;
    if (notes.some(({ name }) => this.#taken.has(noteKey(name)))) return true;
    return appends.some((one) => one.expectedVersion !== "any" && this.#written.has(streamKey(one.stream)));
  }

  #addAppends({ appends = [] }: Commit, c: number): void {
    for (const [a, { stream, expectedVersion, expectedId, messages }] of appends.entries()) {
      const key = streamKey(stream);
      const place = this.#placeOf(key, stream);
      if (expectedVersion !== "any") {
        const d = knownId(expectedVersion, expectedId);
        this.#put("expected", { c, a, s: place.ordinal, e: expectedNumber(expectedVersion), d });
      }
      if (messages.length === 0) continue;
      this.#written.add(key);
      const ofStream = {
        c,
        s: place.ordinal,
        x: this.#encoding.types.category(stream),
        t: toStored(stream.tenant),
        i: toStored(stream.id),
      };
      for (const message of messages) {
        const y = this.#encoding.types.typeOf(stream, message.type, message.schemaVersion);
        this.types.add(y);
        this.messages.push({ ...ofStream, v: ++place.messages, y, ...encodedMessage(message) });
      }
    }
  }

  #addDocuments(writes: readonly DocumentWrite[], c: number): void {
    const last = new Map<string, { row: Record<string, unknown>; z: number }>();
    for (const [w, { collection, tenant, id, expectedVersion, data }] of writes.entries()) {
      const { name } = this.#encoding.tables.get(collection);
      const table = this.#tables.get(name) ?? { name, checked: false, removes: false, passes: 1, rows: [] };
      this.#tables.set(name, table);
      const key = documentKey(collection, tenant, id);
      const before = last.get(key);
      if (before !== undefined) delete before.row["l"];
      const z = before === undefined ? 0 : before.z + 1;
      table.passes = Math.max(table.passes, z + 1);
      const row: Record<string, unknown> = { c, w, t: toStored(tenant), i: toStored(id), z, l: true };
      if (expectedVersion !== "any") {
        table.checked = true;
        row["x"] = true;
        row["e"] = expectedNumber(expectedVersion);
      }
      if (data === null) {
        table.removes = true;
        row["r"] = expectedVersion !== "any";
      } else row["p"] = toStoredJson(data);
      last.set(key, { row, z });
      table.rows.push(row);
    }
  }

  /** One row for each timer, since a statement can write none twice. */
  #addTimers(writes: readonly TimerWrite[], c: number): void {
    const last = new Map(writes.map((write) => [timerKey(write), write]));
    for (const write of last.values()) {
      const timer = { c, o: toStored(write.owner), i: toStored(write.id) };
      this.#put("timers", write.at === null ? timer : { ...timer, a: write.at, p: toStored(write.data) });
    }
  }

  /** What many commits expect alike is looked at once. */
  #addNotes(writes: readonly NoteWrite[], c: number): void {
    const last = new Map<string, object>();
    for (const [w, { name, expected, data }] of writes.entries()) {
      const key = `${expected} ${name}`;
      let known = this.#notes.get(key);
      if (known === undefined) {
        known = { n: toStored(name), e: expected, by: [] };
        this.#notes.set(key, known);
        this.#put("notes", known);
      }
      known.by.push([c, w]);
      if (data !== undefined) last.set(name, { c, n: known.n, r: expected + 1, p: toStored(data) });
    }
    for (const row of last.values()) this.#put("changed_notes", row);
  }

  #placeOf(key: string, stream: StreamId): StreamPlace {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { ordinal: this.#places.size, messages: 0 };
      this.#places.set(key, place);
      const x = this.#encoding.types.category(stream);
      this.#put("streams", { x, t: toStored(stream.tenant), i: toStored(stream.id) });
    }
    return place;
  }

  #put(list: string, row: object | number): void {
    const rows = this.#json[list];
    if (rows === undefined) this.#json[list] = [row];
    else rows.push(row);
  }
}

/** The values of `nereus_append`: those before writer, batch and answered, and those after. */
export interface LoneMessage {
  readonly message: readonly unknown[];
  /** A note, its revision, and the id of the message at the expected version; null where nothing is said of them. */
  readonly rest: readonly (string | number | null)[];
}

const noNote = [null, null] as const;

/** The values for a commit that is one message at a known version, with at most a note that must not have changed. */
export function loneMessage(commit: Commit, { types }: Encoding): LoneMessage | undefined {
  const { appends = [], notes = [] } = commit;
  const [append] = appends;
  if (append === undefined || appends.length > 1 || hasMore(commit)) return undefined;
  if (notes.length > 1 || notes[0]?.data !== undefined) return undefined;
  const { stream, expectedVersion, expectedId, messages } = append;
  const [message] = messages;
  if (message === undefined || messages.length > 1) return undefined;
  if (expectedVersion === "any" || expectedVersion === "exists") return undefined;
  const { k, r, o, d, co, ca, tr, ex, p } = encodedMessage(message);
  const category = types.category(stream);
  const type = types.typeOf(stream, message.type, message.schemaVersion);
  const place = [toStored(stream.tenant), category, toStored(stream.id), expectedNumber(expectedVersion), type];
  const [note] = notes;
  return {
    message: [...place, k, r, o, d, co, ca ?? null, tr ?? null, ex ?? null, p],
    rest: [
      ...(note === undefined ? noNote : [toStored(note.name), note.expected]),
      knownId(expectedVersion, expectedId) ?? null,
    ],
  };
}

/** Whether a commit has something else than messages and notes. */
function hasMore({ documents = [], outbox = [], timers = [], checkpoint, idempotency }: Commit): boolean {
  if (documents.length > 0 || outbox.length > 0 || timers.length > 0) return true;
  return checkpoint !== undefined || idempotency !== undefined;
}

/** The commits in groups, one after the other in their order. @param alone whether each commit is a group */
export function groupsOf(commits: readonly Commit[], encoding: Encoding, alone: boolean): readonly Group[] {
  let group = new Group(encoding, alone);
  const groups = [group];
  for (const commit of commits) {
    if (group.add(commit)) continue;
    group = new Group(encoding, alone);
    group.add(commit);
    groups.push(group);
  }
  return groups;
}

/** The numbers of the types of all their messages. */
export function typesIn(groups: readonly Group[]): readonly number[] {
  const [only] = groups;
  if (only !== undefined && groups.length === 1) return [...only.types];
  return [...new Set(groups.flatMap(({ types }) => [...types]))];
}

/** What only one commit of a group may touch. */
function resourcesOf(commit: Commit): string[] {
  const { appends = [], documents = [], timers = [], notes = [], checkpoint, idempotency } = commit;
  const taken = [...new Set(documents.map(({ collection, tenant, id }) => documentKey(collection, tenant, id)))];
  if (checkpoint !== undefined) taken.push(`c${checkpoint.name}`);
  if (idempotency !== undefined) taken.push(`k${idempotency.tenant.length},${idempotency.tenant}${idempotency.key}`);
  const changed = notes.filter(({ data }) => data !== undefined);
  for (const note of new Set(changed.map(({ name }) => noteKey(name)))) taken.push(note);
  for (const timer of new Set(timers.map(timerKey))) taken.push(timer);
  for (const { messages } of appends) for (const { id } of messages) taken.push(`m${id}`);
  return taken;
}

function timerKey({ owner, id }: TimerWrite): string {
  return `t${owner.length},${owner}${id}`;
}

/** A note that a commit changes. */
function noteKey(name: string): string {
  return `n${name}`;
}

function documentKey(collection: string, tenant: string, id: string): string {
  return `d${collection.length},${tenant.length},${collection}${tenant}${id}`;
}

/** Null stands for `"exists"`. */
function expectedNumber(expected: Exclude<ExpectedVersion, "any">): number | null {
  if (expected === "exists") return null;
  return expected === "none" ? -1 : expected;
}

/** Beside a number only; left out of JSON where it is not known. */
function knownId(expected: ExpectedVersion, id: string | undefined): string | undefined {
  return typeof expected === "number" && expected >= 0 && id !== undefined ? toStored(id) : undefined;
}

function encodedMessage(message: NewMessage) {
  return {
    k: message.checksum,
    r: message.recordedAt,
    o: message.occurredAt,
    d: toStored(message.id),
    co: toStored(message.correlationId),
    ca: storedOrAbsent(message.causationId),
    tr: storedOrAbsent(message.traceparent),
    ex: storedOrAbsent(message.extensions),
    p: toStored(message.data),
  };
}

function storedOrAbsent(text: string | null): string | undefined {
  return text === null ? undefined : toStored(text);
}
