import type { ProjectorDefinition } from "../application/projector.ts";
import type { Runtime } from "../application/registry.ts";
import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { checkpointOf, ProjectionRunner } from "./projection-runner.ts";

/**
 * Brings projections over from what they were at the last start. An inline projection that is new, or was async, first
 * applies what the log has; a mark says that commands keep it up to date from then on. An async projection that was
 * inline goes on after the events that it has seen, and the mark goes.
 *
 * Every process that writes must know an inline projection: what another one appends without it is not in the rows.
 */
export async function settleInlineProjections(runtime: Runtime): Promise<void> {
  for (const projector of runtime.registry.projectors.values()) {
    const mark = markOf(projector);
    const marked = await runtime.store.records.checkpoint(mark);
    if (projector.run === "inline" && marked === 0) await becomeInline(runtime, projector, mark);
    if (projector.run === "async" && marked !== 0) await becomeAsync(runtime, projector, mark, marked);
  }
}

function markOf({ projection, version }: ProjectorDefinition): string {
  return `inline:${projection[definition].name}:${version}`;
}

async function becomeInline(runtime: Runtime, projector: ProjectorDefinition, mark: string): Promise<void> {
  const head = await runtime.store.log.head();
  await new ProjectionRunner(runtime, projector).reach(head);
  await move(runtime, mark, 0, Math.max(1, head)); // 0 would be no mark at all
}

async function becomeAsync(
  runtime: Runtime,
  projector: ProjectorDefinition,
  mark: string,
  marked: number,
): Promise<void> {
  const name = checkpointOf(projector);
  const expected = await runtime.store.records.checkpoint(name);
  await move(runtime, name, expected, await runtime.store.log.head());
  await move(runtime, mark, marked, 0);
}

async function move(runtime: Runtime, name: string, expected: number, position: number): Promise<void> {
  const outcome = await runtime.store.commit({ checkpoint: { name, expected, position } });
  if (outcome.status === "committed") return;
  throw new NereusError("CONCURRENCY_CONFLICT", `Another process started at the same time and moved ${name}`, {
    element: name,
    fix: "Start again.",
  });
}
