import { restoreEvent } from "../log/event-types.ts";
import type { ReplayMessage, StoredMessage, StreamId } from "../log/message.ts";
import { type AggregateClass, AggregateRoot, assertSynchronous, definitionOfRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
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
  const isNeeded = kept === undefined || (await catchUp(kept, log, stream)) === "diverged";
  const root = isNeeded ? await replayed(aggregate, log, stream) : kept;
  if (root.version === -1) return undefined;
  reportBrokenRules(root, stream, reports);
  if (isCommitted && root.version - (isNeeded ? -1 : from) >= snapshotEvery) snapshots?.keep(root, stream);
  return root;
}

/** An aggregate made of all of its events. @throws NereusError STORE_WENT_BACK where they change while they are read */
async function replayed(aggregate: AggregateClass, log: LogReader, stream: StreamId): Promise<AggregateRoot> {
  const root = blankAggregate(aggregate);
  if ((await catchUp(root, log, stream)) === "diverged") throw wentBackWhileRead(stream);
  return root;
}

/**
 * What became of an aggregate that was brought up to its stream. `diverged`: the stream is not the one that the aggregate was made of, since the log
 * went back meanwhile. It is of no use any more.
 */
export type CaughtUp = "unchanged" | "newer" | "diverged";

/**
 * Replays onto an aggregate what its stream has after its version. While one page is applied the next is on its way. Each page
 * begins with the last message that is known, so that its id tells whether the stream is still the same.
 */
export async function catchUp(root: AggregateRoot, log: LogReader, stream: StreamId): Promise<CaughtUp> {
  const before = root.version;
  let known = AggregateRoot.seams.lastMessage(root);
  let from = known === undefined ? before + 1 : before;
  let next = log.replay(stream, from, page);
  for (;;) {
    const messages = await next;
    const isLast = messages.length < page;
    if (!isLast) {
      from += page - 1;
      next = log.replay(stream, from, page);
      next.catch(() => undefined); // heard when its turn comes, unless this page fails first
    }
    if (!goesOn(messages, known)) return "diverged";
    applyAll(root, messages);
    known = AggregateRoot.seams.lastMessage(root);
    if (!isLast) continue;
    if (root.version === before) return "unchanged";
    freezeFields(root);
    return "newer";
  }
}

/** Whether a page begins with the message that is known. */
function goesOn(messages: readonly ReplayMessage[], known: string | undefined): boolean {
  return known === undefined || messages[0]?.id === known;
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
  let id = AggregateRoot.seams.lastMessage(root);
  AggregateRoot.seams.replay(
    root,
    () => ({ version, id }),
    () => {
      for (const message of messages) {
        if (message.version === version) continue; // the one that it was known by
        const applier = appliers.get(message.type);
        const event = restoreEvent(applier?.event, message);
        assertSynchronous(name, "an .applies handler", applier?.apply(root as never, event as never));
        AggregateRoot.seams.applied(root);
        version = message.version;
        id = message.id;
      }
    },
  );
}

/** A state-stored aggregate from its document. */
export function fromDocument(aggregate: AggregateClass, document: StoredDocument): AggregateRoot {
  return restoreAggregate(aggregate, JSON.parse(document.data) as Values, document.version);
}

/**
 * The events of a stream as rows for {@link replayOnto}, one page at a time, for reads that pick among them. Each page is asked for from the last message of
 * the one before.
 *
 * @throws NereusError STORE_WENT_BACK where they change while they are read
 */
export async function* pagesOf(log: LogReader, stream: StreamId, from = 0): AsyncIterable<readonly StoredMessage[]> {
  let known: StoredMessage | undefined;
  for (;;) {
    const messages = await log.readStream(stream, { from: known?.version ?? from, limit: page });
    if (!goesOn(messages, known?.id)) throw wentBackWhileRead(stream);
    const unread = known === undefined ? messages : messages.slice(1);
    if (unread.length > 0) yield unread;
    if (messages.length < page) return;
    known = messages.at(-1);
  }
}

function wentBackWhileRead({ category, id }: StreamId): NereusError {
  return new NereusError("STORE_WENT_BACK", `The events of ${category} ${id} changed while they were read`, {
    element: category,
    fix: "Read again: what was read is not in the store any more, since it was put back to an earlier state.",
  });
}

/** History is never refused, but a rule that it breaks is not hidden either. */
function reportBrokenRules(root: AggregateRoot, stream: StreamId, log: Log): void {
  try {
    AggregateRoot.seams.verify(root);
  } catch (error) {
    log.warn(`${stream.category} ${stream.id} was loaded in a state that breaks its rules`, error);
  }
}
