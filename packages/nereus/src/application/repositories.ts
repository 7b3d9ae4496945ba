import type { AggregateClass, AggregateDefinition, AggregateRoot } from "../model/aggregate-root.ts";
import { definition, definitionOf } from "../model/element.ts";
import { streamOf } from "./loading.ts";
import { absent } from "./past.ts";
import type { Registry, Runtime } from "./registry.ts";
import {
  type AnyRepository,
  type CustomRepositoryClass,
  overrides,
  type RepositoryClass,
  type RepositoryDefinition,
  type RepositoryOf,
} from "./repository.ts";
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

/**
 * Loads for `.update`: a custom repository's own `get` if it has one, else the shortest way.
 *
 * @throws AggregateNotFoundError AGGREGATE_NOT_FOUND
 */
export function loaded(
  runtime: Runtime,
  unit: UnitOfWork,
  aggregate: AggregateClass,
  id: string,
): object | Promise<object> {
  const own = overriding(runtime, unit, aggregate, "get");
  if (own !== undefined) return own.get(id);
  const found = unit.load(aggregate, id, true);
  const present = (root: object | undefined): object => {
    if (root === undefined) throw absent(streamOf(aggregate, unit.cause.tenant, id));
    return root;
  };
  return found instanceof Promise ? found.then(present) : present(found);
}

/** Saves for `.create` and `.update`, likewise. */
export function save(runtime: Runtime, unit: UnitOfWork, root: AggregateRoot): void | Promise<void> {
  const own = overriding(runtime, unit, root.constructor as unknown as AggregateClass, "add");
  return own === undefined ? unit.add(root) : own.add(root);
}

function overriding(
  runtime: Runtime,
  unit: UnitOfWork,
  aggregate: AggregateClass,
  method: "get" | "add",
): AnyRepository | undefined {
  const custom = runtime.registry.repositories.get(aggregate[definition].name);
  if (custom === undefined || !overrides(custom, method)) return undefined;
  return new custom({ inner: new UnitRepository(runtime, aggregate, unit, false) }) as AnyRepository;
}
