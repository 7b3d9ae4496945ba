import type { Projector, ProjectorDefinition } from "../application/projector.ts";
import { Domain } from "../domain/domain.ts";
import { isForeignDomain } from "../domain/foreign-elements.ts";
import type { Tenancy } from "../domain/tenancy.ts";
import { type AggregateClass, type AggregateDefinition, AggregateRoot } from "../model/aggregate-root.ts";
import { definition, definitionOf } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { GivenAggregates, replayed } from "./aggregate-scenario.ts";
import { GivenDomain } from "./domain-scenario.ts";
import type { AggregateGiven, Given, ProjectorGiven } from "./expectations.ts";
import type { AnyAggregate, EventInstance, EventOf } from "./instances.ts";
import type { Alone, Beside, First } from "./misfit.ts";
import { assertNoClass, misuse } from "./misuse.ts";
import { GivenProjector } from "./projector-scenario.ts";
import type { Before, Seed } from "./seed.ts";

/**
 * Tests rules as sentences: given what happened before, when this is done, then that is so.
 *
 * In a domain: the domain is started if it is not. Each event goes to the end of the stream of the aggregate that lists it,
 * projections see it, and handlers of events take it as handled; state-stored aggregates are given as instances.
 *
 * @throws AssertionError naming what differs; what fails unexpectedly fails with its own error
 * @example
 * await given(bank, new AccountOpened({ accountId: "1", holder: "Ada", opening: 100 }))
 *   .when(new Withdraw({ accountId: "1", amount: 500 }))
 *   .thenRejected("Insufficient funds")
 *   .when(new Withdraw({ accountId: "1", amount: 100 }))
 *   .then(new MoneyWithdrawn({ accountId: "1", amount: 100 }))
 *   .thenState(Account, { balance: 0 })
 *   .thenRow(AccountSummary, "1", { balance: 0 });
 */
export function given<T extends Tenancy>(domain: Domain<T>, ...before: readonly Before[]): Given<T>;
/**
 * An event-sourced aggregate alone, without store and domain: its events are replayed as loading does.
 *
 * @example
 * await given(Account, new AccountOpened({ accountId: "1", holder: "Ada", opening: 100 }))
 *   .when((account) => account.withdraw(100))
 *   .then(new MoneyWithdrawn({ accountId: "1", amount: 100 }))
 *   .thenState({ balance: 0 });
 * await given(Account).when(() => Account.open({ holder: "Ada" })).thenState({ holder: "Ada" });
 */
export function given<A extends AnyAggregate>(
  aggregate: AggregateClass<A, true>,
  ...events: readonly NoInfer<EventOf<A>>[]
): AggregateGiven<[A], EventOf<A>>;
/**
 * A state-stored aggregate alone, with these fields; or none, to be made.
 *
 * @example await given(Product, { name: "Chair", stock: 1 }).when((product) => product.take(2)).thenRejected("stock");
 */
export function given<A extends AnyAggregate, I extends object>(
  aggregate: AggregateClass<A, false> & (new (input: I) => unknown),
  fields: NoInfer<I>,
): AggregateGiven<[A], EventOf<A>>;
export function given<A extends AnyAggregate>(aggregate: AggregateClass<A, false>): AggregateGiven<[], never>;
/**
 * A projector alone, in memory, after these events.
 *
 * @example await given(accountSummaries, opened).when(deposited).thenRow("1", { balance: 150 });
 */
export function given<Row extends object, NewRow>(
  projector: Projector<Row, NewRow>,
  ...events: readonly (EventInstance | Seed)[]
): ProjectorGiven<Row>;
/**
 * Aggregates in hand, any number of them, which count as stored: for domain services, values, and whatever else answers.
 *
 * @example
 * await given(order, stock).when((order, stock) => allocate({ order, stock })).thenState(stock, { available: 3 });
 * await given().when(() => new Money({ amount: 1n, currency: "EUR" }).plus(dollar)).thenRejected("currency");
 */
export function given<A extends readonly AnyAggregate[]>(...aggregates: A): AggregateGiven<A, EventOf<A[number]>>;
/** Never fits: it says what is wrong where none of the others does. */
export function given<F>(first: Alone<F>): never;
/** Never fits either. */
export function given<F, R extends Beside<F, R>>(first: First<F>, ...rest: R): never;
export function given(first?: unknown, ...rest: readonly unknown[]): object {
  const others = rest as readonly object[]; // what is none is refused where it is used
  if (first === undefined) return new GivenAggregates(() => []);
  if (first instanceof Domain) return new GivenDomain(first, others);
  if (isForeignDomain(first, Domain)) throw otherCopy();
  const projector = definitionOf<ProjectorDefinition>(first, "projector");
  if (projector !== undefined) return new GivenProjector(projector, others);
  if (definitionOf<AggregateDefinition>(first, "aggregate") !== undefined)
    return givenClass(first as AggregateClass, others);
  return givenInstances([first, ...others]);
}

function otherCopy(): NereusError {
  return new NereusError(
    "PACKAGE_DUPLICATED",
    "The domain was made by another copy of the package than nereus/testing",
    {
      fix: "Load one copy: see `npm ls nereus`, and do not mix its sources with what was built of them.",
    },
  );
}

function givenClass(aggregate: AggregateClass, others: readonly object[]): GivenAggregates {
  for (const one of others) assertNoClass("given", one);
  const { eventSourced } = aggregate[definition];
  if (eventSourced) return new GivenAggregates(() => [replayed(aggregate, others)]);
  const make = aggregate as unknown as new (input: object) => AggregateRoot;
  return new GivenAggregates(() => others.slice(0, 1).map((fields) => new make(fields)));
}

function givenInstances(instances: readonly unknown[]): GivenAggregates {
  for (const one of instances) {
    assertNoClass("given", one);
    if (!(one instanceof AggregateRoot)) throw misuse("given", one, "a domain, an aggregate, or a projector");
  }
  return new GivenAggregates(() => instances as readonly AggregateRoot[]);
}
