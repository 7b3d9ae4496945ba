import type { Registry } from "../application/registry.ts";
import { shapesAtStart } from "../application/shapes-at-start.ts";
import { refuseMarksAhead } from "../engine/marks-at-start.ts";
import { beginSubscriptions } from "../engine/subscription-start.ts";
import { collectionsOf } from "./collections.ts";
import type { DomainOptions } from "./domain-options.ts";
import { assemble, type Running } from "./running.ts";
import type { Starting } from "./starting.ts";
import { claimStore } from "./store-ownership.ts";
import type { Tenancy } from "./tenancy.ts";

/** Opens the store and does with it all that comes before the first command. */
export async function opened<T extends Tenancy>(
  name: string,
  registry: Registry,
  options: DomainOptions<T>,
  starting: Starting,
): Promise<Running> {
  const { store, formerly = [] } = options;
  await store.open([]); // another domain's store gets no tables
  starting.assertAwaited();
  await claimStore(store, name, formerly);
  const shapes = await shapesAtStart(store, registry.events.classes);
  starting.assertAwaited(); // to open it again would leave it open
  await store.open(collectionsOf(registry.aggregates.values(), registry.projectors.values()));
  starting.assertAwaited();
  const running = assemble(registry, shapes, options);
  try {
    if (store.readOnly === true) return running;
    await running.runtime.fingerprints.begin(store);
    await refuseMarksAhead(running.runtime);
    await running.runtime.sources.begin(store);
    await running.inline.start();
    await beginSubscriptions(running);
    await running.sentCommands.begin();
    return running;
  } catch (error) {
    await running.inline.stop().catch(() => undefined); // why the start failed says more
    throw error;
  }
}
