import type { CommandContext, EventContext, QueryContext } from "../application/context.ts";
import { type EventHandlersOptions, eventHandlers } from "../application/event-handlers.ts";
import { type Answer, commandHandlers, queryHandlers } from "../application/handlers.ts";
import { type ProjectorContext, type ProjectorOptions, projector } from "../application/projector.ts";
import { type Domain, registerElement } from "../domain/domain.ts";
import type { Tenancy } from "../domain/tenancy.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import type { Element } from "../model/element.ts";
import type { CommandClass, EventClass, QueryClass } from "../model/message.ts";
import type { ProjectionClass } from "../model/projection.ts";
import { type AggregateDecoratorOptions, defineAggregate } from "./aggregate.ts";
import {
  assertKind,
  type DecoratesClass,
  type DecoratesMethod,
  invalid,
  type Mark,
  type MarkKind,
  markedMethods,
  marking,
} from "./marks.ts";

/**
 * Makes a method what an event does to an event-sourced aggregate, when it is raised and when it is replayed. The method
 * is synchronous, and changes nothing but the state. Put it above any decorator that replaces the method.
 *
 * @throws NereusError DECORATOR_INVALID on anything but a public method of an instance
 * @example @apply(OrderPlaced) placed(event: OrderPlaced) { this.status = "placed"; }
 */
export function apply<E>(event: EventClass<E>): DecoratesMethod<(event: E) => void> {
  assertKind("apply", event, "event");
  return marking({ as: "apply", given: event });
}

/**
 * Makes a method a rule that holds after every change of its aggregate: its code, and what to tell the caller.
 *
 * @throws NereusError DECORATOR_INVALID on anything but a public method of an instance
 * @example @invariant("total", "The total cannot be negative") totalIsPositive() { return this.total >= 0; }
 */
export function invariant(code: string, message: string): DecoratesMethod<() => boolean> {
  return marking({ as: "invariant", given: { code, message } });
}

/**
 * Makes a method a rule that has to hold before a change of its aggregate: its code, and what to tell the caller.
 *
 * @throws NereusError DECORATOR_INVALID on anything but a public method of an instance
 * @example @precondition("open", "The order is closed") isOpen() { return this.status !== "cancelled"; }
 */
export function precondition(code: string, message: string): DecoratesMethod<() => boolean> {
  return marking({ as: "precondition", given: { code, message } });
}

function handle<R, C>(
  command: CommandClass<R, C>,
): DecoratesMethod<(command: C, context: CommandContext) => Answer<R>> {
  assertKind("handle", command, "command");
  return marking({ as: "handle", given: command });
}

function on<E>(event: EventClass<E>): DecoratesMethod<(event: E, context: AnyEventContext) => unknown> {
  assertKind("on", event, "event");
  return marking({ as: "on", given: event });
}

function read<R, Q>(
  query: QueryClass<R, Q>,
): DecoratesMethod<(query: Q, context: QueryContext<never>) => R | Promise<R>> {
  assertKind("read", query, "query");
  return marking({ as: "read", given: query });
}

/** What a method with `@on` may declare as its context: `EventContext`, or in a projector its `ProjectorContext`. */
export type AnyEventContext = EventContext & ProjectorContext<never, never>;

/** How the one instance of a decorated class is made, where its constructor takes parameters. */
export interface InstanceOptions<H> {
  /** Called once, when the domain starts. */
  readonly create: () => H;
}

/** A class whose constructor takes nothing. */
type Plain = new () => object;
/** Any class of `H`s. */
type Making<H> = abstract new (...input: never) => H;

/** The decorators of one domain. They may be taken out by destructuring. */
export interface Decorators {
  /**
   * Registers an aggregate; with or without parentheses.
   *
   * @throws NereusError DECORATOR_INVALID or DOMAIN_ALREADY_STARTED
   * @example @aggregate({ eventSourced: true }) class Order extends Aggregate("Order", { … }) { … }
   */
  readonly aggregate: DecoratesClass<AggregateClass<object, never>> &
    ((options?: AggregateDecoratorOptions) => DecoratesClass<AggregateClass<object, never>>);
  /**
   * Registers a class whose methods with `@handle` take the commands of an aggregate.
   *
   * @throws NereusError DECORATOR_INVALID or DOMAIN_ALREADY_STARTED; so do the three that follow
   * @example @commandHandler(Order) class OrderCommands { @handle(PlaceOrder) async place(command: PlaceOrder) { … } }
   */
  readonly commandHandler: {
    (aggregate: AggregateClass<object>): DecoratesClass<Plain>;
    <H extends object>(aggregate: AggregateClass<object>, options: InstanceOptions<H>): DecoratesClass<Making<H>>;
  };
  /**
   * Registers a class whose methods with `@on` take events. Its name is its place in the log, and never changes.
   *
   * @example @eventHandler("OrderLetters", { retries: 5, create: () => new OrderLetters(mailer) }) class OrderLetters { … }
   */
  readonly eventHandler: {
    (name: string, options?: EventHandlersOptions): DecoratesClass<Plain>;
    <H extends object>(name: string, options: EventHandlersOptions & InstanceOptions<H>): DecoratesClass<Making<H>>;
  };
  /**
   * Registers a projection, and the class whose methods with `@on` fill it; several of one event run in their order.
   *
   * @example @projector(OrderList, { run: "async", version: 1 }) class OrderListing { @on(OrderPlaced) async placed(…) { … } }
   */
  readonly projector: {
    (projection: ProjectionClass<object>, options: ProjectorOptions): DecoratesClass<Plain>;
    <H extends object>(
      projection: ProjectionClass<object>,
      options: ProjectorOptions & InstanceOptions<H>,
    ): DecoratesClass<Making<H>>;
  };
  /**
   * Registers a class whose methods with `@read` answer the queries of a projection.
   *
   * @example @queryHandler(OrderList) class OrderQueries { @read(OpenOrders) open(query: OpenOrders, { view }: …) { … } }
   */
  readonly queryHandler: {
    (projection: ProjectionClass<object>): DecoratesClass<Plain>;
    <H extends object>(projection: ProjectionClass<object>, options: InstanceOptions<H>): DecoratesClass<Making<H>>;
  };
  /**
   * Makes a method of a command handler the one that takes a command; it loads and adds by hand.
   *
   * @throws NereusError DECORATOR_INVALID on anything but a public method of an instance; so do the two that follow
   * @example @handle(PlaceOrder) async place({ total }: PlaceOrder, { repository }: CommandContext) { … }
   */
  readonly handle: typeof handle;
  /**
   * Makes a method of an event handler or a projector one that takes an event.
   *
   * @example @on(OrderPlaced) async placed(event: OrderPlaced, { rows }: ProjectorContext<OrderList, object>) { … }
   */
  readonly on: typeof on;
  /**
   * Makes a method of a query handler the one that answers a query.
   *
   * @example @read(OpenOrders) open(query: OpenOrders, { view }: QueryContext<OrderList>) { return view.find(…); }
   */
  readonly read: typeof read;
  readonly apply: typeof apply;
  readonly invariant: typeof invariant;
  readonly precondition: typeof precondition;
}

/**
 * The decorators that put classes among the elements of a domain, before it starts. Each is also a plain function:
 * `commandHandler(Order)(OrderCommands)`.
 *
 * Of a class of handlers, one instance is made, when the domain starts: by its constructor without arguments, or by
 * `create`. Methods are called on it, so that `this` is the instance.
 *
 * @throws NereusError from the decorators: DECORATOR_INVALID, and DOMAIN_ALREADY_STARTED when it is too late
 * @example
 * export const shop = new Domain("shop", { elements: [], store: sqlite("shop.db") });
 * const { aggregate, commandHandler, handle } = decorators(shop);
 *
 * @commandHandler(Order)
 * class OrderCommands {
 *   @handle(PlaceOrder) async place({ orderId, total }: PlaceOrder, { repository }: CommandContext) {
 *     await repository(Order).add(Order.create((order) => order.place(orderId, total)));
 *   }
 * }
 */
export function decorators(domain: Domain<Tenancy>): Decorators {
  return {
    aggregate: ((given: object = {}) =>
      typeof given === "function"
        ? registerAggregate(domain, given, {})
        : (type: object) => registerAggregate(domain, type, given)) as Decorators["aggregate"],
    commandHandler: (aggregate: AggregateClass<object>, options?: InstanceOptions<object>) => {
      assertKind("commandHandler", aggregate, "aggregate");
      return registering(domain, "commandHandler", "handle", options, () => commandHandlers(aggregate));
    },
    eventHandler: (name: string, options: EventHandlersOptions & Partial<InstanceOptions<object>> = {}) =>
      registering(domain, "eventHandler", "on", options, () => eventHandlers(name, options)),
    projector: (projection: ProjectionClass<object>, options: ProjectorOptions & Partial<InstanceOptions<object>>) => {
      assertKind("projector", projection, "projection");
      const steps = registering(domain, "projector", "on", options, () => projector(projection, options));
      return (type: object) => {
        steps(type);
        registerElement(domain, () => projection);
      };
    },
    queryHandler: (projection: ProjectionClass<object>, options?: InstanceOptions<object>) => {
      assertKind("queryHandler", projection, "projection");
      return registering(domain, "queryHandler", "read", options, () => queryHandlers(projection));
    },
    handle,
    on,
    read,
    apply,
    invariant,
    precondition,
  };
}

function registerAggregate(domain: Domain<Tenancy>, type: object, options: AggregateDecoratorOptions): void {
  const faults = defineAggregate(type, options);
  registerElement(domain, () => type as Element, faults);
}

type Handler = (message: object, context: unknown) => unknown;

/** What `commandHandlers`, `eventHandlers`, `projector` and `queryHandlers` have in common. */
interface Handlers extends Element {
  on(message: Mark["given"], handler: Handler): Handlers;
}

/** The class decorator that registers the methods of an instance with one kind of decorator. */
function registering(
  domain: Domain<Tenancy>,
  decorator: string,
  as: MarkKind,
  { create }: Partial<InstanceOptions<object>> = {},
  empty: () => unknown,
): (type: object) => void {
  return (type) => {
    const methods = markedMethods(type, decorator, [as]);
    if (methods.length === 0) {
      throw invalid(
        `A class with @${decorator} has no method with @${as}`,
        `Put @${as}(…) on its methods, above any decorator that replaces the method.`,
      );
    }
    let instance: object | undefined;
    registerElement(domain, () => {
      instance ??= create?.() ?? new (type as Plain)();
      const self = instance as Readonly<Record<PropertyKey, Handler>>;
      return methods.reduce(
        (handlers, { name, mark }) => handlers.on(mark.given, (message, context) => self[name]?.(message, context)),
        empty() as Handlers,
      );
    });
  };
}
