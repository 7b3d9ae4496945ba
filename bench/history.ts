/** What the stores hold before a cell starts, as the appends that would have written it. */
import { addItem, evolve, newOrder, type OrderEvent, type OrderState, placeOrder } from "./order.ts";

/** Events of one order that one append writes; `version` events of that order come before it. */
export type Batch = { orderId: string; version: number; events: OrderEvent[] };

export type HistoryName = "none" | "command" | "hydration" | "catch-up";

export const commandOrders = 1_000;
export const priorEvents = 100;
export const hydrationSizes = [100, 1_000, 10_000] as const;
const eventsPerHydrationSize = 20_000;
export const catchUpOrders = 1_000;
export const catchUpEvents = 100_000;

export const commandOrder = (n: number): string => `order-${n}`;
export const hydrationOrder = (size: number, n: number): string => `order-of-${size}-${n}`;
export const hydrationOrders = (size: number): number => eventsPerHydrationSize / size;

export function* historyOf(name: HistoryName): Generator<Batch> {
  if (name === "command") for (let n = 0; n < commandOrders; n++) yield* wholeOrder(commandOrder(n), priorEvents, 100);
  if (name === "hydration") {
    for (const size of hydrationSizes) {
      for (let n = 0; n < hydrationOrders(size); n++) yield* wholeOrder(hydrationOrder(size, n), size, 1_000);
    }
  }
  if (name === "catch-up") yield* interleavedOrders(10);
}

/** All orders grow together, ten events at a time, so that a page of the log touches many rows of the read model. */
function* interleavedOrders(step: number): Generator<Batch> {
  for (let version = 0; version < catchUpEvents / catchUpOrders; version += step) {
    for (let n = 0; n < catchUpOrders; n++) {
      const orderId = `order-${n}`;
      yield { orderId, version, events: eventsOf(orderId, version, version + step) };
    }
  }
}

function* wholeOrder(orderId: string, size: number, step: number): Generator<Batch> {
  for (let version = 0; version < size; version += step) {
    yield { orderId, version, events: eventsOf(orderId, version, Math.min(version + step, size)) };
  }
}

function eventsOf(orderId: string, from: number, to: number): OrderEvent[] {
  const events: OrderEvent[] = [];
  for (let version = from; version < to; version++) {
    if (version === 0) events.push({ type: "OrderPlaced", data: placeOrder(orderId, 0) });
    else events.push({ type: "ItemAdded", data: addItem(orderId, version) });
  }
  return events;
}

/** What an order of that many events must look like: every contestant's answer is compared with it. */
export function expectedOrder(orderId: string, size: number): OrderState {
  return eventsOf(orderId, 0, size).reduce(evolve, newOrder());
}
