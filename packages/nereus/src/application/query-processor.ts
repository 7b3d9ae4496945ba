import { definition } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { messageDefinition, messageId, type Returning } from "../model/message.ts";
import { didYouMean } from "../model/nearest.ts";
import type { ProjectionClass } from "../model/projection.ts";
import { AggregateCache } from "./aggregate-cache.ts";
import { nothingCarried } from "./carried.ts";
import { causeOf } from "./cause.ts";
import type { QueryContext } from "./context.ts";
import { viewIn } from "./projection-views.ts";
import type { QueryRoute, Runtime } from "./registry.ts";
import { repositoryIn } from "./repositories.ts";
import { UnitOfWork } from "./unit-of-work.ts";
import type { UnitTransaction } from "./unit-transaction.ts";

/** Takes a query to its handler. Queries read what is committed, and write nothing. */
export class QueryProcessor {
  readonly #runtime: Runtime;

  /** Aggregates that a query loads are its own: the cache is for commands. */
  constructor(runtime: Runtime) {
    this.#runtime = { ...runtime, cache: new AggregateCache(0) };
  }

  /** @param within what a handler that asks reads through */
  async ask(query: object, tenant: string, within?: UnitTransaction): Promise<unknown> {
    const route = this.#route(query);
    return route.run(query, this.#context(route, query, tenant, within));
  }

  #context(
    route: QueryRoute,
    query: object,
    tenant: string,
    within: UnitTransaction | undefined,
  ): QueryContext<object> {
    const unit = this.#readingUnit(query, tenant);
    if (within !== undefined) unit.writing = within;
    return {
      view: viewIn(this.#runtime, route.projection as ProjectionClass<object>, tenant, within),
      viewOf: (projection) => viewIn(this.#runtime, projection, tenant, within),
      repository: (of) => repositoryIn(this.#runtime, unit, of, true),
      query: <R>(inner: Returning<R, "query">): Promise<R> => this.ask(inner, tenant, within) as Promise<R>,
      tenant,
      clock: this.#runtime.clock,
      log: this.#runtime.log,
    };
  }

  /** Loads each aggregate once, and never commits. */
  #readingUnit(query: object, tenant: string): UnitOfWork {
    const id = messageId(query);
    const origin = { id, tenant, causationId: null, correlationId: id, traceparent: null, extensions: {} };
    const cause = causeOf(origin, this.#runtime.clock.now().getTime());
    return new UnitOfWork(this.#runtime, cause, nothingCarried, "query");
  }

  #route(query: object): QueryRoute {
    const own = messageDefinition(query, "query");
    const route = own === undefined ? undefined : this.#runtime.registry.queries.get(own.name);
    if (route !== undefined && route.query[definition] === own) return route;
    const name = own?.name ?? String((query as object | undefined)?.constructor?.name ?? query);
    throw new NereusError("UNKNOWN_QUERY", `Domain ${this.#runtime.registry.domain} handles no query ${name}`, {
      element: name,
      fix: `${didYouMean(name, this.#runtime.registry.queries.keys())}Give it to .on of a queryHandlers(…) that is an element of the domain.`,
    });
  }
}
