import type { Envelope } from "../log/event-types.ts";
import type { StreamId } from "../log/message.ts";
import { definition, type Element } from "../model/element.ts";
import type { DocumentWrite } from "../ports/store.ts";
import { raisedMetadata } from "./event-metadata.ts";
import type { ProjectorDefinition } from "./projector.ts";
import type { Runtime } from "./registry.ts";
import { type Projected, RowSession } from "./row-session.ts";

/** The aggregate that an event comes from. */
export interface EventSource {
  readonly stream: StreamId;
  /** The version that its stream has in the store, -1 for a new one; undefined for a state-stored aggregate. */
  readonly base: number | undefined;
}

/** An event that a unit of work is about to append. */
export interface RaisedEvent {
  readonly event: object;
  /** Its place among all events raised in this process. */
  readonly order: number;
  readonly source: EventSource;
  /** The version it will have; -1 where only the store knows (state-stored aggregates). */
  readonly version: number;
  readonly envelope: Envelope;
}

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

export function nameOfEvent(event: object): string {
  return (event.constructor as unknown as Element)[definition].name;
}
