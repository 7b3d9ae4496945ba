import type { Append, Capability, CollectionShape, Store } from "../ports/store.ts";

/** Messages that a transaction has written and not yet committed. */
export interface HeldAppend {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** What a store's test gives to each case. */
export interface ConformanceHarness {
  /** A store that holds nothing yet, opened with these collections. May be called several times, for several stores. */
  create(collections?: readonly CollectionShape[]): Promise<Store>;
  /** Closes a store and opens the same data again, as a restart of the process would. Only called on durable stores. */
  reopen(store: Store, collections?: readonly CollectionShape[]): Promise<Store>;
  /** Another store of the same data, opened beside it, as another process has it. Leave it out where one process has the data for itself. */
  another?(store: Store, collections?: readonly CollectionShape[]): Promise<Store>;
  /**
   * Writes an append in a transaction that stays open, as a slow client's does; resolves once it is written. Called several times at once. Leave it out
   * where nothing can be written without being committed in the same breath.
   */
  hold?(store: Store, append: Append): Promise<HeldAppend>;
  /** Crashes the server under the store, and has it run again before it resolves. Leave it out where there is no server. */
  crash?(store: Store): Promise<void>;
}

/** What a harness may leave out. */
export type ConformanceHook = "another" | "hold" | "crash";

/**
 * One sentence of the contract of {@link Store}, as a check that throws when a store breaks it.
 *
 * @example
 * for (const { name, run } of conformanceCases) it(name, () => run({ create, reopen }), 60_000); // a limit for what hangs
 */
export interface ConformanceCase {
  readonly name: string;
  /** Skip the case on a store that lacks one of these. */
  readonly requires?: readonly Capability[];
  /** Skip the case with a harness that lacks one of these. */
  readonly needs?: readonly ConformanceHook[];
  run(harness: ConformanceHarness): Promise<void>;
}

const missing: Readonly<Record<ConformanceHook, string>> = {
  another: "the harness opens no second store of the same data",
  hold: "the harness holds no transaction open",
  crash: "the harness crashes no server",
};

/**
 * Why a case is not to be run on a store; undefined where it is.
 *
 * @param hooks those that the harness has
 * @example
 * const reason = reasonToSkip(one, store.capabilities, ["another"]);
 */
export function reasonToSkip(
  { requires = [], needs = [] }: ConformanceCase,
  capabilities: ReadonlySet<Capability>,
  hooks: readonly ConformanceHook[] = [],
): string | undefined {
  const lacking = requires.filter((capability) => !capabilities.has(capability));
  if (lacking.length > 0) return `the store is not ${lacking.join(" and ")}`;
  const [hook] = needs.filter((need) => !hooks.includes(need));
  return hook === undefined ? undefined : missing[hook];
}
