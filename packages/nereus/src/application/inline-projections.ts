import { definition } from "../model/element.ts";
import type { DocumentWrite, Store } from "../ports/store.ts";
import { raisedMetadata } from "./event-metadata.ts";
import { projecting } from "./handling.ts";
import type { ProjectorDefinition } from "./projector.ts";
import { nameOfEvent, type RaisedEvent } from "./raised-event.ts";
import type { Runtime } from "./registry.ts";
import { type Projected, RowSession } from "./row-session.ts";
import type { UnitTransaction } from "./unit-transaction.ts";

/** The rows of inline projections that the events change, each with the version it must still have. */
export async function inlineWrites(
  runtime: Runtime,
  tenant: string,
  events: readonly RaisedEvent[],
  transaction: UnitTransaction,
): Promise<DocumentWrite[]> {
  const writes: DocumentWrite[] = [];
  for (const projector of runtime.registry.inline) {
    const concerned = events.filter(({ event }) => projector.steps.has(nameOfEvent(event)));
    if (concerned.length > 0) writes.push(...(await project(runtime.store, transaction, tenant, projector, concerned)));
  }
  return writes;
}

async function project(
  store: Store,
  transaction: UnitTransaction,
  tenant: string,
  projector: ProjectorDefinition,
  events: readonly RaisedEvent[],
): Promise<DocumentWrite[]> {
  const { name } = projector.projection[definition];
  const session = new RowSession(projector, transaction.reads.documents, tenant, () => transaction.handle);
  const entries: Projected[] = events.map((raised) => ({ event: raised.event, metadata: raisedMetadata(raised) }));
  await session.prefetch(entries);
  for (const entry of entries) {
    if (!session.applyNow(entry)) await projecting(name, store, () => session.apply(entry));
  }
  return session.writes(true);
}
