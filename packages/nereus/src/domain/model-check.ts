import type { CommandHandlersDefinition, QueryHandlersDefinition } from "../application/handlers.ts";
import type { ProjectorDefinition } from "../application/projector.ts";
import type { CommandRoute, QueryRoute, Registry } from "../application/registry.ts";
import { EventTypes } from "../log/event-types.ts";
import type { AggregateClass, AggregateDefinition } from "../model/aggregate-root.ts";
import { definition, definitionOf, type Element, kindOf } from "../model/element.ts";
import type { ErrorCode, ModelFault } from "../model/errors.ts";
import type { CommandClass, EventClass, MessageDefinition } from "../model/message.ts";
import type { ProjectionClass, ProjectionDefinition } from "../model/projection.ts";
import type { CompiledShape } from "../model/shape.ts";

/** A model as far as it could be built, with every fault that was found. */
export interface CheckedModel {
  readonly registry: Registry;
  readonly faults: readonly ModelFault[];
}

/**
 * Builds the registry of a domain from its elements, and collects every fault instead of stopping at the first.
 * Touches no infrastructure.
 */
export function checkModel(domain: string, elements: readonly unknown[]): CheckedModel {
  const model = new ModelInProgress(domain);
  for (const element of elements) model.add(element);
  return model.finish();
}

class ModelInProgress {
  readonly #domain: string;
  readonly #faults: ModelFault[] = [];
  readonly #aggregates = new Map<string, AggregateClass>();
  readonly #projections = new Map<string, ProjectionClass>();
  readonly #commandHandlers: CommandHandlersDefinition[] = [];
  readonly #queryHandlers: QueryHandlersDefinition[] = [];
  readonly #projectors = new Map<string, ProjectorDefinition>();
  readonly #listedCommands: CommandClass[] = [];
  readonly #commands = new Map<string, CommandRoute>();
  readonly #queries = new Map<string, QueryRoute>();
  readonly #events = new EventTypes();
  readonly #eventHandlers: any[] = [];
  readonly #services = new Map<string, any>();
  readonly #subscribers = new Map<string, any>();
  readonly #repositories = new Map<string, any>();

  constructor(domain: string) {
    this.#domain = domain;
  }

  add(element: unknown): void {
    const take = this.#takers[kindOf(element) ?? ""];
    if (take === undefined) {
      const what = typeof element === "function" ? `the class or function ${element.name}` : typeof element;
      const fix =
        "List aggregates, projections, events, commands, and what commandHandlers, queryHandlers and projector return.";
      this.#fault("ELEMENT_UNKNOWN", this.#domain, `${what} is not an element`, fix);
      return;
    }
    take(element as never);
  }

  finish(): CheckedModel {
    for (const aggregate of this.#aggregates.values()) this.#checkAggregate(aggregate[definition]);
    this.#checkEventOwners();
    for (const projection of this.#projections.values()) this.#checkProjection(projection[definition]);
    for (const own of this.#projectors.values()) this.#checkProjector(own);
    for (const own of this.#commandHandlers) this.#checkCommandHandlers(own);
    for (const own of this.#queryHandlers) this.#checkQueryHandlers(own);
    for (const command of this.#listedCommands) this.#checkHandled(command[definition]);
    return { registry: this.#registry(), faults: this.#faults };
  }

  readonly #takers: Readonly<Record<string, ((element: never) => void) | undefined>> = {
    aggregate: (element: AggregateClass) => this.#takeNamed(this.#aggregates, element),
    projection: (element: ProjectionClass) => this.#takeNamed(this.#projections, element),
    event: (element: EventClass) => this.#takeEvent(element),
    command: (element: CommandClass) => this.#listedCommands.push(element),
    query: () => undefined,
    entity: () => undefined,
    valueObject: () => undefined,
    domainService: () => undefined,
    eventHandlers: (element: any) => this.#eventHandlers.push(element[definition]),
    applicationService: (element: any) => this.#services.set(element[definition].name, element[definition]),
    subscriber: (element: any) => this.#subscribers.set(element[definition].name, element[definition]),
    repository: (element: any) => this.#repositories.set(element[definition].aggregate[definition].name, element),
    commandHandlers: (element: Element) =>
      this.#commandHandlers.push(
        definitionOf<CommandHandlersDefinition>(element, "commandHandlers") as CommandHandlersDefinition,
      ),
    queryHandlers: (element: Element) =>
      this.#queryHandlers.push(
        definitionOf<QueryHandlersDefinition>(element, "queryHandlers") as QueryHandlersDefinition,
      ),
    projector: (element: Element) =>
      this.#takeProjector(definitionOf<ProjectorDefinition>(element, "projector") as ProjectorDefinition),
  };

  #takeNamed<E extends Element>(into: Map<string, E>, element: E): void {
    const { name, kind } = element[definition];
    const other = [this.#aggregates, this.#projections].some((map) => map.has(name));
    if (!other) {
      into.set(name, element);
      return;
    }
    const fix = "Give each aggregate and projection a name of its own, and list each once.";
    this.#fault("ELEMENT_DUPLICATE", name, `a second ${kind}, or another element of this name, is listed`, fix);
  }

  #takeProjector(own: ProjectorDefinition): void {
    const { name } = own.projection[definition];
    if (this.#projectors.has(name)) {
      this.#fault("PROJECTOR_DUPLICATE", name, "it has two projectors", "Keep one projector per projection.");
      return;
    }
    this.#projectors.set(name, own);
  }

  #takeEvent(event: EventClass): void {
    const known = this.#events.add(event);
    if (known === undefined) return;
    const { name } = event[definition];
    this.#fault(
      "EVENT_NAME_DUPLICATE",
      name,
      "two event classes have this name",
      "Give each event class a name of its own.",
    );
  }

  #checkAggregate({ name, shape, eventSourced, appliers }: AggregateDefinition): void {
    this.#checkIdentifier(name, shape);
    if (eventSourced && appliers.size === 0) {
      this.#fault(
        "APPLY_MISSING",
        name,
        "it applies no event, so it can have no state",
        `Add .applies(Event, …) to ${name}.`,
      );
    }
    for (const { event } of appliers.values()) this.#takeEvent(event);
  }

  #checkIdentifier(name: string, { identifiers }: CompiledShape): void {
    if (identifiers.length === 0) {
      this.#fault("IDENTIFIER_MISSING", name, "it has no identifier field", "Give one field the type identifier().");
    }
    if (identifiers.length > 1) {
      const names = identifiers.map((field) => field.name).join(", ");
      this.#fault(
        "IDENTIFIER_AMBIGUOUS",
        name,
        `it has several identifiers: ${names}`,
        "Keep one identifier(); use z.string() for references.",
      );
    }
  }

  /** An event belongs to one aggregate: otherwise replay would not know whose state it makes. */
  #checkEventOwners(): void {
    const owners = new Map<string, string[]>();
    for (const aggregate of this.#aggregates.values()) {
      const { name, eventSourced, appliers } = aggregate[definition];
      if (eventSourced) for (const event of appliers.keys()) owners.set(event, [...(owners.get(event) ?? []), name]);
    }
    for (const [event, names] of owners) {
      if (names.length < 2) continue;
      const message = `it is applied by ${names.join(" and ")}`;
      this.#fault("EVENT_APPLIED_TWICE", event, message, "Give each aggregate an event of its own.");
    }
  }

  #checkProjection({ name, shape, indexes }: ProjectionDefinition): void {
    this.#checkIdentifier(name, shape);
    if (!this.#projectors.has(name)) {
      this.#fault(
        "PROJECTOR_MISSING",
        name,
        "nothing fills it",
        `Add projector(${name}, { run: "async" }) to the elements.`,
      );
    }
    for (const field of indexes.flat()) {
      if (shape.byName.has(field)) continue;
      this.#fault(
        "INDEX_FIELD_UNKNOWN",
        name,
        `an index names the field ${field}`,
        "Index fields that the projection has.",
      );
    }
  }

  #checkProjector({ name, projection, steps }: ProjectorDefinition): void {
    if (steps.size === 0)
      this.#fault("PROJECTOR_EMPTY", name, "it has no step", "Add .create(Event, …), .update or another.");
    this.#checkRegistered(this.#projections, projection, "PROJECTION_UNREGISTERED", name);
    for (const { event } of steps.values()) this.#takeEvent(event);
  }

  #checkCommandHandlers({ name, aggregate, handlings }: CommandHandlersDefinition): void {
    this.#checkRegistered(this.#aggregates, aggregate, "AGGREGATE_UNREGISTERED", name);
    for (const { command, handling } of handlings) {
      const own = command[definition];
      const identityField = identityFieldOf(aggregate, own);
      if (handling.how === "update" && identityField === undefined) {
        const wanted = aggregate[definition].shape.identifiers[0]?.name ?? "identifier()";
        const fix = `Give ${own.name} a field ${wanted}, or handle it with .on(…).`;
        this.#fault(
          "COMMAND_IDENTITY_UNKNOWN",
          own.name,
          `no field says which ${aggregate[definition].name} is meant`,
          fix,
        );
      }
      if (this.#commands.has(own.name)) {
        this.#fault(
          "COMMAND_HANDLED_TWICE",
          own.name,
          `${name} handles it, and another does too`,
          "Keep one handler per command.",
        );
        continue;
      }
      this.#commands.set(own.name, { command, aggregate, handling, identityField });
    }
  }

  #checkQueryHandlers({ name, projection, handlings }: QueryHandlersDefinition): void {
    this.#checkRegistered(this.#projections, projection, "PROJECTION_UNREGISTERED", name);
    for (const { query, run } of handlings) {
      const own = query[definition];
      if (this.#queries.has(own.name)) {
        this.#fault(
          "QUERY_HANDLED_TWICE",
          own.name,
          `${name} handles it, and another does too`,
          "Keep one handler per query.",
        );
        continue;
      }
      this.#queries.set(own.name, { query, projection, run });
    }
  }

  #checkRegistered<E extends Element>(known: Map<string, E>, element: E, code: ErrorCode, user: string): void {
    const { name } = element[definition];
    if (known.get(name)?.[definition] === element[definition]) return;
    this.#fault(code, name, `${user} uses it, but it is not an element`, `Add ${name} to the domain's elements.`);
  }

  #checkHandled({ name }: MessageDefinition): void {
    if (this.#commands.has(name)) return;
    this.#fault("COMMAND_UNHANDLED", name, "nothing handles it", "Handle it, or take it out of the elements.");
  }

  #registry(): Registry {
    return {
      domain: this.#domain,
      aggregates: this.#aggregates,
      commands: this.#commands,
      queries: this.#queries,
      projections: this.#projections,
      projectors: this.#projectors,
      inline: [...this.#projectors.values()].filter((own) => own.run === "inline"),
      events: this.#events,
      eventHandlers: this.#eventHandlers,
      services: this.#services,
      subscribers: this.#subscribers,
      repositories: this.#repositories,
    };
  }

  #fault(code: ErrorCode, element: string, message: string, fix: string): void {
    this.#faults.push({ code, element, message, fix });
  }
}

/** The command's field named as the aggregate's identifier is, or else its only identifier. */
function identityFieldOf(aggregate: AggregateClass, { shape }: MessageDefinition): string | undefined {
  const name = aggregate[definition].shape.identifiers[0]?.name;
  if (name !== undefined && shape.byName.has(name)) return name;
  return shape.identifiers.length === 1 ? shape.identifiers[0]?.name : undefined;
}
