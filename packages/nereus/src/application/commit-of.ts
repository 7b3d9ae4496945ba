import { type Envelope, serialise, serialiseEvent } from "../log/event-types.ts";
import type { NewMessage, StreamId } from "../log/message.ts";
import { type AggregateClass, AggregateRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { newIdentity } from "../model/identity.ts";
import type { Append, Commit, DocumentWrite, ExpectedVersion } from "../ports/store.ts";
import type { Cause } from "./cause.ts";
import { enriched } from "./enrichers.ts";
import { inlineParts } from "./inline-projections.ts";
import type { Lineage } from "./lineage.ts";
import { streamOf } from "./loading.ts";
import type { EventSource, RaisedEvent } from "./raised-event.ts";
import type { Runtime } from "./registry.ts";
import type { UnitTransaction } from "./unit-transaction.ts";

/** An aggregate in a unit of work. */
export interface Tracked {
  readonly key: string;
  readonly root: AggregateRoot;
  readonly aggregate: AggregateClass;
  readonly id: string;
  /** The version that the store has; -1 for a new aggregate. */
  readonly base: number;
  readonly added: boolean;
  readonly removed: boolean;
  /** Whether the store was asked; a cached aggregate is only checked by the commit. */
  readonly verified: boolean;
}

/** What a unit of work has come to. */
export interface Work {
  readonly cause: Cause;
  readonly lineage: Lineage;
  readonly tracked: readonly Tracked[];
  /** Commands that are handed in with it. */
  readonly sent: readonly Append[];
  readonly idempotency: Commit["idempotency"];
  /** Moved if there is anything else to write: by itself, it is not worth a commit. */
  readonly checkpoint: Commit["checkpoint"];
  readonly transaction: UnitTransaction;
}

/** Everything that a unit of work has come to, as one commit. */
export function commitOf(runtime: Runtime, work: Work): Commit | Promise<Commit> {
  const { cause, tracked, sent, idempotency, checkpoint, transaction } = work;
  const added = tracked.every((one) => one.added) ? tracked : tracked.filter((one) => one.added);
  const events = raisedEvents(runtime, work, added);
  const appends = eventAppends(events);
  for (const one of added) if (publishesFact(one)) appends.push(factOf(one, cause.tenant, cause.envelope));
  appends.push(...sent);
  const documents = added.filter(isChangedDocument).map((one) => documentOf(one, cause.tenant));
  const { inline, shapes } = runtime;
  const isPlain = events.length === 0 || (inline.isIdle && !transaction.isJoined && shapes.areKept(events));
  const commit: { -readonly [K in keyof Commit]: Commit[K] } = { appends, documents };
  if (events.length > 0) commit.notes = inline.state.asserted;
  if (idempotency !== undefined) commit.idempotency = idempotency;
  if (checkpoint !== undefined && !writesNothing(commit)) commit.checkpoint = checkpoint;
  if (isPlain) return commit;
  return inlineParts(runtime, cause.tenant, events, transaction).then(({ rows, notes }) => ({
    ...commit,
    documents: [...documents, ...rows],
    notes,
  }));
}

export function writesNothing({ appends = [], documents = [], idempotency }: Commit): boolean {
  return appends.length === 0 && documents.length === 0 && idempotency === undefined;
}

/** All events but those that are known, in the order in which they were raised, whichever aggregate raised them. */
export function raisedEvents(
  runtime: Runtime,
  { cause, lineage }: Pick<Work, "cause" | "lineage">,
  added: readonly Tracked[],
  known?: ReadonlySet<object>,
): readonly RaisedEvent[] {
  const { events: enrichers = [] } = runtime.enrichers;
  const all: RaisedEvent[] = [];
  for (const tracked of added) {
    const { root, aggregate, base } = tracked;
    const { eventSourced } = aggregate[definition];
    const source = sourceOf(tracked, cause.tenant);
    let version = base;
    for (const { event, order } of AggregateRoot.seams.pending(root)) {
      version += 1;
      if (known?.has(event) === true) continue;
      const envelope =
        enrichers.length === 0
          ? lineage.envelopeAt(order)
          : lineage.enrichedAt(order, () => enriched(cause.extensions, enrichers, event, root));
      all.push({ event, order, source, version: eventSourced ? version : -1, envelope });
    }
  }
  return added.length === 1 ? all : all.sort((a, b) => a.order - b.order);
}

function sourceOf({ root, aggregate, id, base }: Tracked, tenant: string): EventSource {
  const stream = streamOf(aggregate, tenant, id);
  if (!aggregate[definition].eventSourced) return { stream, base: undefined, lastId: undefined };
  return { stream, base, lastId: AggregateRoot.seams.lastMessage(root) };
}

/** Runs of events of one stream; the first run of a stream carries its expected version. */
function eventAppends(events: readonly RaisedEvent[]): Append[] {
  const appends: Append[] = [];
  let run: NewMessage[] = [];
  let current: EventSource | undefined;
  for (const { event, source, envelope } of events) {
    if (source !== current) {
      run = [];
      const { stream } = source;
      const again = current !== undefined && appends.some((append) => append.stream === stream);
      const expectedId = again ? undefined : source.lastId;
      appends.push({ stream, expectedVersion: again ? "any" : expectedOf(source), expectedId, messages: run });
      current = source;
    }
    run.push(serialiseEvent(event, envelope));
  }
  return appends;
}

/** The events of a state-stored aggregate need no check of their own: its document has one. */
function expectedOf({ base }: EventSource): ExpectedVersion {
  if (base === undefined) return "any";
  return base === -1 ? "none" : base;
}

function publishesFact(tracked: Tracked): boolean {
  const { aggregate, root, removed } = tracked;
  const { options, eventSourced } = aggregate[definition];
  if (options.factEvents !== true || removed) return false;
  return eventSourced ? AggregateRoot.seams.pending(root).length > 0 : isChangedDocument(tracked);
}

/** The whole state as one message, in a stream of its own kind, which no reader of events meets. */
function factOf({ aggregate, root, id }: Tracked, tenant: string, envelope: Envelope): Append {
  const { name } = aggregate[definition];
  const stream: StreamId = { tenant, kind: "fact", category: name, id };
  const message = serialise(newIdentity(), `${name}Fact`, 1, root.toJSON(), envelope);
  return { stream, expectedVersion: "any", messages: [message] };
}

/** Whether a state-stored aggregate is to be written. */
export function isChangedDocument({ aggregate, root, base, removed }: Tracked): boolean {
  if (aggregate[definition].eventSourced) return false;
  return removed || base === -1 || AggregateRoot.seams.changed(root) || AggregateRoot.seams.pending(root).length > 0;
}

/** Whether an aggregate has come to its next snapshot: one every so many events, counted from its first. */
export function isSnapshotDue({ aggregate, root, base }: Tracked): boolean {
  const { snapshotEvery } = aggregate[definition].options;
  if (snapshotEvery === undefined) return false;
  return Math.floor((root.version + 1) / snapshotEvery) > Math.floor((base + 1) / snapshotEvery);
}

/** What is removed and was never stored must not be there: a new instance does not stand for a stored one. */
function documentOf({ aggregate, root, id, base, removed }: Tracked, tenant: string): DocumentWrite {
  return {
    collection: aggregate[definition].name,
    tenant,
    id,
    expectedVersion: base === -1 ? "none" : base,
    data: removed ? null : JSON.stringify(AggregateRoot.seams.stored(root)),
  };
}

/** How many characters the messages of a commit hold. */
export function charactersOf({ appends = [] }: Commit): number {
  let characters = 0;
  for (const { messages } of appends) for (const { data } of messages) characters += data.length;
  return characters;
}
