import { definition } from "../model/element.ts";
import type { DocumentWrite, NoteWrite, Store } from "../ports/store.ts";
import { raisedMetadata } from "./event-metadata.ts";
import { projecting } from "./handling.ts";
import type { InlinePlan } from "./inline-register.ts";
import type { ProjectorDefinition } from "./projector.ts";
import { nameOfEvent, type RaisedEvent } from "./raised-event.ts";
import type { Runtime } from "./registry.ts";
import { type Projected, RowSession } from "./row-session.ts";
import type { UnitTransaction } from "./unit-transaction.ts";

/** What a commit of events has besides them. */
export interface InlineParts {
  /** Each with the version that it must still have. */
  readonly rows: readonly DocumentWrite[];
  /** What the commit expects of the register, or says of the projections that it leaves out; and the shapes of events that are stored for the first time. */
  readonly notes: readonly NoteWrite[];
}

/** The rows of inline projections that the events change, what is said of those that are left out, and the shapes that are to be kept. */
export async function inlineParts(
  runtime: Runtime,
  tenant: string,
  events: readonly RaisedEvent[],
  transaction: UnitTransaction,
): Promise<InlineParts> {
  const shapes = await runtime.shapes.notesFor(events, transaction);
  const { projectors, notes } = await planned(runtime, events, transaction);
  const rows: DocumentWrite[] = [];
  for (const projector of projectors) {
    const concerned = events.filter(({ event }) => projector.steps.has(nameOfEvent(event)));
    if (concerned.length > 0) rows.push(...(await project(runtime.store, transaction, tenant, projector, concerned)));
  }
  return { rows, notes: shapes.length === 0 ? notes : [...notes, ...shapes] };
}

async function planned(
  { inline, store }: Runtime,
  events: readonly RaisedEvent[],
  transaction: UnitTransaction,
): Promise<InlinePlan> {
  const { reads, isJoined } = transaction;
  let state = isJoined ? await inline.stateIn(reads, true) : inline.state;
  for (;;) {
    const plan = await inline.plan(state, events, () => reads.log.head());
    const [note] = plan.notes;
    if (note?.data === undefined || store.capabilities.has("transactional")) return plan;
    // a store of two parts may not take the note together with messages: it is changed before them
    const outcome = await store.commit({ notes: plan.notes });
    if (outcome.status === "committed") inline.wrote(note);
    else await inline.stateIn(reads, false);
    state = inline.state;
  }
}

async function project(
  store: Store,
  transaction: UnitTransaction,
  tenant: string,
  projector: ProjectorDefinition,
  events: readonly RaisedEvent[],
): Promise<DocumentWrite[]> {
  const { name } = projector.projection[definition];
  const session = new RowSession(
    projector,
    () => transaction.reads.documents,
    tenant,
    () => transaction,
  );
  const entries: Projected[] = events.map((raised) => ({ event: raised.event, metadata: raisedMetadata(raised) }));
  await session.prefetch(entries);
  for (const entry of entries) {
    if (!session.applyNow(entry)) await projecting(name, store, () => session.apply(entry));
  }
  return session.writes(true);
}
