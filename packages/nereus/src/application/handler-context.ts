import type { AggregateClass, AggregateDefinition } from "../model/aggregate-root.ts";
import { definition, definitionOf } from "../model/element.ts";
import type { Returning } from "../model/message.ts";
import type { Clock, CommandContext, Log, MessageMetadata } from "./context.ts";
import type { Runtime } from "./registry.ts";
import type { Repository } from "./repository.ts";
import { type UnitOfWork, unknownAggregate } from "./unit-of-work.ts";
import { UnitRepository } from "./unit-repository.ts";

/** What a context calls back: a nested command in its unit of work, a query as of the last commit. */
export interface Joining {
  process(command: object, unit: UnitOfWork): Promise<unknown>;
  query(question: object, unit: UnitOfWork): Promise<unknown>;
}

/** What a command handler is handed. Members are made when they are asked for: most handlers use one or none. */
export class HandlerContext implements CommandContext {
  readonly #runtime: Runtime;
  readonly #unit: UnitOfWork;
  readonly #id: string;
  readonly #joining: Joining;

  constructor(runtime: Runtime, unit: UnitOfWork, id: string, joining: Joining) {
    this.#runtime = runtime;
    this.#unit = unit;
    this.#id = id;
    this.#joining = joining;
  }

  get process(): CommandContext["process"] {
    return <R>(command: Returning<R, "command">) => this.#joining.process(command, this.#unit) as Promise<R>;
  }

  get query(): CommandContext["query"] {
    return <R>(question: Returning<R, "query">) => this.#joining.query(question, this.#unit) as Promise<R>;
  }

  get repository(): CommandContext["repository"] {
    return <A extends object>(aggregate: AggregateClass<A>) =>
      repositoryIn(this.#runtime, this.#unit, aggregate, false);
  }

  get metadata(): MessageMetadata {
    const { causationId, tenant, envelope } = this.#unit.cause;
    const { correlationId, occurredAt } = envelope;
    return { id: this.#id, correlationId, causationId, tenant, occurredAt: new Date(occurredAt) };
  }

  get clock(): Clock {
    return this.#runtime.clock;
  }

  get log(): Log {
    return this.#runtime.log;
  }
}

/** The repository of an aggregate that the domain knows. */
export function repositoryIn<A extends object>(
  runtime: Runtime,
  unit: UnitOfWork,
  aggregate: AggregateClass<A>,
  readOnly: boolean,
): Repository<A> {
  const own = definitionOf<AggregateDefinition>(aggregate, "aggregate");
  const known = runtime.registry.aggregates.get(own?.name ?? "");
  if (own === undefined || known?.[definition] !== own) throw unknownAggregate(own?.name ?? String(aggregate));
  // one class serves every aggregate; the type of this one is known only to the caller
  return new UnitRepository(runtime, known, unit, readOnly) as unknown as Repository<A>;
}
