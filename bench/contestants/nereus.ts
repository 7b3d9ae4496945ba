/**
 * Nereus as it is built and published. Its model is written as a user would write it; only the appender, for which there
 * is no public call, goes to the store's port, with messages made by the framework's own function. Like those of the
 * peers its events are not validated; those of commands are.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  Command,
  commandHandlers,
  Domain,
  type Element,
  Event,
  EventSourcedAggregate,
  identifier,
  Projection,
  projector,
  Query,
  queryHandlers,
  type Store,
} from "nereus";
import { memory } from "nereus/memory";
import { postgres } from "nereus/postgres";
import { sqlite } from "nereus/sqlite";
import pg from "pg";
import { z } from "zod";
import { type Envelope, serialise } from "../../packages/nereus/dist/log/event-types.js";
import { newIdentity } from "../../packages/nereus/dist/model/identity.js";
import type { Appender, CatchUp, CommandRunner, Contestant, Hydrator, Place, Visibility } from "../contestant.ts";
import { catchUpEvents, historyOf } from "../history.ts";
import { itemLimit, type OrderEvent, type OrderState } from "../order.ts";
import { countOf, durabilityOf } from "./raw-postgres-tables.ts";

const text = () => z.string().max(200);
const count = () => z.number().int().min(0);

const placedFields = {
  orderId: identifier(),
  customerId: text(),
  placedAt: text(),
  currency: text(),
  total: count(),
  itemCount: count(),
  channel: text(),
  shipTo: text(),
  note: text(),
};

const addedFields = {
  orderId: identifier(),
  itemId: text(),
  sku: text(),
  name: text(),
  quantity: count(),
  unitPrice: count(),
  addedBy: text(),
  addedAt: text(),
  note: text(),
};

class OrderPlaced extends Event("OrderPlaced", placedFields) {}
class ItemAdded extends Event("ItemAdded", addedFields) {}
class PlaceOrder extends Command("PlaceOrder", placedFields).returns<string>() {}
class AddItem extends Command("AddItem", addedFields) {}
class LoadOrder extends Query("LoadOrder", { orderId: identifier() }).returns<OrderState>() {}

const orderWith = (options: { snapshotEvery?: number }) =>
  EventSourcedAggregate(
    "Order",
    { orderId: identifier(), customerId: text(), items: count().default(0), total: count().default(0) },
    options,
  )
    .applies(OrderPlaced, (order, event) => {
      order.orderId = event.orderId;
      order.customerId = event.customerId;
      order.items = event.itemCount;
      order.total = event.total;
    })
    .applies(ItemAdded, (order, event) => {
      order.items += event.quantity;
      order.total += event.quantity * event.unitPrice;
    })
    .invariant("items", "the order is full", (order) => order.items <= itemLimit);

/** As a class for orders with a long history has it. */
class LongOrder extends orderWith({ snapshotEvery: 100 }) {}

class Order extends orderWith({}) {
  static place(command: PlaceOrder) {
    return Order.create((order) => order.raise(new OrderPlaced(command)));
  }
  addItem(command: AddItem) {
    this.raise(new ItemAdded(command));
  }
}

class OrderSummary extends Projection("OrderSummary", {
  orderId: identifier(),
  customerId: text(),
  items: count(),
  total: count(),
}) {}

const orderCommands = commandHandlers(Order)
  .create(PlaceOrder, (command) => Order.place(command))
  .update(AddItem, (order, command) => order.addItem(command));

const orderSummaries = projector(OrderSummary, { run: "async" })
  .create(OrderPlaced, ({ orderId, customerId, itemCount, total }) => ({
    orderId,
    customerId,
    items: itemCount,
    total,
  }))
  .update(
    ItemAdded,
    (event) => event.orderId,
    (row, event) => {
      row.items += event.quantity;
      row.total += event.quantity * event.unitPrice;
    },
  );

const orderQueries = queryHandlers(OrderSummary).on(LoadOrder, ({ orderId }, { repository }) =>
  repository(Order).get(orderId),
);

const elements: Element[] = [Order, orderCommands, OrderSummary, orderSummaries, orderQueries];

const longOrderQueries = queryHandlers(OrderSummary).on(LoadOrder, ({ orderId }, { repository }) =>
  repository(LongOrder).get(orderId),
);
const longOrders: Element[] = [LongOrder, OrderSummary, orderSummaries, longOrderQueries];

type Opened = { domain: Domain; store: Store; stored: () => Promise<number> };
type Opening = (place: Place, options?: { cachedAggregates?: number; elements?: Element[] }) => Promise<Opened>;

const fileOf = (place: Place): string => join(place.directory, "nereus.db");

const openSqlite: Opening = async (place, options) => {
  const store = sqlite(fileOf(place));
  const domain = new Domain("orders", { elements, store, ...options });
  await domain.start();
  const stored = async (): Promise<number> => {
    const other = new DatabaseSync(fileOf(place));
    const { stored } = other.prepare("SELECT count(*) AS stored FROM nereus_messages").get() as { stored: number };
    other.close();
    return stored;
  };
  return { domain, store, stored };
};

const openMemory: Opening = async (place) => {
  const store = memory();
  const domain = new Domain("orders", { elements, store });
  await domain.start();
  await writeHistory(store, place);
  return { domain, store, stored: () => store.log.head() };
};

const openPostgres: Opening = async (place, options) => {
  const pool = new pg.Pool({ connectionString: place.database, max: 8 });
  const store = postgres({ pool, setUp: true });
  const domain = new Domain("orders", { elements, store, ...options });
  await domain.start();
  return { domain, store, stored: () => countOf(place, "nereus.nereus_messages") };
};

/** Under this name the checkpoint of `orderSummaries` is kept. */
const checkpoint = "projection:OrderSummary:1";

function append(store: Store, orderId: string, version: number, events: OrderEvent[]) {
  const now = Date.now();
  const envelope: Envelope = {
    recordedAt: now,
    occurredAt: now,
    correlationId: orderId,
    causationId: null,
    traceparent: null,
    extensions: null,
  };
  const messages = events.map(({ type, data }) => serialise(newIdentity(), type, 1, data, envelope));
  const stream = { tenant: "", kind: "event", category: "Order", id: orderId } as const;
  return store.commit({ appends: [{ stream, expectedVersion: version === 0 ? "none" : version - 1, messages }] });
}

/** Batches that wait together share a transaction, in the order in which they came. */
async function writeHistory(store: Store, place: Place): Promise<void> {
  let waiting: Promise<void>[] = [];
  for (const { orderId, version, events } of historyOf(place.history)) {
    waiting.push(append(store, orderId, version, events).then(expectCommitted));
    if (waiting.length < 256) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
}

function expectCommitted({ status }: { status: string }): void {
  if (status !== "committed") throw new Error(`append answered "${status}"`);
}

const seedBy =
  (open: Opening) =>
  async (place: Place): Promise<void> => {
    const { domain, store } = await open(place);
    await writeHistory(store, place);
    await domain.stop();
  };

const appenderBy =
  (open: Opening) =>
  async (place: Place): Promise<Appender> => {
    const { domain, store, stored } = await open(place);
    return {
      append: async (orderId, event) => expectCommitted(await append(store, orderId, 0, [event])),
      stored,
      close: () => domain.stop(),
    };
  };

const commandRunnerBy =
  (open: Opening, options?: { cachedAggregates: number }) =>
  async (place: Place): Promise<CommandRunner> => {
    const { domain, stored } = await open(place, options);
    return {
      place: (command) => domain.process(new PlaceOrder(command)),
      addItem: (command) => domain.process(new AddItem(command)),
      stored,
      close: () => domain.stop(),
    };
  };

/** Queries load aggregates from the log: neither cache nor snapshot. */
const hydratorBy =
  (open: Opening) =>
  async (place: Place): Promise<Hydrator> => {
    const { domain } = await open(place);
    return {
      load: (orderId) => domain.query(new LoadOrder({ orderId })),
      close: () => domain.stop(),
    };
  };

/** Each order has a snapshot, which its first load has made, and no event after it. */
const snapshotHydratorBy =
  (open: Opening) =>
  async (place: Place): Promise<Hydrator> => {
    const first = await open(place, { elements: longOrders });
    const orderIds = new Set([...historyOf(place.history)].map(({ orderId }) => orderId));
    for (const orderId of orderIds) await first.domain.query(new LoadOrder({ orderId }));
    await first.domain.stop();
    const { domain } = await open(place, { elements: longOrders });
    return {
      load: (orderId) => domain.query(new LoadOrder({ orderId })),
      close: () => domain.stop(),
    };
  };

/** `settle` cannot be given up, so after the deadline it is left to itself: the process ends with the cell. */
const catchUpBy =
  (open: Opening) =>
  async (place: Place): Promise<CatchUp> => {
    const { domain, store } = await open(place);
    return {
      async run(deadline) {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, deadline - performance.now());
        });
        await Promise.race([domain.settle(), late]);
        clearTimeout(timer);
        // every event of the history concerns the projection, so positions count them
        return Math.min(await store.records.checkpoint(checkpoint), catchUpEvents);
      },
      rows: () => domain.view(OrderSummary).find(),
      close: () => domain.stop(),
    };
  };

async function visibility(place: Place): Promise<Visibility> {
  const { domain } = await openPostgres(place);
  await domain.engine().start();
  const rows = domain.view(OrderSummary);
  return {
    async placeAndSee(command) {
      const orderId = await domain.process(new PlaceOrder(command));
      while ((await rows.get(orderId)) === undefined);
    },
    close: () => domain.stop(),
  };
}

async function durability(place: Place): Promise<string> {
  const { domain } = await openSqlite(place);
  const database = new DatabaseSync(fileOf(place));
  const { journal_mode: mode } = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
  database.close();
  await domain.stop();
  return `journal_mode=${mode} (read back), synchronous=FULL (the default of sqlite())`;
}

export const contestants: Contestant[] = [
  {
    name: "nereus-sqlite",
    store: "sqlite",
    durability,
    seed: seedBy(openSqlite),
    appender: appenderBy(openSqlite),
    commandRunner: commandRunnerBy(openSqlite),
    hydrator: hydratorBy(openSqlite),
    catchUp: catchUpBy(openSqlite),
  },
  {
    name: "nereus-sqlite-uncached",
    store: "sqlite",
    durability,
    seed: seedBy(openSqlite),
    commandRunner: commandRunnerBy(openSqlite, { cachedAggregates: 0 }),
  },
  {
    name: "nereus-sqlite-snapshots",
    store: "sqlite",
    durability,
    seed: seedBy(openSqlite),
    hydrator: snapshotHydratorBy(openSqlite),
  },
  {
    name: "nereus-postgres-snapshots",
    store: "postgres",
    durability: async (place) => `${await durabilityOf(place)}, a pool of 8`,
    seed: seedBy(openPostgres),
    hydrator: snapshotHydratorBy(openPostgres),
  },
  {
    name: "nereus-postgres",
    store: "postgres",
    durability: async (place) => `${await durabilityOf(place)}, a pool of 8`,
    seed: seedBy(openPostgres),
    appender: appenderBy(openPostgres),
    commandRunner: commandRunnerBy(openPostgres),
    hydrator: hydratorBy(openPostgres),
    catchUp: catchUpBy(openPostgres),
    visibility,
  },
  {
    name: "nereus-memory",
    store: "memory",
    durability: async () => "none; events are kept as JSON text with a checksum",
    appender: appenderBy(openMemory),
    commandRunner: commandRunnerBy(openMemory),
  },
];
