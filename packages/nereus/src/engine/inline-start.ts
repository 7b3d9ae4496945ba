import type { ProjectorDefinition } from "../application/projector.ts";
import type { Runtime } from "../application/registry.ts";
import { checkpointOf, ProjectionRunner } from "./projection-runner.ts";

/** The checkpoint of an inline projection: no event is after it, since commands apply each one themselves. */
const always = Number.MAX_SAFE_INTEGER;

/**
 * Brings projections over from what they were at the last start. An inline projection that is new, or was async, first
 * applies what the log has; an async projection that was inline goes on after the events that it has seen. There is
 * one checkpoint for both, moved only from what it was, so that processes that start together cannot apply an event
 * twice.
 *
 * Every process that writes must know an inline projection: what one appends without it is not in the rows.
 */
export async function settleInlineProjections(runtime: Runtime): Promise<void> {
  for (const projector of runtime.registry.projectors.values()) {
    while (!(await isSettled(runtime, projector))) {
      // another process moved the checkpoint at the same time: look again
    }
  }
}

/** One try: whether the checkpoint is now what the projector's kind asks for. */
async function isSettled(runtime: Runtime, projector: ProjectorDefinition): Promise<boolean> {
  const { store } = runtime;
  const name = checkpointOf(projector);
  const isInline = projector.run === "inline";
  if (isInline === ((await store.records.checkpoint(name)) === always)) return true;
  const head = await store.log.head();
  if (isInline) await new ProjectionRunner(runtime, projector).reach(head);
  const expected = isInline ? await store.records.checkpoint(name) : always;
  if (expected === always && isInline) return true;
  const outcome = await store.commit({ checkpoint: { name, expected, position: isInline ? always : head } });
  return outcome.status === "committed";
}
