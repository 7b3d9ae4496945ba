import type { CommandContext } from "../application/context.ts";
import type { EventHandlersOptions } from "../application/event-handlers.ts";
import type { ProjectorOptions } from "../application/projector.ts";
import type { CustomRepositoryClass } from "../application/repository.ts";
import type { SubscriberOptions } from "../application/subscriber.ts";
import type { AggregateClass } from "../model/aggregate-root.ts";
import type { OutputOf } from "../model/field.ts";
import type { ProjectionClass } from "../model/projection.ts";
import type { StandardSchema } from "../model/standard-schema.ts";
import type { AggregateDecoratorOptions } from "./aggregate.ts";
import type { DecoratesClass } from "./marks.ts";
import type { apply, handle, invariant, on, precondition, read } from "./method-decorators.ts";

/** How the instance of a decorated class is made, where its constructor takes parameters and no container makes it. */
export interface InstanceOptions<H> {
  /** Called at each start of a domain. */
  readonly create: () => H | Promise<H>;
}

/** A class whose constructor takes nothing. */
export type Plain = new () => object;
/** Any class of `H`s. */
export type Making<H> = abstract new (...input: never) => H;

/** A class that takes in the messages of another system. */
export type Receiving<M extends StandardSchema> = abstract new (
  ...input: never
) => { readonly receive: (message: OutputOf<M>, context: CommandContext) => unknown };

/** The decorators of classes. They may be taken out by destructuring. `C`: classes that can be instances without `create`. */
export interface Decorators<C extends Making<object> = Plain> {
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
    (aggregate: AggregateClass<object>): DecoratesClass<C>;
    <H extends object>(aggregate: AggregateClass<object>, options: InstanceOptions<H>): DecoratesClass<Making<H>>;
  };
  /**
   * Registers a class whose methods with `@on` take events. Its name is its place in the log, and never changes.
   *
   * @example @eventHandler("OrderLetters", { retries: 5, create: () => new OrderLetters(mailer) }) class OrderLetters { … }
   */
  readonly eventHandler: {
    (name: string, options?: EventHandlersOptions): DecoratesClass<C>;
    <H extends object>(name: string, options: EventHandlersOptions & InstanceOptions<H>): DecoratesClass<Making<H>>;
  };
  /**
   * Registers a projection, and the class whose methods with `@on` fill it; several of one event run in their order.
   *
   * @example @projector(OrderList, { run: "async", version: 1 }) class OrderListing { @on(OrderPlaced) async placed(…) { … } }
   */
  readonly projector: {
    (projection: ProjectionClass<object>, options: ProjectorOptions): DecoratesClass<C>;
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
    (projection: ProjectionClass<object>): DecoratesClass<C>;
    <H extends object>(projection: ProjectionClass<object>, options: InstanceOptions<H>): DecoratesClass<Making<H>>;
  };
  /**
   * Registers a custom repository.
   *
   * @throws NereusError DECORATOR_INVALID on another class
   * @example @repository class OrderRepository extends EventSourcedRepository(Order) { openOf(customer: string) { … } }
   */
  readonly repository: DecoratesClass<CustomRepositoryClass>;
  /**
   * Registers a class that takes in the messages of another system, with its method `receive`. To deliver one:
   * `domain.deliver(subscriberOf(Gateway), body, { id })`.
   *
   * @example
   * @subscriber("Gateway", { stream: "payments", message: payment })
   * class Gateway { async receive({ account, cents }: Payment, { process }: CommandContext) { … } }
   */
  readonly subscriber: {
    <M extends StandardSchema>(name: string, options: SubscriberOptions<M>): DecoratesClass<C & Receiving<M>>;
    <M extends StandardSchema, H extends object>(
      name: string,
      options: SubscriberOptions<M> & InstanceOptions<H>,
    ): DecoratesClass<Making<H> & Receiving<M>>;
  };
  /**
   * Registers a class whose methods are use cases: each takes a `CommandContext`, then whatever its caller gives.
   *
   * @example
   * @service("Signup") class Signup { async register({ process }: CommandContext, email: string) { … } }
   * const id = await shop.service(Signup).register("ada@example.org");
   */
  readonly service: {
    (name: string): DecoratesClass<C>;
    <H extends object>(name: string, options: InstanceOptions<H>): DecoratesClass<Making<H>>;
  };
  readonly handle: typeof handle;
  readonly on: typeof on;
  readonly read: typeof read;
  readonly apply: typeof apply;
  readonly invariant: typeof invariant;
  readonly precondition: typeof precondition;
}
