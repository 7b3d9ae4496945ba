import type { Store } from "../../ports/store.ts";
import { MemoryStore } from "./store.ts";

/**
 * A store in the memory of this process, for tests and first steps: everything the durable stores do, with the same
 * answers, until the process ends. `close` followed by `open` finds the data again, as a restart would.
 *
 * @example
 * const bank = new Domain("bank", { store: memory(), elements });
 */
export function memory(): Store {
  return new MemoryStore();
}
