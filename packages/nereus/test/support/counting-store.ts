import type { Store } from "nereus";

/** A store that counts what is asked of it, and lets a test step in before a commit. */
export interface CountingStore extends Store {
  /** Calls by name: `log.replay`, `documents.get`, `commit` … */
  readonly calls: Map<string, number>;
  /** Called before every commit; what it throws, the commit throws. */
  beforeCommit: ((commit: Parameters<Store["commit"]>[0]) => Promise<void> | void) | undefined;
  reads(): number;
}

/** Wraps a store so that every call through the port is counted. */
export function counting(inner: Store): CountingStore {
  const calls = new Map<string, number>();
  const count = (name: string): void => void calls.set(name, (calls.get(name) ?? 0) + 1);
  const watched = <T extends object>(part: T, prefix: string): T =>
    new Proxy(part, {
      get(target, key) {
        const member = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        return (...parameters: unknown[]) => {
          count(`${prefix}.${String(key)}`);
          return member.apply(target, parameters);
        };
      },
    });
  const store: CountingStore = {
    name: inner.name,
    capabilities: inner.capabilities,
    log: watched(inner.log, "log"),
    documents: watched(inner.documents, "documents"),
    records: watched(inner.records, "records"),
    open: (collections) => inner.open(collections),
    close: () => inner.close(),
    onCommit: (listener) => inner.onCommit(listener),
    async commit(commit) {
      count("commit");
      await store.beforeCommit?.(commit);
      return inner.commit(commit);
    },
    calls,
    beforeCommit: undefined,
    reads: () => [...calls].reduce((sum, [name, times]) => (name === "commit" ? sum : sum + times), 0),
  };
  return store;
}
