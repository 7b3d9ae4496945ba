import { type Envelope, serialise, serialiseEvent } from "../log/event-types.ts";
import type { NewMessage, StreamId } from "../log/message.ts";
import { type AggregateClass, AggregateRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { newIdentity } from "../model/identity.ts";
import type { Append, Commit, DocumentWrite, ExpectedVersion } from "../ports/store.ts";
import type { Cause } from "./cause.ts";
import { type EventSource, inlineWrites, type RaisedEvent } from "./inline-projections.ts";
import { streamOf } from "./loading.ts";
import type { Runtime } from "./registry.ts";

/** An aggregate in a unit of work. */
export interface Tracked {
  readonly key: string;
  readonly root: AggregateRoot;
  readonly aggregate: AggregateClass;
  readonly id: string;
  /** The version that the store has; -1 for a new aggregate. */
  readonly base: number;
  readonly added: boolean;
  /** Whether the store was asked; a cached aggregate is only checked by the commit. */
  readonly verified: boolean;
}

/** Everything that the aggregates of a unit of work come to, as one commit. */
export function commitOf(
  runtime: Runtime,
  cause: Cause,
  tracked: readonly Tracked[],
  idempotency: Commit["idempotency"],
): Commit | Promise<Commit> {
  const added = tracked.every((one) => one.added) ? tracked : tracked.filter((one) => one.added);
  const events = raisedEvents(added, cause.tenant);
  const { envelope } = cause;
  const appends = eventAppends(events, envelope);
  for (const one of added) if (publishesFact(one)) appends.push(factOf(one, cause.tenant, envelope));
  const documents = added.filter(isChangedDocument).map((one) => documentOf(one, cause.tenant));
  const commit: Commit = { appends, documents, ...(idempotency === undefined ? {} : { idempotency }) };
  if (runtime.registry.inline.length === 0 || events.length === 0) return commit;
  return inlineWrites(runtime, cause, events).then((rows) => ({ ...commit, documents: [...documents, ...rows] }));
}

export function writesNothing({ appends = [], documents = [], idempotency }: Commit): boolean {
  return appends.length === 0 && documents.length === 0 && idempotency === undefined;
}

/** All events in the order in which they were raised, whichever aggregate raised them. */
function raisedEvents(added: readonly Tracked[], tenant: string): readonly RaisedEvent[] {
  const all: RaisedEvent[] = [];
  for (const { root, aggregate, id, base } of added) {
    const { eventSourced } = aggregate[definition];
    const source = { stream: streamOf(aggregate, tenant, id), base: eventSourced ? base : undefined };
    let version = base;
    for (const { event, order } of AggregateRoot.seams.pending(root)) {
      version += 1;
      all.push({ event, order, source, version: eventSourced ? version : -1 });
    }
  }
  return added.length === 1 ? all : all.sort((a, b) => a.order - b.order);
}

/** Runs of events of one stream; the first run of a stream carries its expected version. */
function eventAppends(events: readonly RaisedEvent[], envelope: Envelope): Append[] {
  const appends: Append[] = [];
  let run: NewMessage[] = [];
  let current: EventSource | undefined;
  for (const { event, source } of events) {
    if (source !== current) {
      run = [];
      const { stream } = source;
      const again = current !== undefined && appends.some((append) => append.stream === stream);
      appends.push({ stream, expectedVersion: again ? "any" : expectedOf(source), messages: run });
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

function publishesFact({ aggregate, root }: Tracked): boolean {
  const { options, eventSourced } = aggregate[definition];
  if (options.factEvents !== true) return false;
  return AggregateRoot.seams.pending(root).length > 0 || (!eventSourced && AggregateRoot.seams.changed(root));
}

/** The whole state as one message, in a stream of its own kind, which no reader of events meets. */
function factOf({ aggregate, root, id }: Tracked, tenant: string, envelope: Envelope): Append {
  const { name } = aggregate[definition];
  const stream: StreamId = { tenant, kind: "fact", category: name, id };
  const message = serialise(newIdentity(), `${name}Fact`, 1, root.toJSON(), envelope);
  return { stream, expectedVersion: "any", messages: [message] };
}

/** Whether a state-stored aggregate is to be written. */
export function isChangedDocument({ aggregate, root, base }: Tracked): boolean {
  if (aggregate[definition].eventSourced) return false;
  return base === -1 || AggregateRoot.seams.changed(root) || AggregateRoot.seams.pending(root).length > 0;
}

function documentOf({ aggregate, root, id, base }: Tracked, tenant: string): DocumentWrite {
  return {
    collection: aggregate[definition].name,
    tenant,
    id,
    expectedVersion: base === -1 ? "none" : base,
    data: JSON.stringify(root.toJSON()),
  };
}
