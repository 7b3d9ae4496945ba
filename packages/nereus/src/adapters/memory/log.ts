import type { NewMessage, ReplayMessage, StoredMessage, StreamId } from "../../log/message.ts";
import type { Append, Conflict, LogFilter, LogPage, LogReader, StreamRange } from "../../ports/store.ts";
import { firstUnseen, hasDiverged, holds } from "../expectation.ts";
import { repeatedAppend } from "../repeated-append.ts";
import { streamKey } from "../stream-key.ts";
import { LogIndex } from "./log-index.ts";

/** The log as an array, with the messages of each stream and the place of each id beside it. */
export class MemoryLog implements LogReader {
  readonly #ensureOpen: () => void;
  /** A message's position is its place here plus one. Nothing in it ever leaves the store but as a copy. */
  readonly #messages: StoredMessage[] = [];
  /** By category (with kind and tenant), then by the stream's own id. */
  readonly #categories = new Map<string, Streams>();
  #latest: { readonly stream: StreamId; readonly streams: Streams } | undefined;
  /** Filled when a lookup needs it: ids of version 7 mostly arrive in order, and then a comparison is enough. */
  readonly #byId = new Map<string, StoredMessage>();
  #highestId = "";
  readonly #index = new LogIndex(this.#messages);

  constructor(ensureOpen: () => void) {
    this.#ensureOpen = ensureOpen;
  }

  async readStream(stream: StreamId, range: StreamRange): Promise<readonly StoredMessage[]> {
    this.#ensureOpen();
    const messages = this.#messagesOf(stream);
    if (range.direction !== "backwards") {
      const from = Math.max(0, range.from ?? 0);
      return messages.slice(from, from + range.limit).map(copyOf);
    }
    const end = Math.min(messages.length, (range.from ?? messages.length) + 1);
    if (end <= 0) return [];
    return messages
      .slice(Math.max(0, end - range.limit), end)
      .reverse()
      .map(copyOf);
  }

  async readLog(filter: LogFilter): Promise<LogPage> {
    this.#ensureOpen();
    const found = this.#index.read(filter);
    const full = found.length >= filter.limit;
    const through = full ? (found.at(-1)?.position ?? filter.after) : Math.max(filter.after, this.last);
    return { messages: found.map(copyOf), through };
  }

  async replay(stream: StreamId, from: number, limit: number): Promise<readonly ReplayMessage[]> {
    this.#ensureOpen();
    const messages = this.#messagesOf(stream);
    const start = Math.max(0, from);
    return messages.slice(start, start + limit).map(shortCopyOf);
  }

  async head(): Promise<number> {
    this.#ensureOpen();
    return this.last;
  }

  /** The position of the last message. @internal */
  get last(): number {
    return this.#messages.length;
  }

  /** @internal */
  conflict(appends: readonly Append[]): Conflict | undefined {
    for (const { stream, expectedVersion: expected, expectedId } of appends) {
      if (expected === "any") continue;
      const messages = this.#messagesOf(stream);
      const actual = messages.length - 1;
      if (typeof expected === "number" && hasDiverged(expectedId, messages[expected]?.id)) {
        return { on: "stream", stream: { ...stream }, expected, actual, unseen: [], diverged: true };
      }
      if (holds(expected, actual)) continue;
      const from = firstUnseen(expected);
      const unseen = from === undefined ? [] : messages.slice(from).map(copyOf);
      return { on: "stream", stream: { ...stream }, expected, actual, unseen };
    }
    return undefined;
  }

  /** The position that a first commit of the same messages was answered with, if there was one. @internal */
  firstResult(appends: readonly Append[]): number | undefined {
    if (appends.every(({ messages }) => messages.every(({ id }) => id > this.#highestId))) return undefined;
    for (let at = this.#byId.size; at < this.#messages.length; at++) {
      const message = this.#messages[at] as StoredMessage;
      this.#byId.set(message.id, message);
    }
    if (!appends.some(({ messages }) => messages.some(({ id }) => this.#byId.has(id)))) return undefined;
    return repeatedAppend(appends, (id, stream) => {
      const stored = this.#byId.get(id);
      return stored && { ...stored, inStream: streamKey(stored.stream) === streamKey(stream) };
    });
  }

  /** @internal */
  append(appends: readonly Append[]): void {
    for (const { stream, messages } of appends) {
      let stored = this.#streamsBeside(stream).get(stream.id);
      const own = stored?.[0]?.stream ?? { ...stream };
      for (const message of messages) {
        const entry = storedCopyOf(message, own, stored?.length ?? 0, this.#messages.length + 1);
        if (stored === undefined) stored = this.#startedStream(own, entry);
        else stored.push(entry);
        this.#messages.push(entry);
        if (entry.id > this.#highestId) this.#highestId = entry.id;
      }
    }
  }

  #messagesOf(stream: StreamId): readonly StoredMessage[] {
    return this.#streamsBeside(stream).get(stream.id) ?? [];
  }

  #startedStream(stream: StreamId, first: StoredMessage): StoredMessage[] {
    const messages = [first];
    this.#streamsBeside(stream).set(stream.id, messages);
    return messages;
  }

  /** The streams of the same category. Commits come in runs of one category, so the latest is kept at hand. */
  #streamsBeside(stream: StreamId): Streams {
    const { kind, tenant, category } = stream;
    const known = this.#latest?.stream;
    if (known !== undefined && known.category === category && known.kind === kind && known.tenant === tenant) {
      return (this.#latest as { streams: Streams }).streams;
    }
    const key = streamKey({ kind, tenant, category, id: "" });
    let streams = this.#categories.get(key);
    if (streams === undefined) {
      streams = new Map();
      this.#categories.set(key, streams);
    }
    this.#latest = { stream: { ...stream }, streams };
    return streams;
  }
}

type Streams = Map<string, StoredMessage[]>;

function storedCopyOf(message: NewMessage, stream: StreamId, version: number, position: number): StoredMessage {
  return {
    position,
    stream,
    version,
    id: message.id,
    type: message.type,
    schemaVersion: message.schemaVersion,
    data: message.data,
    checksum: message.checksum,
    recordedAt: message.recordedAt,
    occurredAt: message.occurredAt,
    correlationId: message.correlationId,
    causationId: message.causationId,
    traceparent: message.traceparent,
    extensions: message.extensions,
  };
}

function copyOf(message: StoredMessage): StoredMessage {
  return storedCopyOf(message, { ...message.stream }, message.version, message.position);
}

function shortCopyOf({ version, id, type, schemaVersion, data, checksum }: StoredMessage): ReplayMessage {
  return { version, id, type, schemaVersion, data, checksum };
}
