import { definition, definitionOf } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import { messageDefinition, messageId, type Returning } from "../model/message.ts";
import type { ProjectionClass, ProjectionDefinition } from "../model/projection.ts";
import { AggregateCache } from "./aggregate-cache.ts";
import type { QueryContext } from "./context.ts";
import { repositoryIn } from "./handler-context.ts";
import { collectionOf, type ProjectorDefinition } from "./projector.ts";
import type { QueryRoute, Registry, Runtime } from "./registry.ts";
import { UnitOfWork } from "./unit-of-work.ts";
import { ProjectionView, type View } from "./view.ts";

/** Takes a query to its handler. Queries read what is committed, and write nothing. */
export class QueryProcessor {
  readonly #runtime: Runtime;

  /** Aggregates that a query loads are its own: the cache is for commands. */
  constructor(runtime: Runtime) {
    this.#runtime = { ...runtime, cache: new AggregateCache(0) };
  }

  async ask(query: object, tenant: string): Promise<unknown> {
    const route = this.#route(query);
    return route.run(query, this.#context(route, query, tenant));
  }

  /** @throws NereusError UNKNOWN_PROJECTION */
  view<R extends object>(projection: ProjectionClass<R>, tenant: string): View<R> {
    const known = knownProjection(this.#runtime.registry, projection);
    // start-up has refused projections without a projector
    const own = this.#runtime.registry.projectors.get(known[definition].name) as ProjectorDefinition;
    return new ProjectionView(known as ProjectionClass<R>, collectionOf(own), this.#runtime.store.documents, tenant);
  }

  #context(route: QueryRoute, query: object, tenant: string): QueryContext<object> {
    const unit = this.#readingUnit(query, tenant);
    return {
      view: this.view(route.projection as ProjectionClass<object>, tenant),
      viewOf: (projection) => this.view(projection, tenant),
      repository: (aggregate) => repositoryIn(this.#runtime, unit, aggregate, true),
      query: <R>(inner: Returning<R, "query">): Promise<R> => this.ask(inner, tenant) as Promise<R>,
      tenant,
      clock: this.#runtime.clock,
      log: this.#runtime.log,
    };
  }

  /** Loads each aggregate once, and never commits. */
  #readingUnit(query: object, tenant: string): UnitOfWork {
    const id = messageId(query);
    const now = this.#runtime.clock.now().getTime();
    const envelope = {
      recordedAt: now,
      occurredAt: now,
      correlationId: id,
      causationId: null,
      traceparent: null,
      extensions: null,
    };
    const cause = { id, tenant, causationId: null, envelope };
    return new UnitOfWork(this.#runtime, cause, new Map(), "query");
  }

  #route(query: object): QueryRoute {
    const own = messageDefinition(query, "query");
    const route = own === undefined ? undefined : this.#runtime.registry.queries.get(own.name);
    if (route !== undefined && route.query[definition] === own) return route;
    const name = own?.name ?? String((query as object | undefined)?.constructor?.name ?? query);
    throw new NereusError("UNKNOWN_QUERY", `Domain ${this.#runtime.registry.domain} handles no query ${name}`, {
      element: name,
      fix: "Give it to .on of a queryHandlers(…) that is an element of the domain.",
    });
  }
}

/** @throws NereusError UNKNOWN_PROJECTION for what is not a projection of the domain */
export function knownProjection(registry: Registry, projection: unknown): ProjectionClass {
  const own = definitionOf<ProjectionDefinition>(projection, "projection");
  const known = registry.projections.get(own?.name ?? "");
  if (own !== undefined && known?.[definition] === own) return known;
  const name = own?.name ?? String((projection as { name?: unknown } | undefined)?.name ?? projection);
  throw new NereusError("UNKNOWN_PROJECTION", `${name} is not a projection of domain ${registry.domain}`, {
    element: name,
    fix: own === undefined ? "Pass a class made by Projection(…)." : `Add ${name} and its projector to the elements.`,
  });
}
