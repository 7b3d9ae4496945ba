/**
 * Emmett's store in memory, twice. Each of its appends counts the events of all streams, so that it slows down as its
 * streams become more: `emmett-memory-one-store` is what an application has. `emmett-memory` is given many stores of at
 * most a hundred streams each, which no application does: the best light to see it in.
 */
import {
  CommandHandler,
  getInMemoryEventStore,
  type InMemoryEventStore,
  STREAM_DOES_NOT_EXIST,
} from "@event-driven-io/emmett";
import type { Appender, CommandRunner, Contestant, Place } from "../contestant.ts";
import { historyOf } from "../history.ts";
import {
  checkAddItem,
  checkPlaceOrder,
  decideAddItem,
  decidePlaceOrder,
  evolve,
  newOrder,
  type OrderEvent,
  type OrderState,
} from "../order.ts";

/** Hands out stores; a stream that it has seen stays in its store. */
class Shelf {
  readonly stores: InMemoryEventStore[] = [];
  readonly #known = new Map<string, InMemoryEventStore>();
  readonly streams: string[][] = [];
  readonly #streamsPerStore: number;
  #room = 0;

  constructor(streamsPerStore: number) {
    this.#streamsPerStore = streamsPerStore;
  }

  forNew(stream: string): InMemoryEventStore {
    if (this.#room === 0) {
      this.stores.push(getInMemoryEventStore());
      this.streams.push([]);
      this.#room = this.#streamsPerStore;
    }
    this.#room--;
    this.streams.at(-1)?.push(stream);
    return this.stores.at(-1) as InMemoryEventStore;
  }

  remember(stream: string): InMemoryEventStore {
    let store = this.#known.get(stream);
    if (!store) {
      store = this.forNew(stream);
      this.#known.set(stream, store);
    }
    return store;
  }

  known(stream: string): InMemoryEventStore {
    return this.#known.get(stream) ?? this.forNew(stream);
  }

  async stored(): Promise<number> {
    let stored = 0;
    for (const [n, store] of this.stores.entries()) {
      for (const stream of this.streams[n] ?? []) stored += (await store.readStream(stream)).events.length;
    }
    return stored;
  }
}

async function appender(streamsPerStore: number): Promise<Appender> {
  const shelf = new Shelf(streamsPerStore);
  return {
    append: (orderId, event) =>
      shelf.forNew(orderId).appendToStream(orderId, [event], { expectedStreamVersion: STREAM_DOES_NOT_EXIST }),
    stored: () => shelf.stored(),
    close: async () => {},
  };
}

async function commandRunner(place: Place, streamsPerStore: number): Promise<CommandRunner> {
  const shelf = new Shelf(streamsPerStore);
  for (const { orderId, events } of historyOf(place.history)) {
    await shelf.remember(orderId).appendToStream(orderId, events);
  }
  const handle = CommandHandler<OrderState, OrderEvent>({ evolve, initialState: newOrder });
  return {
    async place(command) {
      checkPlaceOrder(command);
      await handle(shelf.forNew(command.orderId), command.orderId, (state) => decidePlaceOrder(state, command));
    },
    async addItem(command) {
      checkAddItem(command);
      await handle(shelf.known(command.orderId), command.orderId, (state) => decideAddItem(state, command));
    },
    stored: () => shelf.stored(),
    close: async () => {},
  };
}

const contestant = (name: string, streamsPerStore: number): Contestant => ({
  name,
  store: "memory",
  durability: async () => "none; events are kept as the caller's objects, not serialised",
  appender: () => appender(streamsPerStore),
  commandRunner: (place) => commandRunner(place, streamsPerStore),
});

export const contestants: Contestant[] = [
  contestant("emmett-memory", 100),
  contestant("emmett-memory-one-store", Number.POSITIVE_INFINITY),
];
