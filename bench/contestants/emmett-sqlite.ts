/**
 * Emmett on SQLite. As it comes it opens a connection for each operation; the `shared` contestant gives it one connection
 * for all, which its pool allows and which is faster. But then concurrent operations join the transaction that happens to
 * be open (a counter in its connection), and are acknowledged before anyone commits it.
 */

import { join } from "node:path";
import { CommandHandler, type ReadEvent, STREAM_DOES_NOT_EXIST } from "@event-driven-io/emmett";
import {
  getSQLiteEventStore,
  type SQLiteConnection,
  type SQLiteEventStore,
  sqliteConnection,
} from "@event-driven-io/emmett-sqlite";
import type { Appender, CatchUp, CommandRunner, Contestant, Hydrator, Place } from "../contestant.ts";
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

type Opened = { store: SQLiteEventStore; close: () => Promise<void> };
type Open = (place: Place) => Promise<Opened>;

const fileOf = (place: Place): string => join(place.directory, "emmett.db");

const openAsItComes: Open = async (place) => {
  const store = getSQLiteEventStore({ fileName: fileOf(place) });
  await store.schema.migrate();
  return { store, close: async () => {} };
};

const openShared: Open = async (place) => {
  const { store, connection } = await share(place);
  return { store, close: async () => connection.close() };
};

async function share(place: Place) {
  const fileName = fileOf(place);
  const connection = sqliteConnection({ fileName });
  const store = getSQLiteEventStore({ fileName, connectionOptions: { singleton: true, connection } });
  await store.schema.migrate();
  return { store, connection };
}

/** A connection of its own, closed again, so that the store as it comes runs without one that stays open. */
async function look<Result>(place: Place, at: (connection: SQLiteConnection) => Promise<Result>): Promise<Result> {
  const connection = sqliteConnection({ fileName: fileOf(place) });
  const result = await at(connection);
  connection.close();
  return result;
}

const stored = (place: Place): Promise<number> =>
  look(place, async (connection) => {
    const row = await connection.querySingle<{ stored: number }>("SELECT count(*) AS stored FROM emt_messages");
    return row?.stored ?? 0;
  });

const appender =
  (open: Open) =>
  async (place: Place): Promise<Appender> => {
    const { store, close } = await open(place);
    return {
      append: (orderId, event) =>
        store.appendToStream(orderId, [event], { expectedStreamVersion: STREAM_DOES_NOT_EXIST }),
      stored: () => stored(place),
      close,
    };
  };

const commandRunner =
  (open: Open) =>
  async (place: Place): Promise<CommandRunner> => {
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
  };

const hydrator =
  (open: Open) =>
  async (place: Place): Promise<Hydrator> => {
    const { store, close } = await open(place);
    return {
      load: async (orderId) =>
        (await store.aggregateStream<OrderState, OrderEvent>(orderId, { evolve, initialState: newOrder })).state,
      close,
    };
  };

const summaries = `CREATE TABLE IF NOT EXISTS summaries (
  order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, items INTEGER NOT NULL, total INTEGER NOT NULL)`;

const selectSummaries = 'SELECT order_id AS "orderId", customer_id AS "customerId", items, total FROM summaries';

async function applyToRow(event: ReadEvent<OrderEvent>, connection: SQLiteConnection): Promise<void> {
  if (event.type === "OrderPlaced") {
    const { orderId, customerId, itemCount, total } = event.data;
    await connection.command("INSERT INTO summaries VALUES (?, ?, ?, ?)", [orderId, customerId, itemCount, total]);
  } else {
    const { orderId, quantity, unitPrice } = event.data;
    const update = "UPDATE summaries SET items = items + ?, total = total + ? WHERE order_id = ?";
    await connection.command(update, [quantity, quantity * unitPrice, orderId]);
  }
}

/** Its own consumer, with batches of 1,000 instead of 100 and a pause of 1 ms after each instead of 50. */
const catchUp =
  (open: Open) =>
  async (place: Place): Promise<CatchUp> => {
    const { store, close } = await open(place);
    await look(place, (connection) => connection.command(summaries));
    return {
      async run(deadline) {
        let applied = 0;
        const consumer = store.consumer<OrderEvent>({ pulling: { batchSize: 1_000, pullingFrequencyInMs: 1 } });
        consumer.processor<OrderEvent>({
          processorId: "summaries",
          startFrom: "BEGINNING",
          stopAfter: () => applied === catchUpEvents || performance.now() > deadline,
          eachMessage: async (event, context) => {
            await applyToRow(event, context.connection);
            applied++;
          },
        });
        await consumer.start();
        return applied;
      },
      rows: () => look(place, (connection) => connection.query<OrderSummary>(selectSummaries)),
      close,
    };
  };

const durability = (place: Place): Promise<string> =>
  look(place, async (connection) => {
    const journal = await connection.querySingle<{ journal_mode: string }>("PRAGMA journal_mode");
    const mode = await connection.querySingle<{ synchronous: number }>("PRAGMA synchronous");
    const name = ["OFF", "NORMAL", "FULL", "EXTRA"][mode?.synchronous ?? -1];
    return `journal_mode=${journal?.journal_mode}, synchronous=${name} (read back)`;
  });

/** One transaction around all appends, or it would take minutes. */
async function seed(place: Place): Promise<void> {
  const { store, connection } = await share(place);
  await connection.withTransaction(async () => {
    for (const { orderId, events } of historyOf(place.history)) await store.appendToStream(orderId, events);
  });
  connection.close();
}

export const contestants: Contestant[] = [
  {
    name: "emmett-sqlite",
    store: "sqlite",
    durability,
    seed,
    appender: appender(openAsItComes),
    commandRunner: commandRunner(openAsItComes),
    hydrator: hydrator(openAsItComes),
    catchUp: catchUp(openAsItComes),
  },
  {
    name: "emmett-sqlite-shared",
    store: "sqlite",
    durability,
    seed,
    appender: appender(openShared),
    commandRunner: commandRunner(openShared),
    hydrator: hydrator(openShared),
    catchUp: catchUp(openShared),
  },
];
