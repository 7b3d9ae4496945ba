import { restoreEvent } from "../log/event-types.ts";
import type { ReplayMessage, StoredMessage, StreamId } from "../log/message.ts";
import { type AggregateClass, AggregateRoot, assertSynchronous, definitionOfRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { blankAggregate, freezeFields, restoreAggregate } from "../model/restoring.ts";
import type { Values } from "../model/values.ts";
import type { LogReader, StoredDocument } from "../ports/store.ts";
import type { Log } from "./context.ts";
import type { Runtime } from "./registry.ts";

/** Messages per page when a stream is read: sixteen of the parts in which PostgreSQL sends them. */
const page = 1024;

/** The stream that an aggregate's events are in. */
export function streamOf(aggregate: AggregateClass, tenant: string, id: string): StreamId {
  return { tenant, kind: "event", category: aggregate[definition].name, id };
}

/** Where an aggregate is kept in the cache. Names, tenants and ids with NUL were refused before. */
export function cacheKey(aggregate: AggregateClass, tenant: string, id: string): string {
  return `${aggregate[definition].name}\0${tenant}\0${id}`;
}

/** What an aggregate is loaded with: `snapshots` are left out where only its events count. */
export type Loading = Pick<Runtime, "log"> & Partial<Pick<Runtime, "snapshots">>;

/**
 * Loads an event-sourced aggregate from its latest snapshot and the events after it, page by page; undefined if there is none.
 *
 * @param isCommitted whether all that is read is, so that a snapshot may be made of it
 */
export async function hydrate(
  { log: reports, snapshots }: Loading,
  log: LogReader,
  aggregate: AggregateClass,
  stream: StreamId,
  isCommitted: boolean,
): Promise<AggregateRoot | undefined> {
  const { snapshotEvery = Number.POSITIVE_INFINITY } = aggregate[definition].options;
  const kept = Number.isFinite(snapshotEvery) ? await snapshots?.latest(aggregate, stream, log) : undefined;
  const from = kept?.version ?? -1;
  const root = kept ?? blankAggregate(aggregate);
  await catchUp(root, log, stream);
  if (root.version === -1) return undefined;
  reportBrokenRules(root, stream, reports);
  if (isCommitted && root.version - from >= snapshotEvery) snapshots?.keep(root, stream);
  return root;
}

/**
 * Replays onto an aggregate what its stream has after its version; returns whether there was anything. While one page is
 * applied the next is on its way.
 */
export async function catchUp(root: AggregateRoot, log: LogReader, stream: StreamId): Promise<boolean> {
  const before = root.version;
  let next = log.replay(stream, before + 1, page);
  for (;;) {
    const messages = await next;
    const isLast = messages.length < page;
    if (!isLast) {
      next = log.replay(stream, root.version + 1 + page, page);
      next.catch(() => undefined); // heard when its turn comes, unless this page fails first
    }
    applyAll(root, messages);
    if (!isLast) continue;
    if (root.version > before) freezeFields(root);
    return root.version > before;
  }
}

/**
 * Applies stored events without validation, in one go.
 *
 * @throws NereusError UNKNOWN_EVENT_TYPE or CHECKSUM_MISMATCH
 */
export function replayOnto(root: AggregateRoot, messages: readonly ReplayMessage[]): void {
  applyAll(root, messages);
  freezeFields(root);
}

function applyAll(root: AggregateRoot, messages: readonly ReplayMessage[]): void {
  const { appliers, name } = definitionOfRoot(root);
  let { version } = root;
  AggregateRoot.seams.replay(
    root,
    () => version,
    () => {
      for (const message of messages) {
        const applier = appliers.get(message.type);
        const event = restoreEvent(applier?.event, message);
        assertSynchronous(name, "an .applies handler", applier?.apply(root as never, event as never));
        AggregateRoot.seams.applied(root);
        version = message.version;
      }
    },
  );
}

/** A state-stored aggregate from its document. */
export function fromDocument(aggregate: AggregateClass, document: StoredDocument): AggregateRoot {
  return restoreAggregate(aggregate, JSON.parse(document.data) as Values, document.version);
}

/** The events of a stream as rows for {@link replayOnto}, one page at a time, for reads that pick among them. */
export async function* pagesOf(log: LogReader, stream: StreamId, from = 0): AsyncIterable<readonly StoredMessage[]> {
  for (;;) {
    const messages = await log.readStream(stream, { from, limit: page });
    if (messages.length > 0) yield messages;
    if (messages.length < page) return;
    from = (messages.at(-1) as StoredMessage).version + 1;
  }
}

/** History is never refused, but a rule that it breaks is not hidden either. */
function reportBrokenRules(root: AggregateRoot, stream: StreamId, log: Log): void {
  try {
    AggregateRoot.seams.verify(root);
  } catch (error) {
    log.warn(`${stream.category} ${stream.id} was loaded in a state that breaks its rules`, error);
  }
}
