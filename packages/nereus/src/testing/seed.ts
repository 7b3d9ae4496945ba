import type { AnyAggregate, EventInstance } from "./instances.ts";

/** What is known of given events. */
export interface SeedOptions {
  /** Default: the tenant of the first command. */
  readonly tenant?: string | undefined;
  /** When they happened. Default: when they are recorded, by the domain's clock. */
  readonly occurredAt?: Date | undefined;
}

/** What may be given to a domain. */
export type Before = EventInstance | AnyAggregate | Seed;

/** Events and aggregates with what is known of them: made by {@link seed}. */
export class Seed {
  readonly options: SeedOptions;
  readonly items: readonly object[];

  constructor(options: SeedOptions, items: readonly object[]) {
    this.options = options;
    this.items = items;
  }
}

/**
 * Given events (or stored aggregates) of another tenant or time than the rest.
 *
 * @example
 * const lastYear = { occurredAt: new Date("2025-12-31") };
 * await given(bank, seed(lastYear, new AccountOpened({ … })), new DepositMade({ … })).when(…);
 */
export function seed(options: SeedOptions, ...before: readonly Exclude<Before, Seed>[]): Seed {
  return new Seed(options, before);
}

/** A given thing by itself, with its options. */
export interface Item {
  readonly thing: object;
  readonly options: SeedOptions;
}

export function itemsOf(before: readonly object[]): Item[] {
  return before.flatMap((thing) =>
    thing instanceof Seed
      ? thing.items.map((item) => ({ thing: item, options: thing.options }))
      : [{ thing, options: {} }],
  );
}
