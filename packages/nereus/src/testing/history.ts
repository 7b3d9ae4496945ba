import { causeOf } from "../application/cause.ts";
import { commitOf } from "../application/commit-of.ts";
import { inlineParts } from "../application/inline-projections.ts";
import { Lineage } from "../application/lineage.ts";
import { cacheKey, streamOf } from "../application/loading.ts";
import type { Runtime } from "../application/registry.ts";
import { UnitTransaction } from "../application/unit-transaction.ts";
import type { Workings } from "../domain/domain.ts";
import { EventRunner } from "../engine/event-runner.ts";
import { serialiseEvent } from "../log/event-types.ts";
import type { StreamId } from "../log/message.ts";
import { type AggregateClass, AggregateRoot, aggregateIdentity, definitionOfRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { isNereusError, NereusError } from "../model/errors.ts";
import { newIdentity } from "../model/identity.ts";
import { type EventClass, encodeMessage, messageId, restoreMessage } from "../model/message.ts";
import type { Values } from "../model/values.ts";
import type { Commit, CommitOutcome } from "../ports/store.ts";
import { nameOf } from "./misuse.ts";
import type { Item, SeedOptions } from "./seed.ts";

/**
 * Stores what happened before: each event at the end of its aggregate's stream, with the inline projections' rows; each aggregate
 * as its first save would. The handlers of events take it as handled.
 */
export async function storeHistory(workings: Workings, items: readonly Item[], tenant: string): Promise<void> {
  if (items.length === 0) return;
  const { runtime, runners } = workings;
  for (const { thing, options } of items) {
    const about = { ...options, tenant: options.tenant ?? tenant };
    if (thing instanceof AggregateRoot) await storeAggregate(runtime, thing, about);
    else await appendEvent(runtime, thing, about);
  }
  const head = await runtime.store.log.head();
  for (const runner of runners) if (runner instanceof EventRunner) await runner.skipTo(head);
}

/** Appends an event as a unit of work would. @returns its position */
export async function appendEvent(runtime: Runtime, event: object, options: SeedOptions): Promise<number> {
  const before = await runtime.store.log.head();
  try {
    const position = await committed(runtime, () => eventCommit(runtime, event, options));
    if (position > before) return position;
  } catch (error) {
    if (!isNereusError(error, "EVENT_ID_REUSED")) throw error;
  }
  // this very event is stored already: what is given again has happened again
  const repeated = again(event);
  return committed(runtime, () => eventCommit(runtime, repeated, options));
}

function again(event: object): object {
  const wire = JSON.parse(JSON.stringify(encodeMessage(event))) as Values;
  return restoreMessage(event.constructor as unknown as EventClass<object>, wire, newIdentity());
}

async function eventCommit(runtime: Runtime, event: object, { tenant = "", occurredAt }: SeedOptions): Promise<Commit> {
  const transaction = new UnitTransaction(runtime.store, undefined);
  const { clock } = runtime;
  const { aggregate, id } = ownerOf(runtime, event);
  const recordedAt = clock.now().getTime();
  const about = { correlationId: messageId(event), causationId: null, traceparent: null, extensions: null };
  const envelope = { recordedAt, occurredAt: occurredAt?.getTime() ?? recordedAt, ...about };
  const stream = streamOf(aggregate, tenant, id);
  const source = { stream, base: await baseOf(runtime, aggregate, stream), lastId: undefined };
  const version = source.base === undefined ? -1 : source.base + 1;
  const raised = [{ event, order: 0, source, version, envelope }];
  const { rows: documents, notes } = await inlineParts(runtime, tenant, raised, transaction);
  return {
    appends: [{ stream, expectedVersion: "any", messages: [serialiseEvent(event, envelope)] }],
    documents,
    notes,
  };
}

async function baseOf({ store }: Runtime, aggregate: AggregateClass, stream: StreamId): Promise<number | undefined> {
  if (!aggregate[definition].eventSourced) return undefined;
  const [last] = await store.log.readStream(stream, { direction: "backwards", limit: 1 });
  return last?.version ?? -1;
}

/** The aggregate whose event it is: the event-sourced one that applies it, or a state-stored one that raises it. */
export function ownerOf(
  { registry }: Runtime,
  event: object,
): { readonly aggregate: AggregateClass; readonly id: string } {
  const name = nameOf(event, "event");
  const owners = [...registry.aggregates.values()].filter(({ [definition]: own }) => own.appliers.has(name));
  const aggregate = owners.find(({ [definition]: own }) => own.eventSourced) ?? owners[0];
  const id = (event as Values)[aggregate?.[definition].shape.identifier.name ?? ""];
  if (aggregate === undefined || id === undefined) throw homeless(name, aggregate);
  return { aggregate, id: String(id) };
}

async function storeAggregate(
  runtime: Runtime,
  root: AggregateRoot,
  { tenant = "", occurredAt }: SeedOptions,
): Promise<void> {
  const own = definitionOfRoot(root);
  const aggregate = runtime.registry.aggregates.get(own.name);
  const id = aggregateIdentity(root);
  if (aggregate?.[definition] !== own || id === undefined) throw unknownAggregate(own.name);
  const raised = root.pendingEvents.length;
  if (own.eventSourced && (raised === 0 || root.version !== raised - 1)) throw halfKnown(own.name, id);
  const before = await runtime.store.log.head();
  const about = { id: newIdentity(), causationId: null, tenant, traceparent: null, extensions: {} };
  const origin = { ...about, correlationId: about.id, occurredAt: occurredAt?.getTime() };
  const cause = causeOf(origin, runtime.clock.now().getTime());
  const tracked = {
    key: cacheKey(aggregate, tenant, id),
    root,
    aggregate,
    id,
    base: -1,
    added: true,
    removed: false,
    verified: true,
  };
  const transaction = new UnitTransaction(runtime.store, undefined);
  const work = {
    cause,
    lineage: new Lineage(cause),
    tracked: [tracked],
    sent: [],
    idempotency: undefined,
    checkpoint: undefined,
    transaction,
  };
  const outcome = await written(runtime, async () => commitOf(runtime, work));
  const isRepeated = raised > 0 && outcome.status === "committed" && outcome.position <= before;
  if (outcome.status !== "committed" || isRepeated) throw storedAlready(own.name, id);
}

/** Commits what is made anew as often as another release changes which inline projections are kept up to date. */
async function written({ store, inline, shapes }: Runtime, prepare: () => Promise<Commit>): Promise<CommitOutcome> {
  for (;;) {
    await inline.beforeWork(new UnitTransaction(store, undefined));
    const commit = await prepare();
    const outcome = await store.commit(commit);
    if (outcome.status === "committed") shapes.wrote(commit.notes ?? []);
    if (outcome.status !== "conflict" || outcome.conflict.on !== "note") return outcome;
    shapes.learn(outcome.conflict.current);
    await inline.stateIn(store, false);
  }
}

async function committed(runtime: Runtime, prepare: () => Promise<Commit>): Promise<number> {
  const outcome = await written(runtime, prepare);
  if (outcome.status === "committed") return outcome.position;
  // no version of a stream is expected, so only a row of an inline projection can have been changed meanwhile
  throw new NereusError("CONCURRENCY_CONFLICT", "A given event met another writer of the same rows", {
    fix: "Give each test a store of its own: store: memory().",
  });
}

function storedAlready(name: string, id: string): NereusError {
  return new NereusError("AGGREGATE_EXISTS", `A given ${name} cannot be stored: ${id} is in the store already`, {
    element: name,
    fix: "Give each aggregate once, and each test a store of its own: store: memory().",
  });
}

function halfKnown(name: string, id: string): NereusError {
  return new NereusError(
    "VALIDATION_FAILED",
    `A given ${name} cannot be stored: ${id} has not all of its events in hand`,
    {
      element: name,
      fix: "Give its events, or an instance that was just made and has raised them.",
    },
  );
}

function homeless(name: string, aggregate: AggregateClass | undefined): NereusError {
  const owner = aggregate?.[definition];
  const why =
    owner === undefined
      ? `No aggregate of the domain lists ${name}`
      : `${name} has no field ${owner.shape.identifier.name}, so it is not clear which ${owner.name} it is of`;
  return new NereusError("UNKNOWN_EVENT_TYPE", why, {
    element: name,
    fix: "Give events that an aggregate of the domain lists with .applies or .raises, and that name its identity.",
  });
}

function unknownAggregate(name: string): NereusError {
  return new NereusError("UNKNOWN_AGGREGATE", `A given ${name} cannot be stored in this domain`, {
    element: name,
    fix: `Add ${name} to the domain's elements, and give an instance that has an identity.`,
  });
}
