import type { StoredMessage } from "../log/message.ts";
import { AggregateRoot } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { Conflict } from "../ports/store.ts";
import { isChangedDocument, type Tracked } from "./commit-of.ts";
import { pagesOf, streamOf } from "./loading.ts";
import type { Reads } from "./unit-transaction.ts";

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
    const stream = streamOf(aggregate, tenant, id);
    const unseen: StoredMessage[] = [];
    for await (const messages of pagesOf(reads.log, stream, base + 1)) unseen.push(...messages);
    if (unseen.length === 0) return undefined;
    return { on: "stream", stream, expected, actual: base + unseen.length, unseen };
  }
  if (!added || !isChangedDocument(tracked)) return undefined;
  const current = (await reads.documents.get(name, tenant, [id])).get(id);
  if ((current?.version ?? -1) === base) return undefined;
  return { on: "document", collection: name, id, expected, current };
}
