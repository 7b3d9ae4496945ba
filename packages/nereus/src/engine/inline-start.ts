import { FollowedMessages } from "../application/followed-messages.ts";
import type { InlineEntry } from "../application/inline-state.ts";
import { checkpointOf, type ProjectorDefinition } from "../application/projector.ts";
import type { Runtime } from "../application/registry.ts";
import type { Commit, NoteWrite } from "../ports/store.ts";
import { always } from "./projection-runner.ts";

/**
 * Enters the inline projections of this release into the store's register. One whose checkpoint is at the end of time has every event:
 * a release from before there was a register has filled it. Any other first applies what the log has.
 */
export async function registerProjections(runtime: Runtime): Promise<void> {
  await runtime.inline.stateIn(runtime.store, false);
  for (const projector of runtime.registry.projectors.values()) {
    while (!(await isRegistered(runtime, projector))) {
      // another process changed the register at the same time: look again
    }
  }
}

/** One try. */
async function isRegistered(runtime: Runtime, projector: ProjectorDefinition): Promise<boolean> {
  const { store, inline, log } = runtime;
  const name = checkpointOf(projector);
  const own = [...projector.steps.keys()];
  const state = await inline.stateIn(store, false);
  const known = state.entries.get(name);
  if (known !== undefined) {
    if (projector.run === "async") return true;
    const types = [...new Set([...known.types, ...own])];
    const others = known.types.filter((type) => !own.includes(type));
    if (others.length > 0) {
      log.warn(
        `The rows of ${name} follow from ${others.join(", ")} in another release, for which this projector has no step: if it was changed, give it another version`,
      );
    }
    if (types.length === known.types.length) return true;
    await warnOfEarlier(
      runtime,
      projector,
      own.filter((type) => !known.types.includes(type)),
    );
    return isWritten(runtime, state.with(new Map([[name, { ...known, types }]])));
  }
  const expected = await store.records.checkpoint(name);
  if (projector.run === "async" && expected !== always) return true;
  const entry: InlineEntry = expected === always ? { types: own } : { types: own, gap: { after: 0, first: null } };
  const checkpoint = { name, expected, position: expected }; // a runner of another release must not have moved it
  return isWritten(runtime, state.with(new Map([[name, entry]])), { checkpoint });
}

/** Rows that have every event of other types lack those of a type that the projector has a step for only now. */
async function warnOfEarlier(
  runtime: Runtime,
  projector: ProjectorDefinition,
  types: readonly string[],
): Promise<void> {
  const { store, log, sources } = runtime;
  const { filter } = new FollowedMessages(await sources.read(store.records), types, projector.categories);
  const { messages } = await store.log.readLog({ after: 0, limit: 1, ...filter });
  const [first] = messages;
  if (first === undefined) return;
  log.warn(
    `The rows of ${checkpointOf(projector)} lack what ${types.join(", ")} stand for: the projector has a step for them only now, and there are such events from position ${first.position} on. Give it another version, so that its rows are made anew`,
  );
}

async function isWritten({ store, inline }: Runtime, note: NoteWrite, commit: Commit = {}): Promise<boolean> {
  const outcome = await store.commit({ ...commit, notes: [note] });
  if (outcome.status === "committed") inline.wrote(note);
  return outcome.status === "committed";
}
