import type { StoredMessage, StreamId } from "../log/message.ts";
import { AggregateRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { Conflict } from "../ports/store.ts";
import { isChangedDocument, type Tracked } from "./commit-of.ts";
import { pagesOf, streamOf } from "./loading.ts";
import type { Reads } from "./unit-reads.ts";

/**
 * The conflict that a commit of an aggregate would meet now, if there is one: for what fails before the commit because it rests on rows that are
 * newer than the aggregate.
 */
export async function conflictWith(tracked: Tracked, tenant: string, reads: Reads): Promise<Conflict | undefined> {
  const { root, aggregate, id, base, added } = tracked;
  const { name, eventSourced } = aggregate[definition];
  const expected = base === -1 ? "none" : base;
  if (eventSourced) {
    if (!added || AggregateRoot.seams.pending(root).length === 0) return undefined;
    return conflictOn(streamOf(aggregate, tenant, id), tracked, reads);
  }
  if (!added || !isChangedDocument(tracked)) return undefined;
  const current = (await reads.documents.get(name, tenant, [id])).get(id);
  if ((current?.version ?? -1) === base) return undefined;
  return { on: "document", collection: name, id, expected, current };
}

async function conflictOn(stream: StreamId, { root, base }: Tracked, { log }: Reads): Promise<Conflict | undefined> {
  const read: StoredMessage[] = [];
  for await (const messages of pagesOf(log, stream, Math.max(base, 0))) read.push(...messages);
  const unseen = base === -1 ? read : read.slice(1);
  const actual = read.at(-1)?.version ?? -1;
  const conflict = { on: "stream", stream, expected: base === -1 ? "none" : base, actual } as const;
  const known = AggregateRoot.seams.lastMessage(root);
  if (known !== undefined && read[0]?.id !== known) return { ...conflict, unseen: [], diverged: true };
  return unseen.length === 0 ? undefined : { ...conflict, unseen };
}
