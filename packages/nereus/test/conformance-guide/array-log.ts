import { NereusError } from "nereus";
import type { Append, Conflict, LogFilter, LogPage, LogReader, StoredMessage, StreamId } from "nereus/conformance";

/** The log of the guide's store: an array, looked through from its start. */
export class ArrayLog {
  readonly messages: StoredMessage[] = [];

  get head(): number {
    return this.messages.at(-1)?.position ?? 0;
  }

  stream(stream: StreamId): readonly StoredMessage[] {
    return this.messages.filter((message) => isSame(message.stream, stream));
  }

  conflict(appends: readonly Append[]): Conflict | undefined {
    for (const { stream, expectedVersion: expected, expectedId } of appends) {
      const stored = this.stream(stream);
      const actual = stored.length - 1;
      const wanted = expected === "none" ? -1 : expected;
      const known = typeof wanted === "number" ? stored[wanted] : undefined;
      if (known !== undefined && expectedId !== undefined && known.id !== expectedId) {
        return { on: "stream", stream: { ...stream }, expected, actual, unseen: [], diverged: true };
      }
      if (wanted === "any" || wanted === actual || (wanted === "exists" && actual >= 0)) continue;
      const unseen = wanted === "exists" ? [] : structuredClone(stored.slice(wanted + 1));
      return { on: "stream", stream: { ...stream }, expected, actual, unseen };
    }
    return undefined;
  }

  repeated(appends: readonly Append[]): number | undefined {
    const given = appends.flatMap(({ stream, messages }) => messages.map(({ id }) => ({ stream, id })));
    const stored = given.map(({ id }) => this.messages.find((message) => message.id === id));
    if (stored.every((message) => message === undefined)) {
      const doubled = given.find(({ id }, at) => given.findIndex((other) => other.id === id) !== at);
      if (doubled !== undefined) throw reused(doubled.id);
      return undefined;
    }
    for (const { stream, messages } of appends) {
      const own = this.stream(stream);
      const from = own.findIndex(({ id }) => id === messages[0]?.id);
      const stranger = messages.find(({ id }, at) => from < 0 || own[from + at]?.id !== id);
      if (stranger !== undefined) throw reused(stranger.id);
    }
    return Math.max(...stored.map((message) => message?.position ?? 0));
  }

  append(appends: readonly Append[]): void {
    for (const { stream, messages } of appends) {
      let version = this.stream(stream).length;
      for (const message of structuredClone(messages)) {
        this.messages.push({ ...message, stream: { ...stream }, version: version++, position: this.head + 1 });
      }
    }
  }

  page(filter: LogFilter): LogPage {
    const { after, limit, kinds = ["event"], categories, types, tenant, correlationId } = filter;
    const matching = this.messages.filter(
      ({ position, stream, type, correlationId: correlation }) =>
        position > after &&
        kinds.includes(stream.kind) &&
        (categories === undefined || categories.includes(stream.category)) &&
        (types === undefined || types.includes(type)) &&
        (tenant === undefined || tenant === stream.tenant) &&
        (correlationId === undefined || correlationId === correlation),
    );
    const messages = structuredClone(matching.slice(0, limit));
    const isFull = messages.length === limit;
    return { messages, through: (isFull ? messages.at(-1)?.position : undefined) ?? Math.max(after, this.head) };
  }
}

/** The port's reads, each of them in its turn. */
export function readerOf(log: ArrayLog, inTurn: <T>(work: () => T) => Promise<T>): LogReader {
  return {
    readStream: (stream, { from, direction, limit }) =>
      inTurn(() => {
        const stored = log.stream(stream);
        if (direction !== "backwards") return structuredClone(stored.slice(from ?? 0, (from ?? 0) + limit));
        const backwards = stored.filter(({ version }) => version <= (from ?? version)).reverse();
        return structuredClone(backwards.slice(0, limit));
      }),
    readLog: (filter) => inTurn(() => log.page(filter)),
    replay: (stream, from, limit) =>
      inTurn(() =>
        log
          .stream(stream)
          .slice(from, from + limit)
          .map(({ version, id, type, schemaVersion, data, checksum }) => ({
            version,
            id,
            type,
            schemaVersion,
            data,
            checksum,
          })),
      ),
    head: () => inTurn(() => log.head),
  };
}

function isSame(a: StreamId, b: StreamId): boolean {
  return a.tenant === b.tenant && a.kind === b.kind && a.category === b.category && a.id === b.id;
}

function reused(id: string): NereusError {
  return new NereusError("EVENT_ID_REUSED", `The message id ${id} is already stored with other messages.`);
}
