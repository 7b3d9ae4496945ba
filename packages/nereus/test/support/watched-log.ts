import type { Store } from "nereus";

type LogReader = Store["log"];

/** What was read to load aggregates. */
export interface LogReads {
  /** Events that replays have answered, besides the known one with which a replay begins that goes on. */
  events: number;
  /** Reads of streams of snapshots. */
  snapshots: number;
  /** Commands that reads of the log have answered. */
  commands: number;
}

/** A store that counts what is read of its log, and may fail or hold up what is written to it. */
export function watchingLog(
  inner: Store,
  beforeCommit?: (commit: Parameters<Store["commit"]>[0]) => Promise<void> | void,
): { readonly store: Store; readonly reads: LogReads } {
  const reads: LogReads = { events: 0, snapshots: 0, commands: 0 };
  const log: LogReader = {
    head: () => inner.log.head(),
    async readLog(filter) {
      const page = await inner.log.readLog(filter);
      for (const { stream } of page.messages) if (stream.kind === "command") reads.commands += 1;
      return page;
    },
    readStream(stream, range) {
      if (stream.kind === "snapshot") reads.snapshots += 1;
      return inner.log.readStream(stream, range);
    },
    async replay(stream, from, limit) {
      const messages = await inner.log.replay(stream, from, limit);
      reads.events += Math.max(0, from === 0 ? messages.length : messages.length - 1);
      return messages;
    },
  };
  const store: Store = {
    name: inner.name,
    capabilities: inner.capabilities,
    ...(inner.weaker === undefined ? {} : { weaker: inner.weaker }),
    log,
    documents: inner.documents,
    records: inner.records,
    open: (collections) => inner.open(collections),
    close: () => inner.close(),
    onCommit: (listener) => inner.onCommit(listener),
    async commit(commit) {
      await beforeCommit?.(commit);
      return inner.commit(commit);
    },
  };
  return { store, reads };
}
