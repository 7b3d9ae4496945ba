import type { ApplicationServiceDefinition } from "../application/application-service.ts";
import type { EventHandlersDefinition } from "../application/event-handlers.ts";
import type { CommandHandlersDefinition, QueryHandlersDefinition } from "../application/handlers.ts";
import type { ProjectorDefinition } from "../application/projector.ts";
import type { CustomRepositoryClass } from "../application/repository.ts";
import type { SubscriberDefinition } from "../application/subscriber.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import type { DomainServiceDefinition } from "../model/domain-service.ts";
import { definition, type ElementKind } from "../model/element.ts";
import type { EntityDefinition } from "../model/entity.ts";
import { isStorable } from "../model/identity.ts";
import type { CommandClass, EventClass, QueryClass } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { ValueObjectDefinition } from "../model/value-object.ts";
import { type AnyDefinition, definitionIn, whatIs } from "./element-reading.ts";
import type { Faults } from "./faults.ts";

/** The elements of a domain, sorted by kind, each once, in the order in which they were listed. */
export interface ModelParts {
  readonly domain: string;
  readonly aggregates: ReadonlyMap<string, AggregateClass>;
  readonly projections: ReadonlyMap<string, ProjectionClass>;
  readonly commandHandlers: readonly CommandHandlersDefinition[];
  readonly queryHandlers: readonly QueryHandlersDefinition[];
  readonly projectors: readonly ProjectorDefinition[];
  readonly repositories: readonly CustomRepositoryClass[];
  readonly eventHandlers: ReadonlyMap<string, EventHandlersDefinition>;
  readonly domainServices: ReadonlyMap<string, DomainServiceDefinition>;
  readonly services: ReadonlyMap<string, ApplicationServiceDefinition>;
  readonly subscribers: ReadonlyMap<string, SubscriberDefinition>;
  /** What is listed though others would lead to it. */
  readonly events: readonly EventClass[];
  readonly commands: readonly CommandClass[];
  readonly queries: readonly QueryClass[];
  readonly entities: readonly EntityDefinition[];
  readonly valueObjects: readonly ValueObjectDefinition[];
}

/** Sorts what was listed, and refuses what is no element, is listed twice, or has the name of another. */
export function sortElements(domain: string, elements: readonly unknown[], faults: Faults): ModelParts {
  const sorter = new Sorter(domain, faults);
  for (const [place, element] of elements.entries()) sorter.take(element, place);
  return sorter.parts();
}

interface Taken {
  readonly element: unknown;
  readonly own: AnyDefinition;
}

class Sorter {
  readonly #domain: string;
  readonly #faults: Faults;
  readonly #seen = new Set<unknown>();
  readonly #taken = new Map<ElementKind, Taken[]>();

  constructor(domain: string, faults: Faults) {
    this.#domain = domain;
    this.#faults = faults;
  }

  take(element: unknown, place: number): void {
    const own = definitionIn(element);
    if (own === undefined || !isWhole(own)) {
      this.#faults.add(
        "ELEMENT_UNKNOWN",
        this.#domain,
        `elements[${place}] is ${whatIs(element)}, which ${own === undefined ? "is not an element" : "cannot be read"}`,
        unknownFix(element, own),
      );
      return;
    }
    if (this.#seen.has(element)) {
      this.#faults.add("ELEMENT_DUPLICATE", String(own.name), "it is listed twice", "List each element once.");
      return;
    }
    this.#seen.add(element);
    this.#taken.set(own.kind, [...this.#of(own.kind), { element, own }]);
  }

  parts(): ModelParts {
    const stored = this.#named(["aggregate", "projection"]);
    return {
      domain: this.#domain,
      aggregates: only(stored, "aggregate", "element"),
      projections: only(stored, "projection", "element"),
      commandHandlers: this.#definitions("commandHandlers"),
      queryHandlers: this.#definitions("queryHandlers"),
      projectors: this.#definitions("projector"),
      repositories: this.#elements("repository"),
      eventHandlers: only(this.#named(["eventHandlers"]), "eventHandlers", "own"),
      domainServices: only(this.#named(["domainService"]), "domainService", "own"),
      services: only(this.#named(["applicationService"]), "applicationService", "own"),
      subscribers: only(this.#named(["subscriber"]), "subscriber", "own"),
      events: this.#elements("event"),
      commands: this.#elements("command"),
      queries: this.#elements("query"),
      entities: this.#definitions("entity"),
      valueObjects: this.#definitions("valueObject"),
    };
  }

  #of(kind: ElementKind): readonly Taken[] {
    return this.#taken.get(kind) ?? [];
  }

  #elements<E>(kind: ElementKind): E[] {
    return this.#of(kind).map(({ element }) => element as E);
  }

  #definitions<D>(kind: ElementKind): D[] {
    return this.#of(kind).map(({ own }) => own as unknown as D); // the kind says which definition it is
  }

  /** The elements of kinds that share their names, by name: the first of each. */
  #named(kinds: readonly ElementKind[]): ReadonlyMap<string, Taken> {
    const found = new Map<string, Taken>();
    for (const taken of kinds.flatMap((kind) => this.#of(kind))) {
      const { name, kind } = taken.own;
      if (!isName(name)) {
        const fix = 'Give it an explicit name as the first argument: eventHandlers("ComplianceAlerts").';
        this.#faults.add("ELEMENT_NAME_INVALID", kind, `it is named ${JSON.stringify(name)}`, fix);
        continue;
      }
      const other = found.get(name);
      if (other === undefined) found.set(name, taken);
      else this.#twice(name, kind, other.own.kind);
    }
    return found;
  }

  #twice(name: string, kind: ElementKind, other: ElementKind): void {
    const message =
      kind === other ? `two elements of the kind ${kind} have this name` : `the kinds ${other} and ${kind} share it`;
    this.#faults.add("ELEMENT_DUPLICATE", name, message, "Give each of them a name of its own.");
  }
}

function only<V>(taken: ReadonlyMap<string, Taken>, kind: ElementKind, part: keyof Taken): ReadonlyMap<string, V> {
  const found = [...taken].filter(([, { own }]) => own.kind === kind);
  return new Map(found.map(([name, one]) => [name, one[part] as V]));
}

export function isName(name: unknown): name is string {
  return typeof name === "string" && name !== "" && isStorable(name);
}

const isList = (value: unknown): boolean => Array.isArray(value);
const isMap = (value: unknown): boolean => value instanceof Map;
const isShape = (value: unknown): boolean => isList((value as { fields?: unknown } | undefined)?.fields);
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

/** What the checks rely on in a definition, which may come from another version of the package. */
const forms: Readonly<Record<ElementKind, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  event: { shape: isShape },
  command: { shape: isShape },
  query: { shape: isShape },
  valueObject: { shape: isShape, invariants: isList },
  entity: { shape: isShape, invariants: isList, preconditions: isList },
  aggregate: { shape: isShape, options: isObject, appliers: isMap, invariants: isList, preconditions: isList },
  projection: { shape: isShape },
  commandHandlers: { handlings: isList },
  queryHandlers: { handlings: isList },
  eventHandlers: { handlings: isList },
  projector: { steps: isMap },
  repository: {},
  domainService: { invariants: isList, preconditions: isList },
  applicationService: {},
  subscriber: {},
  registry: { registrations: isList, takers: (value) => value instanceof Set },
};

function isWhole(own: AnyDefinition): boolean {
  const form = Object.hasOwn(forms, own.kind) ? forms[own.kind] : undefined;
  if (form === undefined) return false;
  return Object.entries(form).every(([key, holds]) => holds((own as unknown as Record<string, unknown>)[key]));
}

function unknownFix(element: unknown, own: AnyDefinition | undefined): string {
  if (own !== undefined) return "It was made by another version of Nereus: install one version only.";
  if (Array.isArray(element)) return "Spread it: elements: [...accountElements, ...customerElements].";
  const listed =
    "List classes made by Aggregate(…), Projection(…) and the like, and what commandHandlers(…) and the like return.";
  return typeof element === "function" ? `${listed} If it is a function that returns one, call it.` : listed;
}

/** Whether a class is an element, and not merely one of its name. */
export function isListed(known: ReadonlyMap<string, AggregateClass | ProjectionClass>, own: AnyDefinition): boolean {
  return (known.get(own.name)?.[definition] as unknown) === own;
}
