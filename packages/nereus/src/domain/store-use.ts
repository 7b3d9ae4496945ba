import type { Registry } from "../application/registry.ts";
import type { Store } from "../ports/store.ts";

/** The started domains of this process that use a store, each by its registry: it is closed with the last of them. */
const users = new WeakMap<Store, Set<Registry>>();

export function takeStore(store: Store, user: Registry): void {
  const known = users.get(store) ?? new Set();
  users.set(store, known.add(user));
}

/** Closes the store, unless another domain still uses it. Safe to repeat. */
export async function leaveStore(store: Store, user: Registry, options?: Parameters<Store["close"]>[0]): Promise<void> {
  const left = users.get(store);
  left?.delete(user);
  if (left === undefined || left.size === 0) await store.close(options);
}
