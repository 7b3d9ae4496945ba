import type { CommandContext, EventContext, QueryContext } from "../application/context.ts";
import type { Answer } from "../application/handlers.ts";
import type { ProjectorContext } from "../application/projector.ts";
import type { CommandClass, EventClass, QueryClass } from "../model/message.ts";
import { assertKind, type DecoratesMethod, marking } from "./marks.ts";

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

/**
 * Makes a method of a command handler the one that takes a command; it loads and adds by hand.
 *
 * @throws NereusError DECORATOR_INVALID on anything but a public method of an instance; so do the two that follow
 * @example @handle(PlaceOrder) async place({ total }: PlaceOrder, { repository }: CommandContext) { … }
 */
export function handle<R, C>(
  command: CommandClass<R, C>,
): DecoratesMethod<(command: C, context: CommandContext) => Answer<R>> {
  assertKind("handle", command, "command");
  return marking({ as: "handle", given: command });
}

/**
 * Makes a method of an event handler or a projector one that takes an event.
 *
 * @example @on(OrderPlaced) async placed(event: OrderPlaced, { rows }: ProjectorContext<OrderList, object>) { … }
 */
export function on<E>(event: EventClass<E>): DecoratesMethod<(event: E, context: AnyEventContext) => unknown> {
  assertKind("on", event, "event");
  return marking({ as: "on", given: event });
}

/**
 * Makes a method of a query handler the one that answers a query.
 *
 * @example @read(OpenOrders) open(query: OpenOrders, { view }: QueryContext<OrderList>) { return view.find(…); }
 */
export function read<R, Q>(
  query: QueryClass<R, Q>,
): DecoratesMethod<(query: Q, context: QueryContext<never>) => R | Promise<R>> {
  assertKind("read", query, "query");
  return marking({ as: "read", given: query });
}

/** What a method with `@on` may declare as its context: `EventContext`, or in a projector its `ProjectorContext`. */
export type AnyEventContext = EventContext & ProjectorContext<never, never>;
