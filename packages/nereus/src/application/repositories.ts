import type { AggregateClass, AggregateDefinition } from "../model/aggregate-root.ts";
import { definition, definitionOf } from "../model/element.ts";
import type { Registry, Runtime } from "./registry.ts";
import type { CustomRepositoryClass, RepositoryClass, RepositoryDefinition, RepositoryOf } from "./repository.ts";
import { unknownAggregate } from "./unit-faults.ts";
import type { UnitOfWork } from "./unit-of-work.ts";
import { UnitRepository } from "./unit-repository.ts";

/**
 * The repository of an aggregate that the domain knows: the custom one, if there is one.
 *
 * @throws NereusError UNKNOWN_AGGREGATE
 */
export function repositoryIn<C extends RepositoryClass>(
  runtime: Runtime,
  unit: UnitOfWork,
  of: C,
  readOnly: boolean,
): RepositoryOf<C> {
  const aggregate = knownAggregate(runtime.registry, of);
  const custom = runtime.registry.repositories.get(aggregate[definition].name);
  const inner = new UnitRepository(runtime, aggregate, unit, readOnly);
  // one class serves every aggregate; the type of this one is known only to the caller
  return (custom === undefined ? inner : new custom({ inner })) as unknown as RepositoryOf<C>;
}

/** What was asked for by an aggregate's class, or by the class of its listed repository. */
function knownAggregate(registry: Registry, of: unknown): AggregateClass {
  const custom = definitionOf<RepositoryDefinition>(of, "repository");
  const own = definitionOf<AggregateDefinition>(custom?.aggregate ?? of, "aggregate");
  const known = registry.aggregates.get(own?.name ?? "");
  if (own === undefined || known?.[definition] !== own) throw unknownAggregate(own?.name ?? String(of));
  if (custom !== undefined && !isListed(registry.repositories.get(own.name), of as CustomRepositoryClass)) {
    throw unknownAggregate((of as CustomRepositoryClass & { readonly name: string }).name);
  }
  return known;
}

/** Whether what is listed is the class asked for, or extends it: one that it extends has less than was asked for. */
function isListed(listed: CustomRepositoryClass | undefined, asked: CustomRepositoryClass): boolean {
  return listed === asked || (listed !== undefined && Object.prototype.isPrototypeOf.call(asked, listed));
}
