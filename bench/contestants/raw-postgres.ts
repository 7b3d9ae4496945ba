/** The driver `pg`, prepared statements, and nothing else; `page` has the server put a stream's events into one row. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Appender, Contestant, Hydrator, Place } from "../contestant.ts";
import { historyOf } from "../history.ts";
import { evolve, newOrder, type OrderEvent } from "../order.ts";
import { countOf, createTables, durabilityOf, onClient } from "./raw-postgres-tables.ts";

/** More connections are slower where client and server share two cores. */
const connections = 16;

const insert = {
  name: "insert",
  text: "INSERT INTO events (id, stream, version, type, data) VALUES ($1, $2, $3, $4, $5)",
};
const rows = {
  name: "rows",
  text: "SELECT type, data::text FROM events WHERE stream = $1 ORDER BY version",
  rowMode: "array",
} as const;
const page = {
  name: "page",
  text: `SELECT string_agg(type, ','), '[' || string_agg(data::text, ',') || ']'
    FROM (SELECT type, data FROM events WHERE stream = $1 ORDER BY version) AS e`,
  rowMode: "array",
} as const;

async function appender(place: Place): Promise<Appender> {
  await createTables(place);
  const pool = new pg.Pool({ connectionString: place.database, max: connections });
  return {
    append: (orderId, { type, data }) =>
      pool.query({ ...insert, values: [randomUUID(), orderId, 0, type, JSON.stringify(data)] }),
    stored: () => countOf(place, "events"),
    close: () => pool.end(),
  };
}

async function hydratorOfRows(place: Place): Promise<Hydrator> {
  const pool = new pg.Pool({ connectionString: place.database, max: 1 });
  return {
    async load(orderId) {
      const state = newOrder();
      const result = await pool.query<[string, string]>({ ...rows, values: [orderId] });
      for (const [type, data] of result.rows) evolve(state, { type, data: JSON.parse(data) } as OrderEvent);
      return state;
    },
    close: () => pool.end(),
  };
}

async function hydratorOfPages(place: Place): Promise<Hydrator> {
  const pool = new pg.Pool({ connectionString: place.database, max: 1 });
  return {
    async load(orderId) {
      const state = newOrder();
      const result = await pool.query<[string, string]>({ ...page, values: [orderId] });
      const [typeList, json] = result.rows[0] as [string, string];
      const types = typeList.split(",");
      const payloads = JSON.parse(json) as unknown[];
      for (const [at, data] of payloads.entries()) evolve(state, { type: types[at], data } as OrderEvent);
      return state;
    },
    close: () => pool.end(),
  };
}

const seedRows = `INSERT INTO events (id, stream, version, type, data)
  SELECT gen_random_uuid(), stream, version, type, data
  FROM json_to_recordset($1) AS e (stream text, version integer, type text, data json)`;

async function seed(place: Place): Promise<void> {
  await createTables(place);
  await onClient(place, async (client) => {
    for (const { orderId, version, events } of historyOf(place.history)) {
      const written = events.map((event, at) => ({ ...event, stream: orderId, version: version + at }));
      await client.query(seedRows, [JSON.stringify(written)]);
    }
  });
}

export const contestants: Contestant[] = [
  {
    name: "raw-postgres",
    store: "postgres",
    raw: true,
    durability: async (place) => `${await durabilityOf(place)}, a pool of ${connections}`,
    seed,
    appender,
    hydrator: hydratorOfRows,
  },
  { name: "raw-postgres-page", store: "postgres", durability: durabilityOf, seed, hydrator: hydratorOfPages },
];
