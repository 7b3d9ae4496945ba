import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { messageId } from "../model/message.ts";
import { raisedMetadata } from "./event-metadata.ts";
import { eventContext, type Joining } from "./handler-context.ts";
import { nameOfEvent, type RaisedEvent } from "./raised-event.ts";
import type { Runtime } from "./registry.ts";
import type { UnitOfWork } from "./unit-of-work.ts";

/** How many events may follow from one another in one unit of work: more is a circle. */
const longestCascade = 1000;

/**
 * Runs the inline handlers of what a unit of work has raised, and of what they raise, first come, first served. All of them
 * run, also after one has failed; then nothing of the unit of work is stored.
 *
 * @throws NereusError EVENT_HANDLERS_FAILED, where several failed; of a single one, its own error
 */
export async function runInlineHandlers(runtime: Runtime, unit: UnitOfWork, joining: Joining): Promise<void> {
  const failures: unknown[] = [];
  const depths = new Map<string, number>();
  let from = 0;
  for (;;) {
    const batch = unit.raisedFrom(from);
    if (batch.length === 0) break;
    for (const raised of batch) {
      from = raised.order + 1;
      assertFinite(raised, depths);
      failures.push(...(await runHandlersOf(runtime, unit, joining, raised)));
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw severalFailed(failures);
}

async function runHandlersOf(
  runtime: Runtime,
  unit: UnitOfWork,
  joining: Joining,
  raised: RaisedEvent,
): Promise<unknown[]> {
  const { event } = raised;
  const failures: unknown[] = [];
  const context = eventContext(runtime, unit, event, raisedMetadata(raised), joining);
  for (const { handlings, run } of runtime.registry.eventHandlers) {
    if (run !== "inline") continue;
    for (const handling of handlings) {
      if (nameOfEvent(event) !== handling.event[definition].name) continue;
      try {
        await unit.lineage.during(messageId(event), () => handling.handle(event, context));
      } catch (error) {
        failures.push(error);
      }
    }
  }
  return failures;
}

/** An event is one deeper than the one that caused it. */
function assertFinite({ event, envelope }: RaisedEvent, depths: Map<string, number>): void {
  const depth = (depths.get(envelope.causationId ?? "") ?? 0) + 1;
  depths.set(messageId(event), depth);
  if (depth <= longestCascade) return;
  const name = nameOfEvent(event);
  throw new NereusError("EVENT_CASCADE_ENDLESS", `${name} follows from itself, again and again`, {
    element: name,
    fix: "Let one of the handlers in the circle check whether there is still something to do.",
  });
}

function severalFailed(failures: readonly unknown[]): NereusError {
  const messages = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  return new NereusError("EVENT_HANDLERS_FAILED", `${failures.length} event handlers failed: ${messages.join("; ")}`, {
    cause: new AggregateError(failures, "Event handlers failed"),
    fix: "See the errors of cause; nothing was stored.",
  });
}
