import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { messageId } from "../model/message.ts";
import { raisedMetadata } from "./event-metadata.ts";
import { eventContext, type Joining } from "./handler-context.ts";
import { nameOfEvent, type RaisedEvent } from "./raised-event.ts";
import type { Runtime } from "./registry.ts";
import type { UnitOfWork } from "./unit-of-work.ts";

/** How often, and how many, events may follow from one another in one unit of work: more is a circle. */
const longestCascade = 1000;
const largestCascade = 100_000;

/**
 * Runs the inline handlers of what a unit of work has raised, and of what they raise, first come, first served. All of them
 * run, also after one has failed; then nothing of the unit of work is stored.
 *
 * @throws NereusError EVENT_HANDLERS_FAILED, where several failed; of a single one, its own error
 */
export async function runInlineHandlers(runtime: Runtime, unit: UnitOfWork, joining: Joining): Promise<void> {
  const failures: unknown[] = [];
  const handled = new Set<object>();
  let raisedByCommand = 0;
  for (let generation = 0; ; generation++) {
    const batch = unit.raisedBesides(handled);
    if (batch.length === 0) break;
    if (generation === 0) raisedByCommand = batch.length;
    if (generation > longestCascade || handled.size - raisedByCommand > largestCascade) throw endless(batch);
    for (const raised of batch) {
      handled.add(raised.event);
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

function endless([first]: readonly RaisedEvent[]): NereusError {
  const name = first === undefined ? "An event" : nameOfEvent(first.event);
  return new NereusError("EVENT_CASCADE_ENDLESS", `${name} follows from itself, again and again`, {
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
