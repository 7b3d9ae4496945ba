import type {
  Append,
  Commit,
  CommitOutcome,
  Conflict,
  LogFilter,
  LogPage,
  Store,
  StoredMessage,
  StreamId,
} from "nereus/conformance";
import { memory } from "nereus/memory";
import { ArrayLog } from "./array-log.ts";
import { ArrayStore } from "./array-store.ts";

/** A mistake that an author may make, and the sentence of the contract that must find it. */
export interface Mistake {
  readonly mistake: string;
  readonly foundBy: string;
  create(): Store;
}

type CommitOf = (commit: Commit, write: (commit: Commit) => Promise<CommitOutcome>) => Promise<CommitOutcome>;

/** The guide's store with another log. */
function logWith(mistake: string, foundBy: string, Log: new () => ArrayLog): Mistake {
  return { mistake, foundBy, create: () => new ArrayStore(memory(), new Log()) };
}

/** The guide's store with something wrong around its commit. */
function commitWith(mistake: string, foundBy: string, commitOf: CommitOf): Mistake {
  return {
    mistake,
    foundBy,
    create: () =>
      new (class extends ArrayStore {
        override commit(commit: Commit): Promise<CommitOutcome> {
          return commitOf(commit, (given) => super.commit(given));
        }
      })(memory()),
  };
}

const appendMistakes: readonly Mistake[] = [
  commitWith(
    "skips the check of a stream's version",
    "of 64 writers that expect the same version exactly one wins, and the rest see its message",
    (commit, write) =>
      write({ ...commit, appends: (commit.appends ?? []).map((one) => ({ ...one, expectedVersion: "any" })) }),
  ),
  commitWith(
    "loses the second of two messages",
    "versions of a stream are gapless from 0, over several appends",
    (commit, write) =>
      write({
        ...commit,
        appends: (commit.appends ?? []).map((one) => ({ ...one, messages: one.messages.slice(0, 1) })),
      }),
  ),
  logWith(
    "refuses an append that expects nothing of its stream",
    "64 concurrent unconditional appends to one stream all succeed",
    class extends ArrayLog {
      override conflict(appends: readonly Append[]): Conflict | undefined {
        return super.conflict(
          appends.map((one) => ({ ...one, expectedVersion: one.expectedVersion === "any" ? -1 : one.expectedVersion })),
        );
      }
    },
  ),
  logWith(
    "answers a conflict without the messages that its writer had not seen",
    "an exact expected version that is behind conflicts with exactly the unseen messages",
    class extends ArrayLog {
      override conflict(appends: readonly Append[]): Conflict | undefined {
        const conflict = super.conflict(appends);
        return conflict?.on === "stream" ? { ...conflict, unseen: [] } : conflict;
      }
    },
  ),
  logWith(
    "holds only the version against what its writer expects, and not the id",
    "an expected id is held against the message at the expected version: another one is a conflict that says so",
    class extends ArrayLog {
      override conflict(appends: readonly Append[]): Conflict | undefined {
        return super.conflict(appends.map(({ expectedId: _, ...one }) => one));
      }
    },
  ),
  logWith(
    "checks only the first of several streams",
    "several streams commit together, each checked",
    class extends ArrayLog {
      override conflict(appends: readonly Append[]): Conflict | undefined {
        return super.conflict(appends.slice(0, 1));
      }
    },
  ),
  logWith(
    "stores a repeated message again",
    "the same append again is answered with its first position and writes nothing, whatever it expects",
    class extends ArrayLog {
      override repeated(): undefined {
        return undefined;
      }
    },
  ),
  logWith(
    "takes a message id for repeated in whatever stream it is",
    "an id stored in another stream is refused as EVENT_ID_REUSED",
    class extends ArrayLog {
      override repeated(appends: readonly Append[]): number | undefined {
        const ids = appends.flatMap(({ messages }) => messages.map(({ id }) => id));
        return this.messages.findLast(({ id }) => ids.includes(id))?.position;
      }
    },
  ),
  logWith(
    "puts the messages of each stream together",
    "messages that alternate between streams keep their order in the log",
    class extends ArrayLog {
      override append(appends: readonly Append[]): void {
        super.append(appends.toSorted((a, b) => (a.stream.id < b.stream.id ? -1 : 1)));
      }
    },
  ),
];

const readMistakes: readonly Mistake[] = [
  logWith(
    "delivers positions out of order",
    "pages that follow `through` hold everything that matches, once",
    class extends ArrayLog {
      override page(filter: LogFilter): LogPage {
        const page = super.page(filter);
        return { ...page, messages: page.messages.toReversed() };
      }
    },
  ),
  logWith(
    "says of a full page that it holds the whole log",
    "pages that follow `through` hold everything that matches, once",
    class extends ArrayLog {
      override page(filter: LogFilter): LogPage {
        return { ...super.page(filter), through: this.head };
      }
    },
  ),
  logWith(
    "shows a position before a lower one",
    "a reader that follows `through` while 32 writers append sees every message once, in order",
    class extends ArrayLog {
      override page(filter: LogFilter): LogPage {
        // The last message is there; the one before it, whose transaction is slower, is not yet.
        const page = super.page({ ...filter, limit: filter.limit + 1 });
        const late = page.messages.at(-2);
        const isLate = late !== undefined && late.position === this.head - 1;
        const messages = page.messages.filter((one) => !isLate || one !== late).slice(0, filter.limit);
        return { messages, through: messages.at(-1)?.position ?? page.through };
      }
    },
  ),
  ...(["categories", "types", "tenant", "correlationId"] as const).map((ignored) =>
    logWith(
      `ignores ${ignored} in a filter`,
      "every mixture of kinds, categories, types, tenant and correlation finds exactly its messages, in order",
      class extends ArrayLog {
        override page(filter: LogFilter): LogPage {
          const { [ignored]: _, ...rest } = filter;
          return super.page(rest);
        }
      },
    ),
  ),
  logWith(
    "reads commands and facts with the events",
    "without kinds, the log reads as its events only",
    class extends ArrayLog {
      override page(filter: LogFilter): LogPage {
        return super.page({ ...filter, kinds: filter.kinds ?? ["event", "command", "fact", "process", "snapshot"] });
      }
    },
  ),
  logWith(
    "has a limit of 1,000 messages that nobody asked for",
    "a conflict carries 2,500 unseen messages without leaving one out",
    class extends ArrayLog {
      override conflict(appends: readonly Append[]): Conflict | undefined {
        const conflict = super.conflict(appends);
        return conflict?.on === "stream" ? { ...conflict, unseen: conflict.unseen.slice(0, 1000) } : conflict;
      }
    },
  ),
  logWith(
    "makes one text of a stream's values",
    "the four values of a stream are never mistaken for each other",
    class extends ArrayLog {
      override stream(stream: StreamId): readonly StoredMessage[] {
        const nameOf = ({ tenant, kind, category, id }: StreamId): string => [tenant, kind, category, id].join("-");
        return this.messages.filter((message) => nameOf(message.stream) === nameOf(stream));
      }
    },
  ),
  logWith(
    "keeps the writer's own objects",
    "what a reader does to what it read, or a writer to what it wrote, changes nothing stored",
    class extends ArrayLog {
      override append(appends: readonly Append[]): void {
        const from = this.messages.length;
        super.append(appends);
        const given = appends.flatMap(({ stream, messages }) => messages.map((message) => ({ stream, message })));
        for (const [at, { stream, message }] of given.entries()) {
          const { version = 0, position = 0 } = this.messages[from + at] ?? {};
          this.messages[from + at] = Object.assign(message, { stream, version, position });
        }
      }
    },
  ),
];

const commitMistakes: readonly Mistake[] = [
  commitWith(
    "forgets idempotency keys",
    "an idempotency key commits once; later and concurrent commits get the first record",
    ({ idempotency: _, ...commit }, write) => write(commit),
  ),
  commitWith(
    "looks for conflicts before the idempotency key",
    "a taken idempotency key leaves nothing and answers with the first record, before any conflict",
    async ({ idempotency, ...commit }, write) => {
      const outcome = await write(commit);
      return outcome.status === "committed" && idempotency !== undefined ? write({ idempotency }) : outcome;
    },
  ),
  commitWith(
    "commits documents before the messages are checked",
    "a conflict on the last of several streams leaves nothing",
    async ({ documents = [], ...commit }, write) => {
      await write({ documents });
      return write(commit);
    },
  ),
  commitWith(
    "moves a checkpoint from wherever it is",
    "of 16 owners that move a checkpoint from the same place one wins",
    ({ checkpoint: _, ...commit }, write) => write(commit),
  ),
  commitWith(
    "changes a note from whatever it is",
    "of 16 commits that change a note from the same revision one wins",
    ({ notes: _, ...commit }, write) => write(commit),
  ),
  commitWith(
    "looks at notes only where they change",
    "a commit that expects a revision of a note is refused when it has another, and changes nothing of it",
    (commit, write) => write({ ...commit, notes: (commit.notes ?? []).filter(({ data }) => data !== undefined) }),
  ),
  commitWith(
    "skips the check of a document's version",
    "of 32 concurrent writers that expect the same version of a document one wins",
    (commit, write) =>
      write({ ...commit, documents: (commit.documents ?? []).map((one) => ({ ...one, expectedVersion: "any" })) }),
  ),
  {
    mistake: "fails the commits that were made together with a refused one",
    foundBy: "a refused commit fails none of those that were made at the same time",
    create: () => {
      const store = new ArrayStore(memory());
      let batch: Promise<unknown> = Promise.resolve();
      return withCommit(store, async (commit) => {
        const before = batch;
        const own = store.commit(commit);
        batch = own;
        const first = await before;
        return (first as CommitOutcome | undefined)?.status === "conflict" ? (first as CommitOutcome) : own;
      });
    },
  },
];

const lifecycleMistakes: readonly Mistake[] = [
  {
    mistake: "answers a commit before it can be read",
    foundBy: "a commit is seen by whoever reads after its answer",
    create: () => {
      const store = new ArrayStore(memory());
      let head = 0;
      return withCommit(store, async (commit) => {
        setTimeout(() => store.commit(commit), 5);
        head += commit.appends?.length ?? 0;
        return { status: "committed", position: head };
      });
    },
  },
  {
    mistake: "forgets to close",
    foundBy: "after close everything is refused as STORE_NOT_OPEN, and closing again does nothing",
    create: () =>
      new (class extends ArrayStore {
        override async close(): Promise<void> {}
      })(memory()),
  },
  {
    mistake: "tells nobody of a commit",
    foundBy: "listeners are called after commits that wrote messages, and only then, until they are stopped",
    create: () =>
      new (class extends ArrayStore {
        override onCommit(): () => void {
          return () => undefined;
        }
      })(memory()),
  },
  {
    mistake: "says that it takes a commit back, and writes it",
    foundBy: "a commit that is taken back is refused and not stored, and one that cannot be taken back is answered",
    create: () =>
      new (class extends ArrayStore {
        withdraw(): boolean {
          return true;
        }
      })(memory()),
  },
];

function withCommit(store: ArrayStore, commit: Store["commit"]): Store {
  const { name, capabilities, log, documents, records } = store;
  return {
    name,
    capabilities,
    log,
    documents,
    records,
    commit,
    open: (collections) => store.open(collections),
    close: () => store.close(),
    onCommit: (listener) => store.onCommit(listener),
  };
}

export const mistakes: readonly Mistake[] = [
  ...appendMistakes,
  ...readMistakes,
  ...commitMistakes,
  ...lifecycleMistakes,
];
