import type { CommandContext } from "../application/context.ts";
import { type EventHandlersOptions, eventHandlers } from "../application/event-handlers.ts";
import { commandHandlers, queryHandlers } from "../application/handlers.ts";
import { type ProjectorOptions, projector } from "../application/projector.ts";
import {
  type Subscriber,
  type SubscriberDefinition,
  type SubscriberOptions,
  subscriber,
} from "../application/subscriber.ts";
import type { Instances, Recipe, Registration, RegistryDefinition, Slot } from "../domain/registered-elements.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import { definition, type Element } from "../model/element.ts";
import { NereusError } from "../model/errors.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { StandardSchema } from "../model/standard-schema.ts";
import { type AggregateDecoratorOptions, defineAggregate } from "./aggregate.ts";
import type { Decorators, InstanceOptions, Making, Plain } from "./class-decorators.ts";
import { instanceIn, methodsOf, useCasesOf } from "./handler-class.ts";
import { assertKind, invalid, markedMethods } from "./marks.ts";
import { apply, handle, invariant, on, precondition, read } from "./method-decorators.ts";

/** How the instances of a registry's classes are made. */
export interface RegistryOptions {
  /**
   * Makes the instance of a class of handlers, at each start of each domain: a container's `get`. Aggregates and repositories are made by the
   * framework.
   */
  readonly make: <T extends object>(type: new (...input: unknown[]) => T) => T | Promise<T>;
}

/** An element that its own decorators fill. `C`: the classes whose instances it can make. */
export interface Registry<C extends Making<object> = Plain> extends Decorators<C>, Element<"registry"> {}

/**
 * A part of a model that decorators fill: an element of any number of domains, each with instances of its own. With `make`, constructors of classes of
 * handlers may take what a container knows; without it they take nothing.
 *
 * A domain makes its instances when it starts, and anew when it starts again; `check()` and `describe()` make none. While a domain is
 * started with it, a registry takes nothing more.
 *
 * @throws NereusError from the decorators: DECORATOR_INVALID, and DOMAIN_ALREADY_STARTED when it is too late; from `domain.start()`: INSTANCE_NOT_MADE
 * @example
 * export const parts = registry({ make: (type) => container.get(type) });
 * const { repository, subscriber, service, eventHandler } = parts;
 *
 * @eventHandler("Letters")
 * class Letters {
 *   constructor(readonly mailer: Mailer) {}
 *   @on(OrderPlaced) placed({ orderId }: OrderPlaced) { return this.mailer.send(orderId); }
 * }
 * const shop = new Domain("shop", { elements: [parts, Order], store: sqlite("shop.db") }); // and again in a test's domain
 */
export function registry(): Registry;
export function registry(options: RegistryOptions): Registry<Making<object>>;
export function registry(options?: RegistryOptions): Registry {
  const book = new Book(options);
  return { [definition]: book, ...classDecorators(book), handle, on, read, apply, invariant, precondition };
}

/** The subscriber that a class with `@subscriber` is, to deliver to. */
export function subscriberOf<M>(
  type: Making<{ receive(message: M, context: CommandContext): unknown }>,
): Subscriber<M> {
  const own = subscribers.get(type);
  if (own === undefined) throw invalid("subscriberOf was given a class without @subscriber", "Decorate it.");
  return { [definition]: own };
}

/** By class. What a domain has in their place knows the class. */
const subscribers = new WeakMap<object, SubscriberDefinition>();

/** Decorators take no abstract class, and a container is told no parameters. */
type Made = new (...input: unknown[]) => object;

type Class = Making<object> & { readonly prototype: object };
type Create = { readonly create?: InstanceOptions<object>["create"] | undefined };

/** What the decorators of one registry have put down. */
class Book implements RegistryDefinition {
  readonly kind = "registry";
  readonly name = "registry";
  readonly registrations: Registration[] = [];
  readonly takers: RegistryDefinition["takers"] = new Set();
  readonly #make: RegistryOptions["make"] | undefined;
  readonly #recipes = new Map<object, Recipe>();

  constructor(options: RegistryOptions | undefined) {
    if (options !== undefined && typeof options?.make !== "function")
      throw invalid("registry was given no function make", "Write registry({ make: (type) => container.get(type) }).");
    this.#make = options?.make;
  }

  add({ faults = [], elements }: Partial<Registration> & Pick<Registration, "elements">): void {
    this.registrations.push({ faults, elements });
  }

  /** A class whose instance its elements work with. */
  addInstance(type: Class, decorator: string, create: Create, elements: (slot: Slot) => readonly Element[]): void {
    const recipe = this.#recipeOf(type, decorator, create.create);
    this.add({ elements: (instances: Instances) => elements(instances.slotOf(recipe)) });
  }

  /** @throws NereusError DOMAIN_ALREADY_STARTED */
  assertOpen(decorator: string): void {
    const [taker] = this.takers;
    if (taker === undefined) return;
    throw new NereusError("DOMAIN_ALREADY_STARTED", `Domain ${taker.name} was started before this @${decorator}`, {
      element: taker.name,
      fix: "Import every module with decorated classes before domain.start(), or stop the domain first.",
    });
  }

  /** One for each class, so that it has one instance in each domain. */
  #recipeOf(type: Class, decorator: string, create: (() => unknown) | undefined): Recipe {
    const known = this.#recipes.get(create ?? type);
    if (known !== undefined) return known;
    const made = this.#make;
    if (create === undefined && made === undefined && type.length > 0) {
      const fix = `Write registry({ make: (type) => container.get(type) }), or give @${decorator} an option create.`;
      throw invalid(`The constructor of a class with @${decorator} takes something, and nobody makes it`, fix);
    }
    const make = create ?? (made === undefined ? () => new (type as Plain)() : () => made(type as Made));
    const recipe = { type, decorator: `@${decorator}`, make };
    this.#recipes.set(create ?? type, recipe);
    return recipe;
  }
}

type ClassDecorators = Omit<Decorators, "handle" | "on" | "read" | "apply" | "invariant" | "precondition">;

function classDecorators(book: Book): ClassDecorators {
  const made = {
    aggregate: (given: object = {}) =>
      typeof given === "function" ? addAggregate(book, given, {}) : (type: object) => addAggregate(book, type, given),
    commandHandler: (aggregate: AggregateClass<object>, options: Create = {}) => {
      assertKind("commandHandler", aggregate, "aggregate");
      return adding(book, "commandHandler", (type) => {
        const fill = methodsOf(type, "commandHandler", "handle");
        book.addInstance(type, "commandHandler", options, (slot) => [fill(commandHandlers(aggregate), slot)]);
      });
    },
    eventHandler: (name: string, { create, ...options }: EventHandlersOptions & Create = {}) =>
      adding(book, "eventHandler", (type) => {
        const fill = methodsOf(type, "eventHandler", "on");
        book.addInstance(type, "eventHandler", { create }, (slot) => [fill(eventHandlers(name, options), slot)]);
      }),
    projector: (projection: ProjectionClass<object>, { create, ...options }: ProjectorOptions & Create) => {
      assertKind("projector", projection, "projection");
      return adding(book, "projector", (type) => {
        const fill = methodsOf(type, "projector", "on");
        book.addInstance(type, "projector", { create }, (slot) => [
          fill(projector(projection, options), slot),
          projection,
        ]);
      });
    },
    queryHandler: (projection: ProjectionClass<object>, options: Create = {}) => {
      assertKind("queryHandler", projection, "projection");
      return adding(book, "queryHandler", (type) => {
        const fill = methodsOf(type, "queryHandler", "read");
        book.addInstance(type, "queryHandler", options, (slot) => [fill(queryHandlers(projection), slot)]);
      });
    },
    repository: adding(book, "repository", (type) => {
      assertKind("repository", type, "repository");
      book.add({ elements: () => [type as unknown as Element] }); // its kind was looked at
    }),
    subscriber: (name: string, options: SubscriberOptions<StandardSchema> & Create) =>
      adding(book, "subscriber", (type) => addSubscriber(book, type, name, options)),
    service: (name: string, options: Create = {}) =>
      adding(book, "service", (type) => {
        const useCases = useCasesOf(type);
        book.addInstance(type, "service", options, (slot) => [
          { [definition]: { kind: "applicationService", name, useCases: useCases(slot), type } } as Element,
        ]);
      }),
  };
  return made as unknown as ClassDecorators; // what it does not take, the types refuse
}

/** A class decorator. */
function adding(book: Book, decorator: string, add: (type: Class) => void): (type: Class) => void {
  return (type) => {
    book.assertOpen(decorator);
    add(type);
  };
}

function addAggregate(book: Book, type: object, options: AggregateDecoratorOptions): void {
  book.assertOpen("aggregate");
  const faults = defineAggregate(type, options);
  book.add({ faults, elements: () => [type as Element] });
}

function addSubscriber(
  book: Book,
  type: Class,
  name: string,
  { create, ...options }: SubscriberOptions<StandardSchema> & Create,
): void {
  markedMethods(type, "subscriber", []);
  if (typeof (type.prototype as { readonly receive?: unknown }).receive !== "function")
    throw invalid("A class with @subscriber has no method receive", "Let receive(message, context) take the messages.");
  const defined = (handle: SubscriberDefinition["handle"]): SubscriberDefinition => ({
    ...subscriber(name, options, handle)[definition],
    type,
  });
  book.addInstance(type, "subscriber", create === undefined ? {} : { create }, (slot) => [
    { [definition]: defined((message, context) => instanceIn(slot).receive?.(message, context)) },
  ]);
  subscribers.set(type, defined(listedAlone));
}

function listedAlone(): never {
  throw invalid("What subscriberOf gives has no instance", "List the registry among the elements in its place.");
}
