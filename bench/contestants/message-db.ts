/** Message DB: its `write_message`, prepared, for orders of one category, as an application calls it. */
import { randomUUID } from "node:crypto";
import { setUp } from "nereus/message-db";
import pg from "pg";
import type { Appender, Contestant, Place } from "../contestant.ts";
import { countOf, durabilityOf } from "./raw-postgres-tables.ts";

const write = {
  name: "write",
  text: "SELECT message_store.write_message($1::varchar, $2::varchar, $3::varchar, $4::jsonb, NULL, $5::bigint)",
};

async function appender(place: Place): Promise<Appender> {
  const pool = new pg.Pool({
    connectionString: place.database,
    max: 16,
    options: "-c search_path=message_store,public",
  });
  await setUp({ pool });
  return {
    append: (orderId, { type, data }) =>
      pool.query({ ...write, values: [randomUUID(), `order-${orderId}`, type, JSON.stringify(data), -1] }),
    stored: () => countOf(place, "message_store.messages"),
    close: () => pool.end(),
  };
}

export const contestants: Contestant[] = [
  {
    name: "message-db",
    store: "postgres",
    durability: async (place) => `${await durabilityOf(place)}, one category`,
    appender,
  },
];
