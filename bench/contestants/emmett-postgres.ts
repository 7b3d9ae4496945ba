/** Emmett on PostgreSQL, with a pool of 16 connections instead of its 10. */
import { CommandHandler, type ReadEvent, STREAM_DOES_NOT_EXIST } from "@event-driven-io/emmett";
import { getPostgreSQLEventStore, type PostgresEventStore } from "@event-driven-io/emmett-postgresql";
import pg from "pg";
import type { Appender, CatchUp, CommandRunner, Contestant, Hydrator, Place, Visibility } from "../contestant.ts";
import { catchUpEvents, historyOf } from "../history.ts";
import {
  checkAddItem,
  checkPlaceOrder,
  decideAddItem,
  decidePlaceOrder,
  evolve,
  newOrder,
  type OrderEvent,
  type OrderState,
  type OrderSummary,
} from "../order.ts";
import { countOf, durabilityOf } from "./raw-postgres-tables.ts";

type Opened = { store: PostgresEventStore; pool: pg.Pool; close: () => Promise<void> };

async function open(place: Place): Promise<Opened> {
  const pool = new pg.Pool({ connectionString: place.database, max: 16 });
  const store = getPostgreSQLEventStore(place.database, { connectionOptions: { pool } });
  await store.schema.migrate();
  // a cell ends with its process: closing store and pool in the wrong order hangs
  return { store, pool, close: async () => {} };
}

const stored = (place: Place): Promise<number> => countOf(place, "emt_messages");

async function appender(place: Place): Promise<Appender> {
  const { store, close } = await open(place);
  return {
    append: (orderId, event) =>
      store.appendToStream(orderId, [event], { expectedStreamVersion: STREAM_DOES_NOT_EXIST }),
    stored: () => stored(place),
    close,
  };
}

async function commandRunner(place: Place): Promise<CommandRunner> {
  const { store, close } = await open(place);
  const handle = CommandHandler<OrderState, OrderEvent>({ evolve, initialState: newOrder });
  return {
    async place(command) {
      checkPlaceOrder(command);
      await handle(store, command.orderId, (state) => decidePlaceOrder(state, command));
    },
    async addItem(command) {
      checkAddItem(command);
      await handle(store, command.orderId, (state) => decideAddItem(state, command));
    },
    stored: () => stored(place),
    close,
  };
}

async function hydrator(place: Place): Promise<Hydrator> {
  const { store, close } = await open(place);
  return {
    load: async (orderId) =>
      (await store.aggregateStream<OrderState, OrderEvent>(orderId, { evolve, initialState: newOrder })).state,
    close,
  };
}

const summaries = `CREATE TABLE IF NOT EXISTS summaries (
  order_id text PRIMARY KEY, customer_id text NOT NULL, items integer NOT NULL, total integer NOT NULL)`;

async function applyToRow(event: ReadEvent<OrderEvent>, pool: pg.Pool): Promise<void> {
  if (event.type === "OrderPlaced") {
    const { orderId, customerId, itemCount, total } = event.data;
    await pool.query({
      name: "placed",
      text: "INSERT INTO summaries VALUES ($1, $2, $3, $4)",
      values: [orderId, customerId, itemCount, total],
    });
  } else {
    const { orderId, quantity, unitPrice } = event.data;
    const text = "UPDATE summaries SET items = items + $1, total = total + $2 WHERE order_id = $3";
    await pool.query({ name: "added", text, values: [quantity, quantity * unitPrice, orderId] });
  }
}

/** Its own consumer, with batches of 1,000 instead of 100 and a pause of 1 ms after each instead of 50. */
function consumerOf({ store, pool }: Opened, applied: () => void, isOver: () => boolean) {
  const consumer = store.consumer<OrderEvent>({ pulling: { batchSize: 1_000, pullingFrequencyInMs: 1 } });
  consumer.reactor<OrderEvent>({
    processorId: "summaries",
    startFrom: "BEGINNING",
    stopAfter: isOver,
    eachMessage: async (event) => {
      await applyToRow(event, pool);
      applied();
    },
  });
  return consumer;
}

async function catchUp(place: Place): Promise<CatchUp> {
  const opened = await open(place);
  await opened.pool.query(summaries);
  return {
    async run(deadline) {
      let applied = 0;
      const isOver = (): boolean => applied === catchUpEvents || performance.now() > deadline;
      await consumerOf(opened, () => applied++, isOver).start();
      return applied;
    },
    async rows() {
      const text = 'SELECT order_id AS "orderId", customer_id AS "customerId", items, total FROM summaries';
      return (await opened.pool.query<OrderSummary>(text)).rows;
    },
    close: opened.close,
  };
}

const findRow = { name: "find", text: "SELECT 1 FROM summaries WHERE order_id = $1" };

async function visibility(place: Place): Promise<Visibility> {
  const opened = await open(place);
  await opened.pool.query(summaries);
  void consumerOf(
    opened,
    () => {},
    () => false,
  ).start();
  const handle = CommandHandler<OrderState, OrderEvent>({ evolve, initialState: newOrder });
  return {
    async placeAndSee(command) {
      await handle(opened.store, command.orderId, (state) => decidePlaceOrder(state, command));
      const find = { ...findRow, values: [command.orderId] };
      while ((await opened.pool.query(find)).rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    close: opened.close,
  };
}

async function seed(place: Place): Promise<void> {
  const { store } = await open(place);
  for (const { orderId, events } of historyOf(place.history)) await store.appendToStream(orderId, events);
}

export const contestants: Contestant[] = [
  {
    name: "emmett-postgres",
    store: "postgres",
    durability: async (place) => `${await durabilityOf(place)}, a pool of 16`,
    seed,
    appender,
    commandRunner,
    hydrator,
    catchUp,
    visibility,
  },
];
