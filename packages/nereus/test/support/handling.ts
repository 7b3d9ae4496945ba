// Orders that handlers of every kind count: the model of the tests that kill processes while handlers run.
import {
  Aggregate,
  Command,
  commandHandlers,
  Event,
  type EventContext,
  EventSourcedAggregate,
  eventHandlers,
  identifier,
} from "nereus";
import { z } from "zod";

export class Placed extends Event("Placed", { orderId: identifier() }) {}
export class Order extends EventSourcedAggregate("Order", { orderId: identifier() }).applies(Placed, (order, event) => {
  order.orderId = event.orderId;
}) {}
export class Place extends Command("Place", { orderId: identifier() }) {}

export class Counter extends Aggregate("Counter", { counterId: identifier(), count: z.number() }) {}
export class Count extends Command("Count", { counterId: identifier() }) {}

const orderCommands = commandHandlers(Order).on(Place, ({ orderId }, { repository }) =>
  repository(Order).add(Order.create((order) => order.raise(new Placed({ orderId })))),
);
const counterCommands = commandHandlers(Counter).on(Count, async ({ counterId }, { repository }) => {
  const counter = (await repository(Counter).find(counterId)) ?? new Counter({ counterId, count: 0 });
  counter.count += 1;
  await repository(Counter).add(counter);
});

/** Every way in which a handler of an event has an effect in the store; each is to happen once per order. */
export const counterIds = ["inline", "single", "sent", "sent by one of two", "the other of two"];

const count = (counterId: string) => (_: Placed, context: EventContext) => context.process(new Count({ counterId }));
const sendCount = (counterId: string) => (_: Placed, context: EventContext) => context.send(new Count({ counterId }));

export const elements = [
  Order,
  orderCommands,
  Counter,
  counterCommands,
  eventHandlers("Inline", { run: "inline" }).on(Placed, count("inline")),
  eventHandlers("Single").on(Placed, count("single")),
  eventHandlers("Sending").on(Placed, sendCount("sent")),
  eventHandlers("Two").on(Placed, sendCount("sent by one of two")).on(Placed, count("the other of two")),
];
