import type { Capability, CollectionShape, Store } from "../ports/store.ts";

/** What a store's test gives to each case. */
export interface ConformanceHarness {
  /** A store that holds nothing yet, opened with these collections. May be called several times, for several stores. */
  create(collections?: readonly CollectionShape[]): Promise<Store>;
  /** Closes a store and opens the same data again, as a restart of the process would. Only called on durable stores. */
  reopen(store: Store, collections?: readonly CollectionShape[]): Promise<Store>;
}

/**
 * One sentence of the contract of {@link Store}, as a check that throws when a store breaks it.
 *
 * @example
 * for (const { name, run } of conformanceCases) it(name, () => run({ create, reopen }));
 */
export interface ConformanceCase {
  readonly name: string;
  /** Skip the case on a store that lacks one of these. */
  readonly requires?: readonly Capability[];
  run(harness: ConformanceHarness): Promise<void>;
}
