import assert from "node:assert/strict";
import type { MessageKind, StoredMessage } from "../log/message.ts";
import type { LogFilter, Store } from "../ports/store.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { append, idsOf, messageOf, messagesOf, streamOf, wholeLog } from "./samples.ts";

const kinds: readonly MessageKind[] = ["event", "command", "fact", "process", "snapshot"];
const categories = ["accounts", "transfers", "audits"] as const;
const types = ["Opened", "Deposited", "Closed"] as const;
const tenants = ["", "north", "south"] as const;
const correlations = ["c-1", "c-2"] as const;

/** 540 messages with every mixture of kind, category, type, tenant and correlation, scattered over the log. */
async function fill(store: Store): Promise<StoredMessage[]> {
  for (let at = 0; at < 540; at++) {
    const mixed = (at * 7) % 540;
    const stream = streamOf(`s${at % 4}`, {
      kind: kinds[mixed % 5] ?? "event",
      category: categories[Math.floor(mixed / 5) % 3] ?? "",
      tenant: tenants[Math.floor(mixed / 15) % 3] ?? "",
    });
    const type = types[Math.floor(mixed / 45) % 3] ?? "";
    const correlationId = correlations[Math.floor(mixed / 135) % 2] ?? "";
    await append(store, stream, "any", messageOf(type, { correlationId }));
  }
  return wholeLog(store);
}

function passes(message: StoredMessage, filter: Partial<LogFilter>): boolean {
  return (
    (filter.kinds ?? ["event"]).includes(message.stream.kind) &&
    (filter.categories?.includes(message.stream.category) ?? true) &&
    (filter.types?.includes(message.type) ?? true) &&
    (filter.tenant === undefined || filter.tenant === message.stream.tenant) &&
    (filter.correlationId === undefined || filter.correlationId === message.correlationId)
  );
}

/** Every mixture of one choice of each. */
function filters(): Partial<LogFilter>[] {
  const some = <Key extends keyof LogFilter>(key: Key, ...values: LogFilter[Key][]): Partial<LogFilter>[] => [
    {},
    ...values.map((value): Partial<LogFilter> => ({ [key]: value })),
  ];
  let mixtures: Partial<LogFilter>[] = [{}];
  for (const choices of [
    some("kinds", ["process"], ["fact", "event"], kinds),
    some("categories", ["transfers"], ["audits", "accounts", "unknown"], ["unknown"], []),
    some("types", ["Closed"], ["Opened", "Deposited"], ["Unknown"]),
    some("tenant", "", "north"),
    some("correlationId", "c-2"),
  ]) {
    mixtures = mixtures.flatMap((mixture) => choices.map((choice) => ({ ...mixture, ...choice })));
  }
  return mixtures;
}

/** Reads of the log through filters. */
export const filterCases: readonly ConformanceCase[] = [
  {
    name: "without kinds, the log reads as its events only",
    async run({ create }) {
      const store = await create();
      for (const kind of kinds) await append(store, streamOf("a", { kind }), "none", messageOf());
      const { messages, through } = await store.log.readLog({ after: 0, limit: 10 });
      assert.deepEqual(
        messages.map(({ stream }) => stream.kind),
        ["event"],
      );
      assert.equal(through, await store.log.head());
    },
  },
  {
    name: "every mixture of kinds, categories, types, tenant and correlation finds exactly its messages, in order",
    async run({ create }) {
      const store = await create();
      const all = await fill(store);
      for (const filter of filters()) {
        const expected = idsOf(all.filter((message) => passes(message, filter)));
        const { messages } = await store.log.readLog({ ...filter, after: 0, limit: 1000 });
        assert.deepEqual(idsOf(messages), expected, JSON.stringify(filter));
      }
    },
  },
  {
    name: "pages that follow `through` hold everything that matches, once",
    async run({ create }) {
      const store = await create();
      const all = await fill(store);
      const head = await store.log.head();
      for (const filter of filters().filter((_, at) => at % 7 === 0)) {
        const found: StoredMessage[] = [];
        for (let after = 0; after < head; ) {
          const page = await store.log.readLog({ ...filter, after, limit: 5 });
          assert.ok(page.messages.length <= 5);
          assert.ok(page.through > after && page.through >= (page.messages.at(-1)?.position ?? 0));
          found.push(...page.messages);
          after = page.through;
        }
        const expected = idsOf(all.filter((message) => passes(message, filter)));
        assert.deepEqual(idsOf(found), expected, JSON.stringify(filter));
      }
    },
  },
  {
    name: "`through` is the head where nothing more matches, and never below `after`",
    async run({ create }) {
      const store = await create();
      assert.deepEqual(await store.log.readLog({ after: 0, limit: 10 }), { messages: [], through: 0 });
      await append(store, "a", "none", ...messagesOf(4));
      const head = await append(store, streamOf("f", { kind: "fact" }), "none", ...messagesOf(3));
      const events = await store.log.readLog({ after: 0, limit: 10 });
      assert.deepEqual([events.messages.length, events.through], [4, head]);
      const full = await store.log.readLog({ after: 0, limit: 4 });
      assert.deepEqual([full.messages.length, full.through >= (full.messages[3]?.position ?? 0)], [4, true]);
      const none = await store.log.readLog({ after: 0, limit: 10, categories: ["unknown"] });
      assert.deepEqual(none, { messages: [], through: head });
      const beyond = await store.log.readLog({ after: head + 100, limit: 10 });
      assert.deepEqual(beyond, { messages: [], through: head + 100 });
    },
  },
  {
    name: "a log of 300 types reads complete, by kind and by many types",
    async run({ create }) {
      const store = await create();
      const messages = Array.from({ length: 900 }, (_, at) => messageOf(`Type${at % 300}`));
      await append(store, "a", "none", ...messages);
      const page = await store.log.readLog({ after: 0, limit: 1000 });
      assert.deepEqual(idsOf(page.messages), idsOf(messages));
      const wanted = Array.from({ length: 150 }, (_, at) => `Type${at * 2}`);
      const even = await store.log.readLog({ after: 0, limit: 1000, types: wanted });
      assert.deepEqual(idsOf(even.messages), idsOf(messages.filter((_, at) => at % 2 === 0)));
    },
  },
];
