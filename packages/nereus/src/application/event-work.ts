import type { StoredMessage } from "../log/message.ts";
import type { CheckpointMove } from "../ports/store.ts";
import { causeOf } from "./cause.ts";
import type { EventHandling } from "./event-handlers.ts";
import { storedMetadata } from "./event-metadata.ts";
import { eventContext, type Joining } from "./handler-context.ts";
import type { Runtime } from "./registry.ts";
import type { Work } from "./work.ts";

/** What makes the handling of an event happen once: a key of its own, or the subscription's step to it. */
export type Once = { readonly key: string } | { readonly checkpoint: CheckpointMove };

/** The handling of a stored event, after it was committed, as a piece of work. */
export function eventWork(
  runtime: Runtime,
  joining: Joining,
  message: StoredMessage,
  { name, handle, once }: { readonly name: string; readonly handle: EventHandling; readonly once: Once },
): Work {
  const { id, causationId, correlationId, traceparent, stream } = message;
  const { tenant } = stream;
  const metadata = storedMetadata(message);
  const origin = { id, causationId, correlationId, tenant, traceparent, extensions: metadata.extensions };
  return {
    name,
    subject: name,
    tenant,
    target: undefined,
    claim: "key" in once ? { tenant, key: once.key, fingerprint: name } : undefined,
    checkpoint: "checkpoint" in once ? once.checkpoint : undefined,
    cause: (recordedAt) => causeOf(origin, recordedAt),
    run: async (unit) => {
      const event = runtime.registry.events.restore(message, id);
      await handle(event, eventContext(runtime, unit, event, metadata, joining));
    },
  };
}
