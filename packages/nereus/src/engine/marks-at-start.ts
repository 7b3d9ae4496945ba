import { InlineState, inlineNote } from "../application/inline-state.ts";
import { checkpointOf } from "../application/projector.ts";
import type { Runtime } from "../application/registry.ts";
import { commandsCheckpoint, commandsSubject } from "./command-runner.ts";
import { handlersSubject, subscriptionOf } from "./event-runner.ts";
import { projectionSubject } from "./projection-runner.ts";
import { assertInLog, type Mark } from "./stored-checkpoint.ts";

/**
 * Refuses to start on a log that lacks events which something of this domain has seen: projections, event handlers, sent commands, and inline
 * projections that another release has left out.
 *
 * @throws NereusError STORE_WENT_BACK
 */
export async function refuseMarksAhead({ store, registry }: Runtime): Promise<void> {
  const { records } = store;
  const projectors = [...registry.projectors.values()];
  const named = [
    ...projectors.map((own) => ({ name: checkpointOf(own), subject: projectionSubject(own) })),
    ...registry.eventHandlers.map((own) => ({ name: subscriptionOf(own), subject: handlersSubject(own) })),
    { name: commandsCheckpoint, subject: commandsSubject },
  ];
  const [note, ...marks] = await Promise.all([
    records.note(inlineNote),
    ...named.map(async (own): Promise<Mark> => ({ ...own, position: await records.checkpoint(own.name) })),
  ]);
  const { entries } = new InlineState(note, []);
  for (const own of projectors) {
    const { gap } = entries.get(checkpointOf(own)) ?? {};
    if (gap !== undefined) marks.push({ name: inlineNote, subject: projectionSubject(own), position: gap.after });
  }
  await assertInLog(store, marks);
}
