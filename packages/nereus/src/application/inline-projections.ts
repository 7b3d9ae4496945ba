import type { DocumentWrite } from "../ports/store.ts";
import { raisedMetadata } from "./event-metadata.ts";
import type { ProjectorDefinition } from "./projector.ts";
import { nameOfEvent, type RaisedEvent } from "./raised-event.ts";
import type { Runtime } from "./registry.ts";
import { type Projected, RowSession } from "./row-session.ts";

/** The rows of inline projections that the events change, each with the version it must still have. */
export async function inlineWrites(
  runtime: Runtime,
  tenant: string,
  events: readonly RaisedEvent[],
): Promise<DocumentWrite[]> {
  const writes: DocumentWrite[] = [];
  for (const projector of runtime.registry.inline) {
    const concerned = events.filter(({ event }) => projector.steps.has(nameOfEvent(event)));
    if (concerned.length > 0) writes.push(...(await project(runtime, tenant, projector, concerned)));
  }
  return writes;
}

async function project(
  runtime: Runtime,
  tenant: string,
  projector: ProjectorDefinition,
  events: readonly RaisedEvent[],
): Promise<DocumentWrite[]> {
  const session = new RowSession(projector, runtime.store.documents, tenant);
  const entries: Projected[] = events.map((raised) => ({ event: raised.event, metadata: raisedMetadata(raised) }));
  await session.prefetch(entries);
  for (const entry of entries) if (!session.applyNow(entry)) await session.apply(entry);
  return session.writes(true);
}
