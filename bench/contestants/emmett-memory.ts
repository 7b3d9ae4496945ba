/**
 * Emmett's store in memory. Each of its appends counts the events of all streams, so one store that keeps growing would
 * make the figure depend on how long one measures. It is therefore given many stores of at most a hundred streams each,
 * which is the best light to see it in.
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

const streamsPerStore = 100;

/** Hands out stores; a stream that it has seen stays in its store. */
class Shelf {
  readonly stores: InMemoryEventStore[] = [];
  readonly #known = new Map<string, InMemoryEventStore>();
  readonly streams: string[][] = [];
  #room = 0;

  forNew(stream: string): InMemoryEventStore {
    if (this.#room === 0) {
      this.stores.push(getInMemoryEventStore());
      this.streams.push([]);
      this.#room = streamsPerStore;
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

async function appender(): Promise<Appender> {
  const shelf = new Shelf();
  return {
    append: (orderId, event) =>
      shelf.forNew(orderId).appendToStream(orderId, [event], { expectedStreamVersion: STREAM_DOES_NOT_EXIST }),
    stored: () => shelf.stored(),
    close: async () => {},
  };
}

async function commandRunner(place: Place): Promise<CommandRunner> {
  const shelf = new Shelf();
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

export const contestants: Contestant[] = [
  {
    name: "emmett-memory",
    store: "memory",
    durability: async () => "none; events are kept as the caller's objects, not serialised",
    appender,
    commandRunner,
  },
];
