import { Aggregate as StateStored } from "../model/aggregate.ts";
import type {
  AggregateClass,
  AggregateDefinition,
  AggregateInstance,
  AggregateOptions,
  AggregateShape,
  StateStoredOptions,
} from "../model/aggregate-root.ts";
import { definition } from "../model/element.ts";
import type { ModelFault } from "../model/errors.ts";
import { EventSourcedAggregate } from "../model/event-sourced-aggregate.ts";
import type { EntityInput, Fields, Shape, Shaped, Simplify } from "../model/field.ts";
import { Scoped, valuesOf } from "../model/fields-of.ts";
import type { EventClass, MessageInstance, Named } from "../model/message.ts";
import type { CompiledShape } from "../model/shape.ts";
import type { Values } from "../model/values.ts";
import { assertKind, invalid, type MarkedMethod, markedMethods } from "./marks.ts";

/** The class that {@link Aggregate} returns, to extend. Which kind it is of, only its decorator says. */
export interface DecoratedBase<N extends string, S extends Shape> {
  readonly [definition]: AggregateDefinition<never>;
  new (input?: EntityInput<S>): Simplify<Fields<S>> & AggregateInstance<MessageInstance> & Named<N> & Shaped<S>;
  /** A new event-sourced aggregate: `build` raises its first events. */
  create<A>(this: new () => A, build: (aggregate: A) => void): A;
}

/** What `@aggregate` is told. */
export interface AggregateDecoratorOptions {
  /** Whether the state is what the events made it, by methods with `@apply`. Default: false, it is stored as it is. */
  readonly eventSourced?: boolean;
  /**
   * The events that it raises. A state-stored aggregate may raise no other; of an event-sourced one, `start` checks that it
   * has an `@apply` for each.
   */
  readonly raises?: readonly EventClass[];
}

/** An aggregate's class under construction, of either kind. */
interface Building {
  readonly [definition]: AggregateDefinition;
  applies(event: EventClass, apply: (state: never, event: never) => unknown, written: unknown): Building;
  raises(...events: readonly EventClass[]): Building;
  invariant(code: string, message: string, holds: (state: never) => boolean): Building;
  precondition(code: string, message: string, holds: (state: never) => boolean): Building;
}

/** The same aggregate as either kind, by the class that the user extends. */
const kinds = new WeakMap<object, { readonly sourced: Building; readonly stored: Building }>();

/**
 * A class of aggregates to be decorated with `@aggregate`. It differs from the builders of `nereus` in what the compiler
 * can tell: fields may be assigned and any event raised, as far as the types go, and the checks are made when it runs.
 *
 * An event-sourced aggregate has a new identity from the start. Its first event decides: the identity is what its apply method
 * sets, or else the event's field that has the same name, or else the event's only `identifier()`.
 *
 * The aggregates of one domain need names of their own: let a function make the base that several share,
 * `const archivable = <N extends string>(name: N) => class extends Aggregate(name, { … }) { … }`.
 *
 * @param name explicit, so that renaming or minifying the class changes nothing
 * @param shape a schema per field, one of them `identifier()`
 * @throws NotImplementedError APPLY_HANDLER_MISSING from `raise`, for an event without `@apply` (state-stored: not in `raises`)
 * @throws NereusError STATE_CHANGED_OUTSIDE_APPLY from an assignment in any other method of an event-sourced aggregate
 * @example
 * @aggregate({ eventSourced: true })
 * class Order extends Aggregate("Order", { id: identifier(), status: z.string().default("draft") }) {
 *   place() { this.raise(new OrderPlaced({ orderId: this.id })); }
 *   @apply(OrderPlaced) placed(event: OrderPlaced) { this.status = "placed"; }
 * }
 * const order = Order.create((order) => order.place());
 */
export function Aggregate<const N extends string, S extends AggregateShape>(
  name: N,
  shape: S,
  options: AggregateOptions & StateStoredOptions<keyof S & string> = {},
): DecoratedBase<N, S> {
  const sourced = EventSourcedAggregate(name, shape, options);
  const stored = StateStored(name, shape, options);
  Object.defineProperty(stored, "create", { value: sourced.create });
  offerIdentity(stored.prototype, stored[definition].shape);
  // which kind it is, is known when it is constructed, not yet when it is extended
  const base = new Proxy(stored, {
    construct: (_, input, type) =>
      Reflect.construct((type as unknown as AggregateClass)[definition].eventSourced ? sourced : stored, input, type),
  });
  kinds.set(base, { sourced: sourced as unknown as Building, stored: stored as unknown as Building }); // one type for both
  return base as unknown as DecoratedBase<N, S>; // fields are known at run time only
}

/** Lets an aggregate without events have an identity, for its first event to take. */
function offerIdentity(prototype: object, { identifiers: [field] }: CompiledShape): void {
  if (field === undefined) return; // `start` reports it
  const { name, identifier } = field;
  const offered = new WeakMap<object, string | undefined>();
  const inherited = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(prototype), name);
  Object.defineProperty(prototype, name, {
    ...inherited,
    get(this: AggregateInstance<object>): unknown {
      const id = valuesOf(this)[name];
      if (id !== undefined || this.version !== -1 || Scoped.scopeOf(this).mode !== "closed") return id;
      if (!offered.has(this)) offered.set(this, identifier?.generate());
      return offered.get(this);
    },
  });
}

/**
 * Makes an aggregate of a decorated class, and returns the faults that `start` has to report.
 *
 * @throws NereusError DECORATOR_INVALID
 */
export function defineAggregate(
  type: object,
  { eventSourced = false, raises = [] }: AggregateDecoratorOptions,
): ModelFault[] {
  for (const event of raises) assertKind("aggregate", event, "event");
  const methods = markedMethods(type, "aggregate", ["apply", "invariant", "precondition"]);
  const [first] = methods.filter(({ mark }) => mark.as === "apply");
  const made = kindsOf(type);
  if (made === undefined) {
    const fix = 'Write class Order extends Aggregate("Order", { … }), with the Aggregate of nereus/decorators.';
    throw invalid("@aggregate is on a class that does not extend Aggregate of nereus/decorators", fix);
  }
  const { name, shape, options } = made.stored[definition];
  if (eventSourced && (options.indexes ?? options.unique) !== undefined) {
    const fix = "Index a projection of its events; what is unique, let an inline projection hold.";
    throw invalid(`${name} is event-sourced, and cannot have indexes or unique fields`, fix);
  }
  if (!eventSourced && first !== undefined) {
    const message = `@apply on ${String(first.name)} would never run: ${name} is state-stored`;
    throw invalid(
      message,
      "Write @aggregate({ eventSourced: true }), or list the event in raises and take @apply away.",
    );
  }
  let building = eventSourced ? made.sourced : made.stored.raises(...raises);
  for (const method of methods) building = withMethod(building, method, type as AggregateClass);
  const own: AggregateDefinition = { ...building[definition], shape }; // accessors and definition: of one shape
  Object.defineProperty(type, definition, { value: own, configurable: true });
  return raises.filter((event) => !own.appliers.has(event[definition].name)).map((event) => notApplied(name, event));
}

function kindsOf(type: object | null): { readonly sourced: Building; readonly stored: Building } | undefined {
  return type === null ? undefined : (kinds.get(type) ?? kindsOf(Object.getPrototypeOf(type)));
}

type Methods = Readonly<Record<PropertyKey, ((event?: object) => unknown) | undefined>>;

function withMethod(
  building: Building,
  { name, mark }: MarkedMethod<"apply" | "invariant" | "precondition">,
  { prototype }: AggregateClass,
): Building {
  if (mark.as !== "apply") {
    const { code, message } = mark.given;
    return building[mark.as](code, message, (root: Methods) => root[name]?.() as boolean);
  }
  const identity = building[definition].shape.identifiers[0]?.name ?? "";
  const named = mark.given[definition].shape.naming(identity);
  const apply = (root: object, event: Values): unknown => {
    const returned = (root as Methods)[name]?.(event);
    if (named !== undefined && valuesOf(root)[identity] === undefined) (root as Values)[identity] = event[named];
    return returned;
  };
  return building.applies(mark.given, apply, (prototype as Methods)[name]);
}

function notApplied(element: string, event: EventClass): ModelFault {
  const { name } = event[definition];
  const fix = `Add a method with @apply(${name}) to ${element}.`;
  return { code: "APPLY_MISSING", element, message: `it raises ${name}, and has no @apply for it`, fix };
}
