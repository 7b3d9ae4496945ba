import type { EventHandlersDefinition } from "../application/event-handlers.ts";
import type { Runtime } from "../application/registry.ts";
import { subscriptionOf } from "./event-runner.ts";

/**
 * Says of async event handlers that are new where they begin: after what the log has already, since a handler with effects must not
 * run for what happened before it was there. From then on they miss nothing, whether an engine runs or not.
 */
export async function beginSubscriptions({ registry, store }: Runtime): Promise<void> {
  for (const own of registry.eventHandlers) if (own.run === "async") await begin(store, own);
}

async function begin(store: Runtime["store"], own: EventHandlersDefinition): Promise<void> {
  const name = subscriptionOf(own);
  if ((await store.records.idempotency("", name)) !== undefined) return;
  const head = await store.log.head();
  const expected = await store.records.checkpoint(name);
  // if another process does the same at this moment, one of both is answered as a duplicate
  await store.commit({
    ...(head > expected ? { checkpoint: { name, expected, position: head } } : {}),
    idempotency: { tenant: "", key: name, fingerprint: name, result: null },
  });
}
