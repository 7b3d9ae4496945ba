import type { AggregateClass } from "../model/aggregate-root.ts";
import { define, definition, type Element, nameOf } from "../model/element.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { HistoryEntry, PastOptions } from "./history.ts";
import type { Page, PageSelection, Selection, Where } from "./selection.ts";
import type { View } from "./view.ts";

/** What every repository offers to readers. Loading an aggregate twice in a unit of work gives the same instance. */
interface Lookup<A> {
  /** @throws AggregateNotFoundError AGGREGATE_NOT_FOUND */
  get(id: string): Promise<A>;
  /** Like `get`, but undefined if there is no such aggregate. */
  find(id: string): Promise<A | undefined>;
  exists(id: string): Promise<boolean>;
}

/** State-stored aggregates within a unit of work: what is added or removed is written at its end. */
export interface Repository<A> extends Lookup<A> {
  /**
   * The aggregates that match, as of the last commit: all of them, unless there is a limit. One that this unit of work has
   * in hand already is the instance in hand, as it is now; one that it has removed is left out.
   *
   * @throws NereusError UNKNOWN_FIELD or OPTION_INVALID
   * @example
   * await repository(Product).query({
   *   where: { status: "active", price: { amount: { lt: 100n } }, or: [{ stock: { gt: 0 } }, { madeToOrder: true }] },
   *   orderBy: { name: "asc" }, limit: 50,
   * });
   */
  query(selection?: Selection<A>): Promise<A[]>;
  /**
   * The next of the aggregates that match, and where to go on: as stable as a list can be that changes while it is read.
   *
   * @example
   * const { items, next } = await repository(Product).page({ orderBy: { name: "asc" }, limit: 50, after: request.cursor });
   */
  page(selection: PageSelection<A>): Promise<Page<A>>;
  /** How many match, as of the last commit. */
  count(where?: Where<A>): Promise<number>;
  /**
   * Saves the aggregate with the unit of work, whether it is new or changed.
   *
   * @throws NereusError AGGREGATE_DUPLICATE for a second instance of the same aggregate
   */
  add(aggregate: A): Promise<void>;
  /**
   * Removes the aggregate with the unit of work, if nobody has changed it meanwhile. Events that it raised are appended all the
   * same, so that others learn of it.
   *
   * @throws ConcurrencyError AGGREGATE_EXISTS, at the end, for a new instance in the place of a stored one
   */
  remove(aggregate: A): Promise<void>;
}

/** Event-sourced aggregates within a unit of work. What they were is never removed. */
export interface EventSourcedRepository<A> extends Lookup<A> {
  /**
   * @throws AggregateNotFoundError AGGREGATE_NOT_FOUND, or VERSION_NOT_FOUND for a past that is not there
   * @example await repository(Account).get(id, { asOf: new Date("2026-03-15") });
   */
  get(id: string, past?: PastOptions): Promise<A>;
  /** The events of an aggregate in order, read page by page. */
  history(id: string): AsyncIterable<HistoryEntry>;
  /**
   * Saves what the aggregate raised with the unit of work.
   *
   * @throws NereusError AGGREGATE_DUPLICATE for a second instance of the same aggregate
   */
  add(aggregate: A): Promise<void>;
}

/** What a repository is asked for by: an aggregate's class, or a custom repository's. */
export type RepositoryClass = AggregateClass | CustomRepositoryClass;

/** The definition behind a custom repository's class. */
export interface RepositoryDefinition {
  readonly kind: "repository";
  readonly name: string;
  readonly aggregate: AggregateClass;
  /** The kind of aggregate that it is made for. */
  readonly eventSourced: boolean;
}

/** What both kinds of repository come to, without their types: an aggregate of the other kind is refused when it runs. */
export interface AnyRepository extends Repository<object>, EventSourcedRepository<object>, CustomRepositoryTools {
  get(id: string, past?: PastOptions): Promise<object>;
}

/** What a repository works with: handed in by the framework. */
export interface RepositoryAccess {
  readonly inner: AnyRepository;
}

/** Any class that extends `Repository(…)` or `EventSourcedRepository(…)`. */
export interface CustomRepositoryClass<R = object> extends Element<"repository"> {
  readonly [definition]: RepositoryDefinition;
  readonly prototype: R;
  new (access: RepositoryAccess): R;
}

/** The repository that a class stands for. */
export type RepositoryOf<C> =
  C extends CustomRepositoryClass<infer R>
    ? R
    : C extends AggregateClass<infer A, infer EventSourced>
      ? [EventSourced] extends [never] // of a decorated class, only its decorator says which
        ? EventSourcedRepository<A> & Repository<A>
        : EventSourced extends true
          ? EventSourcedRepository<A>
          : Repository<A>
      : never;

/** A repository for reading only. */
export type Repositories<R> = Omit<R, "add" | "remove">;

/** What a custom repository has besides: the read side, for looking things up by other fields than the identity. */
export interface CustomRepositoryTools {
  /** The rows of a projection, as of the last commit. */
  view<Row extends object>(projection: ProjectionClass<Row>): View<Row>;
}

/**
 * A repository with queries of its own, by name. List the class among the domain's elements: `repository(Product)` then returns it, and
 * `repository(ProductRepository)` does so with its type.
 * Each call makes one anew. A `get` or `add` that it overrides is also that of `.create` and `.update`.
 *
 * @example
 * class ProductRepository extends Repository(Product) {
 *   cheaperThan(price: number) { return this.query({ where: { price: { lt: price } } }); }
 * }
 */
export function Repository<A extends object>(
  aggregate: AggregateClass<A, false>,
): CustomRepositoryClass<Repository<A> & CustomRepositoryTools> {
  return customRepository(aggregate, false) as never; // one class serves every aggregate
}

/**
 * Like {@link Repository}, for an event-sourced aggregate: what is looked up by other fields comes from a projection.
 *
 * @example
 * class AccountRepository extends EventSourcedRepository(Account) {
 *   async openedBy(holder: string) {
 *     const rows = await this.view(AccountSummary).find({ where: { holder } });
 *     return Promise.all(rows.map((row) => this.get(row.accountId)));
 *   }
 * }
 */
export function EventSourcedRepository<A extends object>(
  aggregate: AggregateClass<A, true>,
): CustomRepositoryClass<EventSourcedRepository<A> & CustomRepositoryTools> {
  return customRepository(aggregate, true) as never; // one class serves every aggregate
}

function customRepository(aggregate: AggregateClass, eventSourced: boolean): object {
  const name = `repository(${nameOf(aggregate)})`;
  const own: RepositoryDefinition = { kind: "repository", name, aggregate, eventSourced };
  return define(CustomRepository, own);
}

/** Whether a custom repository does something its own way. */
export function overrides(custom: CustomRepositoryClass, method: "get" | "add"): boolean {
  return (custom.prototype as AnyRepository)[method] !== CustomRepository.prototype[method];
}

/** Everything as the framework's own repository does it, for a user's class to build on. */
class CustomRepository implements AnyRepository {
  readonly #inner: AnyRepository;

  constructor({ inner }: RepositoryAccess) {
    this.#inner = inner;
  }

  get(id: string, past?: PastOptions): Promise<object> {
    return this.#inner.get(id, past);
  }

  find(id: string): Promise<object | undefined> {
    return this.#inner.find(id);
  }

  exists(id: string): Promise<boolean> {
    return this.#inner.exists(id);
  }

  history(id: string): AsyncIterable<HistoryEntry> {
    return this.#inner.history(id);
  }

  query(selection?: Selection<object>): Promise<object[]> {
    return this.#inner.query(selection);
  }

  page(selection: PageSelection<object>): Promise<Page<object>> {
    return this.#inner.page(selection);
  }

  count(where?: Where<object>): Promise<number> {
    return this.#inner.count(where);
  }

  add(aggregate: object): Promise<void> {
    return this.#inner.add(aggregate);
  }

  remove(aggregate: object): Promise<void> {
    return this.#inner.remove(aggregate);
  }

  view<Row extends object>(projection: ProjectionClass<Row>): View<Row> {
    return this.#inner.view(projection);
  }
}
