import type { EventHandlersDefinition } from "../application/event-handlers.ts";
import type { Joining } from "../application/handler-context.ts";
import type { Runtime } from "../application/registry.ts";
import type { WorkProcessor } from "../application/work-processor.ts";
import { EventRunner, subscriptionOf } from "./event-runner.ts";

interface Surroundings {
  readonly runtime: Runtime;
  readonly work: WorkProcessor;
  readonly joining: Joining;
}

/** Where inline handlers stand that were async before: no event is after it, since each command runs them itself. */
const always = Number.MAX_SAFE_INTEGER;

/**
 * Says of async event handlers that are new, or were inline, where they begin: after what the log has already, since a handler with
 * effects must not run for what happened before it was there. From then on they miss nothing, whether an engine runs or not.
 * Inline handlers that were async first handle what is left.
 *
 * @throws NereusError EVENT_HANDLER_FAILED
 */
export async function beginSubscriptions(surroundings: Surroundings): Promise<void> {
  for (const own of surroundings.runtime.registry.eventHandlers) {
    const settle = own.run === "async" ? isBegun : isEnded;
    while (!(await settle(surroundings, own))) {
      // another process moved the checkpoint at the same time: look again
    }
  }
}

async function isBegun({ runtime: { store } }: Surroundings, own: EventHandlersDefinition): Promise<boolean> {
  const name = subscriptionOf(own);
  const isKnown = (await store.records.idempotency("", name)) !== undefined;
  const expected = await store.records.checkpoint(name);
  if (isKnown && expected !== always) return true;
  const position = await store.log.head();
  // if another process does the same at this moment, one of both is answered as a duplicate
  const outcome = await store.commit({
    ...(position === expected ? {} : { checkpoint: { name, expected, position } }),
    ...(isKnown ? {} : { idempotency: { tenant: "", key: name, fingerprint: name, result: null } }),
  });
  return outcome.status !== "conflict";
}

async function isEnded({ runtime, work, joining }: Surroundings, own: EventHandlersDefinition): Promise<boolean> {
  const { store } = runtime;
  const name = subscriptionOf(own);
  if ((await store.records.idempotency("", name)) === undefined) return true; // it was never async
  if ((await store.records.checkpoint(name)) === always) return true;
  await new EventRunner(runtime, work, joining, own).reach(await store.log.head());
  const expected = await store.records.checkpoint(name);
  if (expected === always) return true;
  return (await store.commit({ checkpoint: { name, expected, position: always } })).status === "committed";
}
