import type { ProjectorDefinition } from "../application/projector.ts";
import type { CustomRepositoryClass } from "../application/repository.ts";
import type { AggregateDefinition } from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { EntityDefinition } from "../model/entity.ts";
import type { Invariant } from "../model/invariant.ts";
import type { ProjectionDefinition } from "../model/projection.ts";
import { describeFields } from "./describe-fields.ts";
import { describeType } from "./describe-type.ts";
import { definitionIn } from "./element-reading.ts";
import type { CheckedModel } from "./model-check.ts";
import type {
  AggregateDescription,
  CommandDescription,
  EntityDescription,
  EventDescription,
  ModelDescription,
  ProjectionDescription,
  QueryDescription,
  RuleDescription,
} from "./model-description.ts";
import { messageName } from "./model-messages.ts";
import { compareTexts, recordOf } from "./sorted-record.ts";

/**
 * A checked model as data. A model with faults is described as far as it could be built.
 *
 * @example JSON.stringify(describeModel(checkModel("bank", [Account, accountCommands])), null, 2);
 */
export function describeModel(checked: CheckedModel): ModelDescription {
  const { parts, messages, shapes, registry } = checked;
  return {
    format: 1,
    domain: parts.domain,
    aggregates: mapped(parts.aggregates, (aggregate) => describeAggregate(aggregate[definition])),
    entities: describeEntities(shapes.entities),
    valueObjects: recordOf(
      [...shapes.valueObjects].map(({ name, shape, invariants }) => [
        name,
        { fields: describeFields(shape), invariants: describeRules(invariants) },
      ]),
    ),
    events: recordOf([...messages.events.keys()].map((name) => [name, describeEvent(checked, name)])),
    commands: recordOf([...messages.commands.keys()].map((name) => [name, describeCommand(checked, name)])),
    queries: recordOf([...messages.queries.keys()].map((name) => [name, describeQuery(checked, name)])),
    projections: mapped(parts.projections, (projection) => {
      const own = projection[definition];
      return describeProjection(own, registry.projectors.get(own.name));
    }),
    eventHandlers: mapped(parts.eventHandlers, ({ run, retries, categories = null, handlings }) => ({
      run,
      retries,
      categories,
      events: handlings.map(({ event }) => messageName(event, "event") ?? "?"),
    })),
    repositories: mapped(registry.repositories, (repository) => ({ methods: methodsOf(repository) })),
    domainServices: mapped(parts.domainServices, ({ parts: bound, preconditions, invariants }) => ({
      parts: recordOf(Object.entries(bound ?? {}).map(([name, part]) => [name, definitionIn(part)?.name ?? "?"])),
      preconditions: describeRules(preconditions),
      invariants: describeRules(invariants),
    })),
    applicationServices: mapped(parts.services, ({ useCases }) => ({ useCases: Object.keys(useCases ?? {}).sort() })),
    subscribers: mapped(parts.subscribers, ({ broker, stream, message }) => ({
      broker,
      stream,
      message: describeType(message),
    })),
  };
}

function mapped<V, D>(from: ReadonlyMap<string, V>, describe: (value: V) => D): Readonly<Record<string, D>> {
  return recordOf([...from].map(([name, value]) => [name, describe(value)]));
}

function describeAggregate(own: AggregateDefinition): AggregateDescription {
  const { eventSourced, shape, appliers, preconditions, invariants, options } = own;
  return {
    kind: eventSourced ? "eventSourced" : "stateStored",
    identifier: shape.identifiers[0]?.name ?? null,
    fields: describeFields(shape, { changes: true, generates: !eventSourced }),
    preconditions: describeRules(preconditions),
    invariants: describeRules(invariants),
    events: [...appliers.keys()].sort(),
    ...describeLists(options),
    factEvents: options.factEvents === true,
    snapshotEvery: options.snapshotEvery ?? null,
    snapshotVersion: options.snapshotVersion ?? null,
  };
}

function describeRules(rules: readonly Invariant[]): RuleDescription[] {
  return rules.map(({ code, message }) => ({ code: String(code), message: String(message) }));
}

/** Which lists there are matters, and the order of the fields in each; the order of the lists does not. */
function describeLists({ indexes, unique }: { readonly indexes?: unknown; readonly unique?: unknown }): {
  readonly indexes: string[][];
  readonly unique: string[][];
} {
  return { indexes: describeList(indexes), unique: describeList(unique) };
}

function describeList(lists: unknown): string[][] {
  const whole = Array.isArray(lists) ? lists.filter((list) => Array.isArray(list)) : [];
  return whole
    .map((list: readonly unknown[]) => list.map(String))
    .sort((one, other) => compareTexts(JSON.stringify(one), JSON.stringify(other)));
}

function describeEntities(entities: ReadonlyMap<EntityDefinition, ReadonlySet<string>>): EntityDescription[] {
  const all = [...entities].map(
    ([{ name, identifiedBy, shape, preconditions, invariants }, owners]): EntityDescription => ({
      name,
      aggregates: [...owners].sort(),
      identifier: identifiedBy,
      fields: describeFields(shape, { changes: true, generates: true }),
      preconditions: describeRules(preconditions),
      invariants: describeRules(invariants),
    }),
  );
  return all.sort((one, other) => compareTexts(JSON.stringify(one), JSON.stringify(other)));
}

function describeEvent({ messages, parts }: CheckedModel, name: string): EventDescription {
  const { version, published, shape } = messages.events.get(name)?.[definition] ?? unknown(name);
  const follows = (events: Iterable<unknown>): boolean =>
    [...events].some((event) => messageName(event, "event") === name);
  const handlers = [...parts.eventHandlers.values()].filter(({ handlings }) =>
    follows(handlings.map(({ event }) => event)),
  );
  const projectors = parts.projectors.filter(({ steps }) => steps.has(name));
  return {
    version,
    published: published === true,
    fields: describeFields(shape),
    aggregates: (messages.sources.get(name) ?? []).toSorted(),
    handledBy: handlers.map((own) => own.name).sort(),
    projections: projectors.map(({ projection }) => definitionIn(projection)?.name ?? "?").sort(),
  };
}

function describeCommand({ messages, registry }: CheckedModel, name: string): CommandDescription {
  const { version, shape } = messages.commands.get(name)?.[definition] ?? unknown(name);
  const route = registry.commands.get(name);
  return {
    version,
    fields: describeFields(shape),
    handler:
      route === undefined
        ? null
        : {
            aggregate: definitionIn(route.aggregate)?.name ?? "?",
            how: route.handling.how,
            identity: route.identityField ?? null,
          },
  };
}

function describeQuery({ messages, registry }: CheckedModel, name: string): QueryDescription {
  const { version, shape } = messages.queries.get(name)?.[definition] ?? unknown(name);
  const route = registry.queries.get(name);
  return {
    version,
    fields: describeFields(shape),
    projection: route === undefined ? null : (definitionIn(route.projection)?.name ?? "?"),
  };
}

function unknown(name: string): never {
  throw new TypeError(`${name} is no message of the model`); // it was taken from its keys
}

function describeProjection(own: ProjectionDefinition, filler: ProjectorDefinition | undefined): ProjectionDescription {
  const { shape } = own;
  return {
    identifier: shape.identifiers[0]?.name ?? null,
    fields: describeFields(shape),
    ...describeLists(own),
    projector:
      filler === undefined
        ? null
        : {
            run: filler.run,
            version: filler.version,
            categories: filler.categories ?? null,
            events: mapped(filler.steps, ({ steps }) => steps.map(({ how }) => how)),
          },
  };
}

/** What the user's classes add to the one that the framework made. */
function methodsOf(repository: CustomRepositoryClass): string[] {
  const names = new Set<string>();
  let own: object | null = repository;
  while (own !== null && !Object.hasOwn(own, definition)) {
    for (const name of Object.getOwnPropertyNames((own as CustomRepositoryClass).prototype)) names.add(name);
    own = Object.getPrototypeOf(own) as object | null;
  }
  names.delete("constructor");
  return [...names].sort();
}
