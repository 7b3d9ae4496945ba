/** Castore with its in-memory adapter: its EventStore and Command, as its documentation shows them. */
import { Command, EventStore, EventType, tuple } from "@castore/core";
import { InMemoryEventStorageAdapter } from "@castore/event-storage-adapter-in-memory";
import type { Appender, CommandRunner, Contestant, Place } from "../contestant.ts";
import { historyOf } from "../history.ts";
import {
  type AddItem,
  checkAddItem,
  checkPlaceOrder,
  decideAddItem,
  decidePlaceOrder,
  evolve,
  type ItemAdded,
  newOrder,
  type OrderEvent,
  type OrderPlaced,
  type OrderState,
  type PlaceOrder,
} from "../order.ts";

type OrderAggregate = { aggregateId: string; version: number; order: OrderState };
type OrderDetail = { aggregateId: string; version: number; timestamp: string } & (
  | { type: "OrderPlaced"; payload: OrderPlaced }
  | { type: "ItemAdded"; payload: ItemAdded }
);

function openStore() {
  const adapter = new InMemoryEventStorageAdapter();
  const orders = new EventStore({
    eventStoreId: "ORDERS",
    eventTypes: [
      new EventType<"OrderPlaced", OrderPlaced>({ type: "OrderPlaced" }),
      new EventType<"ItemAdded", ItemAdded>({ type: "ItemAdded" }),
    ],
    // castore starts from no aggregate at all
    reducer: (aggregate: OrderAggregate | undefined, detail: OrderDetail): OrderAggregate => ({
      aggregateId: detail.aggregateId,
      version: detail.version,
      order: evolve(aggregate?.order ?? newOrder(), { type: detail.type, data: detail.payload } as OrderEvent),
    }),
    eventStorageAdapter: adapter,
  });
  return { adapter, orders };
}

type Orders = ReturnType<typeof openStore>["orders"];

const push = (orders: Orders, aggregateId: string, version: number, event: OrderEvent): Promise<unknown> =>
  orders.pushEvent({ aggregateId, version, type: event.type, payload: event.data } as never);

const countEvents = async (adapter: InMemoryEventStorageAdapter): Promise<number> =>
  Object.values(adapter.eventStore).reduce((sum, events) => sum + events.length, 0);

async function appender(): Promise<Appender> {
  const { adapter, orders } = openStore();
  return {
    append: (orderId, event) => push(orders, orderId, 1, event),
    stored: () => countEvents(adapter),
    close: async () => {},
  };
}

async function commandRunner(place: Place): Promise<CommandRunner> {
  const { adapter, orders } = openStore();
  for (const { orderId, version, events } of historyOf(place.history)) {
    for (const [offset, event] of events.entries()) await push(orders, orderId, version + offset + 1, event);
  }
  const placeOrder = new Command({
    commandId: "PLACE_ORDER",
    requiredEventStores: tuple(orders),
    handler: async (command: PlaceOrder, [store]: [Orders]) => {
      checkPlaceOrder(command);
      const { aggregate } = await store.getAggregate(command.orderId);
      await push(store, command.orderId, 1, decidePlaceOrder(aggregate?.order ?? newOrder(), command));
    },
  });
  const addItem = new Command({
    commandId: "ADD_ITEM",
    requiredEventStores: tuple(orders),
    handler: async (command: AddItem, [store]: [Orders]) => {
      checkAddItem(command);
      const { aggregate } = await store.getExistingAggregate(command.orderId);
      await push(store, command.orderId, aggregate.version + 1, decideAddItem(aggregate.order, command));
    },
  });
  return {
    place: (command) => placeOrder.handler(command, [orders]),
    addItem: (command) => addItem.handler(command, [orders]),
    stored: () => countEvents(adapter),
    close: async () => {},
  };
}

export const contestants: Contestant[] = [
  {
    name: "castore-memory",
    store: "memory",
    durability: async () => "none; events are kept as the caller's objects, not serialised",
    appender,
    commandRunner,
  },
];
