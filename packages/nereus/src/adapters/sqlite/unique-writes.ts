import type { Conflict, DocumentWrite } from "../../ports/store.ts";
import { LastWrites } from "../last-writes.ts";
import type { UniqueFields } from "./collection-table.ts";
import { putDocument, removeDocument } from "./documents.ts";
import type { Session } from "./session.ts";

/** A document as it stands until the last write that a commit has for it. */
const withoutValues = "{}";

/**
 * Writes the documents of a commit whose values have to be unique or, where they are not, none of them. Every write but a
 * document's last leaves it without values, and so does whatever is in the way and is still to be written: so only what
 * the commit comes to is held against the others.
 */
export function writeUniqueDocuments(session: Session, writes: readonly DocumentWrite[]): Conflict | undefined {
  if (!session.tables.anyUnique) return undefined;
  const held = writes.filter(({ collection }) => session.tables.get(collection).unique.length > 0);
  if (held.length === 0) return undefined;
  // One write alone finds out before it writes.
  if (held.length === 1) return writeEach(session, held);
  const { connection } = session;
  connection.prepare("SAVEPOINT nereus_unique").run();
  const conflict = writeEach(session, held);
  if (conflict !== undefined) connection.prepare("ROLLBACK TO nereus_unique").run();
  connection.prepare("RELEASE nereus_unique").run();
  return conflict;
}

function writeEach(session: Session, writes: readonly DocumentWrite[]): Conflict | undefined {
  const last = new LastWrites(writes);
  for (const [at, write] of writes.entries()) {
    const { collection, data } = write;
    const table = session.tables.get(collection);
    if (data === null) {
      removeDocument(session.connection, table, write);
      continue;
    }
    const isLast = last.placeOf(write) === at;
    const conflict = isLast ? conflictOf(session, write, data, (other) => (last.placeOf(other) ?? -1) > at) : undefined;
    if (conflict !== undefined) return conflict;
    putDocument(session.connection, table, write, isLast ? data : withoutValues);
  }
  return undefined;
}

function conflictOf(
  session: Session,
  { collection, tenant, id }: DocumentWrite,
  data: string,
  isStillToBeWritten: (document: Pick<DocumentWrite, "collection" | "tenant" | "id">) => boolean,
): Conflict | undefined {
  const table = session.tables.get(collection);
  for (const { fields, holder: find } of table.unique) {
    const holder = holderOf(session, { fields, holder: find }, tenant, data, id);
    if (holder === undefined) continue;
    if (!isStillToBeWritten({ collection, tenant, id: holder })) {
      return { on: "unique", collection, id, fields: [...fields], holder };
    }
    session.connection.prepare(table.release).run(tenant, holder);
  }
  return undefined;
}

function holderOf(
  { connection }: Session,
  { holder }: UniqueFields,
  tenant: string,
  data: string,
  id: string,
): string | undefined {
  const row = connection.prepare(holder).get(tenant, data, id);
  return row === undefined ? undefined : String(row[0]);
}
