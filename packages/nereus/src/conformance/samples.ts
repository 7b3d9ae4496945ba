import { randomUUID } from "node:crypto";
import { checksumOf } from "../log/checksum.ts";
import type { MessageKind, NewMessage, StoredMessage, StreamId } from "../log/message.ts";
import type { Append, CollectionShape, CommitOutcome, Conflict, ExpectedVersion, Store } from "../ports/store.ts";

/** A stream of events of the category `accounts`, unless said otherwise. */
export function streamOf(id: string, more: Partial<Omit<StreamId, "id">> = {}): StreamId {
  return { tenant: "", kind: "event", category: "accounts", ...more, id };
}

/** A message with an id of its own. */
export function messageOf(type = "Deposited", more: Partial<NewMessage> = {}): NewMessage {
  const data = more.data ?? JSON.stringify({ type, amount: 100 });
  return {
    id: randomUUID(),
    type,
    schemaVersion: 1,
    data,
    checksum: checksumOf(data),
    recordedAt: 1_700_000_000_000,
    occurredAt: 1_700_000_000_000,
    correlationId: "correlation",
    causationId: null,
    traceparent: null,
    extensions: null,
    ...more,
  };
}

/** So many messages, numbered in their payload. */
export function messagesOf(count: number, more: Partial<NewMessage> = {}): NewMessage[] {
  return Array.from({ length: count }, (_, at) => messageOf("Deposited", { data: JSON.stringify({ at }), ...more }));
}

export function appendOf(
  stream: StreamId | string,
  expectedVersion: ExpectedVersion,
  ...messages: readonly NewMessage[]
): Append {
  return { stream: typeof stream === "string" ? streamOf(stream) : stream, expectedVersion, messages };
}

/** Appends and expects to be let; returns the position of the last message. */
export async function append(
  store: Store,
  stream: StreamId | string,
  expectedVersion: ExpectedVersion,
  ...messages: readonly NewMessage[]
): Promise<number> {
  return committed(await store.commit({ appends: [appendOf(stream, expectedVersion, ...messages)] }));
}

/** Writes one document and expects to be let. */
export async function put(
  store: Store,
  id: string,
  data: unknown,
  { tenant = "", collection = people.name }: { tenant?: string; collection?: string } = {},
): Promise<void> {
  const write = { collection, tenant, id, expectedVersion: "any", data: JSON.stringify(data) } as const;
  committed(await store.commit({ documents: [write] }));
}

export function committed(outcome: CommitOutcome): number {
  if (outcome.status !== "committed") throw new Error(`expected to commit, but: ${JSON.stringify(outcome)}`);
  return outcome.position;
}

export function conflicted<On extends Conflict["on"]>(
  outcome: CommitOutcome,
  on: On,
): Extract<Conflict, { readonly on: On }> {
  if (outcome.status !== "conflict" || outcome.conflict.on !== on) {
    throw new Error(`expected a conflict on a ${on}, but: ${JSON.stringify(outcome)}`);
  }
  return outcome.conflict as Extract<Conflict, { readonly on: On }>;
}

/** A whole stream, page by page. */
export async function wholeStream(store: Store, stream: StreamId | string, limit = 1000): Promise<StoredMessage[]> {
  const id = typeof stream === "string" ? streamOf(stream) : stream;
  const all: StoredMessage[] = [];
  for (;;) {
    const page = await store.log.readStream(id, { from: (all.at(-1)?.version ?? -1) + 1, limit });
    all.push(...page);
    if (page.length < limit) return all;
  }
}

/** The whole log of every kind, page by page. */
export async function wholeLog(store: Store, limit = 1000): Promise<StoredMessage[]> {
  const kinds: readonly MessageKind[] = ["event", "command", "fact", "process", "snapshot"];
  const all: StoredMessage[] = [];
  const head = await store.log.head();
  for (let after = 0; after < head; ) {
    const page = await store.log.readLog({ after, limit, kinds });
    all.push(...page.messages);
    after = page.through;
  }
  return all;
}

export function idsOf(messages: readonly { readonly id: string }[]): string[] {
  return messages.map(({ id }) => id);
}

export function versionsOf(messages: readonly { readonly version: number }[]): number[] {
  return messages.map(({ version }) => version);
}

export function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}

/** A collection with a field of every type. */
export const people: CollectionShape = {
  name: "people",
  fields: [
    { name: "name", type: "text", required: false },
    { name: "age", type: "integer", required: false },
    { name: "height", type: "real", required: false },
    { name: "active", type: "boolean", required: false },
    { name: "savings", type: "bigint", required: false },
    { name: "balance", type: "decimal", required: false },
    { name: "born", type: "date", required: false },
    { name: "extra", type: "json", required: false },
  ],
  indexes: [["name"], ["active", "age"], ["savings"], ["balance", "born"], ["born"]],
  unique: [],
};
